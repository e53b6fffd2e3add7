"""Detected data sets: the reader and the arguments for a recipe, after a trial read of the first rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from motet.core import MotetError
from motet.data.alike_names import alike_names
from motet.data.detect.box_sample import sample_boxes
from motet.data.image_index import first_readable
from motet.data.readers import READERS

_ROWS_READ = 20  # one broken row says nothing about a data set, as many as this do

Kind: TypeAlias = Literal[
    "classification",
    "captioning",
    "question answering",
    "text reading",
    "detection",
    "visual entailment",
    "sentences",
    "verification",
    "pairs",
    "referring",
    "pointing",
    "segmentation",
    "depth",
    "surface normals",
    "edges",
    "video classification",
    "video captioning",
    "video retrieval",
]
Split: TypeAlias = Literal["train", "val", "test", ""]


@dataclass(frozen=True, kw_only=True)
class DetectedDataset:
    """One annotation of one split of a data set, for one kind of task.

    Args:
        reader: a name in `READERS`.
        arguments: of the reader, plain values and paths.
        kind: the kind of task that it can train.
        label: name of the annotation.
        rows: number of rows; 0 where it cannot be read.
        evidence: what the detection is based on, in one line.
        language: of the texts, as a code.
        split: from the names of files and folders; "" where they do not say.
        problems: why it cannot be read, each in one line; empty where its first row was read.
    """

    reader: str
    arguments: Mapping[str, object]
    kind: Kind
    label: str
    rows: int
    evidence: str
    language: str = "en"
    split: Split = ""
    problems: tuple[str, ...] = ()


def try_read(
    reader: str,
    arguments: Mapping[str, object],
    *,
    kind: Kind,
    labels: Mapping[str, str],
    evidence: str,
    split: Split = "",
    problems: tuple[str, ...] = (),
) -> Iterator[DetectedDataset]:
    """Builds a reader, reads its first row, or some of all rows of boxes, and yields one entry per annotation.

    Args:
        reader: a name in `READERS`.
        arguments: of the reader.
        kind: the kind of task that it can train.
        labels: annotation -> language.
        evidence: what the detection is based on.
        split: of the data set.
        problems: known problems; with any, the reader is not built.
    """
    rows = 0
    try:
        if not problems:
            dataset = READERS[reader](**arguments)
            rows = len(dataset)
            evidence = ", ".join(filter(None, (evidence, alike_names(getattr(dataset, "names", ())))))
            if kind == "detection":
                sample = sample_boxes(dataset)
                evidence, problems = ", ".join((evidence, *sample.notes)), sample.problems
                rows = 0 if problems else rows
            else:
                first_readable(dataset, range(min(rows, _ROWS_READ)))
    except MotetError as error:
        problems = (str(error),)
    for label, language in labels.items():
        yield DetectedDataset(
            reader=reader, arguments=dict(arguments), kind=kind, label=label, rows=rows, evidence=evidence,
            language=language, split=split, problems=problems,
        )  # fmt: skip
