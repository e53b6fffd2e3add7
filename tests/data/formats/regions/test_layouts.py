"""Every layout gives back what was written into it, and says in one line what is wrong."""

import base64
import io
import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import lmdb
import numpy as np
import pytest
from PIL import Image

from motet.core import DataError, MemoryImage
from motet.core.codec import from_json, to_json
from motet.data.formats.regions import (
    Hdf5Regions,
    LmdbRegions,
    NpzRegions,
    RegionFiles,
    TsvRegions,
    write_lmdb,
    write_npz,
)
from motet.data.formats.regions.tsv import BOTTOM_UP, LXMERT
from motet.preprocess.regions import ImageRegions, RegionSource
from motet.training.saved_names import saved_names

KEY = "9"
NUMBERS: Any = {"keys": "number", "dataset": "coco"}


def b64(values: Any) -> bytes:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes())


def npz(root: Path, found: ImageRegions) -> NpzRegions:
    write_npz(root / "npz", "coco/9", found)
    return NpzRegions(path=root / "npz")


def lxmert_npz(root: Path, found: ImageRegions) -> NpzRegions:
    (root / "npz").mkdir()
    height, width = found.size_hw
    np.savez(
        root / "npz" / "9.npz",
        x=found.features,
        bbox=found.boxes_xyxy,
        image_h=height,
        image_w=width,
        cls_prob=found.classes,
    )
    return NpzRegions(path=root / "npz", **NUMBERS)


def hdf5(root: Path, found: ImageRegions) -> Hdf5Regions:
    with h5py.File(root / "regions.h5", "w") as file:
        group = file.create_group("coco/9")
        group["features"], group["boxes"], group["classes"] = found.features, found.boxes_xyxy, found.classes
        group.attrs["image_h"], group.attrs["image_w"] = found.size_hw
    return Hdf5Regions(path=root / "regions.h5")


def flat_hdf5(root: Path, found: ImageRegions) -> Hdf5Regions:
    with h5py.File(root / "flat.h5", "w") as file:
        others = np.zeros((2, found.features.shape[1]))
        file["image_features"] = np.concatenate([others, found.features])
        shares = found.boxes_xyxy / np.array([60, 40, 60, 40], dtype=np.float32)
        file["spatial_features"] = np.concatenate([np.tile([0, 0, 1, 1], (2, 1)), shares])
        file["pos_boxes"] = np.array([[0, 2], [2, 5]])
        file["image_ids"] = [7, 9]
    return Hdf5Regions(path=root / "flat.h5", **NUMBERS)


def tsv_line(found: ImageRegions, columns: tuple[str, ...] = BOTTOM_UP, **changes: bytes) -> bytes:
    cells = {
        "image_id": b"9", "img_id": b"9", "image_h": b"40", "img_h": b"40", "image_w": b"60", "img_w": b"60",
        "num_boxes": b"3", "boxes": b64(found.boxes_xyxy), "features": b64(found.features),
    }  # fmt: skip
    return b"\t".join({**cells, **changes}.get(column, b"") for column in columns) + b"\n"


def tsv(root: Path, found: ImageRegions, columns: tuple[str, ...] = BOTTOM_UP) -> TsvRegions:
    other = tsv_line(found, columns, image_id=b"7", img_id=b"7")
    (root / "regions.tsv").write_bytes(other + tsv_line(found, columns))
    return TsvRegions(path=root / "regions.tsv", **NUMBERS)


def lxmert(root: Path, found: ImageRegions) -> TsvRegions:
    return tsv(root, found, LXMERT)


def own_lmdb(root: Path, found: ImageRegions) -> LmdbRegions:
    write_lmdb(root / "own.lmdb", {"coco/9": found})
    return LmdbRegions(path=root / "own.lmdb")


def put(path: Path, **values: bytes) -> Path:
    with lmdb.open(str(path), map_size=2**24) as database, database.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key.encode(), value)
    return path


def vilbert(root: Path, found: ImageRegions) -> LmdbRegions:
    value = {
        "image_id": 9, "image_h": 40, "image_w": 60, "num_boxes": 3, "boxes": b64(found.boxes_xyxy),
        "features": b64(found.features), "cls_prob": b64(found.classes),
    }  # fmt: skip
    return LmdbRegions(path=put(root / "v.lmdb", keys=pickle.dumps([b"9"]), **{KEY: pickle.dumps(value)}), **NUMBERS)


