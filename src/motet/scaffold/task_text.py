"""The task functions and annotations of each kind of task, for a recipe."""

from __future__ import annotations

from collections.abc import Mapping

from motet.scaffold.expressions import Imported


def _maker(name: str, alias: str = "") -> Imported:
    return Imported("motet.tasks", name, alias)


TASK_MAKERS: Mapping[str, Imported] = {
    "classification": _maker("classification"),
    "captioning": _maker("captioning"),
    "question answering": _maker("question_answering"),
    "text reading": _maker("text_reading"),
    "detection": _maker("detection"),
    "visual entailment": _maker("visual_entailment"),
    "sentences": _maker("glue"),
    "verification": _maker("verification"),
    "pairs": _maker("verification"),
    "referring": _maker("referring"),
    "pointing": _maker("pointing"),
    "segmentation": _maker("semantic_segmentation"),
    "depth": _maker("depth", "depth_task"),  # under another name: the task's own variable is called depth
    "surface normals": _maker("surface_normals"),
    "edges": _maker("edges", "edges_task"),
    "video classification": _maker("video_classification"),
    "video captioning": _maker("video_captioning"),
    "video retrieval": _maker("video_retrieval"),
}
"""The function of `motet.tasks` for each kind."""
LABELS: Mapping[str, str] = {
    "captioning": "captions",
    "question answering": "answers",
    "text reading": "text",
    "detection": "boxes",
    "visual entailment": "class",
    "sentences": "class",
    "verification": "class",
    "pairs": "class",
    "referring": "region",
    "pointing": "match",
    "segmentation": "segmentation",
    "depth": "depth",
    "surface normals": "normals",
    "edges": "edges",
    "video classification": "class",
    "video captioning": "captions",
    "video retrieval": "captions",
}
"""The default annotation of each kind; classification has no other."""
