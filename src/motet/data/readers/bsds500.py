"""BSDS500: `images/train/*.jpg` with boundaries by several annotators in `groundTruth/train/*.mat`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, assert_never

import numpy as np

from motet.core import ConfigError, DataError, Example
from motet.data.formats.map_annotations import MapLabels
from motet.data.formats.mat_file import as_list, read_mat
from motet.data.formats.paths import file_names, image_at, is_image

Agreement: TypeAlias = Literal["share", "any", "majority"]


@dataclass(frozen=True)
class Bsds500:
    """Berkeley's images with boundaries by four to nine annotators; labels: "edges".

    Args:
        root: the folder with `images/` and `groundTruth/` (the published one is called `data`).
        split: "train", "val" or "test".
        edges: "share": the share of annotators that drew a boundary at a pixel; "any": 1 where one did; "majority": 1
            where at least half did.
        name: prefix of Example ids; by default "bsds500" and the split.

    Raises:
        DataError: no such folder, or no image in it. A broken .mat file raises when its edges are read.
        ConfigError: an unknown value of `edges`.
    """

    root: Path | str
    split: str = "train"
    edges: Agreement = "share"
    name: str = ""
    _files: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.edges not in ("share", "any", "majority"):
            raise ConfigError(f"Bsds500.edges: got {self.edges!r}; want 'share', 'any' or 'majority'")
        folder = Path(self.root) / "images" / self.split
        files = tuple(name for name in file_names(folder) if is_image(name))
        if not files:
            raise DataError("images: got none; want at least one", path=folder)
        object.__setattr__(self, "_files", files)

    def __len__(self) -> int:
        return len(self._files)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"bsds/{Path(self._files[index]).stem}",)

    def __getitem__(self, index: int) -> Example:
        root, stem = Path(self.root), Path(self._files[index]).stem
        folder = root / "images" / self.split
        file = image_at(folder / self._files[index], path=folder, row=index)
        annotation = image_at(root / "groundTruth" / self.split / f"{stem}.mat", path=folder, row=index).path
        return Example(
            id=f"{self.name or f'bsds500/{self.split}'}/{stem}",
            images=(file,),
            image_ids=self.keys(index),
            labels=MapLabels(file.path, {"edges": AnnotatedEdges(annotation, self.edges)}),
        )


@dataclass(frozen=True)
class AnnotatedEdges:
    """The boundaries of a `groundTruth/*.mat`: one cell per annotator, each with `Boundaries` and `Segmentation`.

    Args:
        path: the file.
        agreement: see `Bsds500`.
    """

    path: Path
    agreement: Agreement = "share"

    def read(self) -> np.ndarray:
        share: np.ndarray = np.asarray(_read_boundaries(self.path).mean(axis=0), dtype=np.float32)
        match self.agreement:
            case "share":
                return share
            case "any":
                return np.asarray(share > 0, dtype=np.float32)
            case "majority":
                return np.asarray(share >= 0.5, dtype=np.float32)
        assert_never(self.agreement)


def _read_boundaries(path: Path) -> np.ndarray:
    """Returns bool (annotators, h, w)."""
    drawings = []
    for person in as_list(read_mat(path, "groundTruth")):
        drawn = person.get("Boundaries") if isinstance(person, dict) else None
        if not isinstance(drawn, np.ndarray) or drawn.ndim != 2:
            got = f"shape {drawn.shape}" if isinstance(drawn, np.ndarray) else f"a {type(drawn).__name__}"
            raise DataError(f"groundTruth: Boundaries: got {got}; want an array (h, w) of each person", path=path)
        drawings.append(drawn != 0)
    if not drawings or len({drawn.shape for drawn in drawings}) != 1:
        got = ", ".join(f"{drawn.shape}" for drawn in drawings) or "none"
        raise DataError(f"groundTruth: Boundaries: got {got}; want one shape", path=path)
    return np.stack(drawings)
