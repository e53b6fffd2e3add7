"""The trunk with its adapters: what runs once per batch, what is stored, frozen and shared."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from toy_vit_adapters import CONFIG, SPECS, SWIN, TRUNKS, batch_of, stirred, system_of

from motet.core import ConfigError
from motet.nn.tower import Finetune, Frozen
from motet.systems.vit_adapters import Adapters, FixedAffinities, Passing, SwinUnet, TimmTrunk
from motet.systems.vit_adapters.encoder import adapted_blocks
from motet.systems.vit_adapters.model import ViTAdapters
from motet.systems.vit_adapters.trunks import build_trunk

SMALL = Adapters(condition_width=12)
ENDS = replace(CONFIG.decoder, skips="end")


def runs_of(system: ViTAdapters) -> dict[tuple[int, int], int]:
    """How often each block of the trunk runs from now on."""
    counts = dict.fromkeys(system.encoder.order, 0)
    for at in counts:

        def count(*_: Any, at: tuple[int, int] = at) -> None:
            counts[at] += 1

        system.trunk.block(*at).mlp.register_forward_hook(count)
    return counts


def test_blocks_before_the_first_adapted_one_run_once_per_batch_and_the_others_once_per_task() -> None:
    system = system_of()
    counts = runs_of(system)
    system.losses(batch_of(system))
    assert counts == {at: len(SPECS) if at in system.encoder.adapted else 1 for at in counts}
    assert system.encoder.adapted == ((2, 0), (2, 1), (3, 0), (3, 1))


def test_of_an_18_block_stage_the_last_four_are_adapted_and_all_of_the_last() -> None:
    options = {**SWIN, "depths": (2, 2, 18, 2)}
    trunk = build_trunk(TimmTrunk("swinv2_tiny_window8_256", 32, False, options), pretrained=False)
    assert adapted_blocks(trunk, Adapters()) == ((2, 14), (2, 15), (2, 16), (2, 17), (3, 0), (3, 1))
    with pytest.raises(ConfigError, match=r"blocks: got .*; want indices of blocks"):
        adapted_blocks(trunk, Adapters(blocks=((), (), (18,), ())))
    with pytest.raises(ConfigError, match=r"blocks: got .*; want indices of blocks"):
        adapted_blocks(trunk, Adapters(blocks=((), (), ())))


def test_what_is_shared_comes_back_from_one_tensor() -> None:
    for trunk in TRUNKS.values():
        system = system_of("segment", trunk=trunk, adapters=replace(SMALL, bottleneck=Passing(everywhere=True))).eval()
        begun = system.encoder.run_shared(batch_of(system).inputs["pixels"])
        again = system.encoder.unpack(system.encoder.pack(begun))
        assert all(torch.equal(a, b) for a, b in zip(begun.tensors(), again.tensors(), strict=True))


@torch.no_grad()
def test_a_state_of_some_rows_is_the_state_of_those_rows() -> None:
    system = system_of("segment").eval()
    pixels = batch_of(system).inputs["pixels"]
    state = system.encoder.run_shared(pixels)
    some, alone = state.rows(torch.tensor([0, 2])), system.encoder.run_shared(pixels[[0, 2]])
    for ours, theirs in zip(some.tensors(), alone.tensors(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_frozen_trunk_trains_the_parts_that_are_unfrozen() -> None:
    system = system_of("depth", "segment", unfrozen=("patch embedding", "adapted blocks"))
    trained = {name for name, parameter in system.trunk.named_parameters() if parameter.requires_grad}
    assert any("patch_embed" in name for name in trained)
    assert {".".join(name.split(".")[1:5]) for name in trained if ".blocks." in name} == {
        f"layers.{stage}.blocks.{index}" for stage, index in system.encoder.adapted
    }
    assert not any(".norm1." in name or ".norm2." in name for name in trained), "replaced norms are not read"


def test_bitfit_trains_the_biases_of_the_trunk_alone() -> None:
    system = system_of("segment", adapters=None, affinities=FixedAffinities(), unfrozen=("biases",))
    trained = {name for name, parameter in system.trunk.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, _ in system.trunk.named_parameters() if name.endswith("bias")}
    assert len(trained) > 10
    assert system.encoder_key() is None, "features of a trunk that is trained are not stored"
    system.losses(batch_of(system)).tasks["segment"].total.backward()
    read = [name for name, parameter in system.trunk.named_parameters() if parameter.grad is not None]
    assert set(read) == trained


def test_shared_blocks_are_disjoint_and_hold_what_all_tasks_train() -> None:
    system = system_of("depth", "segment", mode=Finetune(0.1))
    blocks = system.shared_blocks()
    ids = [id(parameter) for block in blocks.values() for parameter in block]
    assert len(set(ids)) == len(ids)
    own = ("decoders.", "heads.")
    shared = {id(p) for name, p in system.named_parameters() if p.requires_grad and not name.startswith(own)}
    assert set(ids) == shared
    assert list(blocks)[:5] == ["patches", "stage0", "stage1", "stage2", "stage3"]
    assert system_of("depth").shared_blocks() == {}


@torch.no_grad()
@pytest.mark.parametrize("trunk", TRUNKS)
def test_maps_at_the_end_of_stages_hold_what_adapters_of_these_stages_wrote(trunk: str) -> None:
    """With the maps at the start of the stages no adapter of a stage reaches its own map, and none the finest."""
    for skips, touched in (("start", [False, True, True]), ("end", [True, True, True])):
        decoder = replace(CONFIG.decoder, skips=skips)
        config: dict[str, Any] = {
            "adapters": replace(SMALL, blocks="all"), "affinities": FixedAffinities(), "decoder": decoder,
        }  # fmt: skip
        system = stirred(system_of("segment", "depth", trunk=TRUNKS[trunk], **config)).eval()
        state = system.encoder.run_shared(batch_of(system).inputs["pixels"])
        one, other = (system.encoder.run_task(state, system.condition(name)) for name in ("segment", "depth"))
        changed = [not torch.allclose(a, b) for a, b in zip(one.skips, other.skips, strict=True)]
        assert changed == touched
        assert [tuple(m.shape[1:3]) for m in one.skips] == [level.grid_hw for level in system.trunk.levels[:-1]]


def test_maps_at_the_end_of_frozen_stages_are_stored_with_the_rest() -> None:
    for blocks in (None, "all", ((), (0,), (), ())):
        system = system_of("segment", adapters=replace(SMALL, blocks=blocks), decoder=ENDS).eval()
        begun = system.encoder.run_shared(batch_of(system).inputs["pixels"])
        again = system.encoder.unpack(system.encoder.pack(begun))
        assert all(torch.equal(a, b) for a, b in zip(begun.tensors(), again.tensors(), strict=True))
    ends = system_of("segment", adapters=SMALL, decoder=ENDS, mode=Frozen())
    starts = system_of("segment", adapters=SMALL, mode=Frozen())
    assert ends.encoder_key() != starts.encoder_key(), "features of one are not read by the other"


def test_other_skips_and_blocks_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"SwinUnet\.skips: got 'middle'; want 'start' or 'end'"):
        SwinUnet(skips="middle")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"Adapters\.blocks: got 'most'"):
        Adapters(blocks="most")  # type: ignore[arg-type]
