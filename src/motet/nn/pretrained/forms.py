"""The published forms of weights that are known, recognised by the names of the arrays in a file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from motet.core import CheckpointError


@dataclass(frozen=True)
class WeightForm:
    """A published form of weights: whose code wrote it, and the names by which it is recognised.

    Args:
        name: in messages and reports.
        source: the repository whose code writes the names.
        licence: of that code and its released weights, as its authors state it.
        marks: patterns of whole names; each must be in the file.
        without: patterns of names that a file of this form does not have.
    """

    name: str
    source: str
    licence: str
    marks: tuple[str, ...]
    without: tuple[str, ...] = ()

    def missing(self, names: Collection[str]) -> tuple[str, ...]:
        """Returns the marks that no name matches."""
        return tuple(mark for mark in self.marks if not _any(mark, names))

    def fits(self, names: Collection[str]) -> bool:
        """Returns whether a file with these names is of this form."""
        return not self.missing(names) and not any(_any(mark, names) for mark in self.without)


_APACHE, _BSD, _MIT = "Apache-2.0", "BSD-3-Clause", "MIT"
_TRANSFORMERS = "huggingface/transformers"
_BIG_VISION = "google-research/big_vision"
# Whole training checkpoints of big_vision, and files of older code, put the parameters under a name.
_PARAMS = r"(?:params/|opt/target/)?"

DETR = WeightForm(
    "DETR", "facebookresearch/detr", _APACHE,
    (
        r"(?:detr\.)?transformer\.encoder\.layers\.0\.self_attn\.in_proj_weight",
        r"(?:detr\.)?transformer\.decoder\.layers\.0\.multihead_attn\.in_proj_weight",
        r"(?:detr\.)?query_embed\.weight", r"(?:detr\.)?class_embed\.weight",
        r"(?:detr\.)?bbox_embed\.layers\.0\.weight", r"(?:detr\.)?input_proj\.weight",
    ),
)  # fmt: skip
HF_DETR = WeightForm(
    "DETR of transformers", _TRANSFORMERS, _APACHE,
    (
        r"model\.encoder\.layers\.0\.self_attn\.q_proj\.weight", r"model\.query_position_embeddings\.weight",
        r"model\.input_projection\.weight", r"class_labels_classifier\.weight", r"bbox_predictor\.layers\.0\.weight",
    ),
)  # fmt: skip
MMF_UNIT = WeightForm(
    "UniT of MMF", "facebookresearch/mmf", _BSD,
    (
        r"(?:unit_base_model|detr_model)\.transformer\.encoder\.layers\.0\..+",
        r"(?:unit_base_model|detr_model)\.query_embeds\..+",
    ),
)  # fmt: skip
VILBERT = WeightForm(
    "ViLBERT or 12-in-1", "facebookresearch/vilbert-multi-task", _MIT,
    (
        r"(?:module\.)?bert\.encoder\.c_layer\.0\.biattention\.query1\.weight",
        r"(?:module\.)?bert\.v_embeddings\.image_embeddings\.weight",
        r"(?:module\.)?bert\.embeddings\.word_embeddings\.weight",
    ),
)  # fmt: skip
UNI_PERCEIVER = WeightForm(
    "Uni-Perceiver", "fundamentalvision/Uni-Perceiver", _APACHE,
    (r"(?:fused_encoder|encoder)\.layers\.0\..+", r"token_embed\.embeddings\.weight"),
)  # fmt: skip
SIGLIP = WeightForm(
    "SigLIP of big_vision", _BIG_VISION, _APACHE,
    (r"params/img/embedding/kernel", r"params/img/pos_embedding", r"params/txt/.+"),
)  # fmt: skip
PALIGEMMA = WeightForm(
    "PaliGemma of big_vision", _BIG_VISION, "Gemma terms of use",
    (r"params/img/embedding/kernel", r"params/img/pos_embedding", r"params/llm/.+"),
)  # fmt: skip
CAPPA = WeightForm(
    "CapPa of big_vision", _BIG_VISION, _APACHE,
    (
        r"params/encoder/embedding/kernel", r"params/decoder/EmbedTargets/embedding",
        r"params/decoder/LogitsDense/kernel", r"params/pos_embedding_decoder",
    ),
)  # fmt: skip
VIT = WeightForm(
    "ViT of big_vision", _BIG_VISION, _APACHE,
    (rf"{_PARAMS}embedding/kernel", rf"{_PARAMS}Transformer/encoder_norm/scale"),
)  # fmt: skip
BERT = WeightForm(
    "BERT", "google-research/bert, huggingface/transformers", _APACHE,
    (
        r"(?:\w+\.)*embeddings\.word_embeddings\.weight", r"(?:\w+\.)*embeddings\.position_embeddings\.weight",
        r"(?:\w+\.)*encoder\.layer\.0\.attention\.self\.query\.weight",
    ),
    without=VILBERT.marks[:2] + MMF_UNIT.marks,
)  # fmt: skip

FORMS: tuple[WeightForm, ...] = (
    DETR, HF_DETR, MMF_UNIT, VILBERT, UNI_PERCEIVER, SIGLIP, PALIGEMMA, CAPPA, VIT, BERT,
)  # fmt: skip
"""All of them; what one file is, another is not."""


def recognise(names: Iterable[str], where: str) -> WeightForm:
    """Returns the form of a file with arrays of these names.

    Args:
        names: of the arrays.
        where: the file, for the error.

    Raises:
        CheckpointError: no known form, with the nearest one and what the file lacks of it.

    Examples:
        >>> recognise(["embedding/kernel", "Transformer/encoder_norm/scale"], "vit.npz").name
        'ViT of big_vision'
    """
    given = dict.fromkeys(names)
    found = next((form for form in FORMS if form.fits(given)), None)
    if found is not None:
        return found
    near = max(FORMS, key=lambda form: (1 - len(form.missing(given)) / len(form.marks), len(form.marks)))
    lacking = near.missing(given)
    first = next(iter(given), None)
    got = "no arrays" if first is None else f"{len(given):,} arrays such as {first!r}"
    if len(lacking) < len(near.marks):
        got += f", nearest to {near.name} but without a name like {lacking[0].replace(chr(92), '')!r}"
    raise CheckpointError(f"{where}: got {got}; want weights of {', '.join(form.name for form in FORMS)}")


def _any(pattern: str, names: Iterable[str]) -> bool:
    compiled = re.compile(pattern)
    return any(compiled.fullmatch(name) is not None for name in names)
