"""Karpathy's splits of COCO, by which captions and retrieval are compared."""

from __future__ import annotations

from pathlib import Path

from motet.core import DataError, Reader
from motet.data.formats.json_file import get_field, get_number, load_json
from motet.data.splits import OnlyImages

PARTS = ("train", "restval", "val", "test")


def karpathy_ids(path: Path | str) -> dict[str, tuple[str, ...]]:
    """Returns the image ids of each part of `dataset_coco.json`, in its order.

    Source: Karpathy and Fei-Fei, CVPR 2015 (82,783 train, 30,504 restval, 5,000 val and 5,000 test images).

    Raises:
        DataError: no such file, or other content.
    """
    path = Path(path)
    data = load_json(path)
    images = data.get("images") if isinstance(data, dict) else None
    if not isinstance(images, list):
        raise DataError("images: got none; want Karpathy's dataset_coco.json", path=path)
    found: dict[str, list[str]] = {part: [] for part in PARTS}
    for row, entry in enumerate(images):
        part = get_field(entry, "split", str, path=path, row=row)
        if part not in found:
            raise DataError(f"split: got {part!r}; want one of {', '.join(PARTS)}", path=path, row=row)
        found[part].append(f"coco/{get_number(entry, 'cocoid', path=path, row=row)}")
    return {part: tuple(ids) for part, ids in found.items()}


def karpathy_parts(captions: Reader, path: Path | str, *, held: int) -> tuple[Reader, Reader, Reader]:
    """Returns train (with restval), val and test rows of all captions of COCO 2014.

    Args:
        captions: of train2014 and val2014.
        path: `dataset_coco.json`.
        held: number of first images of val and of test.
    """
    ids = karpathy_ids(path)
    chosen = ((*ids["train"], *ids["restval"]), ids["val"][:held], ids["test"][:held])
    train, val, test = (OnlyImages(captions, frozenset(images)) for images in chosen)
    return train, val, test
