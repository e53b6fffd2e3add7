"""Detection of Multi30k, saved Hugging Face data sets, idx, Flickr captions, text lines and tars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from motet.core import DataError, MotetError
from motet.data.detect.cell_kinds import cell_kind
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.guess import guess
from motet.data.detect.image_folders import ImagesAt, find_images
from motet.data.detect.near_miss import NearMiss
from motet.data.detect.survey import Survey, split_of
from motet.data.detect.tables import tar_mapping
from motet.data.formats.hf_splits import load_split
from motet.data.formats.image_size import image_size_hw
from motet.data.formats.json_file import check_type, get_field, load_json
from motet.data.formats.paths import is_file, is_image
from motet.data.readers.hf_dataset import first_rows

_TOKEN_LINE = re.compile(r"[^\t]+#\d+\t.+")
_IDX_IMAGES = re.compile(r"(.+)-images-idx[34]-ubyte(\.gz)?")
_MAX_ROWS = 50
_CROPS = re.compile(r"(?<![a-z])(gt|ocr|lines?|words?|crops?|transcriptions?|texts?)(?![a-z])")
_MIN_TEXTS = 6
_HF_FILES = ("state.json", "dataset_dict.json")
_LANGUAGE_FILE = re.compile(r"([a-z]{2})(\.gz)?")
_FLICKR_PHOTO = re.compile(r"\d+_[0-9a-f]{8,}\.jpg")


def find_multi30k(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds the official folder: `data/task1/image_splits/` and `raw/`."""
    for root in list(survey.listings):
        raw = root / "data" / "task1" / "raw"
        splits = root / "data" / "task1" / "image_splits"
        if splits not in survey.listings or raw not in survey.listings or survey.is_claimed(root):
            continue
        survey.claimed.add(root)
        for name in survey.listings[splits].files:
            part = name.removesuffix(".txt")
            languages = _languages(survey.listings[raw].files, part)
            if name.endswith(".txt") and languages:
                yield from try_read(
                    "Multi30k",
                    {"root": root, "part": part, "languages": languages},
                    kind="captioning",
                    labels={f"captions_{language}": language for language in languages},
                    evidence=f"Multi30k, task 1, {part}, in {', '.join(languages)}",
                    split=split_of(splits / name, survey.root),
                )


def _languages(files: tuple[str, ...], part: str) -> tuple[str, ...]:
    endings = (name.removeprefix(f"{part}.") for name in files if name.startswith(f"{part}."))
    codes = {found[1] for ending in endings if (found := _LANGUAGE_FILE.fullmatch(ending))}
    return tuple(sorted(codes, key=lambda code: (code != "en", code)))


def find_hf_saved(survey: Survey) -> Iterator[DetectedDataset | NearMiss]:
    """Finds folders that `save_to_disk` wrote: one data set, or a dictionary of splits."""
    for folder, listing in list(survey.listings.items()):
        if survey.is_claimed(folder) or not set(_HF_FILES) & set(listing.files):
            continue
        survey.claimed.add(folder)
        try:
            guesses = [(split, guess(*hf_rows(folder, split))) for split in hf_splits(folder)]
        except MotetError as error:
            yield from try_read(
                "HfDataset", {"path": folder}, kind="captioning", labels={"captions": "en"},
                evidence="Hugging Face data set", problems=(str(error),),
            )  # fmt: skip
            continue
        for split, mapping in guesses:
            if mapping is not None:
                yield from try_read(
                    "HfDataset", {"path": folder, "split": split, **mapping.arguments()}, kind=mapping.kind,
                    labels=mapping.languages, evidence=f"Hugging Face data set, {mapping.evidence}",
                    split=split_of(Path(split), Path()),
                )  # fmt: skip
            else:
                got = f"split {split!r} without a column of images and one that is known for annotations"
                yield NearMiss(
                    folder, got, "columns such as image and label, or image and caption", "Hugging Face data set"
                )


def hf_splits(folder: Path) -> list[str]:
    """Returns the names of the splits in a folder that `save_to_disk` wrote."""
    dictionary = folder / "dataset_dict.json"
    if dictionary.is_file():
        return [str(split) for split in get_field(load_json(dictionary), "splits", list, path=dictionary)]
    state = check_type(load_json(folder / "state.json"), dict, "file", path=folder / "state.json")
    return [str(state.get("_split") or "train")]


def hf_rows(path: Path | str, split: str, config: str | None = None) -> tuple[list[str], list[dict[str, object]]]:
    """Returns the columns and the first rows, with the names of classes in place of their numbers.

    Args:
        path: as in `HfDataset`.
        split: of the data set.
        config: the configuration, where a data set has several.
    """
    data = load_split(path, split, config)
    rows = first_rows(data, _MAX_ROWS)
    class_names = {column: kind.names for column, kind in data.features.items() if hasattr(kind, "names")}
    for row in rows:
        row |= {column: names[row[column]] for column, names in class_names.items() if row[column] is not None}
    return list(data.column_names), rows