def array_lmdb(root: Path, found: ImageRegions) -> LmdbRegions:
    value = {
        "image_h": 40,
        "image_w": 60,
        "boxes": found.boxes_xyxy,
        "features": found.features,
        "cls_prob": found.classes,
    }
    return LmdbRegions(path=put(root / "a.lmdb", **{KEY: pickle.dumps(value)}), **NUMBERS)


LAYOUTS: dict[str, Callable[[Path, ImageRegions], RegionFiles]] = {
    "npz": npz, "lxmert npz": lxmert_npz, "hdf5": hdf5, "flat hdf5": flat_hdf5, "bottom-up tsv": tsv,
    "lxmert tsv": lxmert, "own lmdb": own_lmdb, "vilbert lmdb": vilbert, "lmdb of arrays": array_lmdb,
}  # fmt: skip
CLASSLESS = {"flat hdf5", "bottom-up tsv", "lxmert tsv"}


@pytest.fixture(params=LAYOUTS)
def layout(request) -> str:
    return request.param


def test_what_was_written_comes_back(layout, tmp_path, regions, image, equal) -> None:
    source = LAYOUTS[layout](tmp_path, regions)
    assert isinstance(source, RegionSource)
    wanted = replace(regions, classes=None) if layout in CLASSLESS else regions
    found = source.regions(image, "coco/9")
    assert np.allclose(found.boxes_xyxy, wanted.boxes_xyxy, atol=1e-4)
    assert equal(replace(found, boxes_xyxy=wanted.boxes_xyxy), wanted)
    assert (source.width, source.num_classes) == (8, 0 if layout in CLASSLESS else 4)
    assert found.features.dtype == found.boxes_xyxy.dtype == np.float32


def test_a_source_crosses_to_workers_and_into_saved_models(layout, tmp_path, regions, image, equal) -> None:
    source = LAYOUTS[layout](tmp_path, regions)
    first = source.regions(image, "coco/9")
    copy = pickle.loads(pickle.dumps(source))
    assert copy == source
    assert equal(copy.regions(image, "coco/9"), first)
    again = from_json(json.loads(json.dumps(to_json(source))), saved_names())
    assert equal(again.regions(image, "coco/9"), first)
    child = os.fork()  # as a loader's workers come to be
    if not child:
        os._exit(0 if equal(source.regions(image, "coco/9"), first) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_missing_image_is_an_error_that_names_it(layout, tmp_path, regions) -> None:
    source = LAYOUTS[layout](tmp_path, regions)
    with pytest.raises(DataError, match=r"regions of 'coco/10': got none; want those of this image, or.* \(.*"):
        source.regions(MemoryImage("10.jpg", b""), "coco/10")


def test_another_width_is_an_error(layout, tmp_path, regions, image) -> None:
    source = replace(LAYOUTS[layout](tmp_path, regions), width=2048)
    with pytest.raises(DataError, match=r"regions: features: got 8 numbers each; want 2048 \(.*row .*9\)"):
        source.regions(image, "coco/9")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda r: replace(r, features=r.features * np.nan), r"regions: features: got NaN or infinite values"),
        (lambda r: replace(r, boxes_xyxy=r.boxes_xyxy + 9), r"regions: box: got \(.*want a box with an area inside"),
        (lambda r: replace(r, boxes_xyxy=r.boxes_xyxy[:, [2, 1, 0, 3]]), r"regions: box: got \(60, 0, 0, 40\)"),
    ],
)  # fmt: skip
def test_broken_regions_are_errors(layout, tmp_path, regions, image, change, line) -> None:
    with pytest.raises(DataError, match=line) as caught:
        replace(LAYOUTS[layout](tmp_path, change(regions)), width=8).regions(image, "coco/9")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"size_hw": [np.inf, 60.0]}, "regions: size: got inf x 60.0; want height and width in pixels"),
        ({"size_hw": [np.nan, 60]}, "regions: size: got nan x 60.0; want"),
        ({"size_hw": [2**40, 2**40]}, "regions: size: got .*; want height and width"),
        ({"size_hw": []}, "regions: size: got none; want height and width"),
        ({"size_hw": 40}, "regions: size: got 40; want"),
        ({"size_hw": [40, 60, 3]}, "regions: size: got 40 x 60 x 3; want"),
        ({"size_hw": ["40", "60"]}, "regions: size_hw: got values of <U2; want numbers"),
        ({"features": np.full((3, 8), 1e300)}, "regions: features: got NaN or infinite values"),
        ({"features": np.full((3, 8), "x")}, "regions: features: got values of <U1; want numbers"),
        ({"features": np.full((3, 8), 1j)}, "npz: got a broken one .an array of complex128"),
        ({"features": np.zeros(3)}, r"regions: got features \(3,\), boxes \(3, 4\); want"),
        ({"boxes": np.full((3, 4), np.inf)}, "regions: boxes: got NaN or infinite values"),
        ({"cls_prob": np.zeros((3, 4, 5))}, r"regions: classes: got \(3, 4, 5\); want"),
    ],
)
def test_odd_arrays_are_one_line(tmp_path, image, change, line) -> None:
    good = {"features": np.zeros((3, 8)), "boxes": np.array([[0, 0, 60, 40]] * 3), "size_hw": [40, 60]}
    (tmp_path / "npz").mkdir()
    np.savez(tmp_path / "npz" / "9.npz", **good | change)
    with pytest.raises(DataError, match=line):
        NpzRegions(path=tmp_path / "npz", width=8, **NUMBERS).regions(image, "coco/9")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"features": [[1.0], [1.0, 2.0]]}, "features: got a list; want base64"),
        ({"boxes": 10**400, "features": "AAAA"}, "boxes: got a int; want base64"),
        ({"boxes": "é"}, "boxes: got .*; want base64"),
        ({"boxes": "AAAAAA==", "num_boxes": 10**100}, "boxes: got 1 numbers for 1000"),
        ({"boxes": np.ones((1, 4)), "features": np.ones((1, 8)), "image_h": [1, [2]], "image_w": 4}, "image_h: got"),
        ({"boxes": np.ones((1, 4)), "features": np.ones((1, 8)), "image_h": "x", "image_w": 4}, "image_h: got"),
    ],
)
def test_odd_values_of_a_pickle_are_one_line(tmp_path, image, value, line) -> None:
    source = LmdbRegions(path=put(tmp_path / "v.lmdb", **{KEY: pickle.dumps(value)}), width=8, **NUMBERS)
    with pytest.raises(DataError, match=line):
        source.regions(image, "coco/9")


