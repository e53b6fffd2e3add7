"""Experts folded into plain matrices for one task: the same answers, at the cost of a model without experts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from motet.core import ConfigError, nearest
from motet.nn.experts import ConditionalLinear
from motet.nn.parameter_names import parameter_name
from motet.systems.uni_perceiver.kinds import kinds_of
from motet.systems.uni_perceiver.layers import Block
from motet.systems.uni_perceiver.lines import Kind
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.systems.uni_perceiver.options import BY_DATA, Experts, MergedExperts

_LAYERS = ("qkv", "out", "up", "down")


@torch.no_grad()
def merged(system: UniPerceiver, task: str) -> UniPerceiver:
    """A Uni-Perceiver for one task, without experts and gates, that answers as this one does in evaluation.

    Each kind of token of the task (its pictures, its texts, words that are said, its targets) always goes to the same
    experts, whose sum is one matrix. Kinds that are routed alike share it: with routing by task all do, and what is
    left is a plain Uni-Perceiver.

    Source: Uni-Perceiver-MoE, section 3.3, "reparameterization".

    Args:
        system: with experts whose choice does not depend on data.
        task: its name.

    Raises:
        ConfigError: no such task, no experts, or experts chosen for each token.
    """
    if task not in system.tasks:
        raise ConfigError(f"merged: got task {task!r}; {nearest(task, system.tasks)}")
    blocks = system.config.blocks
    if not isinstance(blocks, Experts) or blocks.routing in BY_DATA:
        got = f"{blocks.routing!r} routing" if isinstance(blocks, Experts) else f"blocks {blocks!r}"
        raise ConfigError(f"merged: got {got}; want experts chosen by modality, task or attribute")
    kinds = kinds_of(system.tasks[task])
    groups = _groups(blocks, kinds)
    plain = len(set(groups.values())) == 1
    config = replace(system.config.restrict((task,), ()), blocks=None if plain else MergedExperts(groups, blocks.where))
    found = UniPerceiver(config, [system.tasks[task]], texts=tuple, assets=system.assets())
    own = system.state_dict()
    state: dict[str, Tensor] = {name: own[name] for name in found.state_dict() if name in own}
    was_training = system.training
    system.eval()  # no noise on the choice
    for place, block in enumerate(system.encoder.blocks):
        state |= {f"encoder.blocks.{place}.{name}": value for name, value in _folded(block, kinds, groups).items()}
    system.train(was_training)
    found.load_state_dict(state, strict=True)
    return found.to(system.device).eval()


def _groups(blocks: Experts, kinds: Sequence[Kind]) -> dict[str, str]:
    """Of each kind of token the name of its matrix: that of the first kind that is routed alike."""
    firsts: dict[object, str] = {}
    return {kind.name: firsts.setdefault(_route(blocks, kind), kind.name) for kind in kinds}


def _route(blocks: Experts, kind: Kind) -> object:
    """What the choice of experts depends on."""
    match blocks.routing:
        case "task":
            return kind.task
        case "modality":
            return kind.modality
        case _:
            return kind.attributes


def _folded(block: Block, kinds: Sequence[Kind], groups: dict[str, str]) -> dict[str, Tensor]:
    """The weights of a layer's projections, merged for each group; none of a layer that has no experts."""
    if block.attention_gate is None or block.mlp_gate is None:
        return {}
    state: dict[str, Tensor] = {}
    plain = len(set(groups.values())) == 1
    heads = [next(kind for kind in kinds if kind.name == name) for name in dict.fromkeys(groups.values())]
    for name in _LAYERS:
        layer = getattr(block, name)
        assert isinstance(layer, ConditionalLinear)  # a block with gates
        gate = block.attention_gate if name in ("qkv", "out") else block.mlp_gate
        weight, bias = layer.merge(gate.of_kinds(heads))
        for row, kind in enumerate(heads):
            at = name if plain else f"{name}.layers.{parameter_name(kind.name)}"
            state |= {f"{at}.weight": weight[row], f"{at}.bias": bias[row]}
    return state
