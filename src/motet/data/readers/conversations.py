"""Conversations about images, as LLaVA, ShareGPT and chat fine-tuning have them: questions and answers in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from motet.core import DataError, Example
from motet.data.formats.chat_turns import IMAGE_TOKENS, chat_turns
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.image_cells import CellContext, cell_ids, cell_images
from motet.data.formats.paths import default_name
from motet.data.formats.table_file import first_rows

_ALL = 2**62


class _Row(NamedTuple):
    turn: int
    images: tuple[str, ...]
    question: str
    answer: str


@dataclass(frozen=True)
class Conversations:
    """Conversations about images, one Example per question; `text` is the question; labels: "answers", "answer".

    Read are LLaVA's form (`image`, `conversations` of `from` and `value`), ShareGPT's (`images` beside them) and that
    of chats (`messages` of `role` and `content`, which may be a list of texts and images). Every question stands alone:
    the turns before it are not part of its text. Image tokens (`<image>`) are taken out, system messages are left out,
    and so are answers before any question and conversations without an image.

    Args:
        path: `.json` (a list, alone or under a key) or `.jsonl`.
        images: the folder that paths of images are relative to; by default that of the file.
        name: prefix of Example ids; by default the folder's and the file's name.

    Raises:
        DataError: no such file, or no conversation about an image. A conversation of another form, an empty question or
            answer, or a missing image raises when its row is read.
    """

    path: Path | str
    images: Path | str | None = None
    name: str = ""
    _rows: tuple[tuple[int, _Row | DataError], ...] = field(init=False, repr=False, compare=False)
    _where: CellContext = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.path)
        entries = enumerate(first_rows(path, _ALL))
        found = [(entry, capture(_rows, cells, path, entry)) for entry, cells in entries]
        rows = tuple(
            (entry, row)
            for entry, several in found
            for row in ([several] if isinstance(several, DataError) else several)
        )
        if not rows:
            raise DataError("conversations: got none about an image; want at least one", path=path)
        root = path.parent if self.images is None else Path(self.images)
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_where", CellContext(path, root, self.name or default_name(path), default_name(root)))

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        entry, row = self._rows[index]
        return () if isinstance(row, DataError) else cell_ids(list(row.images), self._where, entry)

    def __getitem__(self, index: int) -> Example:
        path, entry, row = self._where.path, self._rows[index][0], unwrap(self._rows[index][1])
        for part, text in (("question", row.question), ("answer", row.answer)):
            if not text:
                raise DataError(f"{part}: got an empty one in turn {row.turn}; want words", path=path, row=entry)
        return Example(
            id=f"{self._where.row_prefix}/{entry}.{row.turn}",
            images=cell_images(list(row.images), self._where, entry),
            image_ids=self.keys(index),
            text=row.question,
            labels={"answers": (row.answer,), "answer": row.answer},
        )


def _rows(entry: Mapping[str, Any], path: Path, number: int) -> tuple[_Row, ...]:
    turns, images = chat_turns(entry, path=path, row=number)
    rows: list[_Row] = []
    question: str | None = None
    for role, text in turns:
        match role:
            case "user":
                question = text if question is None else f"{question}\n{text}".strip()
            case "assistant" if question is not None:
                rows.append(_Row(len(rows), images, IMAGE_TOKENS.sub("", question).strip(), text.strip()))
                question = None
    return tuple(rows) if images else ()
