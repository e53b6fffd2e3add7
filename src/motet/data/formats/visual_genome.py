"""Image files and image ids of Visual Genome, half of whose images are also in COCO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from motet.data.formats.json_file import check_type, get_number, load_json
from motet.data.formats.number_text import is_number
from motet.data.formats.paths import coco_id, vg_id

_FOLDERS = ("VG_100K", "VG_100K_2", "")


@dataclass(frozen=True)
class VisualGenomeIds:
    """Ids of Visual Genome's images, which name an image of COCO as COCO's readers do.

    Args:
        coco_numbers: Visual Genome number -> COCO number, of the images that are in both. Without it no image is known
            to be COCO's.
    """

    coco_numbers: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def load(cls, image_data: Path | str | None) -> Self:
        """Reads `image_data.json`; None gives ids without COCO's.

        Raises:
            DataError: no such file, not JSON, a missing key, a wrong type.
        """
        if image_data is None:
            return cls()
        path = Path(image_data)
        found: dict[int, int] = {}
        for row, entry in enumerate(check_type(load_json(path), list, "file", path=path)):
            if isinstance(entry, dict) and entry.get("coco_id") is not None:
                key = "image_id" if "image_id" in entry else "id"  # release 1.0 has "id"
                found[get_number(entry, key, path=path, row=row)] = get_number(entry, "coco_id", path=path, row=row)
        return cls(found)

    def image_id(self, image: int | str) -> str:
        """Returns the id of an image by its number, or by GQA's name of it.

        Examples:
            >>> ids = VisualGenomeIds({2400861: 9})
            >>> ids.image_id(2400861), ids.image_id("107899"), ids.image_id("n578564")
            ('coco/9', 'vg/107899', 'gqa/n578564')
        """
        name = str(image)
        coco = self.coco_numbers.get(int(name)) if is_number(name) else None
        return vg_id(name) if coco is None else coco_id(coco)


def visual_genome_file(images: Path, image: int) -> Path:
    """Returns the file of an image: in the first or the second official folder, or in the folder itself."""
    places = [images / folder / f"{image}.jpg" for folder in _FOLDERS]
    return next((place for place in places if place.is_file()), places[0])
