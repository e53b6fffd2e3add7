"""Our own reader gives what the library gives, and no change of a file ends the process."""

import contextlib
import os
import struct
from pathlib import Path

import lmdb
import numpy as np
import pytest

from motet.core import DataError
from motet.data.formats.regions.lmdb_file import LmdbFile


def write(path: Path, pairs: dict[bytes, bytes], **options) -> Path:
    with lmdb.open(str(path), map_size=2**26, **options) as database:
        for part in np.array_split(np.array(sorted(pairs)), 3):
            with database.begin(write=True) as transaction:
                for key in part:
                    transaction.put(bytes(key), pairs[bytes(key)])
    return path


@pytest.fixture
def pairs() -> dict[bytes, bytes]:
    """Values within a page, over several pages, and empty; enough keys for three levels."""
    rng = np.random.default_rng(0)
    sizes = [0, 1, 100, 2000, 2040, 4095, 4096, 20_000]
    return {f"coco/{number}".encode() * (1 + number % 9): rng.bytes(sizes[number % 8]) for number in range(1, 900)}


@pytest.mark.parametrize("subdir", [True, False])
def test_what_the_library_wrote_comes_back(tmp_path, pairs, subdir) -> None:
    file = LmdbFile(write(tmp_path / "x.lmdb", pairs, subdir=subdir))
    assert dict(file.items()) == pairs
    assert [key for key, _ in file.items()] == sorted(pairs)
    assert {key: file.get(key) for key in pairs} == pairs
    assert file.get(b"coco/0") is file.get(b"") is file.get(b"zzz") is None


def test_what_was_removed_or_written_later_is_seen(tmp_path, pairs) -> None:
    path = write(tmp_path / "x.lmdb", pairs)
    file = LmdbFile(path)
    gone = sorted(pairs)[:700]
    with lmdb.open(str(path), map_size=2**26) as database, database.begin(write=True) as transaction:
        for key in gone:
            transaction.delete(key)
        transaction.put(b"new", b"value")
    assert dict(file.items()) == {key: value for key, value in pairs.items() if key not in gone} | {b"new": b"value"}


def test_an_empty_one_and_one_that_is_none(tmp_path) -> None:
    with lmdb.open(str(tmp_path / "empty.lmdb")):
        pass
    assert list(LmdbFile(tmp_path / "empty.lmdb").items()) == []
    assert LmdbFile(tmp_path / "empty.lmdb").get(b"a") is None
    with pytest.raises(DataError, match="regions: got no such file or folder; want an LMDB"):
        LmdbFile(tmp_path / "no.lmdb")
    (tmp_path / "letter").write_bytes(b"dear " * 5000)
    with pytest.raises(DataError, match=r"regions: got a broken LMDB \(no LMDB at all\); want a whole one"):
        LmdbFile(tmp_path / "letter")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="a pipe, socket or device"):
        LmdbFile(tmp_path / "pipe")


def test_trees_of_other_kinds_are_refused(tmp_path) -> None:
    with lmdb.open(str(tmp_path / "x.lmdb"), max_dbs=2) as database:
        database.open_db(b"inner", dupsort=True)
    with pytest.raises(DataError, match="a value with the flags 0x2"):
        list(LmdbFile(tmp_path / "x.lmdb").items())


def damage(path: Path, offset: int, form: str, *values: int) -> Path:
    data = bytearray((path / "data.mdb").read_bytes())
    struct.pack_into(form, data, offset, *values)
    (path / "data.mdb").write_bytes(data)
    return path


def test_pages_that_lead_back_to_each_other_end(tmp_path, pairs) -> None:
    path = write(tmp_path / "x.lmdb", pairs)
    data = (path / "data.mdb").read_bytes()
    root = max(struct.unpack_from("<QQQ", data, 16 + 24 + 48 + 40 + at) for at in (0, 4096))[0]
    roots = [struct.unpack_from("<Q", data, 16 + 24 + 48 + 40 + at)[0] for at in (0, 4096)]
    for root in roots:
        place = root * 4096 + struct.unpack_from("<H", data, root * 4096 + 16)[0]
        damage(path, place, "<HHH", root & 0xFFFF, root >> 16, 0)
    for at in (0, 4096):
        damage(path, at + 16 + 24 + 96, "<Q", 2**60)  # the last page, as the file says
    with pytest.raises(DataError, match=r"pages that lead back to each other|more than 32 levels"):
        list(LmdbFile(path).items())
    with pytest.raises(DataError, match="more than 32 levels"):
        LmdbFile(path).get(b"")


def test_a_size_beyond_the_file_is_not_allocated(tmp_path) -> None:
    path = write(tmp_path / "x.lmdb", {b"9": bytes(10_000)})
    data = (path / "data.mdb").read_bytes()
    page = next(at for at in range(8192, len(data), 4096) if struct.unpack_from("<H", data, at + 10)[0] & 2)
    place = page + struct.unpack_from("<H", data, page + 16)[0]
    damage(path, place, "<HH", 0xFFFF, 0x7FFF)
    with pytest.raises(DataError, match=r"2,147,483,647 bytes at .* beyond its end"):
        LmdbFile(path).get(b"9")


def test_no_change_ends_the_process(tmp_path, pairs) -> None:
    data = (write(tmp_path / "x.lmdb", dict(list(pairs.items())[:60])) / "data.mdb").read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for case in range(400):
        changed = bytearray(data)
        for _ in range(int(rng.choice([1, 4, 40]))):
            place = int(rng.integers(len(data) // 4096)) * 4096 + int(
                rng.choice([rng.integers(160), rng.integers(4096)])
            )
            changed[place] = int(rng.choice([0, 1, 0x7F, 0xFF, rng.integers(256)]))
        if case % 4 == 0:
            changed = changed[: int(rng.integers(len(data)))]
        (tmp_path / "y.mdb").write_bytes(changed)
        try:
            found = LmdbFile(tmp_path / "y.mdb")
            with contextlib.suppress(DataError):
                list(found.items())
            for key in list(pairs)[:60:7]:
                found.get(key)
        except DataError as error:
            refused += 1
            assert "\n" not in str(error)  # noqa: PT017
    assert refused > 100
