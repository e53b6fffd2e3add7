"""Stored features: the outputs of a frozen encoder, computed once and read instead of the images.

Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", section 5.9.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from motet.core import ConfigError, DataError, ImageFile, MotetError, Processor, System
from motet.core.ranks import broadcast
from motet.core.task import Invariance
from motet.data.feature_parts import STAMPS, parts_in, read_stamps, write_json, write_part
from motet.data.image_index import first_readable, image_index
from motet.data.source import Source
from motet.data.store_filling import (
    PART_BYTES,
    FillProgress,
    check_room,
    exclusively,
    fill_on_rank_0,
    intact_rows,
    store_folder,
    to_float16,
)

_YIELD_EVERY = 256

STORE_BATCH = 64
"""Images that the encoder of a feature store takes at once."""


class FeatureFiles:
    """Stored features of images, looked up by the content of the image, not by its name.

    A view is chosen among the stored ones whose changes the task is invariant to. A file that has changed since it was
    stored has another content, so its features are not found.

    Args:
        store: the folder of one encoder and one kind of view.
        changes: per view the changes (crop, flip) that made it.
        left_out: name -> error of the images that could not be read when the store was filled.
    """

    def __init__(
        self, store: Path, changes: Sequence[frozenset[Invariance]], left_out: Mapping[str, str] | None = None
    ) -> None:
        self.store, self.changes, self.left_out = store, tuple(changes), dict(left_out or {})
        self.parts = parts_in(store)
        self._stamps = read_stamps(store)
        self._rows: dict[str, dict[int, tuple[int, int]]] = {}
        for place, part in enumerate(self.parts):
            for row, (content, view) in enumerate(part.rows):
                self._rows.setdefault(content, {})[view] = (place, row)
        self._arrays: dict[int, np.ndarray] = {}

    def __getstate__(self) -> dict[str, Any]:
        # A memory map does not survive pickling: each process maps the files itself.
        return self.__dict__ | {"_arrays": {}}

    def read(self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None) -> np.ndarray:
        """Returns the features of one view, (n, d) float16. See `core.FeatureStore`.

        Raises:
            DataError: the content of this image was never stored.
        """
        return self.read_view(image, invariant, rng)[0]

    def read_view(
        self, image: ImageFile, allowed: frozenset[Invariance], rng: np.random.Generator | None
    ) -> tuple[np.ndarray, int]:
        """Returns the features of one view and its number. See `core.FeatureStore`. Raises DataError, see `read`."""
        content = self._stamps.get(image.stamp()) or image.fingerprint()
        views = self._rows.get(content, {})
        choice = [view for view, changes in enumerate(self.changes) if view in views and changes <= allowed]
        if 0 not in views:
            raise DataError(
                "stored features: got none for the present content of this image; want features of it: store them "
                "again if the file has changed",
                path=image.name,
            )
        view = choice[int(rng.integers(len(choice)))] if rng is not None else 0
        place, row = views[view]
        if place not in self._arrays:
            self._arrays[place] = self.parts[place].array()
        return np.array(self._arrays[place][row]), view

    @classmethod
    def fill(
        cls,
        system: System,
        images: Iterable[ImageFile],
        folder: str | Path,
        *,
        views: int = 1,
        batch_size: int = STORE_BATCH,
        workers: int = 0,
        on_bad_row: Literal["stop", "skip"] = "stop",
        progress: FillProgress | None = None,
    ) -> FeatureFiles:
        """Encodes the images that the store of a system's encoder does not have yet, and returns the store.

        First every part with one of the images is compared with its checksums; the features of a damaged part are
        computed again. Rank 0 does the work, the others wait; so does another run that fills the same store.

        Args:
            system: its `encode` and the `view` of its processor make the features.
            images: the images to store.
            folder: the folder of all stores; each encoder and kind of view has a folder of its own in it.
            views: views 0 to `views` - 1 of each image are stored.
            batch_size: images per batch of the encoder.
            workers: processes that decode.
            on_bad_row: "skip" stores no features of an image that cannot be read; its rows are skipped in training.
            progress: called after every batch.

        Raises:
            ConfigError: a system without a frozen encoder, no room on the disk, features beyond the range of float16.
            DataError: an image that cannot be read.
        """
        store = store_folder(Path(folder), _description(system))
        work = _FillJob(system, store, views, batch_size, workers, on_bad_row, progress)
        fill_on_rank_0(exclusively(store, _description(system), work.fill(images)))
        return cls(store, [system.processor.view_changes(view) for view in range(views)], broadcast(work.left_out))


def images_in(sources: Iterable[Source], on_bad_row: Literal["stop", "skip"] = "stop") -> Iterator[ImageFile]:
    """Yields every image that some task has as input, once per source.

    Args:
        sources: whose rows are read.
        on_bad_row: "skip" leaves out an image none of whose rows can be read.

    Raises:
        DataError: no row of an image can be read, when bad rows stop the run.
    """
    for source in sources:
        if any(task.inputs & {"image", "video"} for task in source.tasks):
            groups = image_index(source.reader)
            for group in range(len(groups)):
                if not groups.ids[group]:
                    continue
                try:
                    example = first_readable(source.reader, groups.rows_of(group).tolist())
                except DataError:
                    if on_bad_row == "stop":
                        raise
                    continue  # the rows are counted when they are drawn
                yield from example.images


def bytes_needed(system: System, images: Iterable[ImageFile], views: int = 1) -> int:
    """Returns the bytes that the features of these images take on the disk, from the feature shape of the first one
    that can be read."""
    stored = list(images)
    errors: list[DataError] = []
    for image in stored:
        try:
            return len(stored) * views * _bytes_per_view(_feature_shape(system, image))
        except DataError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return 0


@dataclass(frozen=True)
class _FillJob:
    """One `FeatureFiles.fill` on rank 0; its methods are generators, so that other ranks get a message now and then."""

    system: System
    store: Path
    views: int
    batch_size: int
    workers: int
    on_bad_row: Literal["stop", "skip"]
    progress: FillProgress | None
    left_out: dict[str, str] = field(default_factory=dict)

    def fill(self, images: Iterable[ImageFile]) -> Iterator[None]:
        stamps = read_stamps(self.store)
        num_stamps = len(stamps)
        by_content: dict[str, ImageFile] = {}
        for number, image in enumerate(images):
            try:
                stamp = image.stamp()
                content = stamps.get(stamp) or image.fingerprint()
            except DataError as error:
                if self.on_bad_row == "stop":
                    raise
                self.left_out[image.name] = str(error)
                continue
            stamps[stamp] = content
            by_content.setdefault(content, image)
            if number % _YIELD_EVERY == 0:
                yield
        stored = yield from intact_rows(self.store, by_content)
        views = ((content, view) for content in by_content for view in range(self.views))
        missing = [row for row in views if row not in stored]
        if missing:
            yield from self._encode(missing, by_content)
        if len(stamps) != num_stamps:
            write_json(self.store / STAMPS, stamps)

    def _encode(self, missing: Sequence[tuple[str, int]], images: Mapping[str, ImageFile]) -> Iterator[None]:
        shape = self._first_shape(missing, images)
        if shape is None:
            return
        view_bytes = _bytes_per_view(shape)
        check_room(
            self.store,
            len(missing) * view_bytes,
            f"{len(missing):,} views of {view_bytes:,} bytes (lower Features.views, or give another folder)",
        )
        # A part holds whole batches: a filling that was killed and is continued encodes the same batches, so the
        # features have the same bits.
        part_rows = max(1, PART_BYTES // (view_bytes * self.batch_size)) * self.batch_size
        done = 0
        for start in range(0, len(missing), part_rows):
            rows = missing[start : start + part_rows]
            for written in self._write(rows, images, shape):
                if self.progress is not None:
                    self.progress(done + written, len(missing))
                yield
            done += len(rows)

    def _write(
        self, rows: Sequence[tuple[str, int]], images: Mapping[str, ImageFile], shape: tuple[int, int]
    ) -> Iterator[int]:
        if self.on_bad_row == "skip":
            # The header of a part has its number of rows, so bad images must be found before it is written.
            rows = list(self._readable(rows, images))
        yield from write_part(self.store, rows, shape, self._features(rows, images)) if rows else ()

    def _readable(self, rows: Sequence[tuple[str, int]], images: Mapping[str, ImageFile]) -> Iterator[tuple[str, int]]:
        views = (view for batch in self._views(rows, images) for view in batch)
        for row, view in zip(rows, views, strict=True):
            if not isinstance(view, DataError):
                yield row
            else:
                self.left_out[images[row[0]].name] = str(view)

    def _features(self, rows: Sequence[tuple[str, int]], images: Mapping[str, ImageFile]) -> Iterator[np.ndarray]:
        device = next(self.system.parameters()).device
        training = self.system.training
        self.system.eval()
        try:
            for batch in self._views(rows, images):
                for view in batch:
                    if isinstance(view, MotetError):
                        raise view
                with torch.no_grad():
                    features = self.system.encode(torch.from_numpy(np.stack(batch)).to(device))
                yield to_float16(features)
        finally:
            self.system.train(training)

    def _views(self, rows: Sequence[tuple[str, int]], images: Mapping[str, ImageFile]) -> DataLoader[Any]:
        return DataLoader(
            _ViewDataset(self.system.processor, [(images[content], view) for content, view in rows]),
            batch_size=self.batch_size,
            num_workers=self.workers,
            collate_fn=list,
            multiprocessing_context="fork" if self.workers and sys.platform == "linux" else None,
            generator=torch.Generator(),
        )

    def _first_shape(
        self, missing: Sequence[tuple[str, int]], images: Mapping[str, ImageFile]
    ) -> tuple[int, int] | None:
        for content, _ in missing:
            try:
                return _feature_shape(self.system, images[content])
            except DataError as error:
                if self.on_bad_row == "stop":
                    raise
                self.left_out[images[content].name] = str(error)
        return None


class _ViewDataset(Dataset[Any]):
    """Decoded views. An image that cannot be read gives its error as a value: torch would wrap a raised one in a
    traceback."""

    def __init__(self, processor: Processor, rows: Sequence[tuple[ImageFile, int]]) -> None:
        self.processor, self.rows = processor, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> np.ndarray | MotetError:
        image, view = self.rows[place]
        try:
            return self.processor.view(image, view)
        except MotetError as error:
            return error


def _description(system: System) -> dict[str, str]:
    encoder = system.encoder_key()
    if encoder is None:
        raise ConfigError(
            f"Features: got {type(system).__name__} without a frozen encoder; want a frozen one, or a run without "
            "stored features"
        )
    return {"encoder": encoder, "view": system.processor.view_key()}


def _feature_shape(system: System, image: ImageFile) -> tuple[int, int]:
    pixels = torch.from_numpy(system.processor.view(image, 0))[None].to(next(system.parameters()).device)
    training = system.training
    system.eval()
    with torch.no_grad():
        _, tokens, width = system.encode(pixels).shape
    system.train(training)
    return tokens, width


def _bytes_per_view(shape: tuple[int, int]) -> int:
    return 2 * shape[0] * shape[1]
