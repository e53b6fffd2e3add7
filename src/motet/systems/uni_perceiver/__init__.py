"""Uni-Perceiver with conditional mixture of experts: one likelihood for every task (NeurIPS 2022)."""

from motet.systems.uni_perceiver.config import UniPerceiverConfig as UniPerceiverConfig
from motet.systems.uni_perceiver.options import BASE as BASE
from motet.systems.uni_perceiver.options import LARGE as LARGE
from motet.systems.uni_perceiver.options import TINY as TINY
from motet.systems.uni_perceiver.options import EncoderSize as EncoderSize
from motet.systems.uni_perceiver.options import Experts as Experts
from motet.systems.uni_perceiver.options import GenerationConfig as GenerationConfig
from motet.systems.uni_perceiver.options import LossConfig as LossConfig
from motet.systems.uni_perceiver.options import MaskingConfig as MaskingConfig
from motet.systems.uni_perceiver.options import MergedExperts as MergedExperts
from motet.systems.uni_perceiver.options import Patches as Patches
from motet.systems.uni_perceiver.options import PromptTuning as PromptTuning
from motet.systems.uni_perceiver.options import TaskSpecificBlocks as TaskSpecificBlocks
