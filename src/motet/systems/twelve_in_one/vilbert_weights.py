"""Loads the models of 12-in-1's official code; the rows of heads are matched by the names of their classes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, assert_never

from torch import Tensor

from motet.core import Answer, CheckpointError, ConfigError, Label
from motet.nn.pretrained.class_rows import rows_of, taken
from motet.nn.pretrained.files import PublishedWeights, read_published
from motet.systems.twelve_in_one.model import TwelveInOne
from motet.systems.twelve_in_one.weights import State, convert_body, fill_parameters

HEADS: Mapping[str, Literal["mlp", "linear", "masked"]] = {
    "vil_prediction": "mlp", "vil_prediction_gqa": "mlp", "vil_binary_prediction": "mlp", "vil_logit": "linear",
    "vil_tri_prediction": "linear", "vision_logit": "linear", "cls.predictions": "masked",
    "cls.imagePredictions": "masked", "cls.bi_seq_relationship": "linear",
}  # fmt: skip
"""The heads of the official code, and their form."""
NAMES: Mapping[str, tuple[str, ...]] = {
    "vil_binary_prediction": ("False", "True"),
    "vil_tri_prediction": ("contradiction", "neutral", "entailment"),
}
"""The classes of published heads in the order of their rows (`nlvr2_dataset.py`; LABEL_MAP of
`visual_entailment_dataset.py`)."""

_WITHOUT_NAMES = "cls.bi_seq_relationship"  # row 0 says here and there that text and image belong together
_CLASSIFIER = {"logit_fc.0": "hidden", "logit_fc.2": "norm", "logit_fc.3": "out"}
_SCORES = {"logit_fc.3", ""}  # the layer with one row per class, in an MLP and in a head of one matrix
_MASKED = {
    "predictions.bias": "bias", "predictions.transform.dense": "hidden", "predictions.transform.LayerNorm": "norm",
    "imagePredictions.transform.dense": "hidden", "imagePredictions.transform.LayerNorm": "norm",
    "imagePredictions.decoder": "out",
}  # fmt: skip

_Rows = tuple[list[int], int] | None  # the published row of each name, and how many there are


def load_vilbert(
    system: TwelveInOne,
    source: str | Path | Mapping[str, Tensor],
    *,
    heads: Mapping[str, str] | None = None,
    tokens: Mapping[int, str] | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> PublishedWeights:
    """Loads a model of the official code: streams, poolers, and the heads and task tokens that are asked for.

    Args:
        system: filled in place.
        source: weights by name; a ``.safetensors`` file, or a ``.bin`` as published.
        heads: official names, of `HEADS`, to the tasks whose heads they fill.
        tokens: rows of the official table of task tokens (the task numbers of its configuration) to the tasks whose
            tokens they fill.
        names: official names of heads to their classes or answers in the order of the published rows. Needed for the
            heads of questions, whose answers are in a file of their own (`trainval_label2ans.pkl`); the order of
            `NAMES` is known.

    Raises:
        CheckpointError: a file that cannot be read, weights of another model than ViLBERT, or a head with another
            number of rows than it has names.
        ConfigError: an unknown official head, a task without token, classes of a task that the published head lacks,
            or a head whose published order is not known.

    Returns:
        The names that were loaded, and those that were not: those of the body start with "body.", a head's with
        "heads." and its official name, a token's with "tokens." and its row.

    Examples:
        >>> heads = {"vil_tri_prediction": "snli_ve", "vision_logit": "refcoco"}  # doctest: +SKIP
        >>> load_vilbert(system, "multi_task_model.bin", heads=heads, tokens={13: "snli_ve"})  # doctest: +SKIP
    """
    heads, tokens = heads or {}, tokens or {}
    if unknown := sorted({*heads, *(names or {})} - set(HEADS)):
        raise ConfigError(f"load_vilbert: heads: got {unknown}; want official names, of {sorted(HEADS)}")
    rows = {official: _rows(system, official, task, {**NAMES, **(names or {})}) for official, task in heads.items()}
    own = {f"body.{name}": value for name, value in system.body.state_dict().items()}
    expected = list(own)
    for official, task in heads.items():
        own |= {f"heads.{official}.{name}": value for name, value in system.head(task).state_dict().items()}
    for row, task in tokens.items():
        if (token := system.token(task)) is None:
            raise ConfigError(f"load_vilbert: tokens: got {task!r} for row {row}; want a task that has a token")
        own[f"tokens.{row}"] = token.detach()
    published = {
        re.sub(r"^module\.", "", name): value
        for name, value in read_published(source, inside="model_state_dict").items()
    }
    if not any(".c_layer." in name for name in published):
        got = next(iter(published), "nothing")
        raise CheckpointError(f"ViLBERT weights: got {got!r} and others; want a ViLBERT's names")
    converted: dict[str, State] = {}
    for name, value in published.items():
        if name == "bert.embeddings.task_embeddings.weight":
            converted[name] = {f"tokens.{row}": value[row] for row in tokens}
        else:
            converted[name] = convert_body(name, value) if name.startswith("bert.") else _head_part(name, value, rows)
    return fill_parameters(own, converted, expected)


def _rows(system: TwelveInOne, official: str, task: str, orders: Mapping[str, Sequence[str]]) -> _Rows:
    """Returns which published row each class of a task takes."""
    system.head(task)  # refuses an unknown task
    target = system.tasks[task].target
    if not isinstance(target, Label | Answer) or official == _WITHOUT_NAMES:
        return None
    where = f"load_vilbert: {official!r} for task {task!r}"
    if official not in orders:
        raise ConfigError(
            f"{where}: got no order of the published classes; want names={{{official!r}: [...]}}, in the order of its "
            "rows"
        )
    return rows_of(orders[official], target.names, where=where), len(orders[official])


def _head_part(name: str, value: Tensor, heads: Mapping[str, _Rows]) -> State:
    for official, rows in heads.items():
        if not name.startswith(f"{official}."):
            continue
        prefix, rest = f"heads.{official}", name.removeprefix(f"{official}.")
        part, _, last = rest.rpartition(".")
        match HEADS[official]:
            case "mlp":
                if part not in _CLASSIFIER:
                    return {}
                return {f"{prefix}.{_CLASSIFIER[part]}.{last}": _ordered(name, value, part, rows)}
            case "masked":
                rest = name.removeprefix("cls.")
                if rest in _MASKED:
                    return {f"{prefix}.{_MASKED[rest]}": value}
                part, _, last = rest.rpartition(".")
                return {f"{prefix}.{_MASKED[part]}.{last}": value} if part in _MASKED else {}
            case "linear":
                return {f"{prefix}.out.{rest}": _ordered(name, value, part, rows)}
            case other:
                assert_never(other)
    return {}


def _ordered(name: str, value: Tensor, part: str, rows: _Rows) -> Tensor:
    """Returns the rows of a layer of scores in the order of the task's names; other layers as they are."""
    if rows is None or part not in _SCORES:
        return value
    found, count = rows
    return taken(value, found, count, name=f"ViLBERT weights: {name}")
