import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from motet.core import DataError
from motet.data.formats.npz_file import read_npz


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def declaring(shape, values: bytes = b"abcd", kind: str = "<f4", compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An npz whose header declares a shape, whatever its values are."""
    header, file = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("features.npy", header.getvalue() + values)
    return file.getvalue()


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int64, np.uint8, bool, ">i4"])
def test_arrays_come_back(kind):
    array = np.arange(6).reshape(2, 3).astype(kind)
    found = read_npz(npz(a=array, b=np.asfortranarray(array), c=np.array(7), d=np.zeros((0, 4))), path="x.npz")
    np.testing.assert_array_equal(found["a"], array)
    np.testing.assert_array_equal(found["b"], array)
    assert (found["c"], found["d"].shape) == (7, (0, 4))
    assert found["a"].dtype == array.dtype
    assert found["a"].flags.writeable


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (declaring((10**13,)), r"npz: got a broken one \(4 bytes of the shape \(10000000000000,\) of float32\)"),
        (declaring((2**62, 2**62)), "4 bytes of the shape"),
        (declaring((-1, -1)), "4 bytes of the shape"),
        (declaring((1,), kind="|O"), "an array of object"),
        (declaring((1,), kind="<M8[s]"), "an array of datetime64"),
        (npz(a=np.zeros(3))[:-30], "not a zip file|Bad magic"),
        (b"PK\x03\x04", "not a zip file"),
        (npz(a=np.zeros(300)).replace(b"'descr'", b"'descx'"), "npz: got a broken one"),
    ],
)
def test_what_is_no_npz_of_numbers_is_one_line(data, message):
    with pytest.raises(DataError, match=message) as caught:
        read_npz(data, path="x.npz", row="9")
    assert str(caught.value).endswith("(x.npz, row 9)")
    assert "\n" not in str(caught.value)


def test_a_zip_that_becomes_a_thousand_times_its_size_is_refused():
    data = declaring((64 * 1024**2,), bytes(64 * 1024**2), "|u1")
    assert len(data) < 100_000
    tracemalloc.start()
    with pytest.raises(DataError, match=r"npz: got \d+,\d+ bytes that become 67,\d+,\d+; want at most 33,554,432"):
        read_npz(data, path="x.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_an_entry_that_is_longer_than_the_zip_says_is_cut():
    data = bytearray(declaring((4_000_000,), bytes(4_000_000), "|u1"))
    place = data.rindex(b"PK\x01\x02") + 24  # the size in the directory
    data[place : place + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(DataError, match="npz: got a broken one"):
        read_npz(bytes(data), path="x.npz")
