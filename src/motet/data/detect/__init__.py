"""Detection of the data sets in a folder: their formats, and the readers that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from motet.core import ConfigError, DataError
from motet.data.detect.annotation_tools import find_cvat, find_labelme
from motet.data.detect.box_tables import find_box_tables
from motet.data.detect.class_folders import find_class_folders
from motet.data.detect.conversations import find_conversations
from motet.data.detect.dataset import DetectedDataset as DetectedDataset
from motet.data.detect.json_formats import find_json_formats
from motet.data.detect.map_folders import find_map_folders
from motet.data.detect.maps import find_published_maps
from motet.data.detect.near_miss import NearMiss as NearMiss
from motet.data.detect.near_miss import grouped
from motet.data.detect.other_formats import (
    find_flickr,
    find_hf_saved,
    find_idx,
    find_multi30k,
    find_tars,
    find_text_lines,
)
from motet.data.detect.referring import find_referring
from motet.data.detect.sentences import find_entailment, find_glue
from motet.data.detect.statements import find_statements
from motet.data.detect.survey import Survey, survey_folder
from motet.data.detect.tables import find_tables
from motet.data.detect.unread import contents, unread
from motet.data.detect.videos import find_videos
from motet.data.detect.voc import find_voc
from motet.data.detect.voc_maps import find_voc_maps
from motet.data.detect.yolo import find_yolo

_FINDERS: tuple[Callable[[Survey], Iterator[DetectedDataset | NearMiss]], ...] = (
    # Published layouts first: each finder claims its files, so that no data set is detected twice.
    find_multi30k,
    find_hf_saved,
    find_published_maps,
    find_statements,
    find_referring,
    find_videos,
    find_labelme,
    find_json_formats,
    find_idx,
    find_voc_maps,
    find_voc,
    find_cvat,
    find_yolo,
    find_box_tables,
    find_map_folders,
    find_glue,
    find_entailment,
    find_flickr,
    find_text_lines,
    find_conversations,
    find_tars,
    find_tables,
    find_class_folders,
)


@dataclass(frozen=True)
class FolderContents:
    """The data in a folder.

    Args:
        datasets: one entry per annotation of one split: a table of captions in two languages is two entries with equal
            arguments. A data set that resembles a known format but cannot be read is an entry with `problems`.
        near_misses: files and folders that no data set has, and what keeps them from being read.
        summary: what is in the folder, by number and ending.
    """

    datasets: tuple[DetectedDataset, ...]
    near_misses: tuple[NearMiss, ...]
    summary: str = ""


def inspect_folder(folder: Path | str, *, class_level: int | None = None) -> FolderContents:
    """Detects the data sets in a folder, each with the reader and the arguments that read it, and what is near to one.

    The search covers four levels of folders, and only the first files of a folder with many.

    Args:
        folder: the user's folder.
        class_level: how many folders below it the class folders of images are; None to find out.

    Raises:
        DataError: no such folder.
        ConfigError: a level below 1.
    """
    if class_level is not None and class_level < 1:
        raise ConfigError(f"--class-level: got {class_level}; want 1 or more")
    root = Path(folder)
    if not root.is_dir():
        raise DataError("folder: got no folder; want the path of a folder with data", path=root)
    survey = survey_folder(root, class_level)
    found = [one for find in _FINDERS for one in find(survey)]
    datasets = tuple(one for one in found if isinstance(one, DetectedDataset))
    near = grouped(one for one in found if isinstance(one, NearMiss))
    return FolderContents(datasets, (*near, *unread(survey, datasets)), contents(survey))


def detect(folder: Path | str) -> tuple[DetectedDataset, ...]:
    """Detects the data sets in a folder: `inspect_folder` without its near misses.

    Raises:
        DataError: no such folder.
    """
    return inspect_folder(folder).datasets
