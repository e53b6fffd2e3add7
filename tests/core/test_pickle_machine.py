"""No pickle takes more than its own size gives: the memo, depth, shared parts, copies and keys are bounded."""

import contextlib
import pickle
import struct
import time
import tracemalloc

import numpy as np
import pytest

from motet.core import DataError, pickle_machine
from motet.core.pickle_machine import Machine
from motet.core.plain_pickle import read_plain


def refuse(data: bytes, line: str, *, arrays: bool = False) -> int:
    """Checks that a pickle is refused in one line and at once; returns the peak of what was allocated."""
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(DataError, match=line) as caught:
            read_plain(data, path="refs.p", arrays=arrays)
        assert "\n" not in str(caught.value)
        assert time.process_time() - began < 5
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_memo_index_allocates_nothing() -> None:
    tracemalloc.start()
    assert read_plain(b"\x80\x02Nr" + struct.pack("<I", 2**28) + b".", path="refs.p") is None
    assert read_plain(b"Np268435456\n.", path="refs.p") is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize("make", [b"h\x00h\x00\x86q\x00", b"](h\x00h\x00eq\x00", b"}(K\x00h\x00K\x01h\x00uq\x00"])
def test_parts_that_are_used_twice_at_each_level_are_counted(make: bytes) -> None:
    few = read_plain(b"]q\x00" + make * 10 + b".", path="refs.p")
    assert len(str(few)) > 2**10
    assert refuse(b"]q\x00" + make * 40 + b".", "more than 12,000,000 values") < 100_000


def test_a_list_that_contains_itself_is_refused() -> None:
    for data in (b"]q\x00h\x00a.", b"]q\x00(]q\x01h\x00ah\x01e.", b"}q\x00K\x01h\x00s."):
        refuse(data, "filled after it was used")
    # Linked from the top, while each is still empty.
    tower = b"".join(b"]q%c0" % place for place in range(40))
    links = b"".join(b"h%c(h%ch%ce0" % (place + 1, place, place) for place in reversed(range(39)))
    refuse(tower + links + b"h\x27.", "filled after it was used")


@pytest.mark.parametrize("level", [b"\x85", b"]"])
def test_depth_is_bounded(level: bytes) -> None:
    build = b")" + b"\x85" * 100_000 if level == b"\x85" else b"]" * 100_000 + b"a" * 99_999
    refuse(build + b".", "more than 64 lists within lists")


def test_a_key_of_many_levels_is_never_hashed() -> None:
    refuse(b"}N" + b"\x85q\x00h\x00\x86" * 30 + b"Ns.", "more than 12,000,000 values")
    refuse(b"}N\x85Ns.", "a key of the type tuple")


def test_steps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_machine, "MAX_STEPS", 1000)
    refuse(b"N0" * 501 + b"N.", "more than 1,000 steps")


def test_lists_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_machine, "MAX_CONTAINERS", 10)
    assert read_plain(b"(" + b"]" * 9 + b"t.", path="x") == ([],) * 9
    for data in (b"]" * 11 + b".", b"N\x85" * 11 + b".", b"}" * 11 + b"."):
        refuse(data, "more than 10 lists, dicts and tuples")


def test_a_length_beyond_the_file_is_not_allocated() -> None:
    for code, size in ((b"T", "<I"), (b"X", "<I"), (b"B", "<I"), (b"\x8d", "<Q"), (b"\x8e", "<Q"), (b"\x96", "<Q")):
        assert refuse(code + struct.pack(size, 2**31 - 1) + b"abc.", "an end within a (value|text)") < 100_000


def test_a_number_without_end_is_refused() -> None:
    refuse(b"I" + b"9" * 5000 + b"\n.", "4300 digits")
    refuse(b"\x8b" + struct.pack("<I", 10_000) + b"\x01" * 10_000 + b".", "0x8b in place of an opcode")
    assert read_plain(pickle.dumps(2**1000), path="x") == 2**1000


def test_one_text_does_not_become_many_arrays() -> None:
    text = b"X" + struct.pack("<I", 100_000) + b"a" * 100_000 + b"q\x00"
    copies = b"c_codecs\nencode\nq\x010" + b"h\x01h\x00\x85R0" * 1000
    assert refuse(text + copies + b"N.", "more than 8 times the file's bytes", arrays=True) < 4_000_000


@pytest.mark.parametrize(
    "data", [b"\x8f(K\x01\x90.", b"(K\x01\x91.", b"(i__main__\nX\n.", b"N\x81.", b"\x82\x01.", b"\x97."]
)
def test_sets_and_objects_are_no_plain_data(data: bytes) -> None:
    refuse(data, "pickle: got one that asks for")


def test_texts_of_python_2_are_read_one_by_one() -> None:
    assert read_plain(b"(U\x05caf\xc3\xa9U\x01\xfft.", path="x") == ("café", "ÿ")
    assert read_plain(b"V\\ud83d\\ude00\n.", path="x") == "😀"
    refuse(b"V\\ud83d\n.", "damaged")


def test_an_array_of_python_2_keeps_its_bytes() -> None:
    # What `cPickle.dumps(numpy.array([...], 'u1'), 2)` of Python 2 writes, for bytes that are and are not UTF-8.
    for raw in (b"caf\xc3\xa9", b"\xff\xc3\xa9ab"):
        data = (
            b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x05\x85cnumpy\n"
            b"dtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
            + bytes([len(raw)]) + raw + b"tb."
        )  # fmt: skip
        assert np.array_equal(read_plain(data, path="x", arrays=True), np.frombuffer(raw, np.uint8))


def test_random_bytes_are_read_or_refused() -> None:
    rng = np.random.default_rng(0)
    good = pickle.dumps([{"a": [1, 2.5, "x", None, True, b"y", (1, 2)], "b": np.arange(3)}] * 2, 2)
    for _ in range(300):
        data = bytearray(good)
        for place in rng.integers(2, len(good), 3):
            data[place] = rng.integers(256)
        with contextlib.suppress(DataError):
            read_plain(bytes(data), path="x", arrays=True)


def test_every_opcode_of_plain_data_is_known() -> None:
    value = [1, 300, 70_000, -5, 2**40, 1.5, "text", "ü" * 300, b"b", b"b" * 300, None, True, False, (), (1,), (1, 2),
             (1, 2, 3), (1, 2, 3, 4), {"a": []}, {}]  # fmt: skip
    for protocol in range(6):
        assert Machine(pickle.dumps(value, protocol), lambda *_: lambda *a: a[0].encode("latin1") if a else b"").run()
        assert read_plain(pickle.dumps(value, protocol), path="x", arrays=True) == value
