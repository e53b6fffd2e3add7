"""Label Studio: its exports JSON and JSON-MIN, for boxes, classes and captions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, assert_never

from motet.core import DataError, Example, Reader, nearest
from motet.data.formats.box_rows import BoxRow, BoxRows, box_names
from motet.data.formats.columns import collect_class_names
from motet.data.formats.deferred import capture, unwrap
from motet.data.formats.label_studio_images import StudioFile, StudioTask, studio_files
from motet.data.formats.label_studio_shapes import stated_size_hw, studio_box
from motet.data.formats.label_studio_tasks import ControlKind, read_studio_export
from motet.data.formats.paths import default_name, image_at
from motet.data.formats.wrapped_reader import WrappedReader


class _TextRow(NamedTuple):
    key: str
    image: str
    texts: tuple[str, ...] | DataError
    row: int


@dataclass(frozen=True)
class _TextRows:
    """The rows of choices or text areas, as `BoxRows` are those of shapes."""

    rows: tuple[_TextRow, ...]
    kind: Literal["class", "captions"]
    names: tuple[str, ...]
    export: Path
    images: Path
    prefix: str
    image_prefix: str

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"{self.image_prefix}/{self.rows[index].image}",)

    def __getitem__(self, index: int) -> Example:
        row = self.rows[index]
        texts = unwrap(row.texts)
        return Example(
            id=f"{self.prefix}/{row.key}",
            images=(image_at(self.images / row.image, path=self.export, row=row.row),),
            image_ids=self.keys(index),
            labels={self.kind: texts if self.kind == "captions" else self._class(texts, row.row)},
        )

    def _class(self, texts: tuple[str, ...], row: int) -> int:
        if len(texts) != 1:
            raise DataError(f"class: got {len(texts)} choices; want one", path=self.export, row=row)
        if texts[0] not in self.names:
            hint = nearest(texts[0], self.names)
            got = f"got {texts[0]!r}, a class that names lacks; want one of names ({hint})"
            raise DataError(f"class: {got}", path=self.export, row=row)
        return self.names.index(texts[0])


@dataclass(frozen=True)
class LabelStudio(WrappedReader):
    """The annotations of one labelling control, one Example per task: boxes, a class or captions of its image.

    Labels: "boxes", a `BoxSet` in pixels of the image, from rectangles, polygons and ellipses, of which the upright box
    around them is read; "class", an index into `names`, from choices; "captions", from text areas.

    Args:
        export: the JSON or JSON-MIN file. Tasks without an annotation are left out.
        images: the folder of the images. Label Studio puts eight characters before the name of an uploaded file; it is
            found with and without them.
        control: the labelling control, by its name in the labelling interface; "" for the only one.
        names: the classes and their order; by default all of the file, sorted. Give the other parts those of the
            training part.
        name: prefix of Example ids; by default the folder's and the file's name.
        image_prefix: prefix of image ids, before the image's file; by default the images' folder's name.
        clip: clip boxes at the border and drop those without an area, instead of refusing them.

    Raises:
        DataError: no such file, no annotated task, no such control. An error within a task or an image raises when its
            row is read.
    """

    export: Path | str
    images: Path | str
    control: str = ""
    names: tuple[str, ...] = ()
    name: str = ""
    image_prefix: str = ""
    clip: bool = False

    def __post_init__(self) -> None:
        path, images = Path(self.export), Path(self.images)
        export = read_studio_export(path)
        control = self._chosen(export.controls, path)
        kind = export.controls[control]
        files = studio_files(export.tasks, images, path)
        prefix = self.name or default_name(path)
        image_prefix = self.image_prefix or default_name(images)
        found: Reader
        match kind:
            case "boxes":
                rows = tuple(
                    _box_row(task, control, file, path) for task, file in zip(export.tasks, files, strict=True)
                )
                object.__setattr__(self, "names", self.names or box_names(rows, path))
                found = BoxRows(rows, self.names, images, prefix, image_prefix, self.clip)
            case "class" | "captions":
                texts = tuple(
                    _TextRow(task.key, file, task.values[control] if error is None else error, task.row)
                    for task, (file, error) in zip(export.tasks, files, strict=True)
                    if task.values.get(control)
                )
                if kind == "class":
                    classes = (text for task in export.tasks for text in task.values.get(control, ()))
                    object.__setattr__(self, "names", self.names or collect_class_names(classes))
                found = _TextRows(texts, kind, self.names, path, images, prefix, image_prefix)
            case _:
                assert_never(kind)
        object.__setattr__(self, "_rows", found)

    def _chosen(self, controls: Mapping[str, ControlKind], path: Path) -> str:
        if self.control in controls:
            return self.control
        if not self.control and len(controls) == 1:
            return next(iter(controls))
        known = nearest(self.control, controls) if controls else "it has none for boxes, classes or captions"
        raise DataError(f"control: got {self.control!r}; want one of the export ({known})", path=path)


def _box_row(task: StudioTask, control: str, file: StudioFile, path: Path) -> BoxRow:
    shapes = task.values.get(control, ())
    boxes = capture(lambda: tuple(studio_box(shape, path, task.row) for shape in shapes))
    size = next((capture(stated_size_hw, shape, path, task.row) for shape in shapes), None)
    if isinstance(size, DataError):
        boxes, size = size, None
    return BoxRow(task.key, file[0], file[1] or boxes, path, task.row, size, normalized=True)
