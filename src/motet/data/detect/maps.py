"""Detection of images with maps in their published layouts, from CamVid to COCO-Stuff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from motet.core import MotetError
from motet.data.detect.dataset import DetectedDataset, Kind, Split
from motet.data.detect.image_folders import find_images
from motet.data.detect.survey import Survey, split_of
from motet.data.formats.paths import is_image
from motet.data.readers import READERS

_KINDS: dict[str, Kind] = {
    "segmentation": "segmentation", "depth": "depth", "normals": "surface normals", "edges": "edges",
}  # fmt: skip
_SPLITS = ("train", "val", "test")
_SEQUENCE = re.compile(r"seq-\d+")
_SCENE = re.compile(r"Scene\d+")
_PAIR = re.compile(r"(.*)(?:_img|_images)")


def find_published_maps(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds the published layouts, each by the folders that only it has."""
    for find in (
        _camvid, _bsds500, _seven_scenes, _flat_frames, _nyuv2, _taskonomy, _cityscapes, _virtual_kitti, _synthia,
        _ade20k, _coco_stuff,
    ):  # fmt: skip
        for root in list(survey.listings):
            if not survey.is_claimed(root):
                yield from find(survey, root)


def _entries(reader: str, arguments: dict[str, object], layout: str, split: Split = "") -> Iterator[DetectedDataset]:
    """Yields an entry per annotation of the first row, or one with the problem where it cannot be read."""
    labels: tuple[str, ...] = ("segmentation",)
    rows, problems = 0, tuple[str, ...]()
    try:
        dataset = READERS[reader](**arguments)
        labels, rows = tuple(dataset[0].labels), len(dataset)
    except MotetError as error:
        problems = (str(error),)
    for label in labels:
        yield DetectedDataset(
            reader=reader, arguments=arguments, kind=_KINDS[label], label=label, rows=rows,
            evidence=f"{layout}: {label}", split=split, problems=problems,
        )  # fmt: skip


def _folders(survey: Survey, folder: Path) -> tuple[str, ...]:
    return survey.listings[folder].folders if folder in survey.listings else ()


def _files(survey: Survey, folder: Path) -> tuple[str, ...]:
    return survey.listings[folder].files if folder in survey.listings else ()


