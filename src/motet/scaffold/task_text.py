"""Names of task functions and annotations, for the text of a recipe."""

from __future__ import annotations

from collections.abc import Mapping

TASK_MAKERS: Mapping[str, str] = {
    "classification": "classification",
    "captioning": "captioning",
    "question answering": "question_answering",
    "text reading": "text_reading",
    "detection": "detection",
    "visual entailment": "visual_entailment",
    "sentences": "glue",
    "verification": "verification",
    "pairs": "verification",
    "referring": "referring",
    "pointing": "pointing",
    "segmentation": "semantic_segmentation",
    "depth": "depth as depth_task",  # under another name: the task's own variable is called depth
    "surface normals": "surface_normals",
    "edges": "edges as edges_task",
    "video classification": "video_classification",
    "video captioning": "video_captioning",
    "video retrieval": "video_retrieval",
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
