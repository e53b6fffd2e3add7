"""Our own reader gives what scipy gives, and no change of a file ends the process."""

import io
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from published_maps import write_drawn
from scipy.io import loadmat, savemat

from motet.core import DataError
from motet.data.formats.mat_file import as_list, numbers_of, read_mat

KINDS = ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")


@pytest.mark.parametrize("packed", [False, True])
def test_numbers_are_those_of_scipy(tmp_path, packed):
    rng = np.random.default_rng(0)
    values = {f"v_{kind}": rng.integers(0, 100, (2, 3, 4)).astype(kind) for kind in KINDS}
    values |= {
        "flag": np.array([[True, False]]),
        "one": np.float64(7.5),
        "none": np.zeros((0, 3)),
        "nan": np.array([[np.nan]]),
    }
    savemat(tmp_path / "a.mat", values, do_compression=packed)
    known = loadmat(tmp_path / "a.mat")
    for name in values:
        found = read_mat(tmp_path / "a.mat", name)
        np.testing.assert_array_equal(found, known[name])
        assert (found.shape, found.dtype.kind) == (known[name].shape, "b" if name == "flag" else known[name].dtype.kind)


@pytest.mark.parametrize("packed", [False, True])
def test_texts_cells_and_structs_come_back(tmp_path, packed):
    cells = np.empty((1, 3), dtype=object)
    cells[0, :] = ["wall", "bü", np.array([[1, 2]])]
    one = {"a": np.arange(3), "b": {"c": "deep"}}
    savemat(tmp_path / "a.mat", {"cells": cells, "one": one, "text": "flat", "empty": np.empty((0, 0), dtype=object)},
            do_compression=packed)  # fmt: skip
    found = read_mat(tmp_path / "a.mat", "cells")
    assert found[:2] == ["wall", "bü"]
    assert found[2].tolist() == [[1, 2]]
    struct_ = read_mat(tmp_path / "a.mat", "one")
    assert (struct_["a"].tolist(), struct_["b"]) == ([[0, 1, 2]], {"c": "deep"})
    assert read_mat(tmp_path / "a.mat", "text") == "flat"
    assert as_list(read_mat(tmp_path / "a.mat", "empty")) == []
    people = read_mat(write_drawn(tmp_path / "b.mat"), "groundTruth")
    assert [person["Boundaries"].sum() for person in people] == [1, 2, 3]
    with pytest.raises(DataError, match="text: got a str; want finite numbers"):
        numbers_of(tmp_path / "a.mat", "text")


def test_a_part_that_becomes_a_thousand_times_its_size_is_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"a": np.zeros(8 * 1024**2)}, do_compression=True)
    assert (tmp_path / "a.mat").stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(DataError, match=r"a: got [\d,]+ bytes that become more than 33,554,432; want a .mat"):
        read_mat(tmp_path / "a.mat", "a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000


@pytest.mark.parametrize(
    "content",
    [b"", b"no MATLAB", bytes(128), bytes(124) + b"\x00\x01IM", bytes(124) + b"\x00\x01IM" + b"\xff" * 40],
)
def test_what_is_none_is_one_line(tmp_path, content):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"a: got .*; want a \.mat that has it \(.*a.mat\)") as caught:
        read_mat(tmp_path / "a.mat", "a")
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="No such file"):
        read_mat(tmp_path / "b.mat", "a")
    savemat(tmp_path / "c.mat", {"x": 1})
    with pytest.raises(DataError, match=r"a: got x; want a \.mat that has it"):
        read_mat(tmp_path / "c.mat", "a")


def matrix(kind: int, shape: tuple[int, ...], *parts: bytes) -> bytes:
    sizes = struct.pack(f"<II{len(shape)}i", 5, 4 * len(shape), *shape) + b"\0" * (-4 * len(shape) % 8)
    body = struct.pack("<IIII", 6, 8, kind, 0) + sizes + struct.pack("<IIc7x", 1, 1, b"a") + b"".join(parts)
    return struct.pack("<II", 14, len(body)) + body


@pytest.mark.parametrize(
    "content",
    [
        matrix(1, (2**30, 2**30)),
        matrix(2, (2**30, 2**30), struct.pack("<HHI", 5, 4, 8), struct.pack("<II", 1, 0)),
        matrix(6, (2**30, 2**30), struct.pack("<II", 9, 0)),
        matrix(6, (-1, -1), struct.pack("<II", 9, 0)),
        matrix(6, (1,) * 40, struct.pack("<IId", 9, 8, 1)),
        matrix(6, (1, 1), struct.pack("<IId", 9, 2**31, 1)),
        matrix(5, (1, 1)),
    ],
)
def test_sizes_beyond_the_file_are_not_allocated(tmp_path, content):
    body = zlib.compress(content)
    (tmp_path / "a.mat").write_bytes(bytes(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(body)) + body)
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(DataError, match=r"a: got .*; want a \.mat"):
        read_mat(tmp_path / "a.mat", "a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert time.process_time() - began < 2


def test_cells_within_cells_without_end_are_one_line(tmp_path):
    content = matrix(6, (1, 1), struct.pack("<IId", 9, 8, 1))
    for _ in range(3000):
        content = matrix(1, (1, 1), content)
    (tmp_path / "a.mat").write_bytes(bytes(124) + b"\x00\x01IM" + content)
    with pytest.raises(DataError, match="more than 16 cells within cells"):
        read_mat(tmp_path / "a.mat", "a")


def test_no_change_ends_the_process(tmp_path):
    file = io.BytesIO()
    savemat(file, {"a": {"x": np.arange(5), "y": "text"}, "b": np.eye(3)})
    rng = np.random.default_rng(0)
    for case in range(400):
        changed = bytearray(file.getvalue())
        for place in rng.integers(120, len(changed), size=int(rng.choice([1, 4]))):
            changed[place] = int(rng.choice([0, 0x7F, 0xFF, rng.integers(256)]))
        (tmp_path / "c.mat").write_bytes(changed[: int(rng.integers(len(changed)))] if case % 5 == 0 else changed)
        for name in ("a", "b"):
            try:
                read_mat(tmp_path / "c.mat", name)
            except DataError as error:
                assert "\n" not in str(error)  # noqa: PT017
