"""Fills a UniT from any published release that has parts of it: DETR, UniT of MMF, BERT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from motet.core import Answer, Boxes, ConfigError, Label, Task
from motet.nn.pretrained import forms
from motet.nn.pretrained.class_rows import meaning, rows_of, taken
from motet.nn.pretrained.files import PublishedWeights
from motet.nn.pretrained.release import Release
from motet.systems.unit.mmf_weights import DATA_SETS, load_mmf_unit
from motet.systems.unit.model import UniT
from motet.systems.unit.weights import load_detr, load_text_encoder

DETR_HEAD = "class_embed"
"""The name under which the classes of a DETR are given."""
MMF_ROWS: Mapping[str, int] = dict(DATA_SETS.values())

Names = Mapping[str, tuple[str, ...]]


def fill_unit(system: UniT, release: Release, *, heads: Mapping[str, str], names: Names) -> PublishedWeights:
    """Copies what the release has of this model into it.

    Args:
        system: filled in place.
        release: a DETR, a UniT of MMF, or a BERT.
        heads: published heads by task: data sets in MMF's names, or "class_embed" of a DETR. Tasks not listed take
            those of the data set of their own name (`mmf_weights.DATA_SETS`); of a DETR, the only task of boxes takes
            all but the rows of classes, and those too if the release has all its classes.
        names: published heads to their classes in the order of the rows; ``HEAD.attributes`` to the attributes.

    Raises:
        ConfigError: a form that has no part of a UniT, a head whose classes are not known, or a task whose classes the
            head lacks.
    """
    match release.form:
        case forms.DETR | forms.HF_DETR:
            return _fill_detr(system, release, heads, names)
        case forms.MMF_UNIT:
            return _fill_mmf(system, release, heads, names)
        case forms.BERT:
            return load_text_encoder(system, release.tensors)
    raise ConfigError(f"{release.path}: got weights of {release.form.name}; want DETR, UniT of MMF or BERT for a UniT")


def _fill_detr(system: UniT, release: Release, heads: Mapping[str, str], names: Names) -> PublishedWeights:
    boxes = {name: task.target for name, task in system.tasks.items() if isinstance(task.target, Boxes)}
    for name, head in heads.items():
        if head != DETR_HEAD or name not in boxes:
            raise ConfigError(f"heads: got {head!r} for task {name!r}; want {DETR_HEAD!r} for one of {list(boxes)}")
    chosen = list(heads) or (list(boxes) if len(boxes) == 1 else [])
    if len(chosen) > 1:
        raise ConfigError(f"heads: got {DETR_HEAD!r} for {chosen}; want it for one task, since a DETR has one head")
    # A model with a mask head on top keeps the detector under a name.
    weights = {name.removeprefix("detr."): value for name, value in release.tensors.items()}
    left: list[str] = []
    if chosen and system.config.width == _width(weights):
        known, target = _known(names, DETR_HEAD, system.tasks[chosen[0]]), boxes[chosen[0]]
        keys = [name for name in weights if name.startswith(("class_embed.", "class_labels_classifier."))]
        if heads or {*map(meaning, target.names)} <= {*map(meaning, known)}:
            rows = rows_of(known, target.names, where=f"{DETR_HEAD!r} for task {chosen[0]!r}")
            weights |= {key: taken(weights[key], rows, len(known), name=key, extra=1) for key in keys}
        else:  # a task of other classes takes all but the rows of classes
            left = keys
    weights = {name: value for name, value in weights.items() if name not in left}
    found = load_detr(system, weights, task=chosen[0] if chosen else None)
    return replace(found, unexpected=(*found.unexpected, *left))


def _width(weights: Mapping[str, Tensor]) -> int:
    names = ("query_embed.weight", "model.query_position_embeddings.weight")
    return next((weights[name].shape[1] for name in names if name in weights), 0)


def _fill_mmf(system: UniT, release: Release, heads: Mapping[str, str], names: Names) -> PublishedWeights:
    data_sets = {name: DATA_SETS[name] for name in system.tasks if name in DATA_SETS}
    for name, head in heads.items():
        if head not in MMF_ROWS:
            raise ConfigError(f"heads: got {head!r} for task {name!r}; want one of {sorted(MMF_ROWS)}")
        data_sets[name] = (head, MMF_ROWS[head])
    weights = dict(release.tensors)
    for name, task in system.tasks.items():
        if name in data_sets:
            weights |= _ordered_head(weights, data_sets[name][0], task, names)
    return load_mmf_unit(system, weights, data_sets=data_sets)


def _ordered_head(weights: Mapping[str, Tensor], head: str, task: Task, names: Names) -> dict[str, Tensor]:
    """Returns the weights of one head whose rows are classes, in the order of the task's classes."""
    known, found = _known(names, head, task), dict[str, Tensor]()
    where = f"{head!r} for task {task.name!r}"
    target = task.target
    assert isinstance(target, Boxes | Label | Answer)  # a UniT supports no other with names
    rows = rows_of(known, target.names, where=where)
    if not isinstance(target, Boxes):
        kind = "glue" if head.startswith("glue") else "vl"
        return {
            key: taken(weights[key], rows, len(known), name=key)
            for key in (f"classifiers.{kind}.{head}.1.weight", f"classifiers.{kind}.{head}.1.bias")
            if key in weights
        }
    at = f"det_losses.{head}.attribute_head."
    for key in (f"class_embeds.{head}.weight", f"class_embeds.{head}.bias", f"{at}cls_embed.weight"):
        if key in weights:
            found[key] = taken(weights[key], rows, len(known), name=key, extra=1)
    if target.attributes:
        attributes = _known(names, f"{head}.attributes", task)
        rows = rows_of(attributes, target.attributes, where=f"attributes of {where}")
        for key in (f"{at}attr_linear2.weight", f"{at}attr_linear2.bias"):
            if key in weights:
                found[key] = taken(weights[key], rows, len(attributes), name=key)
    return found


def _known(names: Names, head: str, task: Task) -> tuple[str, ...]:
    if head not in names:
        raise ConfigError(
            f"{head!r} for task {task.name!r}: got no order of the published classes; want a file of its names, one "
            "per line in the order of the rows"
        )
    return names[head]
