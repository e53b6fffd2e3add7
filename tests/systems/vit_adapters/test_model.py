"""The whole system: trained weights, task affinities, conditions and options."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from toy_vit_adapters import CONFIG, TRUNKS, batch_of, row, stirred, system_of

from motet.core import Batch, ConfigError, rng_for
from motet.nn.tower import Finetune
from motet.systems.vit_adapters import Adapters, FixedAffinities, Passing, SwinUnet, Troa
from motet.systems.vit_adapters.model import ViTAdapters

SMALL = Adapters(condition_width=12)


def whole(system: ViTAdapters, batch: Batch) -> torch.Tensor:
    losses = system.losses(batch)
    return torch.stack([loss.total / loss.weight for loss in losses.tasks.values()]).sum()


@pytest.mark.parametrize("trunk", TRUNKS)
def test_fresh_adapters_without_a_bottleneck_leave_every_trunk_as_it_was(trunk: str) -> None:
    changed = system_of("segment", trunk=TRUNKS[trunk], adapters=replace(SMALL, bottleneck=None)).eval()
    plain = system_of("segment", trunk=TRUNKS[trunk], adapters=None, affinities=FixedAffinities()).eval()
    plain.trunk.load_state_dict(changed.trunk.state_dict())
    pixels = batch_of(changed).inputs["pixels"]
    ours = changed.encoder.run_task(changed.encoder.run_shared(pixels), changed.condition("segment")).last
    theirs = plain.encoder.run_task(plain.encoder.run_shared(pixels), None).last
    assert torch.allclose(ours, theirs, atol=1e-5)
    # And the blocks, run one by one, are timm's model.
    found, last = plain.trunk.model.forward_features(pixels), len(plain.trunk.stages) - 1
    grid = found.permute(0, 2, 3, 1) if trunk.startswith("pvt") else plain.trunk.grid(last, found)
    assert torch.allclose(plain.trunk.level(last, plain.norm(grid)), theirs, atol=1e-4)


@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("attention", ["block", "full"])
def test_every_trunk_trains_its_adapters_and_nothing_of_itself(trunk: str, attention: Any) -> None:
    adapters = replace(SMALL, attention=attention, norm="weight and bias", bottleneck=Passing(everywhere=True))
    system = stirred(system_of("depth", "segment", trunk=TRUNKS[trunk], adapters=adapters))
    whole(system, batch_of(system, 2)).backward()
    for name, parameter in system.named_parameters():
        assert parameter.requires_grad is not name.startswith("trunk.")
        assert (parameter.grad is not None) is parameter.requires_grad, name
        # A window of one place looks at itself whatever is added.
        one_place = ".bias." in name or "relative_position" in name or "own." in name
        assert not parameter.requires_grad or one_place or float(parameter.grad.abs().sum()) > 0, name


def test_tasks_are_told_what_their_row_of_the_affinities_says() -> None:
    system = system_of("segment", "depth")
    assert system.adapters is not None
    first, second = system.adapters.embeddings["segment"], system.adapters.embeddings["depth"]
    condition = system.condition("segment")
    assert condition is not None
    assert torch.allclose(condition[0], (first + second) / 2)
    assert system.task_weights() == {"segment": 1.0, "depth": 1.0}
    system.affinities.copy_(torch.tensor([[0.7, 0.3], [0.4, 0.6]]))
    told = system.condition("segment")
    assert told is not None
    assert torch.allclose(told[0], 0.7 * first + 0.3 * second)
    assert system.task_weights() == pytest.approx({"segment": 1.1, "depth": 0.9})
    one = system_of("segment", "depth", affinities=FixedAffinities("one-hot")).condition("depth")
    assert one is not None
    assert torch.equal(one[0], second)


@pytest.mark.parametrize("gradients", ["parameters", "activations"])
def test_affinities_move_by_gradients_every_so_many_steps_and_a_task_holds_to_itself(gradients: Any) -> None:
    system = stirred(system_of("segment", "depth", "normals", affinities=Troa(every=5, gradients=gradients)))
    start, batch = system.affinities.clone(), batch_of(system)
    for step in (0, 1, 4):
        system.refresh([batch], step)
        assert torch.equal(system.affinities, start)
    system.refresh([batch], 5)
    assert system.training
    assert all(parameter.grad is None for parameter in system.parameters())
    assert torch.allclose(system.affinities.sum(1), torch.ones(3))
    assert (system.affinities.argmax(1) == torch.arange(3)).all()
    literal = stirred(system_of("segment", "depth", "normals", affinities=Troa(every=5, sign=-1, gradients=gradients)))
    literal.refresh([batch], 5)
    assert (literal.affinities.argmin(1) == torch.arange(3)).all()


def test_a_batch_in_two_halves_moves_them_as_one() -> None:
    one, two = (stirred(system_of("segment", "depth", affinities=Troa(every=1))) for _ in range(2))
    tasks = tuple(one.tasks.values())
    rows = [one.processor.row(row(i), tasks, rng_for("row", i)) for i in range(4)]
    one.refresh([one.processor.collate(rows, keep_annotations=False)], 1)
    two.refresh([two.processor.collate(part, keep_annotations=False) for part in (rows[:1], rows[1:])], 1)
    assert torch.allclose(one.affinities, two.affinities, atol=1e-5)


def test_tasks_without_rows_keep_their_affinities() -> None:
    system = stirred(system_of("segment", "depth", "normals", affinities=Troa(every=1)))
    batch = batch_of(system)
    kept = {name: target for name, target in batch.targets.items() if name != "normals"}
    system.refresh([Batch(batch.ids, batch.inputs, kept)], 1)
    assert torch.allclose(system.affinities[2], torch.full((3,), 1 / 3))
    assert torch.allclose(system.affinities[:, 2], torch.full((3,), 1 / 3))
    assert system.affinities[0, 0] > system.affinities[0, 1]
    system.refresh([], 2)
    assert torch.allclose(system.affinities.sum(1), torch.ones(3))


def test_shuffled_affinities_have_the_same_values_in_another_order() -> None:
    system = stirred(system_of("segment", "depth", "normals", affinities=Troa(every=1, shuffled=True)))
    system.refresh([batch_of(system)], 3)
    read = system.affinities.gather(1, system.order)
    assert torch.allclose(read.sort(1).values, system.affinities.sort(1).values)
    assert not torch.equal(system.order, torch.arange(3).repeat(3, 1))
    assert system.task_weights() == pytest.approx(dict(zip(system.tasks, read.sum(0).tolist(), strict=True)))


def test_norms_begin_as_those_that_came_from_another_run_unless_they_came_themselves() -> None:
    system = stirred(system_of("depth"))
    assert system.adapters is not None
    system.started(["adapters.blocks.2_0.norm1.weight", "adapters.blocks.2_0.norm1.bias", "trunk.model.norm.weight"])
    for key, adapter in system.adapters.blocks.items():
        stage, index = (int(part) for part in key.split("_"))
        for place, norm in enumerate(system.trunk.norms(stage, index), 1):
            begun = getattr(adapter, f"norm{place}")
            came = (key, place) == ("2_0", 1)
            assert torch.equal(begun.weight, norm.weight) is not came
            assert torch.equal(begun.bias, norm.bias) is not came


def test_all_weights_are_trained_without_adapters() -> None:
    system = system_of("depth", "segment", adapters=None, affinities=FixedAffinities(), mode=Finetune(1.0))
    whole(system, batch_of(system)).backward()
    assert all(parameter.requires_grad for parameter in system.parameters())
    assert {"patches", "stage0", "stage1", "stage2", "stage3", "norm"} <= set(system.shared_blocks())


@torch.no_grad()
def test_a_row_of_one_kind_of_annotation_adds_to_no_other_loss() -> None:
    system = system_of("depth", "segment").eval()
    both, alone = system.losses(batch_of(system, 3)), system.losses(batch_of(system, 2))
    assert float(both.tasks["depth"].total) == pytest.approx(float(alone.tasks["depth"].total), rel=1e-5)
    assert float(both.tasks["segment"].weight) > float(alone.tasks["segment"].weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"adapters": None}, "affinities: got Troa"),
        ({"unfrozen": ("head",)}, "unfrozen: got"),
        ({"unfrozen": ("patch embedding",), "mode": Finetune()}, "trained as a whole"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(CONFIG, **change)


def test_heads_that_do_not_divide_a_width_are_refused() -> None:
    with pytest.raises(ConfigError, match="heads: got 3"):
        system_of("depth", decoder=SwinUnet(width=4, heads=(1, 1, 3, 1)))


def test_the_papers_decoder_has_blocks_at_its_coarsest_level_too() -> None:
    system = system_of("depth", decoder=SwinUnet(width=4, depths=(1, 1, 1, 1), window=4)).eval()
    assert system.scores("depth", system.encoder.run_shared(batch_of(system, 2).inputs["pixels"])).shape == (
        2,
        1,
        32,
        32,
    )


def test_linear_layers_beside_the_trunk_begin_as_in_the_official_code() -> None:
    system = system_of(adapters=SMALL)
    assert system.adapters is not None
    drawn = {
        name: layer
        for part in ("adapters", "decoders")
        for name, layer in getattr(system, part).named_modules(prefix=part)
        if isinstance(layer, nn.Linear)
    }
    zero = {name for name in drawn if "film" in name}
    assert zero
    assert all(not weight.any() for name in zero for weight in drawn[name].parameters())
    drawn = {name: layer for name, layer in drawn.items() if name not in zero}
    assert {"bottlenecks", "merges", "expands", "joins", "blocks"} <= {
        part for name in drawn for part in name.split(".")
    }
    assert all(layer.bias is None or not layer.bias.any() for layer in drawn.values())
    weights = torch.cat([layer.weight.detach().flatten() for layer in drawn.values()])
    assert float(weights.std()) == pytest.approx(0.02, abs=0.001)


def test_adapters_have_a_rate_of_their_own() -> None:
    system = system_of(adapters=replace(SMALL, lr_scale=0.1))
    scales = {id(parameter): group["lr_scale"] for group in system.parameter_groups() for parameter in group["params"]}
    trained = {name: parameter for name, parameter in system.named_parameters() if parameter.requires_grad}
    for name, parameter in trained.items():
        assert scales[id(parameter)] == (0.1 if name.startswith("adapters.") else 1.0), name
    assert len(scales) == len(trained)
    with pytest.raises(ConfigError, match=r"Adapters.lr_scale: got 0.0; want a positive number"):
        Adapters(lr_scale=0.0)
