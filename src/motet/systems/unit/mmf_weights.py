"""Loads the weights of UniT's official code (facebookresearch/mmf, `mmf/models/unit`), under its names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from motet.core import Boxes, CheckpointError, ConfigError
from motet.nn.parameter_names import parameter_name
from motet.nn.pretrained.files import PublishedWeights, copy_published, read_published
from motet.systems.unit.model import UniT
from motet.systems.unit.weights import State, decoder_state, encoder_state

DATA_SETS: Mapping[str, tuple[str, int]] = {
    "coco": ("detection_coco", 0),
    "visual_genome": ("detection_visual_genome", 1),
    "vqav2": ("vqa2", 3),
    "qnli": ("glue_qnli", 5),
    "mnli": ("glue_mnli_mismatched", 6),
    "sst2": ("glue_sst2", 7),
    "qqp": ("glue_qqp", 8),
    "snli_ve": ("visual_entailment", 9),
}
"""The data set in MMF's names and its row in the tables of task embeddings, by the names of `unit:paper`'s tasks."""

_BASE = "unit_base_model."
# Buffers, and the second name of BERT's embeddings, which the module holds twice.
_WITHOUT_WEIGHTS = re.compile(r".*(empty_weight|position_ids|num_batches_tracked)|bert_model\.embeddings\..*")
_ATTRIBUTES = {"cls_embed": "labels", "attr_linear1": "hidden", "attr_linear2": "out"}
_TOKENS = {
    f"{_BASE}transformer.task_embeddings_enc.weight": "vision.layers.tokens.",
    "task_embeddings_lang.weight": "text.tokens.",
}
_CLASSIFIER = {"0.dense": "hidden", "0.LayerNorm": "norm", "1": "out"}


def load_mmf_unit(
    system: UniT,
    source: str | Path | Mapping[str, Tensor],
    *,
    data_sets: Mapping[str, tuple[str, int]] = DATA_SETS,
) -> PublishedWeights:
    """Loads a UniT of MMF: trunk, both encoders, decoders, queries, task embeddings and heads of the tasks in both.

    Args:
        system: filled in place, of the published sizes.
        source: weights by name; a ``.pth``, ``.ckpt`` or ``.safetensors`` file.
        data_sets: MMF's name of the data set and its row in the tables of task embeddings, by the name of the task.

    Raises:
        CheckpointError: a file that cannot be read, or weights of another model than MMF's UniT.
        ConfigError: a task that no data set is given for.

    Returns:
        The names that were loaded, those that were not, and those that the file lacks. A head of another order of
        classes or answers than here fits and is wrong: see `data/readers` for the orders.
    """
    if unknown := sorted(set(system.tasks) - set(data_sets)):
        raise ConfigError(f"load_mmf_unit: data_sets: got none for {unknown}; want MMF's name and row for each task")
    published = read_published(source, inside="model")
    # Older checkpoints call the base model after DETR.
    named = {name: name.replace("detr_model.", _BASE) for name in published}
    if not any(name.startswith(_BASE) for name in named.values()):
        raise CheckpointError(f"UniT weights: got {next(iter(published), 'nothing')!r} and others; want MMF's names")
    chosen = {parameter_name(task): data_sets[task] for task in system.tasks}
    boxes = {parameter_name(name) for name, task in system.tasks.items() if isinstance(task.target, Boxes)}
    renames, own = _renames(system, chosen, boxes), system.state_dict()
    renamed = {
        name: _converted(named[name], value, renames, chosen, own)
        for name, value in published.items()
        if not _WITHOUT_WEIGHTS.fullmatch(named[name])
    }
    # A shared decoder is stored once more under the name of every data set.
    copies = _decoder_copies(renamed, named) if system.decoder is not None else set()
    found = copy_published(own, {k: v for k, v in renamed.items() if k not in copies}, expected=("",))
    return replace(found, missing=tuple(name for name in found.missing if "position_ids" not in name))


def _renames(system: UniT, chosen: Mapping[str, tuple[str, int]], boxes: set[str]) -> dict[str, str]:
    """Returns the beginnings of our names by those of MMF's, the longest first."""
    found = {
        f"{_BASE}backbone.0.body.": "vision.trunk.encoder.model.",
        f"{_BASE}input_proj.": "vision.layers.input.",
        f"{_BASE}transformer.encoder.": "vision.layers.",
        f"{_BASE}transformer.enc2dec_proj.": "vision.layers.out.",
        f"{_BASE}transformer.pos_embed_proj.": "vision.layers.out_positions.",
        "bert_model.module.": "text.tower.encoder.model.",
        "bert_projection.": "text.out.",
        "bert_pos_projection.": "text.out_positions.",
    }
    if system.decoder is not None:
        found[f"{_BASE}transformer.decoder."] = "decoder."
    for task, (name, _) in chosen.items():
        kind = "detection" if task in boxes else "glue" if name.startswith("glue") else "vl"
        if system.decoder is None:
            found[f"{_BASE}transformer.decoders.{kind}.{name}."] = f"decoders.{task}."
        found[f"{_BASE}query_embeds.{kind}.{name}.weight"] = f"queries.{task}"
        if task in boxes:
            found[f"class_embeds.{name}."] = f"heads.{task}.classes."
            found[f"bbox_embeds.{name}."] = f"heads.{task}.boxes."
            for theirs, ours in _ATTRIBUTES.items():
                found[f"det_losses.{name}.attribute_head.{theirs}."] = f"heads.{task}.attributes.{ours}."
        else:
            for theirs, ours in _CLASSIFIER.items():
                found[f"classifiers.{kind}.{name}.{theirs}."] = f"heads.{task}.{ours}."
    return found


def _converted(
    name: str,
    value: Tensor,
    renames: Mapping[str, str],
    chosen: Mapping[str, tuple[str, int]],
    own: Mapping[str, Tensor],
) -> State:
    if name in _TOKENS:
        found = {f"{_TOKENS[name]}{task}": value[row] for task, (_, row) in chosen.items() if row < len(value)}
        return {token: row for token, row in found.items() if token in own}
    for theirs, ours in renames.items():
        if not name.startswith(theirs):
            continue
        rest = name.removeprefix(theirs)
        if ".transformer.encoder." in theirs:
            return {ours + part: weight for part, weight in encoder_state({rest: value}).items()}
        if ".transformer.decoder" in theirs:
            return {ours + part: weight for part, weight in decoder_state({rest: value}).items()}
        return {ours + rest: value.flatten(1) if theirs.endswith("input_proj.") and value.ndim > 1 else value}
    return {}


def _decoder_copies(renamed: Mapping[str, State], named: Mapping[str, str]) -> set[str]:
    return {name for name in renamed if named[name].startswith(f"{_BASE}transformer.decoders.")}
