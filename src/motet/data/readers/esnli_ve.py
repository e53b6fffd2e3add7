"""e-SNLI-VE: SNLI-VE with corrected labels and an explanation of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeAlias

from motet.core import DataError, nearest
from motet.data.formats.deferred import capture
from motet.data.formats.flickr_captions import captions_by_file
from motet.data.formats.hypotheses import (
    Hypothesis,
    HypothesisReader,
    HypothesisRow,
    jpg_name,
    to_hypothesis,
    with_unique_keys,
)
from motet.data.formats.json_file import short_repr
from motet.data.formats.number_text import is_number
from motet.data.formats.paths import path_inside, photo_id
from motet.data.formats.text_file import read_csv

_CAPTION = re.compile(r"(.+)#(\d)\w*")
_COLUMNS = ("pairID", "Flickr30kID", "hypothesis", "gold_label")
_Premises: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class ESnliVe(HypothesisReader):
    """e-SNLI-VE, one Example per hypothesis, with the image as premise; labels: "class", "explanations" (one).

    "class" is an index of `names`: entailment, neutral, contradiction. An empty hypothesis is legal.

    Args:
        annotations: `esnlive_train.csv` (`pairID`, `Flickr30kID`, `hypothesis`, `gold_label`, `explanation`).
        images: the folder `flickr30k-images/`.
        captions: Flickr30k's captions in any form that its reader takes. With them the caption that the
            hypothesis was written for (`pairID` contains its number) is put in front: `text` is then a pair.
        name: prefix of Example ids; by default "esnlive/train", from the file's name.

    Raises:
        DataError: no such file, a header that lacks a column, a row with another number of cells, no row. A label that
            is no class, and a premise that the captions lack, raise when the row is read.
    """

    annotations: Path | str
    images: Path | str
    captions: Path | str | None = None
    name: str = ""
    _rows: tuple[HypothesisRow, ...] = field(init=False, repr=False, compare=False)
    _official_name: ClassVar[re.Pattern[str]] = re.compile(r"esnlive_(\w+)\.csv")
    _prefix: ClassVar[str] = "esnlive"

    def __post_init__(self) -> None:
        path = Path(self.annotations)
        object.__setattr__(self, "_rows", with_unique_keys(list(self._read(path)), path))

    def _read(self, path: Path) -> Iterator[HypothesisRow]:
        premises = None if self.captions is None else _premises(Path(self.captions), Path(self.images))
        rows = read_csv(path)
        header = next(rows, [])
        for column in _COLUMNS:
            if column not in header:
                hint = nearest(column, header)
                raise DataError(f"column {column!r}: got a header without it; want it ({hint})", path=path)
        for row, cells in enumerate(rows):
            if len(cells) != len(header):
                raise DataError(f"columns: got {len(cells)}; want {len(header)}, as in the header", path=path, row=row)
            named = dict(zip(header, cells, strict=True))
            hypothesis = capture(_hypothesis, named, premises, path, row)
            file = path_inside(Path(self.images), jpg_name(named["Flickr30kID"]), path=path, row=row)
            yield HypothesisRow(named["pairID"], file, row, hypothesis)


def _hypothesis(cells: Mapping[str, str], premises: _Premises | None, path: Path, row: int) -> Hypothesis:
    texts: tuple[str, ...] = (cells["hypothesis"],)
    if premises is not None:
        texts = (_premise(cells["pairID"], premises, path, row), *texts)
    explanations = {"explanations": (cells["explanation"],)} if cells.get("explanation", "").strip() else {}
    return to_hypothesis(texts, cells["gold_label"], explanations, path, row)


def _premise(pair_id: str, premises: _Premises, path: Path, row: int) -> str:
    found = _CAPTION.fullmatch(pair_id)
    captions = premises.get(photo_id(found[1]), ()) if found else ()
    if found is None or not is_number(found[2]) or int(found[2]) >= len(captions):
        got = f"{len(captions)} of the photo of {short_repr(pair_id)}"
        raise DataError(f"captions: got {got}; want the one that its number names", path=path, row=row)
    return captions[int(found[2])]


def _premises(captions: Path, images: Path) -> _Premises:
    """Returns the captions of each image id, in their order; the image files are not touched."""
    return {photo_id(Path(file).name): texts for file, texts in captions_by_file(captions, images).items()}
