"""12-in-1 (Lu et al., 2020): twelve tasks of vision and language on two transformers with co-attention."""

from motet.systems.twelve_in_one.config import TwelveInOneConfig as TwelveInOneConfig
from motet.systems.twelve_in_one.options import ReferringConfig as ReferringConfig
from motet.systems.twelve_in_one.options import RegionMasking as RegionMasking
