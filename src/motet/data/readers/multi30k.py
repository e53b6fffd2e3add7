"""Multi30k: Flickr30k images with captions in several languages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from motet.core import ConfigError, DataError, Example
from motet.data.formats.paths import image_at, path_inside, photo_id
from motet.data.formats.text_file import read_lines

_NUM_DESCRIPTIONS = 5


@dataclass(frozen=True)
class Multi30k:
    """Multi30k, one Example per image; labels: "captions_en", "captions_de", ... one per language.

    Task 1 has one sentence per image, translated by people (one text per language); task 2 has five descriptions per
    image, written independently in English and German (five texts per language).

    Args:
        root: the folder with `data/task1` and `data/task2`, as in the official repository.
        part: "train", "val", "test_2016_flickr", ... (task 2: "train", "val", "test_2016").
        languages: "en", "de", "fr", "cs" for task 1, "en", "de" for task 2.
        task: 1 or 2.
        images: the folder of the images; by default `flickr30k-images/` in the root.
        name: prefix of Example ids.

    Raises:
        DataError: no such file, or another number of lines than images. An empty line raises when its row is read.
        ConfigError: no language.
    """

    root: Path | str
    part: str = "train"
    languages: tuple[str, ...] = ("en", "de")
    task: Literal[1, 2] = 1
    images: Path | str | None = None
    name: str = "multi30k"
    _files: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _texts: dict[str, tuple[tuple[str, ...], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.languages:
            raise ConfigError("Multi30k.languages: got none; want at least one")
        if self.task not in (1, 2):
            raise ConfigError(f"Multi30k.task: got {self.task}; want 1 or 2")
        files = read_lines(self._split)
        texts = {
            language: tuple(tuple(self._lines(file, len(files))) for file in self._text_files(language))
            for language in self.languages
        }
        for row, file in enumerate(files):
            path_inside(self._images, _file(file), path=self._split, row=row)
        object.__setattr__(self, "_files", tuple(files))
        object.__setattr__(self, "_texts", texts)

    def __len__(self) -> int:
        return len(self._files)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row: "flickr/" or "coco/" and the photo's number."""
        return (photo_id(self._files[index]),)

    def __getitem__(self, index: int) -> Example:
        file = self._files[index]
        labels = {f"captions_{language}": self._captions(language, index) for language in self.languages}
        image = image_at(self._images / _file(file), path=self._split, row=index)
        key = f"{self.name}/task{self.task}/{self.part}/{index}"
        return Example(id=key, images=(image,), image_ids=self.keys(index), labels=labels)

    @property
    def _folder(self) -> Path:
        return Path(self.root) / "data" / f"task{self.task}"

    @property
    def _images(self) -> Path:
        return Path(self.root) / "flickr30k-images" if self.images is None else Path(self.images)

    @property
    def _split(self) -> Path:
        name = self.part if self.task == 1 else f"{self.part}_images"
        return self._folder / "image_splits" / f"{name}.txt"

    def _text_files(self, language: str) -> tuple[Path, ...]:
        raw = self._folder / "raw"
        numbers = ("",) if self.task == 1 else tuple(f".{number + 1}" for number in range(_NUM_DESCRIPTIONS))
        plain = [raw / f"{self.part}{number}.{language}" for number in numbers]
        zipped = [path.with_name(f"{path.name}.gz") for path in plain]
        return tuple(
            gz if gz.is_file() and not path.is_file() else path for path, gz in zip(plain, zipped, strict=True)
        )

    def _lines(self, path: Path, num_images: int) -> list[str]:
        lines = read_lines(path)
        if len(lines) != num_images:
            raise DataError(
                f"lines: got {len(lines)}; want {num_images}, one per image of {self._split.name}", path=path
            )
        return lines

    def _captions(self, language: str, index: int) -> tuple[str, ...]:
        captions = tuple(lines[index].strip() for lines in self._texts[language])
        for number, caption in enumerate(captions):
            if not caption:
                path = self._text_files(language)[number]
                raise DataError("caption: got an empty line; want words", path=path, row=index)
        return captions


def _file(line: str) -> str:
    """Returns the file of a line of a split; lists of COCO images add the caption's number to the name."""
    return line.split("#")[0].strip()
