"""Karpathy's splits of COCO by image ids."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from motet.core import DataError, Example
from motet.recipes.data.karpathy import karpathy_ids, karpathy_parts


@dataclass(frozen=True)
class Photos:
    def __len__(self) -> int:
        return 9

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"coco/{index}",)

    def __getitem__(self, index: int) -> Example:
        raise AssertionError(index)


def write(path: Path, *entries: dict) -> Path:
    path.write_text(json.dumps({"images": entries}))
    return path


def test_train_has_restval_and_the_first_images_are_held(tmp_path: Path) -> None:
    parts = ("train", "val", "restval", "test", "val", "test", "train", "val")
    path = write(tmp_path / "dataset_coco.json", *({"cocoid": n, "split": part} for n, part in enumerate(parts)))
    assert karpathy_ids(path)["val"] == ("coco/1", "coco/4", "coco/7")
    found = karpathy_parts(Photos(), path, held=2)
    kept = [[part.keys(row)[0] for row in range(len(part))] for part in found]
    assert kept == [["coco/0", "coco/2", "coco/6"], ["coco/1", "coco/4"], ["coco/3", "coco/5"]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[]", "images: got none; want Karpathy's dataset_coco.json"),
        ('{"images": [{"cocoid": 1, "split": "dev"}]}', "split: got 'dev'; want one of train, restval, val, test"),
    ],
)
def test_other_files_are_one_line(tmp_path: Path, text: str, wanted: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=wanted):
        karpathy_ids(tmp_path / "x.json")
