"""Detection of the data sets in a folder: their formats, and the readers that read them."""

from __future__ import annotations

from pathlib import Path

from motet.core import DataError
from motet.data.detect.annotation_tools import find_cvat, find_labelme
from motet.data.detect.box_tables import find_box_tables
from motet.data.detect.class_folders import find_class_folders
from motet.data.detect.dataset import DetectedDataset as DetectedDataset
from motet.data.detect.json_formats import find_json_formats
from motet.data.detect.map_folders import find_map_folders
from motet.data.detect.maps import find_published_maps
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
from motet.data.detect.survey import survey_folder
from motet.data.detect.tables import find_tables
from motet.data.detect.videos import find_videos
from motet.data.detect.voc import find_voc
from motet.data.detect.yolo import find_yolo


def detect(folder: Path | str) -> tuple[DetectedDataset, ...]:
    """Detects the data sets in a folder, each with the reader and the arguments that read it.

    An entry is one annotation of one split: a table of captions in two languages is two entries with equal arguments.
    A data set that resembles a known format but cannot be read is an entry with `problems`. The search covers four
    levels of folders, and only the first files of a folder with many.

    Args:
        folder: the user's folder.

    Raises:
        DataError: no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError("folder: got no folder; want the path of a folder with data", path=root)
    survey = survey_folder(root)
    # Published layouts first: each finder claims its files, so that no data set is detected twice.
    finders = (
        find_multi30k,
        find_hf_saved,
        find_published_maps,
        find_statements,
        find_referring,
        find_videos,
        find_labelme,
        find_json_formats,
        find_idx,
        find_voc,
        find_cvat,
        find_yolo,
        find_box_tables,
        find_map_folders,
        find_glue,
        find_entailment,
        find_flickr,
        find_text_lines,
        find_tables,
        find_tars,
        find_class_folders,
    )
    return tuple(found for find in finders for found in find(survey))
