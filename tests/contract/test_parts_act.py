"""The part that each paper is about decides answers: exchanged or taken out, it changes them by a stated share.

A system can train well and pass every other test while its own part does nothing, and then no table of parts can show
anything. Every system here is trained for some seconds first, since at their start many parts are zeros.
"""

import copy
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from parts_act import shares_of_adapters, trained

from motet.core import System
from motet.recipes.vit_adapters import adapt, known, multitask, novel, small, tiny, transfer, trunk_of
from motet.systems.twelve_in_one.layers import CoAttentionLayer
from motet.systems.uni_perceiver.routing import Gate
from motet.systems.vit_adapters import Adapters, SwinUnet, ViTAdaptersConfig

LEAST = {"condition": 0.003, "adapters": 0.003, "last map": 0.002}
"""The least share of the spread of each task's scores that a part of the adapters decides, as root mean squares."""

DEAD = 1e-3
"""The share below which a part does nothing that a result could show."""


def config_of(run: Any) -> ViTAdaptersConfig:
    assert isinstance(run.system, ViTAdaptersConfig)
    return run.system


@pytest.mark.parametrize(
    ("recipe", "size", "steps", "rows"), [(tiny, 64, 30, 8), (multitask, 128, 12, 4)], ids=["tiny", "multitask"]
)
def test_adapters_decide_answers(recipe: Any, size: int, steps: int, rows: int) -> None:
    system, batch = trained(recipe(), size=size, steps=steps, batch_size=rows)
    for task, shares in shares_of_adapters(system, batch).items():
        for part, found in shares.items():
            assert found >= LEAST[part], f"{task}: the {part} decides {found:.1e} of the scores' spread"


def test_the_papers_wiring_at_this_size_is_what_the_test_would_catch() -> None:
    """Adapters in the last two stages, maps at their start, heads without bias, twice the learning rate."""
    run = tiny()
    config = replace(
        small(size=64, adapters=Adapters(condition_width=64, window=4, lr_scale=0.1)),
        trunk=trunk_of("swinv2", 64), decoder=SwinUnet(depths=(0, 1, 1, 1), window=4), depth=ViTAdaptersConfig().depth,
    )  # fmt: skip
    before = replace(run, system=config, train=replace(run.train, lr=3e-3))
    system, batch = trained(before, size=64, steps=30, batch_size=8)
    shares = shares_of_adapters(system, batch)
    assert all(shares[task]["condition"] < DEAD for task in shares)
    assert all(shares[task]["last map"] < DEAD for task in ("normals", "edges"))


def test_every_recipe_with_adapters_has_a_design_that_is_trained_here() -> None:
    """`real` needs data of its own and has `small()` too; `paper` and its kin are the paper's and keep its wiring."""
    assert config_of(multitask()) == small()
    for recipe in (novel, known, transfer, adapt):
        assert replace(config_of(recipe()), adapt=None) == small()
    assert replace(config_of(tiny()), mode=small().mode) == small(size=64)


# The other systems, on four rows that they have learned by heart: without the part their losses rise by at least this.
RISES = 0.3


@pytest.fixture(scope="module")
def contract() -> ModuleType:
    """Returns the contract suite's module, which has small systems, their rows and their training."""
    path = Path(__file__).with_name("test_systems.py")
    spec = importlib.util.spec_from_file_location("systems_of_the_contract_suite", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def learned(contract: ModuleType, name: str) -> System:
    system: System = contract.trained(contract.build(name), contract.CASES[name].steps)
    return system


@torch.no_grad()
def losses(contract: ModuleType, system: System) -> dict[str, float]:
    """Returns the loss of each task on the four rows, with its terms."""
    found = system.losses(contract.batch(system, train=False))
    sums = {name: float(loss.total / loss.weight.clamp(min=1)) for name, loss in found.tasks.items()}
    for (name, _), loss in found.terms.items():
        sums[name] += float(loss.total / loss.weight.clamp(min=1))
    return sums


def rise(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}


def test_the_lit_decoder_reads_the_image_and_the_prompt(contract: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    system: Any = learned(contract, "lit_decoder")
    before = losses(contract, system)
    hook = system.tower.register_forward_hook(lambda _module, _inputs, tokens: tokens.roll(1, 0))
    image = rise(before, losses(contract, system))
    hook.remove()
    assert all(more > RISES for more in image.values()), image
    # Classes and open answers are the same words on these rows, so only an exchange with another kind shows.
    prompts = dict(system.processor.sequences.prompts)
    exchanged = dict(zip(prompts, [*list(prompts.values())[1:], next(iter(prompts.values()))], strict=True))
    monkeypatch.setattr(system.processor.sequences, "prompts", exchanged)
    prompt = rise(before, losses(contract, system))
    assert min(prompt["text"], prompt["answer_closed"]) > RISES, prompt


def test_unit_finds_boxes_by_the_queries_of_the_task(contract: ModuleType) -> None:
    """The queries of its other tasks decide nothing here: each has a head of its own, and one answer per image."""
    system: Any = learned(contract, "unit")
    before = losses(contract, system)
    with torch.no_grad():
        for queries in system.queries.values():
            queries.zero_()
    assert rise(before, losses(contract, system))["boxes"] > RISES


def test_12_in_1_answers_by_co_attention(contract: ModuleType) -> None:
    system = learned(contract, "twelve_in_one")
    before, without = losses(contract, system), copy.deepcopy(system)
    with torch.no_grad():
        for layer in without.modules():
            if isinstance(layer, CoAttentionLayer):
                for parts in (layer.text_query_key_value, layer.image_query_key_value):
                    width = parts.out_features // 3
                    parts.weight[2 * width :] = 0  # the values that the other stream would read
                    parts.bias[2 * width :] = 0
    more = rise(before, losses(contract, without))
    assert min(more["match"], more["region"]) > RISES, more


def test_uni_perceivers_gates_decide_the_expert(contract: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    system = learned(contract, "uni_perceiver")
    before, best = losses(contract, system), Gate._best
    monkeypatch.setattr(Gate, "_best", lambda gate, logits: best(gate, logits.roll(1, -1)))
    more = rise(before, losses(contract, system))
    assert all(one > RISES for one in more.values()), more
