"""The LiT decoder (Beyer et al., 2023): a frozen image encoder, and one decoder that answers every task in words."""

from motet.nn.generate import BeamSearch as BeamSearch
from motet.nn.generate import Greedy as Greedy
from motet.nn.generate import Sampling as Sampling
from motet.systems.lit_decoder.config import LiTDecoderConfig as LiTDecoderConfig
from motet.systems.lit_decoder.decoding import Scoring as Scoring
from motet.systems.lit_decoder.feedforward import ConcatTokens as ConcatTokens
from motet.systems.lit_decoder.feedforward import FeedforwardConfig as FeedforwardConfig
from motet.systems.lit_decoder.feedforward import MapFrozen as MapFrozen
from motet.systems.lit_decoder.feedforward import MapReset as MapReset
from motet.systems.lit_decoder.feedforward import MeanToken as MeanToken
from motet.systems.lit_decoder.options import ByCategory as ByCategory
from motet.systems.lit_decoder.options import ByTask as ByTask
from motet.systems.lit_decoder.options import ByTaskPositions as ByTaskPositions
from motet.systems.lit_decoder.options import ClassStrings as ClassStrings
from motet.systems.lit_decoder.options import ClassTokens as ClassTokens
from motet.systems.lit_decoder.options import ConcatTexts as ConcatTexts
from motet.systems.lit_decoder.options import LinearProjection as LinearProjection
from motet.systems.lit_decoder.options import MapPooling as MapPooling
from motet.systems.lit_decoder.options import RandomText as RandomText
from motet.systems.lit_decoder.options import ScoredClasses as ScoredClasses
from motet.systems.lit_decoder.options import SplitCap as SplitCap
from motet.systems.lit_decoder.options import Unconditioned as Unconditioned
