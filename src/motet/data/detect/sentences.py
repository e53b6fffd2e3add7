"""Detection of GLUE, SNLI-VE and e-SNLI-VE by their headers and first lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.core import DataError
from motet.core.plain_json import parse_json
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import find_images
from motet.data.detect.survey import Survey, split_of
from motet.data.readers.glue import GLUE_FOLDERS, Glue, GlueTask

_GLUE_FILE = re.compile(r"(train|dev|test|dev_matched|dev_mismatched|test_matched|test_mismatched)\.tsv")
_MSR_FILE = re.compile(r"msr_paraphrase_(train|dev|test)\.txt")
_HEADERS: Mapping[GlueTask, frozenset[str]] = {
    "mrpc": frozenset({"#1 String", "#2 String"}),
    "qqp": frozenset({"question1", "question2"}),
    "mnli": frozenset({"sentence1", "sentence2", "gold_label"}),
    "qnli": frozenset({"question", "sentence"}),
    "rte": frozenset({"sentence1", "sentence2"}),
    "wnli": frozenset({"sentence1", "sentence2"}),
    "sst2": frozenset({"sentence"}),
    "cola": frozenset({"sentence"}),
}
_DISTINCTIVE: tuple[GlueTask, ...] = ("mrpc", "qqp", "mnli")  # no other table is likely to have their headers
_COLA_CELLS = 4


def find_glue(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds `MRPC/train.tsv` and the like, by the folder's name and the header, or by a distinctive header."""
    for path in list(survey.files(".tsv", ".txt")):
        match = _GLUE_FILE.fullmatch(path.name) or _MSR_FILE.fullmatch(path.name)
        task = _glue_task(path) if match else None
        if match is None or task is None:
            continue
        survey.claimed.add(path)
        arguments: dict[str, object] = {"folder": path.parent, "task": task, "part": match[1]}
        yield from try_read(
            "Glue", arguments, kind="sentences", labels={"class": "en"},
            evidence=f"GLUE's {GLUE_FOLDERS[task]} ({path.name})", split=split_of(path, survey.root),
            problems=_unlabelled(path, task, match[1]),
        )  # fmt: skip


def _glue_task(path: Path) -> GlueTask | None:
    """Returns the task of the folder's name where the header has its columns, else one with a distinctive header."""
    lines = first_lines(path, 3)
    header = set(lines[0].split("\t")) if lines else set()
    folder = re.sub(r"[^a-z0-9]", "", path.parent.name.lower())
    for task in _HEADERS:
        if folder.startswith(task) and (_HEADERS[task] <= header or (task == "cola" and _is_cola(lines))):
            return task
    return next((task for task in _DISTINCTIVE if _HEADERS[task] <= header), None)


def _is_cola(lines: Sequence[str]) -> bool:
    """Checks for the form of CoLA, which has no header: source, 0 or 1, a star or nothing, the sentence."""
    rows = [line.split("\t") for line in lines]
    return all(len(cells) == _COLA_CELLS and cells[1] in ("0", "1") and cells[2] in ("", "*") for cells in rows)


def _unlabelled(path: Path, task: GlueTask, part: str) -> tuple[str, ...]:
    """Returns the problem of a split without labels; other problems are the reader's."""
    try:
        labelled = Glue(path.parent, task, part).has_labels
    except DataError:
        return ()
    if labelled:
        return ()
    return (f"{path}: got sentences without labels, which GLUE does not publish; want a split with labels",)


def find_entailment(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds `snli_ve_train.jsonl` and `esnlive_train.csv`, and files of their form."""
    for path in list(survey.files(".jsonl", ".jsonl.gz", ".csv", ".csv.gz")):
        lines = first_lines(path, 5)
        photos = _snli_ve_photos(lines) if ".jsonl" in path.suffixes else _esnlive_photos(lines)
        if not photos:
            continue
        reader, photo = ("SnliVe" if ".jsonl" in path.suffixes else "ESnliVe"), f"{photos[0].removesuffix('.jpg')}.jpg"
        images, missing = find_images(survey, [photo], path)
        survey.claimed.update({path} if images is None else {path, images})
        published = "SNLI-VE" if reader == "SnliVe" else "e-SNLI-VE"
        yield from try_read(
            reader, {"annotations": path, "images": images or path.parent}, kind="visual entailment",
            labels={"class": "en"}, evidence=f"{published} hypotheses ({path.name})", split=split_of(path, survey.root),
            problems=missing,
        )  # fmt: skip


def _snli_ve_photos(lines: Sequence[str]) -> list[str]:
    entries = [_object(line) for line in lines]
    if not all({"Flickr30K_ID", "sentence2", "gold_label"} <= entry.keys() for entry in entries):
        return []
    return [str(entry["Flickr30K_ID"]) for entry in entries]


def _object(line: str) -> Mapping[str, Any]:
    try:
        value = parse_json(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _esnlive_photos(lines: Sequence[str]) -> list[str]:
    """Returns the photos of the first rows; the columns up to theirs contain no commas."""
    header = lines[0].split(",") if lines else []
    if not {"pairID", "Flickr30kID", "hypothesis", "gold_label"} <= set(header):
        return []
    place = header.index("Flickr30kID")
    return [cells[place] for line in lines[1:] if len(cells := line.split(",")) > place]
