"""Input sequences: the special token, the tokens of a row's image or video, and those of its text."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import Batch, DataError, Match, Target, Task
from motet.nn.tower import Tower
from motet.preprocess.tokenizers import PAD
from motet.systems.uni_perceiver.embedding import Embedding
from motet.systems.uni_perceiver.sequences import Span, TokenSequences, generation_mask
from motet.systems.uni_perceiver.targets import is_visual
from motet.systems.uni_perceiver.token_kinds import image_kind, text_kind


@dataclass(frozen=True)
class InputSequences:
    """Builds input sequences from batches.

    Args:
        embedding: of the model.
        trunk: encoder whose features replace patches of pixels; None: there is none.
    """

    embedding: Embedding
    trunk: Tower | None

    def of_task(
        self, task: Task, batch: Batch, target: Target, features: Float[Tensor, "r f n c"] | None = None
    ) -> TokenSequences:
        """Returns the special token, then the image, then the text of a task's rows.

        Args:
            task: of the rows.
            batch: with the rows.
            target: the rows, and their texts.
            features: of the rows' images, if they are known (`trunk_features`).
        """
        rows, value = target.rows, target.value
        parts = [self.embedding.special_token(len(rows))]
        valid: Bool[Tensor, "b n"] | None = None
        spans: list[Span] = []
        if is_visual(task):
            images = None if features is None else self.embed_images(features, stored=True)
            parts.append(self.image_tokens(batch, rows) if images is None else images)
            spans.append(Span(1 + parts[1].shape[1], image_kind(task)))
        if "ids" in value and not isinstance(task.target, Match):
            ids = value["ids"][:, 0]
            before = 1 if not spans else 0
            parts.append(self.embedding.text(ids))
            spans.append(Span(before + ids.shape[1], text_kind(task)))
            real = ids != PAD
            valid = torch.cat([real.new_ones(len(ids), sum(p.shape[1] for p in parts[:-1])), real], 1)
        if not spans:
            spans.append(Span(1, text_kind(task)))
        return TokenSequences(torch.cat(parts, 1), tuple(spans), valid)

    def of_images(self, task: Task, tokens: Float[Tensor, "r n d"]) -> TokenSequences:
        """Returns the special token, then image or video tokens alone."""
        x = torch.cat([self.embedding.special_token(len(tokens)), tokens], 1)
        return TokenSequences(x, (Span(x.shape[1], image_kind(task)),))

    def with_text(self, task: Task, inputs: TokenSequences, ids: Int[Tensor, "b t"]) -> TokenSequences:
        """Returns inputs, then the words of a text, then as many special tokens, each of which predicts one word."""
        t = ids.shape[1]
        start, real, count = inputs.next_position(), ids != PAD, inputs.x.shape[1]
        specials = self.embedding.text(torch.full_like(ids, self.embedding.special), start)
        x = torch.cat([inputs.x, self.embedding.text(ids, start), specials], 1)
        valid = real.new_ones(len(ids), count) if inputs.valid is None else inputs.valid
        spans = (*inputs.spans, Span(2 * t, text_kind(task, causal=True)))
        mask = generation_mask(count, t).to(x.device)
        return TokenSequences(x, spans, torch.cat([valid, real, real], 1), mask, count)

    def trunk_features(self, batch: Batch, rows: Int[Tensor, "r"]) -> Float[Tensor, "r f n c"]:
        """Returns the trunk's features of some rows' images, which are one frame, or of the frames of their videos."""
        values, stored = self._image_values(batch, rows)
        return values if stored else self._encode(values)

    def image_tokens(self, batch: Batch, rows: Int[Tensor, "r"]) -> Float[Tensor, "r n d"]:
        """Returns the tokens of some rows' first images, or of their videos.

        Raises:
            DataError: a batch without images.
        """
        values, stored = self._image_values(batch, rows)
        return self.embed_images(values, stored=stored)

    def _image_values(self, batch: Batch, rows: Int[Tensor, "r"]) -> tuple[Float[Tensor, "r f *v"], bool]:
        """Returns frames of pixels, or of stored features, and whether they are features."""
        for name in ("features", "frame_features", "pixels", "frames"):
            if name in batch.inputs:
                values = batch.inputs[name][rows]
                return values if name.startswith("frame") else values[:, None], name.endswith("features")
        raise DataError(
            f"batch: got inputs {sorted(batch.inputs)}; want 'pixels', 'frames' or their features, for tasks with "
            "images or videos"
        )

    def embed_images(self, values: Float[Tensor, "r f *v"], *, stored: bool) -> Float[Tensor, "r n d"]:
        """Returns tokens of frames of pixels, or of stored features.

        Args:
            values: of frames; an image is one frame.
            stored: the values are features of the trunk, not pixels.
        """
        if self.trunk is not None and not stored:
            values, stored = self._encode(values), True
        return self.embedding.images(values, features=stored)

    def _encode(self, pixels: Float[Tensor, "r f *v"]) -> Float[Tensor, "r f n c"]:
        assert self.trunk is not None  # else patches of pixels are embedded
        tokens: Tensor = self.trunk(pixels.flatten(0, 1))
        return tokens.view(*pixels.shape[:2], *tokens.shape[1:])
