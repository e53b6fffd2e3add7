"""SNLI-VE and e-SNLI-VE: does a sentence follow from a Flickr30k photo?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as part
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeAlias

from motet.core import DataError, Example, nearest
from motet.data.formats.deferred import hold, release
from motet.data.formats.json_file import field, identity, load_json_lines, short_repr
from motet.data.formats.paths import image_at, inside, photo_id, place_name
from motet.data.formats.text_file import read_csv
from motet.data.readers.flickr import captions_by_file

ENTAILMENT_NAMES = ("entailment", "neutral", "contradiction")
_CAPTION = re.compile(r"(.+)#(\d)\w*")


_Asked: TypeAlias = tuple[tuple[str, ...], Mapping[str, object]]


class _Row(NamedTuple):
    key: str
    file: str
    entry: int
    asked: _Asked | DataError


class _Hypotheses:
    """What the two readers share: rows of a sentence about a photo."""

    annotations: Path | str
    images: Path | str
    name: str
    _rows: tuple[_Row, ...]
    _files: ClassVar[re.Pattern[str]]
    _folder: ClassVar[str]

    @property
    def names(self) -> tuple[str, ...]:
        """What "class" is an index of."""
        return ENTAILMENT_NAMES

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """The image id of a row: "flickr/" and the photo's number, as in the captions' readers."""
        return (photo_id(Path(self._rows[index].file).name),)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.annotations)
        texts, labels = release(row.asked)
        found = self._files.fullmatch(path.name)
        prefix = self.name or (f"{self._folder}/{found[1]}" if found else place_name(path))
        return Example(
            id=f"{prefix}/{row.key}",
            images=(image_at(Path(self.images) / row.file, path=path, row=row.entry),),
            image_ids=self.keys(index),
            text=texts[0] if len(texts) == 1 else texts,
            labels=labels,
        )


@dataclass(frozen=True)
class SnliVe(_Hypotheses):
    """SNLI-VE, an Example a hypothesis; the image is the premise, `text` the hypothesis; labels: "class".

    "class" is an index of `names`: entailment, neutral, contradiction. An empty hypothesis is legal.

    Args:
        annotations: `snli_ve_train.jsonl` (`Flickr30K_ID`, `sentence1`, `sentence2`, `gold_label`, `pairID`).
        images: the folder `flickr30k-images/`; the picture is `Flickr30K_ID` with ".jpg" behind it.
        premise: put the caption that the hypothesis was written for (`sentence1`) in front: `text` is then a pair.
        name: what ids start with; by default "snli_ve/train", from the file's name.

    Raises:
        DataError: no such file, a line that is not JSON, a missing key, no row. A label that is none is raised when its
            row is read ("-", where annotators did not agree, stands in SNLI and not in SNLI-VE).
    """

    annotations: Path | str
    images: Path | str
    premise: bool = False
    name: str = ""
    _rows: tuple[_Row, ...] = part(init=False, repr=False, compare=False)
    _files: ClassVar[re.Pattern[str]] = re.compile(r"snli_ve_(\w+)\.jsonl")
    _folder: ClassVar[str] = "snli_ve"

    def __post_init__(self) -> None:
        path = Path(self.annotations)
        object.__setattr__(self, "_rows", _named_once(list(self._read(path)), path))

    def _read(self, path: Path) -> Iterator[_Row]:
        for row, entry in enumerate(load_json_lines(path)):
            photo = identity(entry, "Flickr30K_ID", path=path, row=row)
            texts = tuple(field(entry, key, str, path=path, row=row) for key in ("sentence1", "sentence2"))
            label = field(entry, "gold_label", str, path=path, row=row)
            asked = hold(_asked, texts if self.premise else texts[1:], label, {}, path, row)
            key = field(entry, "pairID", str, path=path, row=row) if "pairID" in entry else str(row)
            file = inside(Path(self.images), _jpg(photo), path=path, row=row)
            yield _Row(key, file, row, asked)


@dataclass(frozen=True)
class ESnliVe(_Hypotheses):
    """e-SNLI-VE, an Example a hypothesis; the image is the premise; labels: "class", "explanations" (a tuple of one).

    "class" is an index of `names`: entailment, neutral, contradiction. An empty hypothesis is legal.

    Args:
        annotations: `esnlive_train.csv` (`pairID`, `Flickr30kID`, `hypothesis`, `gold_label`, `explanation`).
        images: the folder `flickr30k-images/`.
        captions: Flickr30k's captions in any form that its reader takes. With them the caption that the
            hypothesis was written for (its number stands in `pairID`) is put in front: `text` is then a pair.
        name: what ids start with; by default "esnlive/train", from the file's name.

    Raises:
        DataError: no such file, a header that lacks a column, a row with another number of cells, no row. A label that
            is none, and a premise that the captions lack, are raised when the row is read.
    """

    annotations: Path | str
    images: Path | str
    captions: Path | str | None = None
    name: str = ""
    _rows: tuple[_Row, ...] = part(init=False, repr=False, compare=False)
    _files: ClassVar[re.Pattern[str]] = re.compile(r"esnlive_(\w+)\.csv")
    _folder: ClassVar[str] = "esnlive"

    def __post_init__(self) -> None:
        path = Path(self.annotations)
        object.__setattr__(self, "_rows", _named_once(list(self._read(path)), path))

    def _read(self, path: Path) -> Iterator[_Row]:
        premises = None if self.captions is None else _premises(Path(self.captions), Path(self.images))
        rows = read_csv(path)
        header = next(rows, [])
        for column in ("pairID", "Flickr30kID", "hypothesis", "gold_label"):
            if column not in header:
                hint = nearest(column, header)
                raise DataError(f"column {column!r}: got a header without it; want it ({hint})", path=path)
        for row, cells in enumerate(rows):
            if len(cells) != len(header):
                raise DataError(f"columns: got {len(cells)}; want {len(header)}, as in the header", path=path, row=row)
            given = dict(zip(header, cells, strict=True))
            explained = {"explanations": (given["explanation"],)} if given.get("explanation", "").strip() else {}
            asked = hold(_with_premise, given, premises, explained, path, row)
            file = inside(Path(self.images), _jpg(given["Flickr30kID"]), path=path, row=row)
            yield _Row(given["pairID"], file, row, asked)


def _asked(texts: tuple[str, ...], label: str, more: Mapping[str, object], path: Path, row: int) -> _Asked:
    if label not in ENTAILMENT_NAMES:
        raise DataError(
            f"gold_label: got {short_repr(label)}; want one of {', '.join(ENTAILMENT_NAMES)}", path=path, row=row
        )
    return texts, {"class": ENTAILMENT_NAMES.index(label), **more}


def _with_premise(
    given: Mapping[str, str],
    premises: Mapping[str, tuple[str, ...]] | None,
    explained: Mapping[str, object],
    path: Path,
    row: int,
) -> _Asked:
    texts: tuple[str, ...] = (given["hypothesis"],)
    if premises is not None:
        found = _CAPTION.fullmatch(given["pairID"])
        captions = premises.get(photo_id(found[1]), ()) if found else ()
        if found is None or int(found[2]) >= len(captions):
            got = f"{len(captions)} of the photo of {short_repr(given['pairID'])}"
            raise DataError(f"captions: got {got}; want the one that its number names", path=path, row=row)
        texts = (captions[int(found[2])], *texts)
    return _asked(texts, given["gold_label"], explained, path, row)


def _premises(captions: Path, images: Path) -> dict[str, tuple[str, ...]]:
    """Image id -> its captions, in their order; the pictures themselves are not looked at."""
    return {photo_id(Path(file).name): texts for file, texts in captions_by_file(captions, images).items()}


def _jpg(photo: str) -> str:
    return photo if photo.endswith(".jpg") else f"{photo}.jpg"


def _named_once(rows: list[_Row], path: Path) -> tuple[_Row, ...]:
    """The rows; where several are called the same (pairs explained by several people), with their place behind it."""
    if not rows:
        raise DataError("rows: got none; want at least one", path=path)
    counts = Counter(row.key for row in rows)
    return tuple(row if counts[row.key] == 1 else row._replace(key=f"{row.key}/{row.entry}") for row in rows)
