"""Pretrained vision-language models: an image-text-to-text model of transformers, tuned on all tasks at once."""

from motet.systems.vlm.config import VlmConfig as VlmConfig
