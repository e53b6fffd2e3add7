"""The TSV of bottom-up attention: one line per image, arrays as base64, read by offset."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motet.core import DataError
from motet.core.plain_json import parse_json
from motet.core.whole_files import write_whole
from motet.data.formats.number_text import is_number
from motet.data.formats.regions.region_file import RegionFiles, StoredRegions
from motet.data.formats.size_limits import regular_size
from motet.data.formats.text_file import read_bytes

BOTTOM_UP = ("image_id", "image_w", "image_h", "num_boxes", "boxes", "features")
LXMERT = (
    "img_id", "img_h", "img_w", "objects_id", "objects_conf", "attrs_id", "attrs_conf", "num_boxes", "boxes",
    "features",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TsvRegions(RegionFiles):
    """`trainval_36.tsv` of bottom-up attention (six columns), or LXMERT's (ten).

    The file is scanned once for the offset of each line. The offsets are cached beside it (`NAME.offsets.json`) if the
    folder is writable, and the cache is renewed when the file changes.

    Source: Anderson et al. 2018, the authors' `tools/read_tsv.py`.

    Args:
        columns: their names in order; () for one of the two layouts, by the number of columns.
    """

    columns: tuple[str, ...] = ()
    _offsets: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def _first(self) -> tuple[str, StoredRegions]:
        key = next(iter(self._index()), None)
        found = None if key is None else self._read(key)
        if key is None or found is None:
            raise DataError("regions: got an empty file; want one line per image", path=self.path)
        return key, found

    def _read(self, key: str) -> StoredRegions | None:
        offset = self._index().get(key)
        if offset is None:
            return None
        with open(self.path, "rb") as file:
            file.seek(offset)
            return self._parse(file.readline(), key)

    def _index(self) -> Mapping[str, int]:
        if not self._offsets:
            self._offsets.update(_offsets(Path(self.path)))
        return self._offsets

    def _parse(self, line: bytes, key: str) -> StoredRegions:
        cells = line.rstrip(b"\r\n").split(b"\t")
        columns = self.columns or {len(BOTTOM_UP): BOTTOM_UP, len(LXMERT): LXMERT}.get(len(cells), ())
        if len(columns) != len(cells):
            want = len(columns) or f"{len(BOTTOM_UP)} or {len(LXMERT)}"
            raise DataError(f"columns: got {len(cells)}; want {want}", path=self.path, row=key)
        named = dict(zip(columns, cells, strict=True))
        count = self._number(named, ("num_boxes",), key)
        size_hw = self._number(named, ("image_h", "img_h"), key), self._number(named, ("image_w", "img_w"), key)
        boxes, features = (self._array(named, name, count, key) for name in ("boxes", "features"))
        classes = self._array(named, "cls_prob", count, key) if "cls_prob" in named else None
        return StoredRegions(features, boxes, size_hw, classes)

    def _number(self, cells: Mapping[str, bytes], names: tuple[str, ...], key: str) -> int:
        cell = next((cells[name] for name in names if name in cells), b"")
        if not is_number(cell.strip().decode("latin1")) or int(cell) < 1:
            raise DataError(f"{names[0]}: got {cell[:30]!r}; want a whole number", path=self.path, row=key)
        return int(cell)

    def _array(self, cells: Mapping[str, bytes], name: str, count: int, key: str) -> np.ndarray:
        try:
            values = np.frombuffer(base64.b64decode(cells.get(name, b""), validate=True), dtype="<f4")
        except (binascii.Error, ValueError) as error:
            raise DataError(f"{name}: got {error}; want base64 of 32-bit numbers", path=self.path, row=key) from error
        if not len(values) or len(values) % count:
            raise DataError(
                f"{name}: got {len(values)} numbers; want some for each of {count} boxes", path=self.path, row=key
            )
        return values.reshape(count, -1)


def _offsets(path: Path) -> dict[str, int]:
    beside = path.with_name(f"{path.name}.offsets.json")
    try:
        stamp = [regular_size(path), path.stat().st_mtime_ns]
        known = _load_offsets(beside, stamp)
        if known is not None:
            return known
        found = _scan(path)
    except OSError as error:
        raise DataError(f"regions: got {error.strerror or error}; want a readable file", path=path) from error
    with contextlib.suppress(OSError):  # not writable: the next run scans again
        write_whole(beside, json.dumps({"stamp": stamp, "offsets": found}).encode())
    return found


def _load_offsets(beside: Path, stamp: list[int]) -> dict[str, int] | None:
    try:
        cached = parse_json(read_bytes(beside))
        if cached["stamp"] != stamp:
            return None
        offsets = {str(key): int(offset) for key, offset in cached["offsets"].items()}
    except (DataError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    return offsets if all(0 <= offset < stamp[0] for offset in offsets.values()) else None


def _scan(path: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    with open(path, "rb") as file:
        while line := file.readline():
            key, tab, _ = line.partition(b"\t")
            name = key.decode("utf-8", "replace").strip()
            if not tab and line.strip():
                raise DataError(f"line: got {line[:40]!r}; want cells between tabs", path=path, row=len(found))
            if tab and name not in ("image_id", "img_id"):  # some files have a header
                found[name] = file.tell() - len(line)
    return found
