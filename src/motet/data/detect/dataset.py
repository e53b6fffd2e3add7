"""What was recognised: pieces of a reader expression, for whoever writes a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from motet.core import MotetError
from motet.data.readers import READERS

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
    """One annotation of one part of a data set; twice, where two kinds of task can be trained on it.

    Args:
        reader: a name in `READERS`.
        arguments: what it is called with, plain values and paths.
        kind: what can be trained on it.
        label: the annotation that holds the truth.
        rows: how many there are; 0 where it cannot be read.
        why: what was seen, in one line.
        language: of the words, as a code.
        part: what the names of files and folders say; "" where they say nothing.
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
    """Entries of a reader that was built and asked for its first row.

    Args:
        reader: a name in `READERS`.
        arguments: what it is called with.
        kind: what can be trained on it.
        labels: annotation -> language; an entry each.
        why: what was seen.
        part: which part it is.
        problems: what is known to be wrong already; the reader is not tried then.
    """
    rows = 0
    try:
        if not problems:
            built = READERS[reader](**arguments)
            built[0]
            rows = len(built)
    except MotetError as error:
        problems = (str(error),)
    for label, language in labels.items():
        yield DetectedDataset(
            reader=reader, arguments=dict(arguments), kind=kind, label=label, rows=rows, evidence=evidence, language=language,
            split=split, problems=problems,
        )  # fmt: skip
