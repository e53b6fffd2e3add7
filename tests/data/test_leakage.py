"""Test pictures in training: planted copies are found, unrelated pictures are not, and lists take them out."""

import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image
from toys import label_task

from motet.core import ConfigError, DataError, Example, MemoryImage, rng_for
from motet.data import image_hashes as picture_hashes
from motet.data.image_hashes import WINDOWS, hash_image, hash_images
from motet.data.leakage import (
    NearDuplicate,
    held_out_role,
    image_files,
    leakage_by_task,
    near_duplicates,
    read_lists,
    removals,
    without_removed,
    write_lists,
)
from motet.data.source import Source
from motet.data.splits import WithoutImages
from motet.preprocess.images import decode


def landscape(number, size=(192, 144)):
    """A picture of soft shapes, unlike every other number's."""
    rng = rng_for("landscape", number)
    grid = rng.integers(0, 256, (7, 9, 3)).astype(np.uint8)
    return Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)


def encoded(image, quality=90):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def hashes(pictures):
    images = {name: MemoryImage(name, encoded(image)) for name, image in pictures.items()}
    return hash_images(images, decode, workers=0)


ORIGINALS = {f"test/{number}": landscape(number) for number in range(40)}
OTHERS = {f"train/{number}": landscape(number) for number in range(100, 160)}


class Rows:
    """Rows of one picture each, or of several."""

    def __init__(self, *keys, images=None):
        self.rows = [key if isinstance(key, tuple) else (key,) for key in keys]
        self.images = images or {}

    def __len__(self):
        return len(self.rows)

    def keys(self, index):
        return self.rows[index]

    def __getitem__(self, index):
        images = tuple(MemoryImage(key, encoded(self.images[key])) for key in self.rows[index])
        return Example(id=f"{index}", images=images, image_ids=self.rows[index])


def source(name, role, *keys, task=None, images=None):
    tasks = (label_task(task or name),)
    full = name if role == "train" else f"{name}/{role}"
    return Source(name=full, reader=Rows(*keys, images=images), tasks=tasks, role=role)


class TestHashes:
    @pytest.mark.parametrize(
        "copy",
        [
            lambda p: Image.open(io.BytesIO(encoded(p, 25))),
            lambda p: p.resize((96, 72), Image.Resampling.BILINEAR),
            lambda p: p.resize((400, 300), Image.Resampling.BICUBIC),
            lambda p: p.crop((4, 3, 186, 140)),
            lambda p: p.convert("L"),
            lambda p: Image.eval(p, lambda value: min(255, value + 12)),
        ],
        ids=["re-encoded", "smaller", "larger", "cropped", "grey", "brighter"],
    )
    def test_planted_copies_are_found_and_nothing_else(self, copy):
        planted = {f"train/copy {name}": copy(image) for name, image in ORIGINALS.items()}
        found = near_duplicates(hashes(ORIGINALS), hashes(OTHERS | planted))
        right = [pair for pair in found if pair.train_id == f"train/copy {pair.test_id}"]
        assert len(right) >= 0.97 * len(ORIGINALS)
        assert len(right) >= 0.97 * len(found)

    def test_unrelated_images_do_not_look_alike(self):
        assert near_duplicates(hashes(ORIGINALS), hashes(OTHERS)) == ()

    def test_an_image_is_not_its_own_copy_where_the_ids_say_so(self):
        assert near_duplicates(hashes(ORIGINALS), hashes(ORIGINALS)) == ()

    def test_plain_images_are_not_taken_for_each_other(self):
        grey = {f"{number}": Image.new("RGB", (50, 50), (number, number, number)) for number in (100, 101, 102)}
        assert hash_image(grey["100"]) is None
        other = {f"x{name}": image for name, image in grey.items()}
        assert near_duplicates(hashes(grey), hashes(other)) == ()

    def test_nearest_pairs_come_first(self):
        held = hashes({"a": landscape(1), "b": landscape(2)})
        near = hashes({"far": landscape(1).crop((8, 6, 190, 142)), "same": landscape(2)})
        found = near_duplicates(held, near)
        assert [(pair.test_id, pair.train_id) for pair in found] == [("b", "same"), ("a", "far")]
        assert found[0].distance <= found[1].distance

    def test_a_broken_image_is_named_and_the_rest_goes_on(self):
        images = {"good": MemoryImage("good", encoded(landscape(1))), "bad": MemoryImage("bad.jpg", b"no picture")}
        found = hash_images(images, decode, workers=0)
        assert list(found.unreadable) == ["bad"]
        assert "want a file in one of the formats" in found.unreadable["bad"]
        assert found.uniform.tolist() == [False, True]

    def test_processes_beside_this_one_give_the_same(self):
        images = {name: MemoryImage(name, encoded(image)) for name, image in (ORIGINALS | OTHERS).items()}
        told = []
        here, there = (
            hash_images(images, decode, workers=workers, progress=lambda done, total: told.append((done, total)))
            for workers in (0, 2)
        )
        assert np.array_equal(here.values, there.values)
        assert here.names == there.names == tuple(images)
        assert told == [(64, 100), (100, 100)] * 2


