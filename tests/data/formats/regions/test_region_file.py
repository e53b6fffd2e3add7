"""Which key of a file an image is looked up by: numbers of images repeat between data sets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motet.core import ConfigError, DataError, ImageFile, MemoryImage
from motet.data.formats.regions import LmdbRegions, write_lmdb
from motet.data.formats.regions.region_file import lookup_keys
from motet.preprocess.regions import ImageRegions

pytest.importorskip("lmdb")


def stored(root: Path, regions: ImageRegions, *keys: str) -> Path:
    """Writes regions whose every feature is the place of the key."""
    found = {key: replace(regions, features=np.full_like(regions.features, n)) for n, key in enumerate(keys)}
    write_lmdb(root / "db", found)
    return root / "db"


def named(image: ImageFile, name: str) -> MemoryImage:
    return MemoryImage(name, image.data)


def feature(source: LmdbRegions, image: ImageFile, image_id: str) -> float:
    return float(source.regions(image, image_id).features[0, 0])


def test_an_image_of_another_data_set_with_the_same_number_is_never_taken(tmp_path, image, regions) -> None:
    """A database of COCO as published, and one with full ids: both have a 285579, neither has Visual Genome's."""
    numbered = LmdbRegions(path=stored(tmp_path, regions, "285579"), keys="number", dataset="coco")
    full = LmdbRegions(path=stored(tmp_path / "full", regions, "coco/285579"))
    photo = named(image, "VG_100K/285579.jpg")
    for source in (numbered, full):
        assert feature(source, photo, "coco/285579") == 0
        for other in ("vg/285579", "flickr30k/285579", "285579"):
            with pytest.raises(DataError, match=f"regions of '{other}': got none; want those of this image"):
                source.regions(photo, other)


def test_the_error_shows_a_key_of_the_file(tmp_path, image, regions) -> None:
    source = LmdbRegions(path=stored(tmp_path, regions, "285579"))
    with pytest.raises(DataError, match="its first is '285579', keys='id'"):
        source.regions(image, "coco/285579")


def test_files_of_visual_genome_are_read_by_the_number_of_the_file(tmp_path, image, regions) -> None:
    """Half of its images are in COCO and have ids of COCO; 9 there is another image."""
    source = LmdbRegions(path=stored(tmp_path, regions, "9", "2358725"), keys="file_number")
    assert feature(source, named(image, "VG_100K/2358725.jpg"), "coco/9") == 1
    assert feature(source, named(image, "v7w_2358725.jpg"), "coco/9") == 1
    assert feature(source, named(image, "train2014/COCO_train2014_000000000009.jpg"), "coco/9") == 0


def test_files_are_read_by_the_name_of_the_file(tmp_path, image, regions) -> None:
    source = LmdbRegions(path=stored(tmp_path, regions, "0", "dev-1-0-img0"), keys="file")
    assert feature(source, named(image, "images/dev-1-0-img0.png"), "nlvr2/dev-1-0-img0") == 1
    with pytest.raises(DataError, match="got none"):
        source.regions(named(image, "images/dev-2-0-img0.png"), "nlvr2/dev-2-0-img0")


def test_an_image_without_a_number_has_no_key() -> None:
    assert lookup_keys(MemoryImage("dog.jpg", b""), "coco/9", "file_number") == ()
    assert lookup_keys(MemoryImage("", b""), "", "id") == lookup_keys(MemoryImage("", b""), "", "file") == ()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"keys": "number"}, "keys: got 'number' with dataset=''; want the data set that the numbers are of"),
        ({"dataset": "coco"}, "keys: got 'id' with dataset='coco'; want keys='number'"),
        ({"keys": "names"}, r"keys: got 'names'; want one of \['id', 'number', 'file', 'file_number'\]"),
    ],
)
def test_kinds_of_keys_that_make_no_sense_are_refused(options, wanted, tmp_path) -> None:
    with pytest.raises(ConfigError, match=wanted):
        LmdbRegions(path=tmp_path, **options)
