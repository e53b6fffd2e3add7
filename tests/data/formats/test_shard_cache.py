"""Shards from elsewhere are fetched once, kept while there is room, and an error names their address."""

from __future__ import annotations

import os
import threading

import fsspec
import pytest

from motet.core import ConfigError, DataError
from motet.data.formats import shard_cache
from motet.data.formats.shard_cache import ShardCache


@pytest.fixture
def remote(monkeypatch):
    """Files at memory:// addresses, and how often each was opened."""
    fetched = []
    files = fsspec.filesystem("memory")
    files.store.clear()
    plain = fsspec.open

    def opened(url, mode):
        fetched.append(url)
        return plain(url, mode)

    monkeypatch.setattr(fsspec, "open", opened)
    monkeypatch.setattr(shard_cache.time, "sleep", lambda seconds: None)

    def put(name, data):
        files.pipe(f"/{name}", data)
        return f"memory://{name}"

    yield put, fetched
    files.store.clear()


def test_a_shard_is_fetched_once_by_many(tmp_path, remote):
    put, fetched = remote
    url, cache = put("a/0.tar", b"x" * 100), ShardCache(tmp_path / "c", 1000)
    threads = [threading.Thread(target=cache.path, args=(url,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.path(url).read_bytes() == b"x" * 100
    assert fetched == [url]


def test_two_shards_of_one_name_are_two(tmp_path, remote):
    put, _ = remote
    cache = ShardCache(tmp_path, 1000)
    assert cache.path(put("a/0.tar", b"a")).read_bytes() == b"a"
    assert cache.path(put("b/0.tar", b"b")).read_bytes() == b"b"


def test_the_oldest_goes_when_there_is_no_room(tmp_path, remote):
    put, fetched = remote
    cache = ShardCache(tmp_path, 250)
    urls = [put(f"{number}.tar", bytes(100)) for number in range(3)]
    for age, url in enumerate(urls):
        path = cache.path(url)
        if age < 2:
            os.utime(path, (1000.0 - 500 * age, 1000.0 - 500 * age))  # the first was read after the second
    assert [cache.folder.joinpath(cache.name_of(url)).exists() for url in urls] == [True, False, True]
    cache.path(urls[1])
    assert fetched.count(urls[1]) == 2


def test_one_shard_is_kept_however_large(tmp_path, remote):
    put, _ = remote
    assert ShardCache(tmp_path, 1).path(put("large.tar", bytes(500))).stat().st_size == 500


def test_a_path_is_itself(tmp_path):
    cache = ShardCache(tmp_path / "c", 10)
    assert cache.path(str(tmp_path / "x.tar")) == tmp_path / "x.tar"
    assert cache.path(f"file://{tmp_path}/x.tar") == tmp_path / "x.tar"
    assert not (tmp_path / "c").exists()


def test_a_fault_on_the_way_is_tried_again_and_leaves_no_half(tmp_path, remote, monkeypatch):
    put, _ = remote
    url, plain, times = put("a.tar", b"whole"), shard_cache.shutil.copyfileobj, []

    def faulty(source, file, size):
        times.append(1)
        if len(times) < 3:
            file.write(b"ha")
            raise ConnectionError("reset")
        plain(source, file, size)

    monkeypatch.setattr(shard_cache.shutil, "copyfileobj", faulty)
    assert ShardCache(tmp_path, 100).path(url).read_bytes() == b"whole"
    times.clear()
    times.extend([1] * -9)
    monkeypatch.setattr(
        shard_cache.shutil, "copyfileobj", lambda *rest: (_ for _ in ()).throw(ConnectionError("reset"))
    )
    with pytest.raises(DataError, match="shard: got reset"):
        ShardCache(tmp_path / "other", 100).path(url)
    assert [path.suffix for path in (tmp_path / "other").iterdir()] == [".lock"]


def test_errors_name_the_address(tmp_path, remote):
    cache = ShardCache(tmp_path, 100)
    with pytest.raises(DataError, match="got no such file"):
        cache.path("memory://nothing.tar")
    with pytest.raises(ConfigError, match="want a protocol that fsspec knows"):
        cache.path("gopher2://x/y.tar")
