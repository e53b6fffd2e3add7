"""Shards that are fetched when they are read give the rows of the shards beside them, at any number of workers."""

from __future__ import annotations

import io
import json
import pickle
import tarfile

import fsspec
import pytest
from toys import label_task

from motet.core import ConfigError, DataError, Example
from motet.data.loader import Loader
from motet.data.mixture import Mixture
from motet.data.readers import WebDataset, WebDatasetStream
from motet.data.readers.webdataset_stream import expanded
from motet.data.schedules import Mixed
from motet.data.source import Source

LABELS = {"captions": "txt"}


def tar_bytes(jpeg, first, count):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for number in range(first, first + count):
            for ending, data in (("jpg", jpeg), ("txt", f"text {number}".encode())):
                member = tarfile.TarInfo(f"{number:05d}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return file.getvalue()


@pytest.fixture
def shards(tmp_path, jpeg):
    """Five shards of 4 to 8 rows at memory:// addresses, and the same as files."""
    files, first = fsspec.filesystem("memory"), 0
    (tmp_path / "tars").mkdir()
    for shard in range(5):
        data = tar_bytes(jpeg, first, 4 + shard)
        files.pipe(f"/tars/{shard:03d}.tar", data)
        (tmp_path / f"tars/{shard:03d}.tar").write_bytes(data)
        first += 4 + shard
    yield "memory://tars/{000..004}.tar"
    files.store.clear()


def stream(shards, tmp_path, **given):
    return WebDatasetStream(shards, labels=LABELS, cache=tmp_path / "cache", window=8, **given)


def test_its_rows_are_those_of_the_files(shards, tmp_path):
    there, here = stream(shards, tmp_path), WebDataset(tmp_path / "tars", labels=LABELS)
    assert len(there) == len(here) == 30
    assert there.shard_rows == (4, 5, 6, 7, 8)
    for index in (0, 3, 4, 29):
        assert there[index].labels == here[index].labels
        assert there[index].images[0].read() == here[index].images[0].read()
        assert there[index].image_ids == there.keys(index)
    assert there[29].id == "tars/004/7"
    with pytest.raises(IndexError):
        there[30]


def test_paths_and_addresses_are_the_same_source(shards, tmp_path):
    local = stream(str(tmp_path / "tars/{000..004}.tar"), tmp_path)
    assert [local.keys(index) for index in range(30)] == [stream(shards, tmp_path).keys(index) for index in range(30)]
    assert not (tmp_path / "cache/counts").exists() or local[7].labels == stream(shards, tmp_path)[7].labels


def test_rows_are_counted_once_and_nothing_is_fetched_for_ids(shards, tmp_path, monkeypatch):
    stream(shards, tmp_path)
    for path in (tmp_path / "cache").glob("*.tar"):
        path.unlink()
    monkeypatch.setattr(fsspec, "open", None)
    again = stream(shards, tmp_path)
    assert (len(again), again.keys(29)) == (30, ("tars/004/7",))


def test_counts_come_from_a_file_of_widsindex(shards, tmp_path, monkeypatch):
    listed = [{"url": f"{number:03d}.tar", "nsamples": 4 + number} for number in range(5)]
    (tmp_path / "index.json").write_text(json.dumps({"wids_version": 1, "shardlist": listed}))
    with monkeypatch.context() as offline:
        offline.setattr(fsspec, "open", None)
        reader = stream(shards, tmp_path, counts=str(tmp_path / "index.json"))
        assert len(reader) == 30
    assert reader[10].labels == {"captions": ("text 10",)}
    listed[2]["nsamples"] = 7
    (tmp_path / "index.json").write_text(json.dumps({"shardlist": listed}))
    with pytest.raises(DataError, match="shard: got 6 rows; want 7, as it was counted"):
        stream(shards, tmp_path, counts=str(tmp_path / "index.json"))[10]
    (tmp_path / "index.json").write_text(json.dumps({"shardlist": listed[:2]}))
    with pytest.raises(DataError, match="with every shard, as widsindex writes it"):
        stream(shards, tmp_path, counts=str(tmp_path / "index.json"))


def test_a_cache_of_one_shard_is_enough(shards, tmp_path):
    reader = stream(shards, tmp_path, cache_bytes=1)
    found = [reader[index].labels["captions"] for index in (0, 29, 0, 15, 29)]
    assert found == [(f"text {index}",) for index in (0, 29, 0, 15, 29)]
    assert len(list((tmp_path / "cache").glob("*.tar"))) == 1


def test_a_shard_that_goes_while_it_is_read_is_fetched_again(shards, tmp_path):
    reader = stream(shards, tmp_path)
    reader[0]
    for path in (tmp_path / "cache").glob("*.tar"):
        path.unlink()
    assert reader[1].labels == {"captions": ("text 1",)}


def test_rows_without_images_are_texts(shards, tmp_path):
    row = WebDatasetStream(shards, image="", text="txt", cache=tmp_path / "cache")[3]
    assert (row.images, row.image_ids, row.text) == ((), (), "text 3")


class Rows:
    """A processor that keeps what a row is, with one random number of its own."""

    def row(self, example: Example, tasks, rng):
        return (example.id, example.labels["captions"][0], int(rng.integers(1000)))

    def collate(self, rows, keep_annotations):
        return rows


class Plain:
    def __len__(self):
        return 6

    def keys(self, index):
        return (f"p{index}",)

    def __getitem__(self, index):
        return Example(id=f"plain {index}", image_ids=self.keys(index), labels={"captions": (f"plain {index}",)})


def batches(reader, *, steps, workers=0, start=0, world=1):
    sources = tuple(
        Source(name=name, reader=one, tasks=(label_task("task_a"),)) for name, one in (("s", reader), ("p", Plain()))
    )
    found = []
    for rank in range(world):
        mixture = Mixture(sources, Mixed(batch_size=8).bind(sources, seed=0), seed=5)
        for index in range(start):
            mixture.consumed = dict(mixture.plan(index, rank=0, world=1, consumed=mixture.consumed).consumed)
        loader = Loader(mixture, Rows(), rank=rank, world=world, workers=workers)
        for step in loader.segment(start, steps):
            mixture.consumed = dict(step.planned.consumed)
            found.append([row for parts in step.batches for batch in parts for row in batch])
    return found


def test_a_stream_mixed_with_files_resumes_to_the_bit_at_any_number_of_workers(shards, tmp_path):
    reader = stream(shards, tmp_path)
    whole = batches(reader, steps=12)
    rows = [row for batch in whole for row in batch]
    assert {row[1].split()[0] for row in rows} == {"text", "plain"}
    assert len({row[1] for row in rows if row[1].startswith("text")}) == 30, "more than one epoch, and all rows"
    assert batches(stream(shards, tmp_path), steps=12, workers=1) == whole
    assert batches(stream(shards, tmp_path), steps=12, start=7, workers=2) == whole[7:]
    assert batches(pickle.loads(pickle.dumps(reader)), steps=12) == whole
    halves = batches(reader, steps=12, world=2)
    assert [sorted(halves[step] + halves[12 + step]) for step in range(12)] == [sorted(batch) for batch in whole]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"window": 0}, "window: got 0"),
        ({"labels": {"class": "cls"}}, "names: got none for the label 'class'"),
    ],
)
def test_a_stream_that_cannot_be_is_refused(shards, tmp_path, given, message):
    with pytest.raises(ConfigError, match=message):
        WebDatasetStream(shards, cache=tmp_path / "cache", **given)


def test_braces_are_numbers_with_their_zeros():
    assert expanded("a/{08..10}.tar") == ("a/08.tar", "a/09.tar", "a/10.tar")
    assert expanded(("a.tar", "b{1..2}.tar")) == ("a.tar", "b1.tar", "b2.tar")
    for twice in ((), ("a.tar", "a.tar")):
        with pytest.raises(ConfigError, match="want at least one, and each once"):
            expanded(twice)
