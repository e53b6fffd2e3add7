"""Images resized as a whole, kept on the disk, so that a large file is decoded once and not at every step."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from motet.core import DataError, ImageFile
from motet.core.whole_files import write_whole

_HEAD = struct.Struct(">III")  # the CRC-32 of all that follows, and the height and width of the image


@dataclass(frozen=True)
class PixelCache:
    """Pixels of resized images in a folder: one file per image and size, whole or absent, with a checksum.

    An image is found by its stamp (path, size and time of the file), so that its content need not be read. A damaged
    file counts as none.

    Args:
        folder: of the cache; runs, ranks and loader workers share it.
    """

    folder: Path

    def read(
        self,
        image: ImageFile,
        size_hw: tuple[int, int],
        about: str,
        resize: Callable[[], tuple[UInt8[np.ndarray, "h w 3"], tuple[int, int]]],
    ) -> tuple[UInt8[np.ndarray, "h w 3"], tuple[int, int]]:
        """Returns the pixels of an image and the height and width it had, from the cache or made now and kept.

        Args:
            image: the file.
            size_hw: height and width of the pixels.
            about: all else that the pixels depend on.
            resize: makes them.

        Raises:
            DataError: the folder cannot be written; or what `resize` raises.
        """
        key = hashlib.blake2b(f"{image.stamp()}\x1f{size_hw}\x1f{about}".encode(), digest_size=16).hexdigest()
        path = self.folder / key[:2] / f"{key}.pixels"
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        shape = (*size_hw, 3)
        if len(data) == _HEAD.size + int(np.prod(shape)):
            checksum, height, width = _HEAD.unpack_from(data)
            if checksum == zlib.crc32(data[4:]):
                return np.frombuffer(data, dtype=np.uint8, offset=_HEAD.size).reshape(shape), (height, width)
        pixels, source_hw = resize()
        content = _HEAD.pack(0, *source_hw)[4:] + np.ascontiguousarray(pixels).tobytes()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, zlib.crc32(content).to_bytes(4, "big") + content)
        except OSError as error:
            raise DataError(
                f"resized images: got {error.strerror or error}; want a folder with write permission and free space, "
                "or Run.image_cache=None",
                path=self.folder,
            ) from error
        return pixels, source_hw
