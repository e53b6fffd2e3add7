import errno
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from motet.core import DataError
from motet.data.formats.tar_index import tar_rows


def pack(path, members, mode="w"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


MEMBERS = [("a/0.jpg", b"zero"), ("a/0.seg.png", b"zero!"), ("b/0.jpg", b"other"), ("a/1.txt", b"")]


def content(path, rows):
    data = path.read_bytes()
    return [(key, {ending: data[at : at + size] for ending, (at, size) in members.items()}) for key, members in rows]


def test_members_of_one_name_are_a_row_and_lie_where_it_says(tmp_path):
    path = pack(tmp_path / "x.tar", MEMBERS)
    assert content(path, tar_rows(path, None)) == [
        ("a/0", {"jpg": b"zero", "seg.png": b"zero!"}),
        ("b/0", {"jpg": b"other"}),
        ("a/1", {"txt": b""}),
    ]


def test_long_names_and_odd_members(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        folder = tarfile.TarInfo("a")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        link = tarfile.TarInfo("a/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name in ("ä" * 150 + ".jpg", "noending", "a/.hidden", "../../up.jpg"):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
    assert content(path, tar_rows(path, None)) == [("ä" * 150, {"jpg": b"abc"}), ("../../up", {"jpg": b"abc"})]


def rewrite(index, **changes):
    with np.load(index) as kept:
        arrays = dict(kept)
    np.savez(index, **arrays | {name: np.array(value) for name, value in changes.items()})


def test_the_index_is_kept_and_used(tmp_path):
    path = pack(tmp_path / "x.tar", MEMBERS)
    first = list(tar_rows(path, None))
    index = tmp_path / "x.tar.index.npz"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.tar", "x.tar.index.npz"]
    assert list(tar_rows(path, None)) == first
    rewrite(index, endings=np.frombuffer(b"JPGseg.pngtxt", dtype=np.uint8))
    assert tar_rows(path, None)[1][1].keys() == {"JPG"}


def test_rows_can_be_sliced_and_have_endings(tmp_path):
    rows = tar_rows(pack(tmp_path / "x.tar", [*MEMBERS, ("a/0.txt", b"apart")]), None)
    assert [key for key, _ in rows[1:]] == ["b/0", "a/1"]
    assert rows.endings_of(0) == ["jpg", "seg.png", "txt"]
    assert rows[-1] == rows[2]
    with pytest.raises(IndexError):
        rows[3]


@pytest.mark.parametrize("kept", [b"", b"[]", b"PK\x05\x06" + b"\0" * 18, b"\x93NUMPY", b"PK\x03\x04 and no more"])
def test_an_index_that_is_damaged_is_made_anew(tmp_path, kept):
    path = pack(tmp_path / "x.tar", MEMBERS)
    (tmp_path / "x.tar.index.npz").write_bytes(kept)
    assert len(tar_rows(path, None)) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"stamp": [2, 1, 1]},
        {"starts": [0, 2, 3, 5]},
        {"starts": [0, 2, 1, 4]},
        {"starts": [0.0, 2.0, 3.0, 4.0]},
        {"ends": [3, 6]},
        {"ends": [3, 6, 99]},
        {"members": [[0, 0, 4], [1, 0, 5], [0, 0, 5], [9, 0, 0]]},
        {"members": [[0, 0, 4], [1, 0, 5], [0, 0, 10**9], [2, 0, 0]]},
        {"members": [[0, 0, 4], [1, 0, 5], [0, -1, 5], [2, 0, 0]]},
        {"members": [0, 0]},
    ],
    ids=str,
)
def test_rows_of_an_index_that_are_no_rows_are_made_anew(tmp_path, changes):
    path = pack(tmp_path / "x.tar", MEMBERS)
    whole = list(tar_rows(path, None))
    rewrite(tmp_path / "x.tar.index.npz", **changes)
    assert list(tar_rows(path, None)) == whole


def test_a_tar_that_has_changed_gets_a_new_index(tmp_path):
    path = pack(tmp_path / "x.tar", MEMBERS)
    tar_rows(path, None)
    pack(path, MEMBERS[:2])
    assert len(tar_rows(path, None)) == 1


def test_the_index_can_lie_elsewhere_or_nowhere(tmp_path):
    path = pack(tmp_path / "tars" / "x.tar", MEMBERS)
    (tmp_path / "kept").mkdir()
    tar_rows(path, tmp_path / "kept")
    assert (tmp_path / "kept" / "x.tar.index.npz").is_file()
    assert len(tar_rows(path, tmp_path / "none")) == 3
    assert [file.name for file in path.parent.iterdir()] == ["x.tar"]


@pytest.mark.parametrize(("mode", "kind"), [("w:gz", "gzip"), ("w:bz2", "bzip2"), ("w:xz", "xz")])
def test_a_compressed_tar_is_refused_with_the_reason(tmp_path, mode, kind):
    path = pack(tmp_path / "x.tar", MEMBERS, mode)
    with pytest.raises(DataError, match=f"compressed with {kind}; want a plain one, since rows are read in any order"):
        tar_rows(path, None)