class TestCache:
    images = {f"{number}": MemoryImage(f"{number}", encoded(landscape(number))) for number in range(5)}  # noqa: RUF012

    def test_what_was_read_is_not_read_again(self, tmp_path):
        first = hash_images(self.images, decode, cache=tmp_path, workers=0)
        changed = self.images | {"2": MemoryImage("2", encoded(landscape(99)))}
        read = []

        def counted(image, *, at_least_hw=None):
            read.append(image.name)
            return decode(image, at_least_hw=at_least_hw)

        second = hash_images(changed, counted, cache=tmp_path, workers=0)
        assert read == ["2"]
        assert [np.array_equal(a, b) for a, b in zip(first.values, second.values, strict=True)] == [
            True, True, False, True, True,
        ]  # fmt: skip

    def test_plain_images_stay_known_and_broken_ones_are_tried_again(self, tmp_path):
        images = {"plain": MemoryImage("p", encoded(Image.new("RGB", (9, 9)))), "bad": MemoryImage("b", b"?")}
        for _ in range(2):
            found = hash_images(images, decode, cache=tmp_path, workers=0)
            assert found.uniform.tolist() == [True, True]
            assert list(found.unreadable) == ["bad"]

    def test_a_stop_loses_little(self, tmp_path, monkeypatch):
        monkeypatch.setattr(picture_hashes, "_SAVE_EVERY", 2)
        monkeypatch.setattr(picture_hashes, "_CHUNK", 1)

        def stopped(image, *, at_least_hw=None):
            if image.name == "4":
                raise KeyboardInterrupt
            return decode(image, at_least_hw=at_least_hw)

        with pytest.raises(KeyboardInterrupt):
            hash_images(self.images, stopped, cache=tmp_path, workers=0)
        kept = np.load(next(tmp_path.glob("*.npz")))
        assert kept["values"].shape == (4, len(WINDOWS), 2)

    def test_a_damaged_cache_is_an_error(self, tmp_path):
        hash_images(self.images, decode, cache=tmp_path, workers=0)
        path = next(tmp_path.glob("*.npz"))
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(DataError, match=r"hashes: got .*; want the file as motet wrote it"):
            hash_images(self.images, decode, cache=tmp_path, workers=0)
        for changes in ({"stamps": np.zeros((5, 3), np.uint8)}, {"values": np.zeros((5, 2))}, {"plain": np.zeros(2)}):
            path.unlink()
            hash_images(self.images, decode, cache=tmp_path, workers=0)
            with np.load(path) as kept:
                arrays = dict(kept)
            np.savez(path, **arrays | changes)
            with pytest.raises(DataError, match=r"hashes: got .*; want the file as motet wrote it"):
                hash_images(self.images, decode, cache=tmp_path, workers=0)


SOURCES = (
    source("vqa", "train", "coco/1", "coco/2", "coco/2", "coco/3"),
    source("pairs", "train", ("coco/1", "coco/9"), ("coco/8", "coco/9"), ("flickr/1", "flickr/2")),
    source("vqa", "val", "coco/4", "coco/5"),
    source("vqa", "test", "coco/2", "coco/5", "coco/5"),
    source("pairs", "test", ("coco/1", "flickr/7")),
)