def test_nothing_is_written_through_a_link(tmp_path, regions, image) -> None:
    (tmp_path / "letter").write_text("dear")
    for name in ("regions.tsv.offsets.json.part", "regions.tsv.offsets.json"):
        (tmp_path / name).symlink_to(tmp_path / "letter")
    (tmp_path / "npz").mkdir()
    (tmp_path / "npz" / "coco%2F9.npz.part").symlink_to(tmp_path / "letter")
    for source in (tsv(tmp_path, regions), npz(tmp_path, regions)):
        source.regions(image, "coco/9")
    assert (tmp_path / "letter").read_text() == "dear"


def test_offsets_of_somebody_else_are_made_anew(tmp_path, regions, image, equal) -> None:
    found = tsv(tmp_path, regions).regions(image, "coco/9")
    index = tmp_path / "regions.tsv.offsets.json"
    kept = json.loads(index.read_text())
    for offsets in ({"9": -5}, {"9": 10**12}, {"9": "a"}, {"9": [1]}, [1], "x", {"9": 10**400}):
        index.write_text(json.dumps(kept | {"offsets": offsets}))
        assert equal(TsvRegions(path=tmp_path / "regions.tsv", **NUMBERS).regions(image, "coco/9"), found)
    for content in ("[" * 100_000, "[]", "1" * 5000):
        index.write_text(content)
        assert equal(TsvRegions(path=tmp_path / "regions.tsv", **NUMBERS).regions(image, "coco/9"), found)


def test_boxes_come_in_pixels_of_the_file_that_is_there(layout, tmp_path, regions) -> None:
    file = io.BytesIO()
    Image.new("RGB", (30, 20)).save(file, "PNG")
    found = LAYOUTS[layout](tmp_path, regions).regions(MemoryImage("9.jpg", file.getvalue()), "coco/9")
    assert found.size_hw == (20, 30)
    assert np.allclose(found.boxes_xyxy, regions.boxes_xyxy / 2, atol=1e-4)


def test_an_image_of_other_proportions_is_another_one(tmp_path, regions) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 60)).save(file, "PNG")
    with pytest.raises(DataError, match=r"got an image of 60 x 40; want the proportions of 9.jpg, 40 x 60 pixels"):
        npz(tmp_path, regions).regions(MemoryImage("9.jpg", file.getvalue()), "coco/9")


