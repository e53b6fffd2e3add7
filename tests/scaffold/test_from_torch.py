"""Sources of torch data sets, whose rows are read as they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch.utils.data import Dataset

from motet.core import ConfigError, DataError, Label, Text
from motet.scaffold.from_torch import from_torch


class Shades(Dataset[Any]):
    """Grey images and the index of their shade."""

    def __init__(self, count: int = 40, names: tuple[str, ...] | None = ("dark", "light")) -> None:
        self.count, self.read = count, 0
        if names is not None:
            self.classes = list(names)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        self.read += 1
        return np.full((8, 8, 3), 6 * index, np.uint8), index % 2


def test_classes_come_from_the_data_set_and_missing_splits_are_cut() -> None:
    rows = Shades()
    sources = from_torch(rows, "shade")
    assert [source.role for source in sources] == ["train", "val", "test"]
    assert sum(len(source.reader) for source in sources) == 40
    assert sources[0].tasks[0].target == Label(("dark", "light"))
    assert rows.read == 1  # the first row, to see that it can be read
    assert sources[0].reader[0].labels["class"] in (0, 1)


def test_splits_and_shared_images_are_kept() -> None:
    sources = from_torch({"train": Shades(20), "test": Shades(6)}, "shade", names=("a", "b"))
    assert {source.role: len(source.reader) for source in sources if source.role == "test"} == {"test": 6}
    shared = [str(n // 10) for n in range(40)]  # four images
    cut = from_torch(Shades(), "shade", image_ids=shared)
    owners = [{source.reader.keys(row) for row in range(len(source.reader))} for source in cut]
    assert sum(map(len, owners)) == len(set.union(*owners)) == 4


class Captions(Shades):
    """Rows as mappings."""

    def __getitem__(self, index: int) -> Any:
        image, _ = super().__getitem__(index)
        return {"image": image, "captions": [f"shade {index}", "grey"]}


def test_rows_that_are_mappings_can_be_of_another_kind() -> None:
    sources = from_torch(Captions(), "caption", kind="captioning", image="image", target="captions")
    assert isinstance(sources[0].tasks[0].target, Text)
    assert sources[0].reader[0].labels["captions"][1] == "grey"


@pytest.mark.parametrize(
    ("dataset", "given", "message"),
    [
        (Shades(names=None), {}, r"names: got none, and a data set without .classes; want the classes"),
        (Shades(), {"kind": "boxes"}, "kind: got 'boxes'; want one of 'classification', 'captioning'"),
        (iter([1]), {"names": ("a",)}, "dataset: got a list_iterator; want a map-style data set"),
        ({"one": Shades(), "two": Shades()}, {}, "split: got 'one'; want 'train', 'val' or 'test'"),
    ],
    ids=["names", "kind", "iterator", "splits"],
)
def test_what_does_not_fit_is_named(dataset: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_torch(dataset, "shade", **given)


def test_a_data_set_whose_rows_cannot_be_read_is_named() -> None:
    with pytest.raises(DataError, match=r"shade: got a tuple; want 2 in every row \(row 0\)"):
        from_torch(Shades(), "shade", target=2)
