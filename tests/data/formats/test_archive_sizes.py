"""Archives in a folder are measured before a library unpacks them."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats.archive_sizes import check_archives
from motet.data.readers import HfDataset

_BIG = 33 * 1024**2  # one MiB more than is always allowed


def _zip(path: Path, size: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", bytes(size))


def _tar(path: Path, size: int, mode: str) -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("a.txt")
        member.size = size
        archive.addfile(member, io.BytesIO(bytes(size)))


def _sparse(path: Path, size: int) -> None:
    """A tar of the old GNU form whose member has no bytes on disk and a real size of its own."""
    member = tarfile.TarInfo("hole.bin")
    member.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = f"{size:011o}\0".encode()
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    path.write_bytes(bytes(block) + bytes(1024))


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "zip": _zip,
    "gzip": lambda path, size: path.write_bytes(gzip.compress(bytes(size))) and None,
    "bzip2": lambda path, size: path.write_bytes(bz2.compress(bytes(size))) and None,
    "xz": lambda path, size: path.write_bytes(lzma.compress(bytes(size), preset=0)) and None,
    "tar in gzip": lambda path, size: _tar(path, size, "w:gz"),
    "sparse tar": _sparse,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_small_archive_does_not_become_large(kind: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path / "data.json", 100_000)  # recognised by content
    check_archives(tmp_path)
    WRITERS[kind](tmp_path / "data.json", _BIG)
    assert (tmp_path / "data.json").stat().st_size < 200_000
    with pytest.raises(DataError, match=r"bytes that become more than 33,554,432.*data\.json"):
        check_archives(tmp_path)


def test_files_that_are_no_archives_are_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "empty").write_bytes(b"")
    check_archives(tmp_path)


@pytest.mark.parametrize(
    ("start", "kind"), [(b"Rar!\x1a\x07", "rar"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x28\xb5\x2f\xfd", "zstd")]
)
def test_kinds_that_are_not_measured_are_refused(start: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(start + bytes(50))
    with pytest.raises(DataError, match=f"got {kind}; want it unpacked"):
        check_archives(tmp_path)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00"])
def test_a_broken_archive_is_one_line(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(start + b"\xff" * 80)
    with pytest.raises(DataError, match="got a broken one"):
        check_archives(tmp_path)


def test_datasets_unpacks_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "rows"
    folder.mkdir()
    _zip(folder / "train.zip", _BIG)
    with pytest.raises(DataError, match="bytes that become more than"):
        HfDataset(folder, image="image")
    assert not list((tmp_path / "cache").rglob("a.txt"))
