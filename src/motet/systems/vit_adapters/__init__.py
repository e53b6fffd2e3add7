"""ViT adapters (Bhattacharjee et al., 2023): dense tasks on one frozen trunk, conditioned on task affinities."""

from motet.systems.vit_adapters.config import ViTAdaptersConfig as ViTAdaptersConfig
from motet.systems.vit_adapters.domains import Adaptation as Adaptation
from motet.systems.vit_adapters.options import Adapters as Adapters
from motet.systems.vit_adapters.options import DepthOutput as DepthOutput
from motet.systems.vit_adapters.options import FixedAffinities as FixedAffinities
from motet.systems.vit_adapters.options import Passing as Passing
from motet.systems.vit_adapters.options import SwinUnet as SwinUnet
from motet.systems.vit_adapters.options import TimmTrunk as TimmTrunk
from motet.systems.vit_adapters.options import Troa as Troa
