"""Stored features: found by content, chosen by what a task allows, and made again when anything about them is wrong."""

import errno
import os
import pickle
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toys import WIDTH, ToyProcessor, ToyReader, ToySystem, label_task, toy_sources, toy_system

from motet.core import ConfigError, DataError, DiskImage, ImageFile, rng_for
from motet.core.task import Invariance
from motet.data import feature_parts, store_filling
from motet.data.features import FeatureFiles, bytes_needed, images_in
from motet.data.source import Source


def write(folder: Path, count: int, shift: float = 0.0) -> list[DiskImage]:
    folder.mkdir(exist_ok=True)
    images = []
    for index in range(count):
        path = folder / f"{index}.raw"
        path.write_bytes((np.arange(WIDTH, dtype=np.float32) + index + shift).tobytes())
        images.append(DiskImage(path))
    return images


def live(system: ToySystem, image: ImageFile, view: int = 0) -> np.ndarray:
    pixels = torch.from_numpy(ToyProcessor().view(image, view))[None]
    return system.encode(pixels)[0].numpy().astype(np.float16)


@pytest.fixture
def system() -> ToySystem:
    return toy_system(toy_sources(5))


@pytest.fixture
def images(tmp_path: Path) -> list[DiskImage]:
    return write(tmp_path / "images", 7)


def fill(system: ToySystem, images: list[DiskImage], folder: Path, **options: Any) -> FeatureFiles:
    system.encoded = 0
    return FeatureFiles.fill(system, images, folder / "store", batch_size=2, **options)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_stored_is_what_the_encoder_gives(
    system: ToySystem, images: list[DiskImage], tmp_path: Path, workers: int
) -> None:
    told: list[tuple[int, int]] = []
    system.encoded = 0
    store = FeatureFiles.fill(
        system, images, tmp_path / "store", views=2, batch_size=3, workers=workers, progress=lambda *t: told.append(t)
    )
    for image in images:
        np.testing.assert_array_equal(store.read(image, frozenset(), None), live(system, image))
    assert store.read(images[0], frozenset(), None).dtype == np.float16
    assert told == [(3, 14), (6, 14), (9, 14), (12, 14), (14, 14)]