@pytest.mark.parametrize("length", [0, 100, 700, 1300])
def test_a_tar_that_breaks_off_is_named(tmp_path, length):
    path = pack(tmp_path / "x.tar", [("0.jpg", b"x" * 1000), ("1.jpg", b"y" * 1000)])
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError) as caught:
        tar_rows(path, None)
    assert caught.value.path == path


def test_two_members_of_one_name_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"'0.jpg' twice"):
        tar_rows(pack(tmp_path / "x.tar", [("0.jpg", b"a"), ("0.jpg", b"b")]), None)


def test_an_index_is_not_written_through_a_link(tmp_path):
    (tmp_path / "letter").write_text("dear")
    path = pack(tmp_path / "x.tar", MEMBERS)
    for name in ("x.tar.index.npz", f"x.tar.index.npz.{os.getpid()}", "x.tar.index.npz.part"):
        (tmp_path / name).symlink_to(tmp_path / "letter")
    tar_rows(path, None)
    assert (tmp_path / "letter").read_text() == "dear"


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.GNUTYPE_SPARSE])
def test_a_member_of_less_than_no_bytes_ends_and_is_one_line(tmp_path, kind):
    path = pack(tmp_path / "x.tar", MEMBERS)
    data = bytearray(path.read_bytes())
    data[124:136] = b"\xff" * 8 + (-1024).to_bytes(4, "big", signed=True)  # a number of base 256
    data[156:157] = kind
    data[148:156] = b"        "
    data[148:156] = b"%06o\0 " % sum(data[:512])
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"tar: got .*; want a whole (plain )?tar") as caught:
        tar_rows(path, None)
    assert "\n" not in str(caught.value)


def test_headers_within_headers_without_end_are_one_line(tmp_path):
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    (tmp_path / "x.tar").write_bytes(header.tobuf(tarfile.USTAR_FORMAT) * 5000)
    with pytest.raises(DataError, match=r"tar: got .*; want a whole plain tar"):
        tar_rows(tmp_path / "x.tar", None)


def test_a_name_that_is_no_utf8_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"tar: got the name 'caf\\udce9.jpg'; want UTF-8"):
        tar_rows(pack(tmp_path / "x.tar", [("caf\udce9.jpg", b"x")]), None)


HUGE = np.array([2**63 - 1, 2**63 - 1, 2**63 - 1], dtype=np.int64)


@pytest.mark.parametrize(
    "changes",
    [
        {"members": np.full((4, 3), 2**62, dtype=np.int64)},
        {"members": np.array([[0, 2**63 - 1, 2**63 - 1]] * 4)},
        {"ends": HUGE}, {"starts": np.zeros((4, 2), dtype=np.int64)}, {"keys": np.zeros((2, 2), dtype=np.uint8)},
        {"stamp": np.array(5)}, {"ending_ends": np.array([3, 0, 3, 0, 13])},
        {"ending_ends": np.array([], dtype=np.int64)},
        {"endings": np.array(["x"])}, {"more": np.array([1])},
    ],
)  # fmt: skip
def test_an_index_that_is_not_as_written_is_made_again(tmp_path, changes):
    path = pack(tmp_path / "x.tar", MEMBERS)
    first = content(path, tar_rows(path, None))
    index = tmp_path / "x.tar.index.npz"
    written = index.read_bytes()
    rewrite(index, **changes)
    assert content(path, tar_rows(path, None)) == first
    assert index.read_bytes() == written


def test_an_index_that_is_larger_than_it_could_be_is_not_read(tmp_path, monkeypatch):
    path = pack(tmp_path / "x.tar", MEMBERS)
    tar_rows(path, None)
    index = tmp_path / "x.tar.index.npz"
    with np.load(index) as kept:
        arrays = dict(kept)
    for save, size in ((np.savez, 10**5), (np.savez_compressed, 10**8)):
        save(index, **arrays | {"keys": np.zeros(size, dtype=np.uint8)})
        assert len(tar_rows(path, None)) == 3
        assert index.stat().st_size < 10_000


def test_an_index_of_many_small_members_is_smaller_than_its_tar(tmp_path):
    path = pack(tmp_path / "x.tar", [(f"{'k' * 80}{place}.{place % 7}" + "e" * 10, b"") for place in range(500)])
    tar_rows(path, None)
    index = tmp_path / "x.tar.index.npz"
    assert index.stat().st_size < path.stat().st_size
    before = index.stat().st_mtime_ns
    assert len(tar_rows(path, None)) == 500
    assert index.stat().st_mtime_ns == before  # it was used


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop"])
def test_an_index_that_is_no_file_is_not_waited_for(tmp_path, kind):
    path, index = pack(tmp_path / "x.tar", MEMBERS), tmp_path / "x.tar.index.npz"
    {"pipe": os.mkfifo, "folder": Path.mkdir, "loop": lambda place: place.symlink_to(place)}[kind](index)
    assert len(tar_rows(path, None)) == 3


def test_a_tar_without_permission_is_one_line(tmp_path, monkeypatch):
    path = pack(tmp_path / "x.tar", MEMBERS)

    def refused(*_):  # root may read every file
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(DataError, match="tar: got Permission denied; want a whole plain tar"):
        tar_rows(path, None)