def test_candidates_have_the_features_of_what_overlaps_them_most(tmp_path, regions, image) -> None:
    found = npz(tmp_path, regions).at(image, "coco/9", np.array([[30, 10, 60, 40], [0, 0, 50, 40.0]]))
    assert np.array_equal(found.features, regions.features[[2, 0]])
    assert found.boxes_xyxy.tolist() == [[30, 10, 60, 40], [0, 0, 50, 40]]


def test_candidates_of_a_file_of_their_own_must_be_there(tmp_path, regions, image) -> None:
    write_npz(tmp_path / "candidates", "coco/9", replace(regions, features=regions.features + 1))
    source = replace(npz(tmp_path, regions), candidates=NpzRegions(path=tmp_path / "candidates"))
    found = source.at(image, "coco/9", regions.boxes_xyxy[[1]])
    assert np.allclose(found.features, regions.features[[1]] + 1, atol=2e-3)
    with pytest.raises(DataError, match=r"regions of 'coco/9': candidates: got none at \(0, 0, 9, 9\); want"):
        source.at(image, "coco/9", np.array([[0, 0, 9, 9.0]]))


class Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_malicious_value_is_refused_and_not_run(tmp_path, image) -> None:
    source = LmdbRegions(
        path=put(tmp_path / "v.lmdb", **{KEY: pickle.dumps({"boxes": Runs(tmp_path / "made")})}), width=8, **NUMBERS
    )
    with pytest.raises(DataError, match=r"pickle: got one that asks for (posix|nt).mkdir; .*nothing was run.*row 9\)"):
        source.regions(image, "coco/9")
    assert not (tmp_path / "made").exists()


def test_an_npz_with_objects_is_refused(tmp_path, image) -> None:
    (tmp_path / "npz").mkdir()
    np.savez(tmp_path / "npz" / "9.npz", features=np.array([Runs(tmp_path / "made")], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"npz: got a broken one \(an array of object\); want"):
        NpzRegions(path=tmp_path / "npz", width=8, **NUMBERS).regions(image, "coco/9")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ({"num_boxes": b"x"}, "num_boxes: got b'x'; want a whole number"),
        ({"features": b"?"}, "features: got .*; want base64 of 32-bit numbers"),
        ({"features": b64([1, 2, 3, 4])}, "features: got 4 numbers; want some for each of 3 boxes"),
        ({"image_w": b""}, "image_w: got b''; want a whole number"),
    ],
)  # fmt: skip
def test_a_broken_line_says_what_is_wrong(tmp_path, regions, image, line, error) -> None:
    (tmp_path / "x.tsv").write_bytes(tsv_line(regions, **line))
    with pytest.raises(DataError, match=error):
        TsvRegions(path=tmp_path / "x.tsv", width=8, **NUMBERS).regions(image, "coco/9")


def test_a_tsv_is_scanned_once_and_again_when_it_changes(tmp_path, regions, image, equal) -> None:
    source = tsv(tmp_path, regions)
    index = tmp_path / "regions.tsv.offsets.json"
    assert json.loads(index.read_text())["offsets"] == {"7": 0, "9": len(tsv_line(regions))}
    (tmp_path / "regions.tsv").write_bytes(tsv_line(regions) * 3)
    found = TsvRegions(path=tmp_path / "regions.tsv", **NUMBERS).regions(image, "coco/9")
    assert equal(found, source.regions(image, "coco/9")) is False or len(found) == 3
    assert json.loads(index.read_text())["offsets"] == {"9": 2 * len(tsv_line(regions))}


@pytest.mark.parametrize("kind", [NpzRegions, Hdf5Regions, LmdbRegions, TsvRegions])
def test_nothing_there_is_an_error_that_names_the_place(kind, tmp_path) -> None:
    with pytest.raises(DataError, match="none_there"):
        kind(path=tmp_path / "none_there")


def test_a_file_of_something_else_is_an_error(tmp_path) -> None:
    (tmp_path / "x").write_bytes(b"no such format")
    for kind in (Hdf5Regions, LmdbRegions, TsvRegions):
        with pytest.raises(DataError, match=str(tmp_path)) as caught:
            kind(path=tmp_path / "x")
        assert "\n" not in str(caught.value)
