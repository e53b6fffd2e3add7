import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from published_maps import write_drawn
from scipy.io import savemat

from motet.core import DataError
from motet.data.formats.mat_file import read_mat


def test_variables_come_back(tmp_path):
    for packed in (False, True):
        savemat(tmp_path / "a.mat", {"a": np.arange(6).reshape(2, 3), "b": "text"}, do_compression=packed)
        assert read_mat(tmp_path / "a.mat", "a").tolist() == [[0, 1, 2], [3, 4, 5]]
        assert read_mat(tmp_path / "a.mat", "b").tolist() == ["text"]
    assert read_mat(write_drawn(tmp_path / "b.mat"), "groundTruth").shape == (1, 3)


def test_a_part_that_becomes_a_thousand_times_its_size_is_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"a": np.zeros(8 * 1024**2)}, do_compression=True)
    assert (tmp_path / "a.mat").stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(DataError, match=r"a: got [\d,]+ bytes that become more than 33,554,432; want a .mat") as caught:
        read_mat(tmp_path / "a.mat", "a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "content", [b"", b"no MATLAB", bytes(128), bytes(124) + b"\x00\x01IM", bytes(124) + b"\x00\x01IM" + b"\xff" * 40]
)
def test_what_is_none_is_one_line(tmp_path, content):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"a: got .*; want a \.mat that has it \(.*a.mat\)") as caught:
        read_mat(tmp_path / "a.mat", "a")
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="No such file"):
        read_mat(tmp_path / "b.mat", "a")


def test_cells_without_end_are_not_allocated(tmp_path):
    sizes = struct.pack("<IIii", 5, 8, 2**30, 2**30)
    matrix = struct.pack("<IIII", 6, 8, 1, 0) + sizes + struct.pack("<IIc7x", 1, 1, b"a")
    body = zlib.compress(struct.pack("<II", 14, len(matrix)) + matrix)
    (tmp_path / "a.mat").write_bytes(bytes(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(body)) + body)
    began = time.process_time()
    with pytest.raises(DataError, match=r"a: got .*; want a \.mat"):
        read_mat(tmp_path / "a.mat", "a")
    assert time.process_time() - began < 2