def find_idx(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds `train-images-idx3-ubyte` with `train-labels-idx1-ubyte`, gzipped or not."""
    for path in list(survey.files("-ubyte", "-ubyte.gz")):
        match = _IDX_IMAGES.fullmatch(path.name)
        if match is None:
            continue
        labels = [path.with_name(f"{match[1]}-labels-idx1-ubyte{zipped}") for zipped in ("", ".gz")]
        beside = next((file for file in labels if file.is_file()), labels[-1])
        survey.claimed.update((path, beside))
        yield from try_read(
            "Idx",
            {"images": path, "labels": beside},
            kind="classification",
            labels={"class": "en"},
            evidence=f"idx images and labels ({path.name})",
            split=split_of(path, survey.root),
        )


def find_flickr(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds `captions.txt`, `*.token` and `results.csv`, by the form of their first lines."""
    for path in list(survey.files(".txt", ".token", ".csv")):
        lines = first_lines(path, 12)
        names = _flickr_names(lines, path)
        if not names:
            continue
        images, problems = find_images(survey, names, path)
        survey.claimed.update({path} if images is None else {path, images})
        reader = "Flickr30k" if lines[0].startswith("image_name") or "30k" in str(path).lower() else "Flickr8k"
        evidence = f"Flickr captions ({path.name}) and their images"
        arguments: dict[str, Path] = {"captions": path, "images": images or path.parent}
        split_lists = _split_lists(survey, path)
        for split_arguments in [{**arguments, "split": file} for file in split_lists] or [arguments]:
            split = split_of(split_arguments.get("split", path), survey.root)
            yield from try_read(
                reader, split_arguments, kind="captioning", labels={"captions": "en"}, evidence=evidence, split=split,
                problems=problems,
            )  # fmt: skip


def _flickr_names(lines: list[str], path: Path) -> list[str]:
    """Returns the images that the first lines name, where these have one of the three forms.

    Other tables of captions may have the header of Flickr8k: these are Flickr's only with Flickr's photo names.
    """
    if not lines:
        return []
    if all(_TOKEN_LINE.fullmatch(line) for line in lines):
        return [line.split("#")[0] for line in lines]
    if re.fullmatch(r"image_name\s*\|\s*comment_number\s*\|\s*comment\s*", lines[0]):
        return [line.split("|")[0].strip() for line in lines[1:]]
    names = [line.split(",")[0] for line in lines[1:]] if lines[0].strip() == "image,caption" else []
    return names if "flickr" in str(path).lower() or all(_FLICKR_PHOTO.fullmatch(name) for name in names) else []


def _split_lists(survey: Survey, captions: Path) -> list[Path]:
    """Finds lists of image names, one per line, beside the captions, whose file names contain a split."""
    lists = []
    for path in list(survey.files(".txt")):
        lines = first_lines(path, 5) if path.parent == captions.parent and split_of(path, survey.root) else []
        if lines and all(is_image(line.strip()) and "\t" not in line and "," not in line for line in lines):
            lists.append(path)
            survey.claimed.add(path)
    return lists


def find_text_lines(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds TSV files without a header whose first column names crops of text lines."""
    for path in list(survey.files(".tsv", ".txt")):
        rows = [line.split("\t") for line in first_lines(path, 20)]
        if not rows or not all(len(cells) == 2 and is_image(cells[0].strip()) for cells in rows):
            continue
        beside = path.with_name(path.stem.removesuffix("_gt"))
        names = [cells[0].strip() for cells in rows]
        in_beside = is_file(beside / names[0])
        images, problems = ImagesAt(beside) if in_beside else find_images(survey, names, path)
        if images is not None and not _are_crops(path, [cells[1] for cells in rows], images, names):
            continue  # a table of classes or captions without a header
        survey.claimed.update({path} if images is None else {path, images})
        yield from try_read(
            "OcrLines",
            {"tables": path, "images": images or path.parent},
            kind="text reading",
            labels={"text": "en"},
            evidence=f"crops with a table of their texts ({path.name})",
            split=split_of(path, survey.root),
            problems=problems,
        )


def _are_crops(path: Path, texts: list[str], images: Path, names: list[str]) -> bool:
    """Returns False where the texts are classes that repeat, or sentences about images that are no lines of text."""
    if _CROPS.search(path.stem.lower()) or len(texts) < _MIN_TEXTS:
        return True
    kind = cell_kind(texts)
    if kind is None or kind.kind == "text reading":
        return True
    return kind.kind == "captioning" and all(_is_wide(images / name) for name in names[:5])


def _is_wide(path: Path) -> bool:
    try:
        height, width = image_size_hw(path)
    except DataError:
        return True
    return width > 2 * height


def _about_shard(path: Path) -> tuple[Path, Path]:
    """Returns the files in which img2dataset repeats what it knows of a shard: its rows, and what became of them."""
    return path.with_suffix(".parquet"), path.with_name(f"{path.stem}_stats.json")


def find_tars(survey: Survey) -> Iterator[DetectedDataset | NearMiss]:
    """Finds folders of WebDataset shards; the shards of one split are one data set."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in survey.files(".tar", ".tar.gz", ".tgz"):
        groups.setdefault((path.parent, split_of(path, survey.root)), []).append(path)
    for paths in groups.values():
        survey.claimed.update((*paths, *(other for path in paths for other in _about_shard(path))))
        tars = paths[0].name if len(paths) == 1 else f"{paths[0].name} to {paths[-1].name}"
        arguments: dict[str, object] = {"tars": tuple(paths) if len(paths) > 1 else paths[0]}
        split = split_of(paths[0], survey.root)
        try:
            mapping = tar_mapping(paths[0])
        except DataError as error:
            yield from try_read(
                "WebDataset", arguments, kind="captioning", labels={"captions": "en"}, evidence=f"tars ({tars})",
                split=split, problems=(str(error),),
            )  # fmt: skip
            continue
        if mapping is not None:
            yield from try_read(
                "WebDataset", {**arguments, **mapping.arguments(image=False)}, kind=mapping.kind,
                labels=mapping.languages, evidence=f"tars ({tars}), {mapping.evidence}", split=split,
            )  # fmt: skip
        else:
            got = "members that are not images, each with annotations of its name"
            yield NearMiss(
                paths[0], got, "members such as 0.jpg and 0.txt, or 0.cls, or 0.json", "tars", len(paths) - 1
            )
