"""Fills a 12-in-1 from any published release that has parts of it: ViLBERT, 12-in-1, BERT."""

from __future__ import annotations

from collections.abc import Mapping

from motet.core import ConfigError
from motet.nn.pretrained import forms
from motet.nn.pretrained.files import PublishedWeights
from motet.nn.pretrained.release import Release
from motet.systems.twelve_in_one.model import TwelveInOne
from motet.systems.twelve_in_one.vilbert_weights import load_vilbert
from motet.systems.twelve_in_one.weights import load_bert

HEADS: Mapping[str, str] = {
    "vqav2": "vil_prediction", "visual_genome": "vil_prediction", "gqa": "vil_prediction_gqa",
    "coco_retrieval": "vil_logit", "flickr_retrieval": "vil_logit", "refcoco": "vision_logit",
    "refcoco+": "vision_logit", "refcocog": "vision_logit", "visual7w": "vision_logit", "guesswhat": "vision_logit",
    "nlvr2": "vil_binary_prediction", "snli_ve": "vil_tri_prediction",
}  # fmt: skip
"""The official head of each of the twelve tasks, by the names of `twelve_in_one:paper`'s tasks."""
TOKENS: Mapping[str, int] = {
    "vqav2": 1, "visual_genome": 2, "visual7w": 4, "coco_retrieval": 7, "flickr_retrieval": 8, "refcoco": 9,
    "refcoco+": 10, "refcocog": 11, "nlvr2": 12, "snli_ve": 13, "gqa": 15, "guesswhat": 17,
}  # fmt: skip
"""The row of each task's token in the official table: the number of TASK in `vilbert_tasks.yml`."""


def fill_twelve_in_one(
    system: TwelveInOne, release: Release, *, heads: Mapping[str, str], names: Mapping[str, tuple[str, ...]]
) -> PublishedWeights:
    """Copies what the release has of this model into it.

    Args:
        system: filled in place.
        release: a ViLBERT or 12-in-1, or a BERT for the text stream.
        heads: official heads by task; tasks not listed take those of `HEADS` under their own name, others none.
        names: official heads to their classes in the order of the rows, see `load_vilbert`.

    Raises:
        ConfigError: a form that has no part of a 12-in-1; further as `load_vilbert`.
    """
    match release.form:
        case forms.BERT:
            return load_bert(system.body, release.tensors)
        case forms.VILBERT:
            published = {name.removeprefix("module.") for name in release.tensors}
            by_task = {**{name: HEADS[name] for name in system.tasks if name in HEADS}, **heads}
            table = next((v for n, v in release.tensors.items() if n.endswith(".task_embeddings.weight")), ())
            tokens = {
                TOKENS[name]: name
                for name in system.tasks
                if name in TOKENS and TOKENS[name] < len(table) and system.token(name) is not None
            }
            # Tasks of one head share its weights, so each official head is loaded once.
            chosen = {head: task for task, head in by_task.items() if any(n.startswith(f"{head}.") for n in published)}
            return load_vilbert(system, release.tensors, heads=chosen, tokens=tokens, names=names)
    raise ConfigError(f"{release.path}: got weights of {release.form.name}; want ViLBERT or BERT for a 12-in-1")
