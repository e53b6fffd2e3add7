"""Trunks of four families behind one interface: which blocks there are, and how each runs with an adapter in it."""

from motet.systems.vit_adapters.trunks.build import build_trunk as build_trunk
from motet.systems.vit_adapters.trunks.trunk import Trunk as Trunk
