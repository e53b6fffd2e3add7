"""SNLI-VE: sentences that follow from a Flickr30k photo, contradict it, or neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from motet.data.formats.deferred import capture
from motet.data.formats.hypotheses import HypothesisReader, HypothesisRow, jpg_name, to_hypothesis, with_unique_keys
from motet.data.formats.json_file import get_field, get_id, load_json_lines
from motet.data.formats.paths import path_inside


@dataclass(frozen=True)
class SnliVe(HypothesisReader):
    """SNLI-VE, one Example per hypothesis; the image is the premise, `text` the hypothesis; labels: "class".

    "class" is an index of `names`: entailment, neutral, contradiction. An empty hypothesis is legal.

    Args:
        annotations: `snli_ve_train.jsonl` (`Flickr30K_ID`, `sentence1`, `sentence2`, `gold_label`, `pairID`).
        images: the folder `flickr30k-images/`; an image's name is `Flickr30K_ID` with ".jpg" behind it.
        premise: put the caption that the hypothesis was written for (`sentence1`) in front: `text` is then a pair.
        name: prefix of Example ids; by default "snli_ve/train", from the file's name.

    Raises:
        DataError: no such file, a line that is not JSON, a missing key, no row. A label that is no class raises when
            its row is read ("-", where annotators did not agree, occurs in SNLI and not in SNLI-VE).
    """

    annotations: Path | str
    images: Path | str
    premise: bool = False
    name: str = ""
    _rows: tuple[HypothesisRow, ...] = field(init=False, repr=False, compare=False)
    _official_name: ClassVar[re.Pattern[str]] = re.compile(r"snli_ve_(\w+)\.jsonl")
    _prefix: ClassVar[str] = "snli_ve"

    def __post_init__(self) -> None:
        path = Path(self.annotations)
        object.__setattr__(self, "_rows", with_unique_keys(list(self._read(path)), path))

    def _read(self, path: Path) -> Iterator[HypothesisRow]:
        for row, entry in enumerate(load_json_lines(path)):
            photo = get_id(entry, "Flickr30K_ID", path=path, row=row)
            texts = tuple(get_field(entry, key, str, path=path, row=row) for key in ("sentence1", "sentence2"))
            label = get_field(entry, "gold_label", str, path=path, row=row)
            hypothesis = capture(to_hypothesis, texts if self.premise else texts[1:], label, {}, path, row)
            key = get_field(entry, "pairID", str, path=path, row=row) if "pairID" in entry else str(row)
            file = path_inside(Path(self.images), jpg_name(photo), path=path, row=row)
            yield HypothesisRow(key, file, row, hypothesis)
