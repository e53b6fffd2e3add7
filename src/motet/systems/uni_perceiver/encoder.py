"""The one transformer that encodes inputs and targets of every modality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from motet.systems.uni_perceiver.layers import Block, KeyValueCache
from motet.systems.uni_perceiver.options import Blocks, EncoderSize
from motet.systems.uni_perceiver.sequences import Span, TokenSequences


@dataclass(frozen=True)
class Encoded:
    """The encoder's output.

    Args:
        states: of the tokens, without a last norm.
        caches: one per layer, for tokens that follow.
        load_balance: the load-balancing loss, mean over layers; None where routing does not depend on the data.
    """

    states: Float[Tensor, "b n d"]
    caches: tuple[KeyValueCache, ...]
    load_balance: Float[Tensor, ""] | None


class UnifiedEncoder(nn.Module):
    """A stack of blocks.

    Args:
        sizes: its width, depth, heads and hidden channels.
        blocks: the composition of its layers.
        tasks: names.
        layer_scale: see `Block`.
        drop_path: see `Block`; the same in all layers.
        prompts: see `Block`.
    """

    def __init__(
        self,
        sizes: EncoderSize,
        blocks: Blocks,
        tasks: Sequence[str],
        *,
        layer_scale: float | None = 1e-3,
        drop_path: float = 0.0,
        prompts: int = 0,
    ) -> None:
        super().__init__()
        self.blocks = cast(
            Sequence[Block],
            nn.ModuleList(
                Block(sizes, i, blocks, tasks, layer_scale=layer_scale, drop_path=drop_path, prompts=prompts)
                for i in range(sizes.depth)
            ),
        )

    def forward(self, sequences: TokenSequences) -> Encoded:
        """Encodes whole sequences."""
        x, attention_mask, context_mask = sequences.x, sequences.key_mask(), sequences.context_mask()
        caches: list[KeyValueCache] = []
        balances: list[Tensor] = []
        for block in self.blocks:
            x, cache, balance = block(
                x, sequences.spans, valid=sequences.valid, attention_mask=attention_mask, context_mask=context_mask
            )
            caches.append(cache)
            balances += [] if balance is None else [balance]
        return Encoded(x, tuple(caches), torch.stack(balances).mean() if balances else None)

    def extend(
        self,
        x: Float[Tensor, "b m d"],
        spans: Sequence[Span],
        attention_mask: Bool[Tensor, "m m"],
        caches: Sequence[KeyValueCache],
    ) -> tuple[Float[Tensor, "b m d"], tuple[KeyValueCache, ...]]:
        """Encodes tokens that follow others: each attends to all of those, and among the new ones as the mask allows.

        Returns:
            Their states, and per layer their own keys and values alone, for `KeyValueCache.append`.
        """
        added: list[KeyValueCache] = []
        for block, cache in zip(self.blocks, caches, strict=True):
            x, own, _ = block(x, spans, attention_mask=attention_mask[None, None], cache=cache)
            added.append(own)
        return x, tuple(added)