def test_a_second_time_nothing_is_read_or_encoded(
    system: ToySystem, images: list[DiskImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(system, images, tmp_path)
    assert system.encoded > 0
    monkeypatch.setattr(DiskImage, "read", lambda self: pytest.fail("read again"))
    store = fill(system, images, tmp_path)
    assert system.encoded == 0
    assert store.read(images[3], frozenset(), None).shape == (1, WIDTH)


def test_only_missing_images_are_added(system: ToySystem, images: list[DiskImage], tmp_path: Path) -> None:
    fill(system, images[:4], tmp_path)
    store = fill(system, images, tmp_path)
    assert system.encoded == 3 + 1  # and one for the size
    np.testing.assert_array_equal(store.read(images[0], frozenset(), None), live(system, images[0]))
    np.testing.assert_array_equal(store.read(images[6], frozenset(), None), live(system, images[6]))


def test_a_copy_elsewhere_is_the_same_image(system: ToySystem, images: list[DiskImage], tmp_path: Path) -> None:
    fill(system, images, tmp_path)
    moved = write(tmp_path / "moved", 7)
    store = fill(system, moved, tmp_path)
    assert system.encoded == 0
    np.testing.assert_array_equal(store.read(moved[2], frozenset(), None), live(system, images[2]))


def test_a_changed_file_is_never_answered_with_what_it_was(
    system: ToySystem, images: list[DiskImage], tmp_path: Path
) -> None:
    store = fill(system, images, tmp_path)
    write(tmp_path / "images", 1, shift=100)
    os.utime(images[0].path, ns=(1, 1))
    with pytest.raises(DataError, match=r"got none for the present content of this image.*\(.*0\.raw\)"):
        store.read(images[0], frozenset(), None)
    again = fill(system, images, tmp_path)
    np.testing.assert_array_equal(again.read(images[0], frozenset(), None), live(system, images[0]))


def test_another_encoder_or_view_has_a_store_of_its_own(
    system: ToySystem, images: list[DiskImage], tmp_path: Path
) -> None:
    @dataclass(frozen=True)
    class Otherwise(ToyProcessor):
        def view_key(self) -> str:
            return "another size"

    first = fill(system, images, tmp_path)
    with torch.no_grad():
        system.get_buffer("encoder").mul_(3)
    second = fill(system, images, tmp_path)
    system.processor = Otherwise()
    third = fill(system, images, tmp_path)
    assert len({first.store, second.store, third.store}) == 3
    np.testing.assert_array_equal(second.read(images[1], frozenset(), None), live(system, images[1]))
    assert (first.read(images[1], frozenset(), None) != second.read(images[1], frozenset(), None)).any()


def damage_a_byte(part: Path) -> None:
    data = bytearray(part.read_bytes())
    data[-5] ^= 1
    stat = part.stat()
    part.write_bytes(bytes(data))
    os.utime(part, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # not even the time tells


def truncate(part: Path) -> None:
    part.write_bytes(part.read_bytes()[:-8])


def lose(part: Path) -> None:
    part.unlink()


def lose_index(part: Path) -> None:
    part.with_suffix(".json").unlink()


def damage_index(part: Path) -> None:
    part.with_suffix(".json").write_text("{")


def another_shape(part: Path) -> None:
    np.save(part, np.zeros((7, 2, WIDTH), np.float16))


DAMAGES = [damage_a_byte, truncate, lose, lose_index, damage_index, another_shape]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_found_and_made_again(
    system: ToySystem, images: list[DiskImage], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    store = fill(system, images, tmp_path)
    (part,) = store.store.glob("part-*.npy")
    damage(part)
    again = fill(system, images, tmp_path)
    assert system.encoded == 7 + 1
    for image in images:
        np.testing.assert_array_equal(again.read(image, frozenset(), None), live(system, image))
    assert len(list(store.store.glob("part-*.npy"))) == 1


def test_damage_in_images_that_nobody_wants_costs_nothing(
    system: ToySystem, images: list[DiskImage], tmp_path: Path
) -> None:
    store = fill(system, images[:3], tmp_path)
    (part,) = store.store.glob("part-*.npy")
    fill(system, images[3:], tmp_path)
    damage_a_byte(part)
    fill(system, images[3:], tmp_path)
    assert system.encoded == 0
    fill(system, images[:3], tmp_path)
    assert system.encoded == 3 + 1


@pytest.mark.parametrize(
    ("invariant", "views"), [(set(), {0}), ({"hflip"}, {0, 1}), ({"crop"}, {0, 2}), ({"hflip", "crop"}, {0, 1, 2})]
)
def test_only_views_that_a_task_is_invariant_to_are_drawn(
    system: ToySystem, images: list[DiskImage], tmp_path: Path, invariant: set[Invariance], views: set[int]
) -> None:
    store = fill(system, images, tmp_path, views=3)
    stored = {live(system, images[5], view).tobytes(): view for view in range(3)}
    drawn = Counter(
        stored[store.read(images[5], frozenset(invariant), rng_for("draw", i)).tobytes()] for i in range(300)
    )
    assert set(drawn) == views
    assert min(drawn.values()) > 300 / len(views) * 0.7
    np.testing.assert_array_equal(store.read(images[5], frozenset(), None), live(system, images[5], 0))


def test_a_run_with_fewer_views_draws_among_its_own(system: ToySystem, images: list[DiskImage], tmp_path: Path) -> None:
    fill(system, images, tmp_path, views=3)
    store = fill(system, images, tmp_path, views=2)
    allowed: frozenset[Invariance] = frozenset({"hflip", "crop"})
    seen = {store.read(images[1], allowed, rng_for("draw", i)).tobytes() for i in range(60)}
    assert seen == {live(system, images[1], view).tobytes() for view in range(2)}


def test_workers_get_no_open_file(system: ToySystem, images: list[DiskImage], tmp_path: Path) -> None:
    store = fill(system, images, tmp_path)
    store.read(images[0], frozenset(), None)
    sent = pickle.dumps(store)
    assert len(sent) < 5_000
    np.testing.assert_array_equal(pickle.loads(sent).read(images[0], frozenset(), None), live(system, images[0]))


def test_a_full_disk_is_refused_before_anything_is_written(
    system: ToySystem, images: list[DiskImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bytes_needed(system, images, views=3) == 7 * 3 * WIDTH * 2
    monkeypatch.setattr(store_filling.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 50})())
    with pytest.raises(ConfigError, match=r"got 50 bytes free in .*; want 56 for 7 views of 8 bytes"):
        fill(system, images, tmp_path)
    assert not list((tmp_path / "store").rglob("part-*"))


def test_a_disk_that_fills_up_on_the_way_leaves_no_half_part(
    system: ToySystem, images: list[DiskImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def full(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 2:  # the first is the store's description
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(feature_parts.os, "fsync", full)
        with pytest.raises(DataError, match="got No space left on device; want a folder with"):
            fill(system, images, tmp_path)
    assert not list((tmp_path / "store").rglob("part-*"))
    store = fill(system, images, tmp_path)
    np.testing.assert_array_equal(store.read(images[0], frozenset(), None), live(system, images[0]))


def test_what_a_killed_process_left_is_cleared(system: ToySystem, images: list[DiskImage], tmp_path: Path) -> None:
    store = fill(system, images[:2], tmp_path).store
    (store / "part-1.unfinished").write_bytes(b"x")
    (store / "part-1.npy").write_bytes(b"x")
    (store / "stamps.123.unfinished").write_bytes(b"x")
    fill(system, images, tmp_path)
    assert not list(store.glob("*unfinished*"))
    assert not (store / "part-1.npy").exists()


def test_two_that_fill_at_once_wait_for_each_other(tmp_path: Path, images: list[DiskImage]) -> None:
    systems = [toy_system(toy_sources(5)) for _ in range(2)]
    stores: list[FeatureFiles] = []
    threads = [threading.Thread(target=lambda s=s: stores.append(fill(s, images, tmp_path))) for s in systems]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(system.encoded for system in systems) == [0, 8]
    for store in stores:
        np.testing.assert_array_equal(store.read(images[6], frozenset(), None), live(systems[0], images[6]))


def test_a_system_without_a_frozen_encoder_is_refused(
    system: ToySystem, images: list[DiskImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "encoder_key", lambda: None)
    with pytest.raises(ConfigError, match="got ToySystem without a frozen encoder"):
        fill(system, images, tmp_path)


def test_features_beyond_float16_are_refused(system: ToySystem, images: list[DiskImage], tmp_path: Path) -> None:
    with torch.no_grad():
        system.get_buffer("encoder").mul_(1e6)
    with pytest.raises(ConfigError, match="beyond the range of float16"):
        fill(system, images, tmp_path)


def test_a_bad_image_stops_or_is_left_out(system: ToySystem, images: list[DiskImage], tmp_path: Path) -> None:
    images[2].path.unlink()
    with pytest.raises(DataError, match=r"No such file.*2\.raw"):
        fill(system, images, tmp_path)
    store = FeatureFiles.fill(system, images, tmp_path / "store", on_bad_row="skip")
    np.testing.assert_array_equal(store.read(images[3], frozenset(), None), live(system, images[3]))
    with pytest.raises(DataError, match=r"2\.raw"):
        store.read(images[2], frozenset(), None)


def test_an_image_that_cannot_be_decoded_stops_or_is_left_out(
    system: ToySystem, images: list[DiskImage], tmp_path: Path
) -> None:
    @dataclass(frozen=True)
    class Strict(ToyProcessor):
        def view(self, image: ImageFile, index: int) -> np.ndarray:
            if len(image.read()) != 4 * WIDTH:
                raise DataError("image: got half of it; want all", path=image.name)
            return super().view(image, index)

    images[0].path.write_bytes(b"half")
    system.processor = Strict()
    with pytest.raises(DataError, match=r"got half of it; want all \(.*0\.raw\)"):
        fill(system, images, tmp_path)
    store = FeatureFiles.fill(system, images, tmp_path / "store", on_bad_row="skip")
    np.testing.assert_array_equal(store.read(images[3], frozenset(), None), live(system, images[3]))


def test_images_of_sources_are_those_that_tasks_look_at() -> None:
    seeing = Source(name="a", reader=ToyReader("a", 6, rows_per_image=2), tasks=(label_task("t"),))
    reading = Source(name="b", reader=ToyReader("b", 4), tasks=(replace(label_task("u"), inputs=frozenset({"text"})),))
    assert [image.name for image in images_in([seeing, reading])] == ["a/0.raw", "a/2.raw", "a/4.raw"]
