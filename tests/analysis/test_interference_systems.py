"""Interference in every published system: mixed rows, one task a batch, regions, likeness to targets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import toy_uni_perceiver
import toy_unit

from motet.analysis.gradients import measurement_mode, trained_blocks
from motet.analysis.interference import Interference, directions_of, interference, probes_of
from motet.analysis.task_batches import TaskBatches
from motet.core import System
from motet.data.source import Source
from motet.nn.encoders import PlainViT
from motet.nn.feature_maps import GridOf
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import FromScratch
from motet.preprocess.regions import BoxGrid
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems import build_system
from motet.systems.lit_decoder import LiTDecoderConfig
from motet.systems.twelve_in_one import TwelveInOneConfig

VIT = PlainViT(size=16, patch=8, width=16, depth=1, heads=2)
LIT = LiTDecoderConfig(
    encoder=VIT, mode=FromScratch(), depth=2, width=16, heads=2, dropout=0.1, tokenizer=TrainedTokenizer(size=300)
)  # fmt: skip
TWELVE = TwelveInOneConfig(
    trunk=GridOf(VIT), mode=FromScratch(), grid=BoxGrid(sides=(0.6,), shapes=(0.67,), step=0.25),
    text=TinyBert(width=16, depth=2, heads=2, words=300), text_mode=FromScratch(), image_width=16, image_depth=1,
    image_heads=2, image_hidden=16, co_width=16, co_heads=2,
)  # fmt: skip


def measured(system: System, names: tuple[str, ...], rows: Any, make: Any, *, training: bool) -> Interference:
    """Two batches of four rows each way: of two, pairs may share a caption, which leaves nothing to tell apart."""
    sources = [Source(name=name, reader=rows(24), tasks=(make(name),)) for name in names]
    blocks = trained_blocks(system)
    drawn = {name: TaskBatches(system, sources, name, batch_size=4) for name in names}
    with measurement_mode(system, training=training):
        towards = [directions_of(system, name, drawn[name].take(0, 2), blocks) for name in names]
        probes = [probes_of(system, name, drawn[name].take(2, 4), blocks, towards) for name in names]
    return interference(names, towards, probes)


def lit_decoder() -> tuple[System, tuple[str, ...], Any, Any]:
    names = ("vqa", "entailed")
    torch.manual_seed(0)
    system = build_system(LIT, [toy_unit.task(name) for name in names], texts=lambda: ["a cat", "no dog"] * 3)
    # The output kernel starts at zero: nothing would reach what is before it.
    torch.nn.init.normal_(system.get_parameter("decoder.pieces.kernel"), std=0.2)
    return system, names, toy_unit.Rows, toy_unit.task


def twelve_in_one() -> tuple[System, tuple[str, ...], Any, Any]:
    names = ("vqa", "entailed")
    torch.manual_seed(0)
    system = build_system(TWELVE, [toy_unit.task(name) for name in names], texts=lambda: ["a cat", "no dog"] * 3)
    return system, names, toy_unit.Rows, toy_unit.task


def unit() -> tuple[System, tuple[str, ...], Any, Any]:
    names = ("boxes", "vqa")
    return toy_unit.system_of(*names), names, toy_unit.Rows, toy_unit.task


def uni_perceiver() -> tuple[System, tuple[str, ...], Any, Any]:
    names = ("class", "pairs", "masked")
    blocks = replace(toy_uni_perceiver.CONFIG.blocks, noise=1.0)
    system = toy_uni_perceiver.system_of(*names, blocks=blocks, frames=1, max_frames=1)
    return system, names, toy_uni_perceiver.Rows, toy_uni_perceiver.task


MADE = {"lit_decoder": lit_decoder, "twelve_in_one": twelve_in_one, "unit": unit, "uni_perceiver": uni_perceiver}
SHARED = {
    "lit_decoder": ("encoder", "layer1"), "twelve_in_one": ("regions", "poolers"),
    "unit": ("image_layer0", "decoder_layer1"), "uni_perceiver": ("mlp0", "similarity"),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_every_system_shares_blocks_in_which_all_tasks_pull(name: str) -> None:
    system, names, rows, make = MADE[name]()
    found = measured(system, names, rows, make, training=False)
    for block in SHARED[name]:
        assert found.touched(block) == names, block
    for numbers in found.blocks.values():
        own = np.diagonal(numbers.ratios)
        assert (own[np.isfinite(own)] == 1).all()
        assert (np.abs(numbers.cosines[np.isfinite(numbers.cosines)]) <= 1 + 1e-5).all()
    assert all(parameter.grad is None for parameter in system.parameters())
    again = measured(system, names, rows, make, training=False)
    block = SHARED[name][1]
    assert np.array_equal(found.blocks[block].ratios, again.blocks[block].ratios, equal_nan=True)


def test_words_alone_do_not_touch_what_sees_images() -> None:
    found = measured(*uni_perceiver(), training=True)
    assert found.touched("images") == ("class", "pairs")
    assert np.isnan(found.blocks["images"].ratios[2]).all()
