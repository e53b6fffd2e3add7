"""Uni-Perceiver with conditional mixture of experts: one likelihood for every task (NeurIPS 2022)."""

from motet.systems.uni_perceiver.config import UniPerceiverConfig as UniPerceiverConfig
from motet.systems.uni_perceiver.options import BASE as BASE
from motet.systems.uni_perceiver.options import LARGE as LARGE
from motet.systems.uni_perceiver.options import TINY as TINY
from motet.systems.uni_perceiver.options import Experts as Experts
from motet.systems.uni_perceiver.options import Folded as Folded
from motet.systems.uni_perceiver.options import Hiding as Hiding
from motet.systems.uni_perceiver.options import Learning as Learning
from motet.systems.uni_perceiver.options import Patches as Patches
from motet.systems.uni_perceiver.options import PromptTuning as PromptTuning
from motet.systems.uni_perceiver.options import Saying as Saying
from motet.systems.uni_perceiver.options import Separate as Separate
from motet.systems.uni_perceiver.options import Sizes as Sizes
