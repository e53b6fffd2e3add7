"""Boxes as XML in the form of Pascal VOC, in folders of one's own: as LabelImg, Roboflow and Kaggle have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motet.core import ConfigError, DataError, Example
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.image_size import check_size
from motet.data.formats.paths import annotated_image, default_name, file_names, image_at
from motet.data.formats.voc_xml import (
    DIFFICULT,
    Difficult,
    VocAnnotation,
    has_boxes,
    read_voc_list,
    read_voc_xml,
    voc_boxes,
    voc_names,
)


@dataclass(frozen=True)
class VocXml:
    """XML of boxes, one Example per file; labels: "boxes", a `BoxSet` in pixels of the image. See `read_voc_xml`.

    The image of `road1.xml` is `road1.png`, or the one that its `<filename>` names.

    Args:
        annotations: the folder of the XML files.
        images: the folder of the images; it may be the same.
        listed: a file with the names of the rows, one per line, without ending; None for all XML files.
        names: the classes and their order; by default all of the folder, sorted. Give the other parts those of the
            training part where they are in other folders.
        difficult: treatment of objects that are marked as difficult, as in `PascalVoc`.
        name: prefix of Example ids; by default the folder's name, and that of the list.
        image_prefix: prefix of image ids, before the image's name without ending; by default the images' folder's name.
        empty: make rows of images without boxes too.
        clip: clip boxes at the border and drop those without an area, instead of refusing them.

    Raises:
        DataError: no such folder or list, or no row. An error within an annotation or an image raises when its row is
            read.
        ConfigError: an unknown value of `difficult`.
    """

    annotations: Path | str
    images: Path | str
    listed: Path | str | None = None
    names: tuple[str, ...] = ()
    difficult: Difficult = "crowd"
    name: str = ""
    image_prefix: str = ""
    empty: bool = True
    clip: bool = False
    _keys: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _annotations: tuple[VocAnnotation | DataError, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.difficult not in DIFFICULT:
            raise ConfigError(f"difficult: got {self.difficult!r}; want 'crowd', 'keep' or 'leave out'")
        folder = Path(self.annotations)
        files = [name.removesuffix(".xml") for name in file_names(folder) if name.endswith(".xml")]
        keys = files if self.listed is None else read_voc_list(Path(self.listed), folder)
        # Without names every file is read here, not only those of the list, since a list may lack a class.
        read = {
            key: capture(read_voc_xml, folder / f"{key}.xml")
            for key in dict.fromkeys((*keys, *(() if self.names else files)))
        }
        rows = [key for key in keys if self.empty or has_boxes(read[key], self.difficult)]
        if not rows:
            raise DataError("rows: got no .xml file of an image; want at least one", path=self.listed or folder)
        object.__setattr__(self, "names", self.names or voc_names(read.values(), folder))
        object.__setattr__(self, "_keys", tuple(rows))
        object.__setattr__(self, "_annotations", tuple(read[key] for key in rows))

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"{self.image_prefix or default_name(Path(self.images))}/{self._keys[index]}",)

    def __getitem__(self, index: int) -> Example:
        key, annotation = self._keys[index], unwrap(self._annotations[index])
        path, images = Path(self.annotations) / f"{key}.xml", Path(self.images)
        file = image_at(images / annotated_image(images, key, annotation.file), path=path, row=key)
        size_hw = check_size(annotation.size_hw, file.path, path=path, row=key)
        return Example(
            id=f"{self._prefix}/{key}",
            images=(file,),
            image_ids=self.keys(index),
            labels={"boxes": voc_boxes(annotation, size_hw, self.names, self.difficult, clip=self.clip, path=path)},
        )

    @property
    def _prefix(self) -> str:
        folder = default_name(Path(self.annotations))
        return self.name or (folder if self.listed is None else f"{folder}/{Path(self.listed).stem}")
