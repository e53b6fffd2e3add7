"""Pictures with maps in the layouts they are published in, from CamVid to COCO-Stuff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from motet.core import MotetError
from motet.data.detect.dataset import DetectedDataset, Kind, Part
from motet.data.detect.survey import Survey, part_of
from motet.data.formats.paths import is_image
from motet.data.readers import READERS

_KINDS: dict[str, Kind] = {
    "segmentation": "segmentation", "depth": "depth", "normals": "surface normals", "edges": "edges",
}  # fmt: skip
_SPLITS = ("train", "val", "test")
_SEQUENCE = re.compile(r"seq-\d+")
_SCENE = re.compile(r"Scene\d+")
_PAIR = re.compile(r"(.*)(?:_img|_images)")


def find_maps(land: Survey) -> Iterator[DetectedDataset]:
    """The published layouts, each by the folders that only it has."""
    for find in (
        _camvid, _bsds500, _seven_scenes, _flat_frames, _nyuv2, _taskonomy, _cityscapes, _virtual_kitti, _synthia,
        _ade20k, _coco_stuff,
    ):  # fmt: skip
        for root in list(land.listings):
            if not land.is_taken(root):
                yield from find(land, root)


def _tried(reader: str, arguments: dict[str, object], why: str, part: Part = "") -> Iterator[DetectedDataset]:
    """An entry for each annotation of the first row; one with the problem where it cannot be read."""
    labels: tuple[str, ...] = ("segmentation",)
    rows, problems = 0, tuple[str, ...]()
    try:
        built = READERS[reader](**arguments)
        labels, rows = tuple(built[0].labels), len(built)
    except MotetError as error:
        problems = (str(error),)
    for label in labels:
        yield DetectedDataset(
            reader=reader, arguments=arguments, kind=_KINDS[label], label=label, rows=rows, why=f"{why}: {label}",
            part=part, problems=problems,
        )  # fmt: skip


def _folders(land: Survey, folder: Path) -> tuple[str, ...]:
    return land.listings[folder].folders if folder in land.listings else ()


def _files(land: Survey, folder: Path) -> tuple[str, ...]:
    return land.listings[folder].files if folder in land.listings else ()


def _camvid(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    splits = [split for split in _SPLITS if {split, f"{split}annot"} <= set(_folders(land, root))]
    for split in splits:
        land.taken.update((root / split, root / f"{split}annot", root / f"{split}.txt"))
        arguments: dict[str, object] = {"root": root, "split": split}
        yield from _tried("CamVid", arguments, f"CamVid ({split})", part_of(Path(split), Path()))


def _bsds500(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    drawn = root / "groundTruth"
    for split in _folders(land, drawn):
        if any(name.endswith(".mat") for name in _files(land, drawn / split)) and root / "images" in land.listings:
            land.taken.update((root / "images" / split, drawn / split))
            arguments: dict[str, object] = {"root": root, "split": split}
            yield from _tried("Bsds500", arguments, f"BSDS500 ({split})", part_of(Path(split), Path()))


def _seven_scenes(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    sequences = [name for name in _folders(land, root) if _SEQUENCE.fullmatch(name)]
    if not any(name.endswith(".depth.png") for one in sequences for name in _files(land, root / one)):
        return
    listed = [split for split in ("train", "test") if f"{split.capitalize()}Split.txt" in _files(land, root)]
    land.taken.add(root)
    for split in (*listed,) or (None,):
        arguments: dict[str, object] = {"root": root, "split": split, "normals": "depth"}
        part = part_of(Path(split or ""), Path())
        yield from _tried("SevenScenes", arguments, f"7-Scenes ({root.name}, {split or 'all'})", part)


def _flat_frames(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    files = _files(land, root / "data")
    if not any(name.endswith(".depth.png") for name in files) or not any(".color." in name for name in files):
        return
    listed = [split for split in _SPLITS if f"{split}.txt" in _files(land, root)]
    normals = "file" if "derived_normal" in _folders(land, root) else "depth"
    land.taken.add(root)
    for split in (*listed,) or (None,):
        arguments: dict[str, object] = {"root": root, "split": split, "normals": normals}
        part = part_of(Path(split or ""), Path())
        yield from _tried("SevenScenes", arguments, f"RGB-D frames ({split or 'all'})", part)


def _nyuv2(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    names = _files(land, root)
    path = next(
        (root / name for name in names if name.startswith("nyu_depth_v2_labeled") and name.endswith(".mat")), None
    )
    if path is None:
        return
    land.taken.update((path, root / "splits.mat", root / "classMapping40.mat"))
    for split in ("train", "test") if "splits.mat" in names else (None,):
        arguments: dict[str, object] = {"path": path, "split": split, "normals": "depth"}
        if "classMapping40.mat" in names:
            arguments["mapping"] = root / "classMapping40.mat"
        part = part_of(Path(split or ""), Path())
        yield from _tried("NyuV2", arguments, f"NYU Depth v2 ({split or 'all'})", part)


def _taskonomy(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    buildings = _folders(land, root / "rgb")
    if not any("_domain_rgb." in name for one in buildings for name in _files(land, root / "rgb" / one)):
        return
    parts = [name for name in _files(land, root) if name.startswith("train_val_test") and name.endswith(".csv")]
    land.taken.add(root)
    if not parts:
        yield from _tried("Taskonomy", {"root": root}, "Taskonomy")
    for split in _SPLITS if parts else ():
        arguments: dict[str, object] = {"root": root, "split": split, "split_file": root / parts[0]}
        yield from _tried("Taskonomy", arguments, f"Taskonomy ({split})", part_of(Path(split), Path()))


def _cityscapes(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    if "leftImg8bit" not in _folders(land, root):
        return
    fine = "gtFine" in _folders(land, root)
    land.taken.update(root / name for name in ("leftImg8bit", "gtFine", "gtCoarse", "disparity", "camera"))
    for split in ("train", "val"):
        if split in _folders(land, root / "leftImg8bit"):
            annotations = "gtFine" if fine else "gtCoarse"
            arguments: dict[str, object] = {
                "root": root, "split": split, "annotations": annotations, "normals": "depth",
            }  # fmt: skip
            yield from _tried("Cityscapes", arguments, f"Cityscapes ({split})", part_of(Path(split), Path()))


def _virtual_kitti(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    scenes = [name for name in _folders(land, root) if _SCENE.fullmatch(name)]
    there = {one for scene in scenes for one in _folders(land, root / scene)}
    drives = {one for one in there for scene in scenes if (root / scene / one / "frames" / "rgb").is_dir()}
    if not drives:
        return
    variation = "clone" if "clone" in drives else min(drives)
    scenes = [scene for scene in scenes if (root / scene / variation / "frames" / "rgb").is_dir()]
    land.taken.update(root / scene for scene in scenes)
    known = all("intrinsic.txt" in _files(land, root / scene / variation) for scene in scenes)
    arguments: dict[str, object] = {"root": root, "variations": (variation,), "normals": "depth" if known else ""}
    if len(scenes) < len(_folders(land, root)):
        arguments["scenes"] = tuple(scenes)
    yield from _tried("VirtualKitti2", arguments, f"Virtual KITTI 2 ({variation})")


def _synthia(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    if "RGB" in _folders(land, root) and "LABELS" in _folders(land, root / "GT"):
        land.taken.update(root / name for name in ("RGB", "GT", "Depth"))
        yield from _tried("Synthia", {"root": root}, "SYNTHIA")


def _ade20k(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    splits = set(_folders(land, root / "images")) & set(_folders(land, root / "annotations"))
    for split in sorted(splits & {"training", "validation"}):
        if any(is_image(name) for name in _files(land, root / "annotations" / split)):
            land.taken.update((root / "images" / split, root / "annotations" / split))
            arguments: dict[str, object] = {"root": root, "split": split}
            yield from _tried("Ade20k", arguments, f"ADE20K ({split})", part_of(Path(split), Path()))


def _coco_stuff(land: Survey, root: Path) -> Iterator[DetectedDataset]:
    """COCO-Stuff's own folders, or `train_img` beside `train_label`."""
    for name in _folders(land, root):
        found = _PAIR.fullmatch(name)
        labels = root / f"{found[1]}_label" if found else None
        if found and labels is not None and labels in land.listings and (found[1] in _SPLITS or found[1] == ""):
            land.taken.update((root / name, labels, root / f"{found[1]}_inst"))
            yield from _stuff(land, root / name, labels)
    if root.name == "stuffthingmaps":
        land.taken.add(root)
        for name in _folders(land, root):
            pictures = [f"{Path(file).stem}.jpg" for file in _files(land, root / name)[:3]]
            images = land.image_folder(pictures, root / name / "labels")
            if images is not None:
                yield from _stuff(land, images, root / name)


def _stuff(land: Survey, images: Path, labels: Path) -> Iterator[DetectedDataset]:
    arguments: dict[str, object] = {"images": images, "labels": labels}
    yield from _tried("CocoStuff", arguments, f"COCO-Stuff ({images.name})", part_of(labels, land.root))
