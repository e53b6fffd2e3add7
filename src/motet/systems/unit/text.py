"""The text encoder: BERT with a task token in front, and position embeddings for the decoder (section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.nn.parameter_names import parameter_name
from motet.nn.text_encoders import TextTower


class TextMemory(nn.Module):
    """BERT with a task token, whose states are the decoder's memory.

        memory = B bert([task; words]) without its first position;   positions = C p

    p are BERT's own position embeddings. The task token comes before the embedded words, after their norm and dropout,
    and has no position or type embedding of its own.

    Source: UniT, eq. 3; the official code, `forward_bert_with_task_idx`. B and C are not in the paper.

    Args:
        tower: the encoder.
        width: channels of the memory.
        tasks: names of the tasks with text; each has a token.
        task_token: whether tasks have tokens.
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
        """Returns the memory of one task, its position embeddings, and its padding mask.

        Args:
            ids: token ids.
            types: 0 for the first sentence, 1 for the second.
            valid: True on tokens that are not padding.
            task: its name.
            cls_only: keep the state of [CLS] only.
        """
        token = self.tokens[parameter_name(task)][None] if len(self.tokens) else None
        states = self.tower(ids, types, valid, token)[:, 0 if token is None else 1 :]
        length = 1 if cls_only else states.shape[1]
        positions = self.tower.encoder.positions(length)
        return self.out(states[:, :length]), self.out_positions(positions)[None], valid[:, :length]

    def separate_sentences(
        self, ids: Int[Tensor, "b t"], types: Int[Tensor, "b t"], valid: Bool[Tensor, "b t"]
    ) -> tuple[tuple[Float[Tensor, "b u d"], Float[Tensor, "1 u d"], Bool[Tensor, "b u"]], Float[Tensor, "b c"]]:
        """Returns the memory of sentences that are encoded one by one, without a task token, and a vector per row.

        The vector is what the linear probe reads: the mean state of the sentence, and zeros; or of a pair both means,
        their distance and their product in each channel.

        Args:
            ids: see `forward`.
            types: see `forward`.
            valid: see `forward`.
        """
        sides = sentence_sides(ids, types, valid)
        states = [self.tower(side, torch.zeros_like(side), known) for side, known in sides]
        return self.memory_of(states, [known for _, known in sides])

    def memory_of(
        self, states: Sequence[Float[Tensor, "b t d"]], valid: Sequence[Bool[Tensor, "b t"]]
    ) -> tuple[tuple[Float[Tensor, "b u d"], Float[Tensor, "1 u d"], Bool[Tensor, "b u"]], Float[Tensor, "b c"]]:
        """Returns what `separate_sentences` does, from the encoder's states of one or two sentences per row.

        Args:
            states: of the first sentences, and of the second ones if there are two per row.
            valid: False at padding.
        """
        means = [
            (state.float() * known[:, :, None]).sum(1) / known.sum(1, keepdim=True)
            for state, known in zip(states, valid, strict=True)
        ]
        if len(means) == 1:
            vectors = torch.cat([means[0], *[torch.zeros_like(means[0])] * 3], dim=1)
        else:
            vectors = torch.cat([*means, (means[0] - means[1]).abs(), means[0] * means[1]], dim=1)
        positions = torch.cat([self.tower.encoder.positions(state.shape[1]) for state in states])
        joined = torch.cat(list(states), dim=1).to(self.out.weight.dtype)
        memory = self.out(joined), self.out_positions(positions)[None]
        return (*memory, torch.cat(list(valid), dim=1)), vectors

    def blocks(self) -> dict[str, list[nn.Module]]:
        """Returns its modules by name, from shallow to deep, without what belongs to one task."""
        model = self.tower.encoder.model
        layers = {f"text_layer{i}": [layer] for i, layer in enumerate(model.encoder.layer)}
        return {"words": [model.embeddings], **layers, "text_output": [self.out, self.out_positions]}


def sentence_sides(
    ids: Int[Tensor, "b t"], types: Int[Tensor, "b t"], valid: Bool[Tensor, "b t"]
) -> list[tuple[Int[Tensor, "b u"], Bool[Tensor, "b u"]]]:
    """Returns the first sentence of each row and, if there are pairs, the second: ids, and False at padding."""
    first, second = valid & (types == 0), valid & (types == 1)
    longest = int(first.sum(1).max())
    sides = [(ids[:, :longest], first[:, :longest])]
    if bool(second.any()):
        sides.append(_second_sentences(ids, first.sum(1), second.sum(1)))
    return sides


def _second_sentences(
    ids: Int[Tensor, "b t"], starts: Int[Tensor, "b"], lengths: Int[Tensor, "b"]
) -> tuple[Int[Tensor, "b u"], Bool[Tensor, "b u"]]:
    """Returns [CLS] and the second sentence of each pair, which starts after the first, and False at padding."""
    place = torch.arange(int(lengths.max()), device=ids.device)
    found = ids.gather(1, (starts[:, None] + place).clamp(max=ids.shape[1] - 1))
    return torch.cat([ids[:, :1], found], dim=1), torch.arange(len(place) + 1, device=ids.device) <= lengths[:, None]
