"""Vision-language models of transformers made from a configuration, a few thousand numbers each, without weights."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessor,
    Idefics3Processor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedTokenizerFast,
    SiglipImageProcessor,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)

SPECIAL = ("<pad>", "<s>", "</s>", "<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>")
TEXTS = ("it is all red", "it is all green", "it is all blue", "it is all grey", "label answer text what colour is it")
TEMPLATE = (
    "{% for m in messages %}User: {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{{ '\\n' }}{% endfor %}Assistant: "
)
VISION = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16,
    "patch_size": 4,
}  # fmt: skip
TEXT = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 2, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 256,
}  # fmt: skip


def tokenizer(texts: Iterable[str] = TEXTS) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokeniser trained on a few sentences."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        [*texts] * 5,
        trainers.BpeTrainer(
            vocab_size=330, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        additional_special_tokens=list(SPECIAL[3:]),
    )  # fmt: skip


@functools.cache
def folder(family: str) -> str:
    """A folder with a random model of a family, and its processor, as `save_pretrained` writes it."""
    path = Path(tempfile.mkdtemp(prefix=f"tiny-{family}-"))
    torch.manual_seed(0)
    model, processor = _made(family)
    model.save_pretrained(path)
    processor.save_pretrained(path)
    return str(path)


def _made(family: str) -> tuple[Any, Any]:
    words = tokenizer()
    vision = dict(VISION)
    match family:
        case "llava":
            text = dict(TEXT, model_type="llama", vocab_size=len(words))
            config = LlavaConfig(
                vision_config=dict(vision, model_type="siglip_vision_model"), text_config=text, image_token_id=3,
                vision_feature_layer=-1, vision_feature_select_strategy="full",
            )  # fmt: skip
            images = SiglipImageProcessor(size={"height": 16, "width": 16})
            processor = LlavaProcessor(
                images, words, patch_size=4, vision_feature_select_strategy="full", chat_template=TEMPLATE
            )
            return LlavaForConditionalGeneration(config), processor
        case "paligemma":
            images = SiglipImageProcessor(size={"height": 16, "width": 16})
            images.image_seq_length = 16
            processor = PaliGemmaProcessor(images, words)
            text = dict(TEXT, model_type="gemma", vocab_size=len(words), head_dim=16)
            config = PaliGemmaConfig(
                vision_config=dict(vision, model_type="siglip_vision_model", vision_use_head=False), text_config=text,
                image_token_id=words.convert_tokens_to_ids("<image>"), projection_dim=32, hidden_size=32,
            )  # fmt: skip
            return PaliGemmaForConditionalGeneration(config), processor
        case "idefics3" | "smolvlm":
            # A SmolVLMProcessor would need num2words; the first SmolVLMs come with an Idefics3Processor too.
            big = family == "idefics3"
            text = dict(TEXT, model_type="llama", vocab_size=len(words) + 5)
            config = (Idefics3Config if big else SmolVLMConfig)(
                vision_config=dict(VISION), text_config=text, image_token_id=3, scale_factor=2
            )
            sizes = {"size": {"longest_edge": 16}, "max_image_size": {"longest_edge": 16}, "do_image_splitting": False}
            processor = Idefics3Processor(
                Idefics3ImageProcessor(**sizes), words, image_seq_len=4, chat_template=TEMPLATE
            )
            return (Idefics3ForConditionalGeneration if big else SmolVLMForConditionalGeneration)(config), processor
        case other:
            raise ValueError(other)
