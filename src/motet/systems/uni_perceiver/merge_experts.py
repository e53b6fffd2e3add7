"""Merging of experts into plain matrices for one task: the same answers, at the cost of a model without experts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from motet.core import ConfigError, nearest
from motet.nn.experts import ConditionalLinear
from motet.nn.parameter_names import parameter_name
from motet.systems.uni_perceiver.layers import Block
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.systems.uni_perceiver.options import BY_DATA, Experts, MergedExperts
from motet.systems.uni_perceiver.routing import routing_key
from motet.systems.uni_perceiver.token_kinds import TokenKind, kinds_of

_LAYERS = ("qkv", "out", "up", "down")


@torch.no_grad()
def merge_experts(system: UniPerceiver, task: str) -> UniPerceiver:
    """Returns a Uni-Perceiver for one task, without experts and gates, with the predictions of this one.

    All tokens of one kind (the task's images, its texts, generated words, its targets) always go to the same experts,
    whose weighted sum is one matrix. Kinds with the same experts share it: with routing by task all do, and the result
    is a plain Uni-Perceiver.

    Source: Uni-Perceiver-MoE, section 3.3, "reparameterization".

    Args:
        system: with experts whose choice does not depend on the data.
        task: its name.

    Raises:
        ConfigError: no such task, no experts, or experts chosen by each token's state.
    """
    if task not in system.tasks:
        raise ConfigError(f"merge_experts: got task {task!r}; {nearest(task, system.tasks)}")
    blocks = system.config.blocks
    if not isinstance(blocks, Experts) or blocks.routing in BY_DATA:
        got = f"{blocks.routing!r} routing" if isinstance(blocks, Experts) else f"blocks {blocks!r}"
        raise ConfigError(f"merge_experts: got {got}; want experts chosen by modality, task or attribute")
    kinds = kinds_of(system.tasks[task])
    matrix_of = _matrices(blocks, kinds)
    plain = len(set(matrix_of.values())) == 1
    merged_blocks = None if plain else MergedExperts(matrix_of, blocks.where)
    config = replace(system.config.restrict((task,), ()), blocks=merged_blocks)
    merged = UniPerceiver(config, [system.tasks[task]], texts=tuple, assets=system.assets())
    own = system.state_dict()
    state: dict[str, Tensor] = {name: own[name] for name in merged.state_dict() if name in own}
    was_training = system.training
    system.eval()  # no noise on the choice of experts
    for index, block in enumerate(system.encoder.blocks):
        weights = _merged_weights(block, kinds, matrix_of)
        state |= {f"encoder.blocks.{index}.{name}": value for name, value in weights.items()}
    system.train(was_training)
    merged.load_state_dict(state, strict=True)
    return merged.to(system.device).eval()


def _matrices(blocks: Experts, kinds: Sequence[TokenKind]) -> dict[str, str]:
    """Returns by kind of token the name of its matrix: that of the first kind with the same experts."""
    firsts: dict[Hashable, str] = {}
    return {kind.name: firsts.setdefault(routing_key(blocks.routing, kind), kind.name) for kind in kinds}


def _merged_weights(block: Block, kinds: Sequence[TokenKind], matrix_of: dict[str, str]) -> dict[str, Tensor]:
    """Returns the weights of a block's projections, merged per matrix; none for a block without experts."""
    if block.attention_gate is None or block.mlp_gate is None:
        return {}
    state: dict[str, Tensor] = {}
    plain = len(set(matrix_of.values())) == 1
    firsts = [next(kind for kind in kinds if kind.name == name) for name in dict.fromkeys(matrix_of.values())]
    for name in _LAYERS:
        layer = getattr(block, name)
        assert isinstance(layer, ConditionalLinear)  # a block with gates
        gate = block.attention_gate if name in ("qkv", "out") else block.mlp_gate
        weight, bias = layer.merge(gate.of_kinds(firsts))
        for row, kind in enumerate(firsts):
            prefix = name if plain else f"{name}.layers.{parameter_name(kind.name)}"
            state |= {f"{prefix}.weight": weight[row], f"{prefix}.bias": bias[row]}
    return state
