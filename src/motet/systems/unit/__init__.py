"""UniT (Hu and Singh, 2021): detection, visual questions, entailment and text classification in one transformer."""

from motet.systems.unit.config import UniTConfig as UniTConfig
from motet.systems.unit.options import DetectionConfig as DetectionConfig
from motet.systems.unit.options import FixedSize as FixedSize
from motet.systems.unit.options import ShortestSide as ShortestSide
from motet.systems.unit.options import TextLimits as TextLimits
