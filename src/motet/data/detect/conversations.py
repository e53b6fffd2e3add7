"""Detection of conversations about images: LLaVA, ShareGPT, chats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.core import MotetError
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.image_folders import find_images
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.chat_turns import chat_turns, turns_key
from motet.data.formats.table_file import first_rows

_MAX_ROWS = 50


def find_conversations(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds JSON and JSONL files whose entries are questions and answers in turn about images."""
    for path in list(survey.files(".json", ".jsonl", ".json.gz", ".jsonl.gz")):
        try:
            rows = first_rows(path, _MAX_ROWS)
        except MotetError:
            continue  # no table of objects
        if not any(turns_key(row) for row in rows):
            continue
        survey.claimed.add(path)
        names, problems = _image_names(rows, path)
        images, unclear = find_images(survey, names, path)
        arguments: dict[str, object] = {"path": path}
        if not names and not problems:
            problems = (f"{path}: conversations: got none about an image; want the key 'image' or 'images' in them",)
        elif images is None and not problems:
            problems = unclear
        elif images is not None and images != path.parent:
            survey.claimed.add(images)
            arguments["images"] = images
        yield from try_read(
            "Conversations", arguments, kind="question answering", labels={"answers": "en"},
            evidence=f"conversations of questions and answers ({path.name})", split=split_of(path, survey.root),
            problems=problems,
        )  # fmt: skip


def _image_names(rows: Sequence[Mapping[str, Any]], path: Path) -> tuple[list[str], tuple[str, ...]]:
    """Returns the images of the first conversations, and where there are none the problem of an entry."""
    names: list[str] = []
    problem = ""
    for place, row in enumerate(rows):
        try:
            names += chat_turns(row, path=path, row=place).images
        except MotetError as error:
            problem = problem or str(error)
    return names, (problem,) if problem and not names else ()