def _camvid(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    splits = [split for split in _SPLITS if {split, f"{split}annot"} <= set(_folders(survey, root))]
    for split in splits:
        survey.claimed.update((root / split, root / f"{split}annot", root / f"{split}.txt"))
        arguments: dict[str, object] = {"root": root, "split": split}
        yield from _entries("CamVid", arguments, f"CamVid ({split})", split_of(Path(split), Path()))


def _bsds500(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    outlines = root / "groundTruth"
    for split in _folders(survey, outlines):
        mats = any(name.endswith(".mat") for name in _files(survey, outlines / split))
        if mats and root / "images" in survey.listings:
            survey.claimed.update((root / "images" / split, outlines / split))
            arguments: dict[str, object] = {"root": root, "split": split}
            yield from _entries("Bsds500", arguments, f"BSDS500 ({split})", split_of(Path(split), Path()))


def _seven_scenes(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    sequences = [name for name in _folders(survey, root) if _SEQUENCE.fullmatch(name)]
    if not any(name.endswith(".depth.png") for one in sequences for name in _files(survey, root / one)):
        return
    listed = [split for split in ("train", "test") if f"{split.capitalize()}Split.txt" in _files(survey, root)]
    survey.claimed.add(root)
    for split in (*listed,) or (None,):
        arguments: dict[str, object] = {"root": root, "split": split, "normals": "depth"}
        layout = f"7-Scenes ({root.name}, {split or 'all'})"
        yield from _entries("SevenScenes", arguments, layout, split_of(Path(split or ""), Path()))


def _flat_frames(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    files = _files(survey, root / "data")
    if not any(name.endswith(".depth.png") for name in files) or not any(".color." in name for name in files):
        return
    listed = [split for split in _SPLITS if f"{split}.txt" in _files(survey, root)]
    normals = "file" if "derived_normal" in _folders(survey, root) else "depth"
    survey.claimed.add(root)
    for split in (*listed,) or (None,):
        arguments: dict[str, object] = {"root": root, "split": split, "normals": normals}
        layout = f"RGB-D frames ({split or 'all'})"
        yield from _entries("SevenScenes", arguments, layout, split_of(Path(split or ""), Path()))


def _nyuv2(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    names = _files(survey, root)
    path = next(
        (root / name for name in names if name.startswith("nyu_depth_v2_labeled") and name.endswith(".mat")), None
    )
    if path is None:
        return
    survey.claimed.update((path, root / "splits.mat", root / "classMapping40.mat"))
    for split in ("train", "test") if "splits.mat" in names else (None,):
        arguments: dict[str, object] = {"path": path, "split": split, "normals": "depth"}
        if "classMapping40.mat" in names:
            arguments["mapping"] = root / "classMapping40.mat"
        layout = f"NYU Depth v2 ({split or 'all'})"
        yield from _entries("NyuV2", arguments, layout, split_of(Path(split or ""), Path()))


def _taskonomy(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    buildings = _folders(survey, root / "rgb")
    if not any("_domain_rgb." in name for one in buildings for name in _files(survey, root / "rgb" / one)):
        return
    files = [name for name in _files(survey, root) if name.startswith("train_val_test") and name.endswith(".csv")]
    survey.claimed.add(root)
    if not files:
        yield from _entries("Taskonomy", {"root": root}, "Taskonomy")
    for split in _SPLITS if files else ():
        arguments: dict[str, object] = {"root": root, "split": split, "split_file": root / files[0]}
        yield from _entries("Taskonomy", arguments, f"Taskonomy ({split})", split_of(Path(split), Path()))


def _cityscapes(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    if "leftImg8bit" not in _folders(survey, root):
        return
    fine = "gtFine" in _folders(survey, root)
    survey.claimed.update(root / name for name in ("leftImg8bit", "gtFine", "gtCoarse", "disparity", "camera"))
    for split in ("train", "val"):
        if split in _folders(survey, root / "leftImg8bit"):
            annotations = "gtFine" if fine else "gtCoarse"
            arguments: dict[str, object] = {
                "root": root, "split": split, "annotations": annotations, "normals": "depth",
            }  # fmt: skip
            yield from _entries("Cityscapes", arguments, f"Cityscapes ({split})", split_of(Path(split), Path()))


def _virtual_kitti(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    scenes = [name for name in _folders(survey, root) if _SCENE.fullmatch(name)]
    folders = {name for scene in scenes for name in _folders(survey, root / scene)}
    variations = {name for name in folders for scene in scenes if (root / scene / name / "frames" / "rgb").is_dir()}
    if not variations:
        return
    variation = "clone" if "clone" in variations else min(variations)
    scenes = [scene for scene in scenes if (root / scene / variation / "frames" / "rgb").is_dir()]
    survey.claimed.update(root / scene for scene in scenes)
    has_intrinsics = all("intrinsic.txt" in _files(survey, root / scene / variation) for scene in scenes)
    arguments: dict[str, object] = {
        "root": root, "variations": (variation,), "normals": "depth" if has_intrinsics else "",
    }  # fmt: skip
    if len(scenes) < len(_folders(survey, root)):
        arguments["scenes"] = tuple(scenes)
    yield from _entries("VirtualKitti2", arguments, f"Virtual KITTI 2 ({variation})")


def _synthia(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    if "RGB" in _folders(survey, root) and "LABELS" in _folders(survey, root / "GT"):
        survey.claimed.update(root / name for name in ("RGB", "GT", "Depth"))
        yield from _entries("Synthia", {"root": root}, "SYNTHIA")


def _ade20k(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    splits = set(_folders(survey, root / "images")) & set(_folders(survey, root / "annotations"))
    for split in sorted(splits & {"training", "validation"}):
        if any(is_image(name) for name in _files(survey, root / "annotations" / split)):
            survey.claimed.update((root / "images" / split, root / "annotations" / split))
            arguments: dict[str, object] = {"root": root, "split": split}
            yield from _entries("Ade20k", arguments, f"ADE20K ({split})", split_of(Path(split), Path()))


def _coco_stuff(survey: Survey, root: Path) -> Iterator[DetectedDataset]:
    """Finds COCO-Stuff's own folders, or `train_img` beside `train_label`."""
    for name in _folders(survey, root):
        match = _PAIR.fullmatch(name)
        labels = root / f"{match[1]}_label" if match else None
        if match and labels is not None and labels in survey.listings and (match[1] in _SPLITS or match[1] == ""):
            survey.claimed.update((root / name, labels, root / f"{match[1]}_inst"))
            yield from _stuff_entries(survey, root / name, labels)
    if root.name == "stuffthingmaps":
        survey.claimed.add(root)
        for name in _folders(survey, root):
            image_names = [f"{Path(file).stem}.jpg" for file in _files(survey, root / name)[:3]]
            images = find_images(survey, image_names, root / name / "labels").folder
            if images is not None:
                yield from _stuff_entries(survey, images, root / name)


def _stuff_entries(survey: Survey, images: Path, labels: Path) -> Iterator[DetectedDataset]:
    arguments: dict[str, object] = {"images": images, "labels": labels}
    yield from _entries("CocoStuff", arguments, f"COCO-Stuff ({images.name})", split_of(labels, survey.root))