class TestLeaks:
    def test_the_table_is_by_task_over_training_and_validation(self):
        shares = {(one.task, one.other): (one.images, one.same) for one in leakage_by_task(SOURCES)}
        assert shares == {
            ("vqa", "vqa"): (2, 2),
            ("vqa", "pairs"): (2, 0),
            ("vqa", "any"): (2, 2),
            ("pairs", "vqa"): (2, 1),
            ("pairs", "pairs"): (2, 1),
            ("pairs", "any"): (2, 1),
        }
        assert next(one.share for one in leakage_by_task(SOURCES) if one.task == "pairs") == 0.5

    def test_what_looks_alike_counts_where_it_is_not_the_same_by_id(self):
        alike = (NearDuplicate("flickr/7", "coco/3", 4), NearDuplicate("coco/2", "coco/3", 2))
        found = {(one.task, one.other): one.alike for one in leakage_by_task(SOURCES, alike)}
        assert found["pairs", "vqa"] == 1
        assert found["vqa", "vqa"] == 0
        assert found["pairs", "pairs"] == 0

    def test_the_union_of_all_test_sets_goes_from_everything_else(self):
        found = {one.source: one for one in removals(SOURCES)}
        assert set(found) == {"vqa", "pairs", "vqa/val"}
        assert (found["vqa"].same, found["vqa"].rows_left) == (("coco/1", "coco/2"), 1)
        assert (found["pairs"].same, found["pairs"].rows_left) == (("coco/1",), 2)
        assert (found["vqa/val"].same, found["vqa/val"].rows_left) == (("coco/5",), 1)
        assert all(one.alike == () for one in found.values())

    def test_look_alikes_go_only_when_they_are_given(self):
        found = {one.source: one for one in removals(SOURCES, [NearDuplicate("flickr/7", "coco/3", 4)])}
        assert found["vqa"].alike == ("coco/3",)
        assert found["vqa"].rows_left == 0

    def test_cleaned_sources_leak_nothing_and_test_sets_are_the_same_objects(self, tmp_path):
        write_lists(tmp_path / "new/folder", removals(SOURCES))
        clean = without_removed(SOURCES, read_lists(tmp_path / "new/folder"))
        assert all(one.same == 0 for one in leakage_by_task(clean))
        assert [one for one in clean if one.role == "test"] == list(SOURCES[3:])
        assert [len(one.reader) for one in clean] == [1, 2, 1, 3, 1]

    def test_ids_from_file_names_that_are_not_utf_8_come_back(self, tmp_path):
        one = dataclasses.replace(removals(SOURCES)[0], same=("f\udcfcr.jpg",))
        write_lists(tmp_path, [one])
        assert read_lists(tmp_path) == {one.source: one}

    def test_without_test_sources_validation_is_held_out(self):
        sources = SOURCES[:3]
        assert held_out_role(sources) == "val"
        assert {one.source for one in removals(sources)} == {"vqa", "pairs"}
        with pytest.raises(ConfigError, match="got sources of role 'train' only"):
            leakage_by_task(SOURCES[:2])

    def test_lists_for_other_data_are_refused(self):
        lists = {one.source: one for one in removals(SOURCES)}
        other = (source("vqa", "train", "coco/1"), *SOURCES[1:])
        with pytest.raises(ConfigError, match="source 'vqa': got a list made for 4 other rows; want one for its 1"):
            without_removed(other, lists)
        with pytest.raises(ConfigError, match="got one for source 'pairs'; want a source of the run: vqa"):
            without_removed(SOURCES[:1], {"pairs": lists["pairs"]})
        test = dataclasses.replace(lists["vqa"], source="vqa/test")
        with pytest.raises(ConfigError, match="got a list for a test source"):
            without_removed(SOURCES, {"vqa/test": test})

    def test_a_list_that_leaves_nothing_is_refused(self):
        sources = (source("vqa", "train", "a", "b"), source("vqa", "test", "a", "b"))
        with pytest.raises(ConfigError, match="source 'vqa': got all 2 rows removed; want another split"):
            without_removed(sources, {one.source: one for one in removals(sources)})

    @pytest.mark.parametrize("text", ["", "{", "[3]", '[{"source": "a"}]', '{"a": 1}'])
    def test_damaged_lists_are_an_error_with_their_path(self, tmp_path, text):
        (tmp_path / "lists.json").write_text(text)
        with pytest.raises(DataError, match=r"want the file that `motet data deduplicate` writes \(.*lists.json\)"):
            read_lists(tmp_path)
        with pytest.raises(DataError, match="lists: got no such file"):
            read_lists(tmp_path / "none")

    def test_lists_are_plain_json(self, tmp_path):
        write_lists(tmp_path, removals(SOURCES))
        told = json.loads((tmp_path / "lists.json").read_text())
        assert told[0]["same"] == ["coco/1", "coco/2"]


def test_each_image_is_asked_for_once():
    images = {key: landscape(place) for place, key in enumerate("abc")}
    sources = [
        source("one", "train", "a", "b", "a", images=images),
        source("two", "train", ("b", "c"), images=images),
    ]
    files = image_files(sources)
    assert {key: file.name for key, file in files.items()} == {"a": "a", "b": "b", "c": "c"}


def test_without_keeps_order_and_says_how_many_are_gone():
    reader = Rows("a", "b", ("a", "c"), "d", images={key: landscape(0) for key in "abcd"})
    rest = WithoutImages(reader, frozenset({"a"}))
    assert [rest.keys(row) for row in range(len(rest))] == [("b",), ("d",)]
    assert (rest[1].id, rest.left_out) == ("3", 2)
    with pytest.raises(IndexError):
        rest[2]
