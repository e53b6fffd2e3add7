import os
import pickle
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from motet.core import DataError
from motet.core.plain_pickle import read_plain


class Runs:
    """A pickle of it makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_plain_data_comes_back() -> None:
    refs = [{"ref_id": 1, "sent": "the düne", "tokens": ("a", 2.5), "none": None, "set": [True, b"x"]}]
    for protocol in range(6):
        assert read_plain(pickle.dumps(refs, protocol), path="refs.p", arrays=True) == refs


def test_the_texts_of_python_2_are_read() -> None:
    # pickle.dumps(["caf\xc3\xa9"], 2) and pickle.dumps(["\xff"], 2) of Python 2.
    assert read_plain(b"\x80\x02]q\x00U\x05caf\xc3\xa9q\x01a.", path="refs.p") == ["café"]
    assert read_plain(b"\x80\x02]q\x00U\x01\xffq\x01a.", path="refs.p") == ["ÿ"]


@pytest.mark.parametrize("arrays", [False, True])
def test_a_malicious_pickle_is_one_line_and_runs_nothing(tmp_path, arrays: bool) -> None:
    bomb = pickle.dumps([{"ref_id": 1, "x": Runs(tmp_path / "made")}])
    with pytest.raises(
        DataError, match=r"pickle: got one that asks for (posix|nt).mkdir; want only lists.*nothing was run"
    ) as caught:
        read_plain(bomb, path="refs(unc).p", arrays=arrays)
    assert "\n" not in str(caught.value)
    assert "refs(unc).p" in str(caught.value)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(date(2020, 1, 1)),
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x01a\x85R.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n.",
        pickle.dumps(np.array([{}], dtype=object)),
        pickle.dumps(np.dtype("f4")),
        b"Pa stored object\n.",
    ],
)
def test_whatever_is_no_plain_data_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match="pickle: got one that asks for"):
        read_plain(data, path="x.p", arrays=True)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 4)), np.asfortranarray(np.eye(3)), np.array([True]),
     np.array([1, 2], dtype=">i4"), np.array(7)],
    ids=str,
)  # fmt: skip
def test_arrays_of_numbers_come_back(array, protocol: int) -> None:
    found = read_plain(pickle.dumps({"boxes": array, "n": [array, np.float32(2)]}, protocol), path="x", arrays=True)
    assert np.array_equal(found["boxes"], array)
    assert found["boxes"].dtype.kind == array.dtype.kind
    assert found["n"][1] == 2


def test_arrays_are_refused_where_none_belong() -> None:
    with pytest.raises(
        DataError, match=r"asks for numpy.*; want only lists, dicts, strings and numbers \(nothing was run\)"
    ):
        read_plain(pickle.dumps(np.zeros(2)), path="refs.p")


@pytest.mark.parametrize("data", [b"", b"\x80\x04", b"no pickle at all", pickle.dumps([1, 2, 3])[:-2], b"\xff\xfe\xf0"])
def test_a_broken_pickle_is_one_line(data: bytes) -> None:
    with pytest.raises(DataError, match="pickle: got a damaged file") as caught:
        read_plain(data, path="refs.p", row="12")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("(refs.p, row 12)")
