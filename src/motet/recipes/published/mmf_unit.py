"""UniT of MMF, with the tasks whose classes are known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from motet.core import CheckpointError, Task
from motet.nn.feature_maps import TimmMap
from motet.nn.pretrained.class_rows import UNUSED
from motet.nn.pretrained.release import Release
from motet.recipes.paper.unit import published_model
from motet.recipes.published.detr import resnet_of
from motet.recipes.published.model import ExtraFiles, PublishedModel, depth_of, number_in, shape_of
from motet.recipes.published.words import bert_description, bert_words
from motet.systems.unit.config import TEXT_FILE, WORDS_FILE
from motet.systems.unit.mmf_weights import DATA_SETS
from motet.systems.unit.options import DetectionConfig, TextLimits
from motet.tasks import detection, glue, question_answering, visual_entailment
from motet.tasks.questions import TEN_ANSWERS_METRICS
from motet.training.published_names import published_names

_QUERIES = r"(?:unit_base_model|detr_model)\.query_embeds\.\w+\.(\w+)\.weight"
_TASKS: Mapping[str, str] = {head: task for task, (head, _) in DATA_SETS.items()}


def mmf_unit_model(release: Release, given: ExtraFiles) -> PublishedModel:
    """Returns the model of a release of MMF, with one task per data set whose classes are known.

    Those of COCO, SNLI-VE and GLUE are fixed; the answers of VQAv2 and the objects and attributes of Visual Genome are
    in files of MMF (``answers_vqa.txt``, ``objects_vocab.txt``, ``attributes_vocab.txt``) beside the weights, or given.

    Args:
        release: the weights.
        given: `names` by data set in MMF's words, and `words`.

    Raises:
        CheckpointError: no data set with known classes.
    """
    names, base = published_names(release, given.names), _base(release)
    heads = list(dict.fromkeys(m[1] for name in release.tensors if (m := re.fullmatch(_QUERIES, name))))
    tasks = {head: _task(head, names) for head in heads if head in names and head in _TASKS}
    if not tasks:
        raise CheckpointError(f"{release.path}: got the heads {heads}, none with known classes; want --names HEAD=FILE")
    left = tuple(
        f"{head}: left out, since the names of its classes are not known: want --names {head}=FILE"
        for head in heads
        if head not in tasks
    )
    limits, assets = TextLimits(), dict[str, bytes]()
    text = "bert_model.module."
    if any("text" in task.inputs for task in tasks.values()):
        words = bert_words(release, given, shape_of(release, f"{text}embeddings.word_embeddings.weight")[0])
        places = shape_of(release, f"{text}embeddings.position_embeddings.weight")[0]
        limits = TextLimits(min(limits.max_tokens, places), min(limits.max_tokens_with_image, places))
        assets = {WORDS_FILE: words.to_bytes(), TEXT_FILE: bert_description(release, text)}
    queries = {
        task.name: shape_of(
            release, next(n for n in release.tensors if n.endswith(f".{head}.weight") and "query_" in n)
        )
        for head, task in tasks.items()
    }
    decoders = [name.removeprefix(base) for name in release.tensors if name.startswith(f"{base}transformer.decoder")]
    shared = any(name.startswith("transformer.decoder.") for name in decoders)
    plain, width = published_model(), next(iter(queries.values()))[1]
    depth = max(depth_of(decoders, r"transformer\.decoder(?:s\.\w+\.\w+)?\.layers\.(\d+)\..+"), 1)
    image_width = shape_of(release, f"{base}input_proj.weight")[0]
    heads_of = number_in(release.options(), ("nheads", "num_heads"), 8)
    config = replace(
        plain,
        trunk=TimmMap(resnet_of(release, release.tensors), output_stride=16, frozen_norms=True, frozen_stages=2),
        image_width=image_width,
        image_depth=depth_of(release.tensors, rf"{base}transformer\.encoder\.layers\.(\d+)\..+"),
        image_heads=heads_of,
        width=width,
        depth=depth,
        heads=heads_of,
        hidden=shape_of(release, f"{base}transformer.encoder.layers.0.linear1.weight")[0],
        shared=shared,
        queries={name: shape[0] for name, shape in queries.items()},
        text_limits=limits,
        detection=DetectionConfig(relu="after"),  # as in the code
    )
    used = {head: names[head] for head in tasks} | {n: v for n, v in names.items() if n.endswith(".attributes")}
    return PublishedModel(config, tuple(tasks.values()), assets, names=used, notes=left)


def _base(release: Release) -> str:
    starts = ("unit_base_model.", "detr_model.")
    return next(start for start in starts if any(name.startswith(start) for name in release.tensors))


def _task(head: str, names: Mapping[str, tuple[str, ...]]) -> Task:
    name, known = _TASKS[head], tuple(one for one in names[head] if one != UNUSED)
    attributes = tuple(one for one in names.get(f"{head}.attributes", ()) if one != UNUSED)
    match name:
        case "coco" | "visual_genome":
            return detection(name, known, attributes=attributes)
        case "vqav2":
            return question_answering(name, answers=known, metrics=TEN_ANSWERS_METRICS)
        case "snli_ve":
            return visual_entailment(name)
    return glue(name)
