"""IDX files, the format of MNIST and Fashion-MNIST."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from motet.core import DataError, Example, MemoryImage
from motet.data.formats.paths import default_name
from motet.data.formats.text_file import read_bytes

DIGITS = tuple("0123456789")
FASHION = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
_UNSIGNED_BYTE = 0x08
_PARTS = {"train": "train", "t10k": "test"}


@dataclass(frozen=True)
class Idx:
    """An IDX file of images (grey, or colour as a fourth axis) and one of classes; labels: "class".

    The images become PGM or PPM files in memory: a header before the pixels, which any decoder reads.

    Args:
        images: for example `train-images-idx3-ubyte.gz`; gzipped or not.
        labels: for example `train-labels-idx1-ubyte.gz`.
        names: the classes; the ten digits by default, `FASHION` for Fashion-MNIST.
        name: prefix of Example ids; by default the folder's name and the part ("fashion_mnist/train").

    Raises:
        DataError: no such file, another magic number, fewer bytes than the header says, or another number of labels
            than images.
    """

    images: Path | str
    labels: Path | str
    names: tuple[str, ...] = DIGITS
    name: str = ""
    _prefix: str = field(init=False, repr=False, compare=False)
    _header: bytes = field(init=False, repr=False, compare=False)
    _pixels: bytes = field(init=False, repr=False, compare=False)
    _classes: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        images, labels = Path(self.images), Path(self.labels)
        shape, pixels = read_idx(images, axes=(3, 4))
        (num_labels,), classes = read_idx(labels, axes=(1,))
        if num_labels != shape[0]:
            raise DataError(f"labels: got {num_labels}; want {shape[0]}, one per image of {images.name}", path=labels)
        object.__setattr__(self, "_prefix", self.name or _name(images))
        object.__setattr__(self, "_header", _pnm_header(shape, images))
        object.__setattr__(self, "_pixels", pixels)
        object.__setattr__(self, "_classes", classes)

    def __len__(self) -> int:
        return len(self._classes)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row, which is its number."""
        if index >= len(self):
            raise IndexError(index)
        return (f"{self._prefix}/{index}",)

    def __getitem__(self, index: int) -> Example:
        (key,) = self.keys(index)
        class_index = self._classes[index]
        if class_index >= len(self.names):
            raise DataError(f"class: got {class_index}; want less than {len(self.names)}", path=self.labels, row=index)
        size = len(self._pixels) // len(self)
        pixels = self._pixels[index * size : (index + 1) * size]
        image = MemoryImage(f"{self.images}, row {index}", self._header + pixels)
        return Example(id=key, images=(image,), image_ids=(key,), labels={"class": class_index})


def read_idx(path: Path, *, axes: tuple[int, ...]) -> tuple[tuple[int, ...], bytes]:
    """Returns sizes and values of an IDX file: two zero bytes, type, number of axes, sizes, values."""
    data = read_bytes(path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _UNSIGNED_BYTE or data[3] not in axes:
        want = " or ".join(f"0x{_UNSIGNED_BYTE << 8 | count:08x}" for count in axes)
        raise DataError(f"magic number: got 0x{data[:4].hex()}; want {want}", path=path)
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise DataError(f"header: got {len(data)} bytes; want {start}", path=path)
    shape = struct.unpack(f">{data[3]}I", data[4:start])
    values = 1
    for size in shape:
        values *= size
    if len(data) - start != values:
        raise DataError(f"values: got {len(data) - start} bytes; want {values} for the sizes {shape}", path=path)
    return shape, data[start:]


def _pnm_header(shape: tuple[int, ...], path: Path) -> bytes:
    if 0 in shape:
        raise DataError(f"sizes: got {shape}; want at least one image of at least one pixel", path=path)
    if len(shape) == 4 and shape[3] != 3:
        raise DataError(f"channels: got {shape[3]}; want 3", path=path)
    return b"%s\n%d %d\n255\n" % (b"P6" if len(shape) == 4 else b"P5", shape[2], shape[1])


def _name(images: Path) -> str:
    stem = images.name.split("-")[0]
    return f"{default_name(images.absolute().parent)}/{_PARTS.get(stem, stem)}"
