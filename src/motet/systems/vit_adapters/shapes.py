"""Sizes of a trunk's stages and of its blocks' attention."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage of a trunk.

    Args:
        width: channels of its feature map.
        grid_hw: rows and columns of the map.
        depth: number of blocks.
    """

    width: int
    grid_hw: tuple[int, int]
    depth: int


@dataclass(frozen=True)
class AttentionShape:
    """Heights and widths of the queries and keys of one block's attention.

    Args:
        queries_hw: height and width, in positions, of the queries: a window, or the whole map.
        keys_hw: height and width of the keys.
        takes_bias: whether a matrix can be added to the product of queries and keys.
    """

    queries_hw: tuple[int, int]
    keys_hw: tuple[int, int]
    takes_bias: bool = True
