"""Test images in training data: found by id and by perceptual hash, counted per task and removed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import ConfigError, DataError, ImageFile, Reader
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole
from motet.data.caption_rows import CaptionRows
from motet.data.composed_rows import ComposedRows
from motet.data.image_hashes import WINDOWS, Hashes
from motet.data.image_index import fingerprint_of, first_readable, image_index
from motet.data.near_codes import near_pairs
from motet.data.negatives import FourWay
from motet.data.source import Role, Source
from motet.data.splits import WithoutImages

PHASH_BITS, DHASH_BITS = 10, 16
"""Bits of 64 in which the pHash and dHash of near duplicates may differ; measured in `docs/results/leaks.md`."""
_LISTS = "lists.json"


@dataclass(frozen=True)
class NearDuplicate:
    """A test image and a training image that look alike and have different ids.

    Args:
        test_id: id of the test image.
        train_id: id of the training image.
        distance: bits in which their pHash differs, in the pair of windows where it differs least.
    """

    test_id: str
    train_id: str
    distance: int


@dataclass(frozen=True)
class TaskLeakage:
    """The number of test images of one task that are in the training data of another.

    Args:
        task: the task of the test images.
        other: the task of the training and validation images.
        images: number of test images.
        same: test images that are in the training data, by id.
        alike: further test images with a near duplicate in the training data.
    """

    task: str
    other: str
    images: int
    same: int
    alike: int

    @property
    def share(self) -> float:
        """Share of the test images that are in the training data by id, 0 to 1."""
        return self.same / self.images if self.images else 0.0


@dataclass(frozen=True)
class Removal:
    """The images to remove from one source.

    The fields are the keys of ``lists.json``.

    Args:
        source: its name.
        role: "train" or "val".
        rows: number of rows before the removal.
        images: number of images before the removal.
        same: ids of its images that are in a test set.
        alike: ids of its near duplicates of test images, where those are removed too.
        rows_left: number of rows after the removal.
        fingerprint: of the source that the list is made for.
    """

    source: str
    role: Role
    rows: int
    images: int
    same: tuple[str, ...]
    alike: tuple[str, ...]
    rows_left: int
    fingerprint: str

    @property
    def ids(self) -> frozenset[str]:
        """All images to remove, by id."""
        return frozenset((*self.same, *self.alike))


def held_out_role(sources: Sequence[Source]) -> Role:
    """Returns the role of the held-out sources: "test", or "val" where a run has no test source.

    Raises:
        ConfigError: there is neither.
    """
    roles = {source.role for source in sources}
    if not roles & {"test", "val"}:
        raise ConfigError("clean split: got sources of role 'train' only; want a source of role 'test' or 'val'")
    return "test" if "test" in roles else "val"


def ids_of(reader: Reader) -> frozenset[str]:
    """Returns every image id of a reader; no image is read."""
    return frozenset(key for keys in image_index(reader).ids for key in keys)


def image_files(sources: Sequence[Source]) -> dict[str, ImageFile]:
    """Returns each different image once, by id: the file in the first row that has it.

    Raises:
        DataError: an image none of whose rows can be read.
    """
    found: dict[str, ImageFile] = {}
    for source in sources:
        groups = image_index(source.reader)
        for group, ids in enumerate(groups.ids):
            if any(key not in found for key in ids):
                example = first_readable(source.reader, groups.rows_of(group).tolist())
                found |= {k: v for k, v in zip(example.image_ids, example.images, strict=False) if k not in found}
    return found


def near_duplicates(
    held: Hashes, others: Hashes, *, max_phash_bits: int = PHASH_BITS, max_dhash_bits: int = DHASH_BITS
) -> tuple[NearDuplicate, ...]:
    """Finds pairs of images with different ids whose hashes are near, the nearest first.

    Each window of one image is compared with the whole of the other, both ways, so that a crop is found beside its
    original. Images of one grey are left out.

    Args:
        held: hashes of test images.
        others: hashes of training images.
        max_phash_bits: bits of pHash that may differ.
        max_dhash_bits: bits of dHash that may differ.
    """
    best: dict[tuple[str, str], int] = {}
    for window in range(len(WINDOWS)):
        for left, right in ((window, 0), (0, window)) if window else ((0, 0),):
            for a, b, distance in _pairs(held, others, left, right, max_phash_bits, max_dhash_bits):
                key = held.names[a], others.names[b]
                if key[0] != key[1]:
                    best[key] = min(distance, best.get(key, distance))
    found = [NearDuplicate(a, b, distance) for (a, b), distance in best.items()]
    return tuple(sorted(found, key=lambda pair: (pair.distance, pair.test_id, pair.train_id)))


def _pairs(
    held: Hashes, others: Hashes, left: int, right: int, max_phash_bits: int, max_dhash_bits: int
) -> Iterator[tuple[int, int, int]]:
    # (test image, training image, pHash bits) for window `left` of one and `right` of the other.
    held_rows, other_rows = np.flatnonzero(~held.uniform), np.flatnonzero(~others.uniform)
    found = near_pairs(held.values[held_rows, left, 0], others.values[other_rows, right, 0], max_phash_bits)
    a, b = held_rows[found.left], other_rows[found.right]
    dhash_bits = np.bitwise_count(held.values[a, left, 1] ^ others.values[b, right, 1])
    near = dhash_bits <= max_dhash_bits
    yield from zip(a[near].tolist(), b[near].tolist(), found.distance[near].tolist(), strict=True)


def leakage_by_task(sources: Sequence[Source], duplicates: Sequence[NearDuplicate] = ()) -> tuple[TaskLeakage, ...]:
    """Counts the test images of each task that are in the training data of each task, and of any.

    Source: Lu et al., "12-in-1", table 1. The last column, "any", is ours.

    Args:
        sources: of a run.
        duplicates: see `near_duplicates`.

    Raises:
        ConfigError: no source is held out.
    """
    role = held_out_role(sources)
    held = _ids_by_task([source for source in sources if source.role == role])
    others = _ids_by_task([source for source in sources if source.role != role])
    others["any"] = frozenset().union(*others.values())
    near: dict[str, set[str]] = {}
    for pair in duplicates:
        near.setdefault(pair.test_id, set()).add(pair.train_id)
    return tuple(
        TaskLeakage(
            task,
            other,
            len(ids),
            len(ids & other_ids),
            sum(1 for key in ids - other_ids if near.get(key, set()) & other_ids),
        )
        for task, ids in held.items()
        for other, other_ids in others.items()
    )


def _ids_by_task(sources: Sequence[Source]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for source in sources:
        ids = ids_of(source.reader)
        for task in source.tasks:
            found[task.name] = found.get(task.name, frozenset()) | ids
    return found


def removals(sources: Sequence[Source], duplicates: Sequence[NearDuplicate] = ()) -> tuple[Removal, ...]:
    """Lists the images to remove from every source that is not held out, so that no test image is left in it.

    The union of all test sets is removed: an image in the test set of one task is in the training data of no task.

    Source: Lu et al., "12-in-1", section 8.1 ("clean" training sets).

    Args:
        sources: of a run; the held-out ones are not changed.
        duplicates: pairs whose training image is removed too.
    """
    role = held_out_role(sources)
    held = frozenset().union(*(ids_of(source.reader) for source in sources if source.role == role))
    near = frozenset(pair.train_id for pair in duplicates if pair.test_id in held)
    return tuple(_removal(source, held, near) for source in sources if source.role != role)


def _removal(source: Source, held: frozenset[str], near: frozenset[str]) -> Removal:
    images = image_index(source.reader)
    ids = frozenset(key for keys in images.ids for key in keys)
    removed = ids & (held | near)
    left = [group for group, keys in enumerate(images.ids) if not removed.intersection(keys)]
    return Removal(
        source=source.name,
        role=source.role,
        rows=len(source.reader),
        images=len(ids),
        same=tuple(sorted(ids & held)),
        alike=tuple(sorted(removed - held)),
        rows_left=sum(len(images.rows_of(group)) for group in left),
        fingerprint=str(fingerprint_of(images)["ids"]),
    )


def write_lists(folder: Path, removed: Sequence[Removal]) -> Path:
    """Writes the removals of all sources to ``lists.json`` in a folder.

    Raises:
        DataError: the folder cannot be written.
    """
    path = folder / _LISTS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps([asdict(one) for one in removed], indent=1, ensure_ascii=False) + "\n"
        write_whole(path, content)
    except OSError as error:
        raise DataError(
            f"lists: got {error.strerror or error}; want a folder with write permission", path=path
        ) from error
    return path


def read_lists(folder: Path) -> Mapping[str, Removal]:
    """Reads the removals that `write_lists` wrote, by source.

    Raises:
        DataError: no such file, or a damaged one.
    """
    path = folder / _LISTS
    try:
        entries: Any = read_json(path)
        found = [Removal(**entry | {name: tuple(entry[name]) for name in ("same", "alike")}) for entry in entries]
    except FileNotFoundError as error:
        raise DataError(
            "lists: got no such file; want the file that `motet data deduplicate` writes", path=path
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"lists: got {error}; want the file that `motet data deduplicate` writes", path=path) from error
    return {one.source: one for one in found}


def without_removed(sources: Sequence[Source], lists: Mapping[str, Removal]) -> tuple[Source, ...]:
    """Returns the sources without the images that the lists name; sources without a list are not changed.

    Raises:
        ConfigError: a list for an unknown source, for other data than the source has, for a test source, or one that
            leaves no row.
    """
    known = {source.name: source for source in sources}
    for name, removal in lists.items():
        if name not in known:
            raise ConfigError(f"lists: got one for source {name!r}; want a source of the run: {', '.join(known)}")
        source = known[name]
        if source.role == "test":
            raise ConfigError(
                f"lists: source {name!r}: got a list for a test source; want lists for 'train' and 'val' only"
            )
        fingerprint = fingerprint_of(image_index(source.reader))["ids"]
        if fingerprint != removal.fingerprint:
            raise ConfigError(
                f"lists: source {name!r}: got a list made for {removal.rows:,} other rows; want one for its "
                f"{len(source.reader):,} (motet data deduplicate)"
            )
        if removal.ids and not removal.rows_left:
            raise ConfigError(
                f"lists: source {name!r}: got all {removal.rows:,} rows removed; want another split, or the "
                "source left out"
            )
    return tuple(
        _without(source, lists[source.name].ids) if source.name in lists and lists[source.name].ids else source
        for source in sources
    )


def _without(source: Source, ids: frozenset[str]) -> Source:
    """Returns a source without images; a pool of hard negatives is made anew of the images that are left."""
    reader = _without_images(source.reader, ids)
    compose = source.compose.for_reader(reader) if isinstance(source.compose, FourWay) else source.compose
    return replace(source, reader=reader, compose=compose)


def _without_images(reader: Reader, ids: frozenset[str]) -> Reader:
    if isinstance(reader, CaptionRows | ComposedRows):
        return replace(reader, reader=_without_images(reader.reader, ids))
    return WithoutImages(reader, ids)
