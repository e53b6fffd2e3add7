"""What is given of a row: the special token, its pictures and its text as one sequence, and words said behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import Batch, DataError, Match, Target, Task
from motet.preprocess.tokenizers import PAD
from motet.systems.uni_perceiver.encoder import Encoded
from motet.systems.uni_perceiver.kinds import image_kind, text_kind
from motet.systems.uni_perceiver.lines import Line, Span, saying_mask
from motet.systems.uni_perceiver.targets import is_visual

if TYPE_CHECKING:
    from motet.systems.uni_perceiver.model import UniPerceiver


def given_line(system: UniPerceiver, task: Task, batch: Batch, target: Target) -> Line:
    """The special token, then the pictures, then the text: what is asked of a task's rows."""
    rows, value = target.rows, target.value
    parts = [system.embedding.start(len(rows))]
    valid: Bool[Tensor, "b n"] | None = None
    spans: list[Span] = []
    if is_visual(task):
        parts.append(seen(system, batch, rows))
        spans.append(Span(1 + parts[1].shape[1], image_kind(task)))
    if "ids" in value and not isinstance(task.target, Match):
        ids = value["ids"][:, 0]
        before = 1 if not spans else 0
        parts.append(system.embedding.text(ids))
        spans.append(Span(before + ids.shape[1], text_kind(task)))
        real = ids != PAD
        valid = torch.cat([real.new_ones(len(ids), sum(p.shape[1] for p in parts[:-1])), real], 1)
    if not spans:
        spans.append(Span(1, text_kind(task)))
    return Line(torch.cat(parts, 1), tuple(spans), valid)


def seen(system: UniPerceiver, batch: Batch, rows: Int[Tensor, "r"]) -> Float[Tensor, "r n d"]:
    """The tokens of some rows' first pictures, or of their videos.

    Raises:
        DataError: a batch without any.
    """
    inputs = batch.inputs
    for name in ("features", "frame_features", "pixels", "frames"):
        if name in inputs:
            values = inputs[name][rows]
            values = values if name.startswith("frame") else values[:, None]
            return embedded(system, values, stored=name.endswith("features"))
    raise DataError("batch: got no pictures; want some, for tasks that see them")


def embedded(system: UniPerceiver, values: Float[Tensor, "r f *v"], *, stored: bool) -> Float[Tensor, "r n d"]:
    """Tokens of pixels, or of what a frozen encoder made of them.

    Args:
        system: whose.
        values: of frames; a picture is one.
        stored: whether they are an encoder's features already.
    """
    if system.trunk is not None and not stored:
        tokens = system.encode(values.flatten(0, 1))
        values, stored = tokens.view(*values.shape[:2], *tokens.shape[1:]), True
    return system.embedding.images(values, features=stored)


def image_features(
    system: UniPerceiver, task: Task, tokens: Float[Tensor, "r n d"]
) -> tuple[Float[Tensor, "r d"], Encoded]:
    """Features of pictures or videos alone, from their tokens."""
    x = torch.cat([system.embedding.start(len(tokens)), tokens], 1)
    encoded = system.encoder(Line(x, (Span(x.shape[1], image_kind(task)),)))
    return system.similarity.features(encoded.states[:, 0]), encoded


def saying_line(system: UniPerceiver, task: Task, given: Line, words: Int[Tensor, "b t"]) -> Line:
    """What is given, then the words of a text, then as many special tokens, each of which says one word."""
    b, t = words.shape
    first, real = first_position(given), words != PAD
    places = system.embedding.text(torch.full_like(words, system.reader.special), first)
    x = torch.cat([given.x, system.embedding.text(words, first), places], 1)
    valid = real.new_ones(b, given.x.shape[1]) if given.valid is None else given.valid
    count = given.x.shape[1]
    spans = (*given.spans, Span(2 * t, text_kind(task, causal=True)))
    readable = saying_mask(count, t).to(x.device)
    return Line(x, spans, torch.cat([valid, real, real], 1), readable, count)


def first_position(given: Line) -> Int[Tensor, "b"] | None:
    """The position of the first word that is said: behind a question, where there is one."""
    if given.valid is None:
        return None
    asked = given.spans[-1].count - (len(given.spans) == 1)
    return given.valid[:, -asked:].sum(1)
