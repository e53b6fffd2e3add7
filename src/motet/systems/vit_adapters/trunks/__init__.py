"""Trunks of four families behind one interface: their stages and blocks, run with and without an adapter."""

from motet.systems.vit_adapters.trunks.build import build_trunk as build_trunk
from motet.systems.vit_adapters.trunks.trunk import Trunk as Trunk
