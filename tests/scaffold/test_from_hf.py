"""Sources of Hugging Face data sets: in memory, in a folder, with their own splits and classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from motet.core import ConfigError, DataError, Label
from motet.core.codec import from_json, to_json
from motet.scaffold.from_hf import from_hf
from motet.training.saved_names import saved_names

datasets = pytest.importorskip("datasets")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A data set in memory with images, classes and captions."""
    monkeypatch.setenv("MOTET_CACHE", str(tmp_path / "cache"))
    images = [Image.new("RGB", (8, 8), (9 * n, 0, 0)) for n in range(20)]
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["dog", "cat"]),
            "note": datasets.Value("string"),
        }
    )
    rows = {
        "image": images,
        "label": [n % 2 for n in range(20)],
        "note": [f"a small animal number {n}" for n in range(20)],
    }
    return datasets.Dataset.from_dict(rows, features=features)


def test_a_data_set_in_memory_has_a_task_per_target_and_is_saved_once(data: Any, tmp_path: Path) -> None:
    sources = from_hf(data, targets=("label", "note"))
    assert [source.name for source in sources] == [
        "label", "label/val", "label/test", "note", "note/val", "note/test",
    ]  # fmt: skip
    assert sources[0].tasks[0].target == Label(("dog", "cat"))  # the data set's own names in its own order
    assert from_hf(data, targets="label") == sources[:3]
    assert len(list((tmp_path / "cache" / "datasets").iterdir())) == 1
    again = from_json(to_json(sources), saved_names())
    assert again[0].reader[0] == sources[0].reader[0]


def test_its_own_splits_are_kept_in_memory_and_in_a_folder(data: Any, tmp_path: Path) -> None:
    parts = datasets.DatasetDict({"train": data.select(range(12)), "validation": data.select(range(12, 20))})
    parts.save_to_disk(str(tmp_path / "saved"))
    for given in (parts, tmp_path / "saved", str(tmp_path / "saved")):
        sources = from_hf(given, targets="label")
        rows = {source.role: len(source.reader) for source in sources}
        assert rows["val"] == 8
        assert rows["train"] + rows["test"] == 12


def test_a_doubt_and_what_is_no_data_set_are_one_line(data: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"several columns that can be one: 'label' \(class.*'note' \(captioning\)"):
        from_hf(data)
    with pytest.raises(ConfigError, match=r"data: got a list; want a datasets.Dataset or DatasetDict, a folder"):
        from_hf([1, 2])
    with pytest.raises(ConfigError, match="data: got a IterableDataset; want"):
        from_hf(data.to_iterable_dataset())
    with pytest.raises(DataError, match=r"data set: got .*; want one that `datasets` loads"):
        from_hf(tmp_path / "nothing")
