"""Filling a store: the parts that images and texts share."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from motet.core import ConfigError, DataError
from motet.data.feature_parts import STORE, write_part
from motet.data.store_filling import check_room, exclusively, fill_on_rank_0, intact_rows, store_folder, to_float16


def test_what_made_the_features_names_the_folder(tmp_path: Path) -> None:
    folders = {store_folder(tmp_path, {"encoder": a, "view": b}) for a, b in (("x", "y"), ("x", "z"), ("xy", ""))}
    assert len(folders) == 3
    assert store_folder(tmp_path, {"encoder": "x", "view": "y"}) in folders


def test_steps_run_while_no_other_fills_and_what_was_left_is_cleared(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "part-1.unfinished").write_bytes(b"half")
    seen = []

    def steps() -> Iterator[None]:
        seen.append(sorted(path.name for path in store.glob("*.unfinished")))
        yield

    fill_on_rank_0(exclusively(store, {"encoder": "x"}, steps()))
    assert seen == [[]]
    assert json.loads((store / STORE).read_text()) == {"encoder": "x"}


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="want a folder with write permission"):
        fill_on_rank_0(exclusively(tmp_path / "file" / "store", {}, iter(())))


def test_only_rows_of_intact_parts_with_wanted_content_count(tmp_path: Path) -> None:
    for content in ("a", "b", "c"):
        list(write_part(tmp_path, [(content, 0)], (1, 2), [np.ones((1, 1, 2), np.float16)]))
    damaged = sorted(tmp_path.glob("part-*.npy"))[1]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    found = []

    def steps() -> Iterator[None]:
        found.append((yield from intact_rows(tmp_path, {"a", "b"})))

    assert len(list(steps())) == 2  # one per part that was compared with its checksums
    assert found == [{("a", 0)}]
    assert not damaged.exists()


def test_room_and_range_are_checked(tmp_path: Path) -> None:
    check_room(tmp_path, 1, "a byte")
    with pytest.raises(ConfigError, match=r"bytes free in .*; want 1,000,000,000,000,000 for all"):
        check_room(tmp_path, 10**15, "all")
    assert to_float16(torch.tensor([1.5])).dtype == np.float16
    with pytest.raises(ConfigError, match="beyond the range of float16"):
        to_float16(torch.tensor([70_000.0]))
