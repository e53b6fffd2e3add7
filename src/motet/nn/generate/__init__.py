"""Autoregressive decoding for all systems that generate text: greedy, sampling, beam search, stochastic beam search."""

from motet.nn.generate.beam_search import BeamSearch as BeamSearch
from motet.nn.generate.fixed_beams import FixedBeams as FixedBeams
from motet.nn.generate.fixed_beams import fixed_beam_search as fixed_beam_search
from motet.nn.generate.output import GeneratedTokens as GeneratedTokens
from motet.nn.generate.sampling import Greedy as Greedy
from motet.nn.generate.sampling import Sampling as Sampling
from motet.nn.generate.step import DecodingState as DecodingState
from motet.nn.generate.step import SpecialIds as SpecialIds
from motet.nn.generate.step import StepModel as StepModel
from motet.nn.generate.strategies import Strategy as Strategy
from motet.nn.generate.strategies import generate as generate
