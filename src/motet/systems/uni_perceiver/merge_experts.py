"""Merging of experts into plain matrices for one task: the same answers, at the cost of a model without experts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from torch import Tensor

from motet.core import ConfigError, Task
from motet.nn.experts import ConditionalLinear
from motet.nn.parameter_names import parameter_name
from motet.systems.uni_perceiver.encoder import UnifiedEncoder
from motet.systems.uni_perceiver.layers import Block
from motet.systems.uni_perceiver.options import BY_DATA, Blocks, Experts, MergedExperts
from motet.systems.uni_perceiver.routing import routing_key
from motet.systems.uni_perceiver.token_kinds import TokenKind, kinds_of

_LAYERS = ("qkv", "out", "up", "down")


def merged_blocks(blocks: Blocks, task: Task) -> MergedExperts | None:
    """Returns the blocks of a model for one task, without experts and gates; None if plain blocks do.

    Raises:
        ConfigError: no experts, or experts chosen by each token's state.
    """
    matrix_of = _matrices(blocks, kinds_of(task))
    if len(set(matrix_of.values())) == 1:
        return None
    assert isinstance(blocks, Experts)  # `_matrices` raised
    return MergedExperts(matrix_of, blocks.where)


def merged_weights(encoder: UnifiedEncoder, blocks: Blocks, task: Task) -> dict[str, Tensor]:
    """Returns the weights of the encoder's layers that had experts, merged for one task, by their names in the system.

    The encoder is to be in eval mode, without noise on the choice of experts.
    """
    kinds = kinds_of(task)
    matrix_of = _matrices(blocks, kinds)
    return {
        f"encoder.blocks.{index}.{name}": value
        for index, block in enumerate(encoder.blocks)
        for name, value in _merged_layers(block, kinds, matrix_of).items()
    }


def _matrices(blocks: Blocks, kinds: Sequence[TokenKind]) -> dict[str, str]:
    """Returns by kind of token the name of its matrix: that of the first kind with the same experts."""
    if not isinstance(blocks, Experts) or blocks.routing in BY_DATA:
        got = f"{blocks.routing!r} routing" if isinstance(blocks, Experts) else f"blocks {blocks!r}"
        raise ConfigError(f"merge_experts: got {got}; want experts chosen by modality, task or attribute")
    firsts: dict[Hashable, str] = {}
    return {kind.name: firsts.setdefault(routing_key(blocks.routing, kind), kind.name) for kind in kinds}


def _merged_layers(block: Block, kinds: Sequence[TokenKind], matrix_of: dict[str, str]) -> dict[str, Tensor]:
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
