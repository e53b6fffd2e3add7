"""Sources of a folder are those that `motet init` writes; what is not read is logged."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from PIL import Image

from motet.core import DataError
from motet.scaffold.from_folder import from_folder
from motet.scaffold.init import sources_in


def test_it_reads_what_init_reads_and_logs_the_rest(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(20):
        path = tmp_path / "pets" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (9 * number, 0, 0)).save(path)
    (tmp_path / "pets" / "rows.tfrecord").write_bytes(b"x" * 100)
    with caplog.at_level(logging.WARNING, "motet.data"):
        sources = from_folder(tmp_path / "pets")
    assert sources == sources_in(tmp_path / "pets")
    assert [source.name for source in sources] == ["kind", "kind/val", "kind/test"]
    assert any("tfrecord" in message for message in caplog.messages)


def test_nothing_to_train_on_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got nothing to train on"):
        from_folder(tmp_path)
