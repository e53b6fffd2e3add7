"""The text encoder: BERT with a task row in front, and positions for the decoder (section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.nn.parameter_names import parameter_name
from motet.nn.text_encoders import TextTower


class TextMemory(nn.Module):
    """Words to what the decoder reads.

        memory = B bert([task; words]) without its first place;   positions = C p

    p are BERT's own position embeddings. The task's row stands in front of the embedded words, after their norm and
    dropout, with no position or type of its own.

    Source: UniT, eq. 3; the official code, `forward_bert_with_task_idx`. B and C are not in the paper.

    Args:
        tower: the encoder.
        width: channels that the decoder reads.
        tasks: names of those that read; each has a row.
        task_token: whether they have.
    """

    def __init__(self, tower: TextTower, width: int, tasks: Sequence[str], *, task_token: bool = True) -> None:
        super().__init__()
        self.tower = tower
        self.out, self.out_positions = nn.Linear(tower.width, width), nn.Linear(tower.width, width)
        self.tokens = nn.ParameterDict(
            {parameter_name(name): torch.randn(tower.width) for name in tasks} if task_token else {}
        )

    def forward(
        self,
        ids: Int[Tensor, "b t"],
        types: Int[Tensor, "b t"],
        valid: Bool[Tensor, "b t"],
        task: str,
        *,
        cls_only: bool,
    ) -> tuple[Float[Tensor, "b u d"], Float[Tensor, "1 u d"], Bool[Tensor, "b u"]]:
        """The memory of one task, its positions, and which places are real.

        Args:
            ids: of the words.
            types: 0 for the first sentence, 1 for the second.
            valid: True on what is no padding.
            task: its name.
            cls_only: only the state of [CLS] is kept.
        """
        front = self.tokens[parameter_name(task)][None] if len(self.tokens) else None
        states = self.tower(ids, types, valid, front)[:, 0 if front is None else 1 :]
        kept = 1 if cls_only else states.shape[1]
        at = self.tower.encoder.positions(kept)
        return self.out(states[:, :kept]), self.out_positions(at)[None], valid[:, :kept]
