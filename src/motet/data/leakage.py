"""Pictures of a test set that stand in training: found by identity and by looks, and lists of rows without them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import ConfigError, DataError, ImageFile, Reader
from motet.data.image_hashes import WINDOWS, Hashes
from motet.data.image_index import fingerprint_of, image_index
from motet.data.near_codes import near_pairs
from motet.data.source import Role, Source
from motet.data.splits import Without

FREQUENCIES, DIFFERENCES = 10, 16
"""Bits of 64 in which two pictures' pHash and dHash may differ; `docs/results/leaks.md` says what that finds."""
_LISTS = "lists.json"


@dataclass(frozen=True)
class LookAlike:
    """A picture of a test set and one of training that look alike and have different ids.

    Args:
        held: id of the test picture.
        other: id of the training picture.
        distance: bits in which their pHash differs, in the windows where it differs least.
    """

    held: str
    other: str
    distance: int


@dataclass(frozen=True)
class Share:
    """How many of a task's test pictures stand in what another task trains on.

    Args:
        task: whose test pictures.
        other: whose training and validation pictures.
        images: how many test pictures there are.
        same: how many stand there, by id.
        alike: how many more look like one that does.
    """

    task: str
    other: str
    images: int
    same: int
    alike: int

    @property
    def share(self) -> float:
        """By id, 0 to 1."""
        return self.same / self.images if self.images else 0.0


@dataclass(frozen=True)
class Removal:
    """What is taken out of one source.

    Args:
        source: its name.
        role: "train" or "val".
        rows: rows it had.
        images: pictures it had.
        same: ids of its pictures that stand in a test set.
        alike: ids of its pictures that look like one of a test set, where those are removed too.
        rows_left: rows without a picture that is removed.
        fingerprint: of the source the list is made for.
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
        """All that is removed."""
        return frozenset((*self.same, *self.alike))


def held_role(sources: Sequence[Source]) -> Role:
    """Which sources are held out: those of role "test", or "val" where a run has none.

    Raises:
        ConfigError: there are neither.
    """
    roles = {source.role for source in sources}
    if not roles & {"test", "val"}:
        raise ConfigError("clean split: got sources of role 'train' only; want a source of role 'test' or 'val'")
    return "test" if "test" in roles else "val"


def ids_of(reader: Reader) -> frozenset[str]:
    """Every image id of a reader; no image is read."""
    return frozenset(key for keys in image_index(reader).ids for key in keys)


def image_files(sources: Sequence[Source]) -> dict[str, ImageFile]:
    """Each different picture once, by id: the file of the first row that shows it.

    Raises:
        DataError: a row that cannot be read.
    """
    found: dict[str, ImageFile] = {}
    for source in sources:
        units = image_index(source.reader)
        for unit, ids in enumerate(units.ids):
            if any(key not in found for key in ids):
                example = source.reader[int(units.rows_of(unit)[0])]
                found |= {k: v for k, v in zip(example.image_ids, example.images, strict=False) if k not in found}
    return found


def look_alikes(
    held: Hashes, others: Hashes, *, frequencies: int = FREQUENCIES, differences: int = DIFFERENCES
) -> tuple[LookAlike, ...]:
    """Pairs of pictures with different ids that look alike, nearest first.

    Each window of one is compared with the whole of the other, both ways, so that a cut is found beside its original.
    Plain pictures are passed over.

    Args:
        held: hashes of test pictures.
        others: of training pictures.
        frequencies: bits of pHash that may differ.
        differences: bits of dHash that may differ.
    """
    best: dict[tuple[str, str], int] = {}
    for window in range(len(WINDOWS)):
        for left, right in ((window, 0), (0, window)) if window else ((0, 0),):
            for a, b, distance in _pairs(held, others, left, right, frequencies, differences):
                key = held.names[a], others.names[b]
                if key[0] != key[1]:
                    best[key] = min(distance, best.get(key, distance))
    found = [LookAlike(a, b, distance) for (a, b), distance in best.items()]
    return tuple(sorted(found, key=lambda pair: (pair.distance, pair.held, pair.other)))


def _pairs(
    held: Hashes, others: Hashes, left: int, right: int, frequencies: int, differences: int
) -> Iterator[tuple[int, int, int]]:
    own, theirs = np.flatnonzero(~held.plain), np.flatnonzero(~others.plain)
    found = near_pairs(held.values[own, left, 0], others.values[theirs, right, 0], frequencies)
    a, b = own[found.left], theirs[found.right]
    second = np.bitwise_count(held.values[a, left, 1] ^ others.values[b, right, 1])
    near = second <= differences
    yield from zip(a[near].tolist(), b[near].tolist(), found.distance[near].tolist(), strict=True)


def leaks(sources: Sequence[Source], alike: Sequence[LookAlike] = ()) -> tuple[Share, ...]:
    """The share of each task's test pictures that stand in what each task trains on, and in any.

    Source: Lu et al., "12-in-1", table 1. The last column, "any", is ours.

    Args:
        sources: of a run.
        alike: pairs of pictures that look alike, see `look_alikes`.

    Raises:
        ConfigError: no source is held out.
    """
    role = held_role(sources)
    held = _ids_by_task([source for source in sources if source.role == role])
    others = _ids_by_task([source for source in sources if source.role != role])
    others["any"] = frozenset().union(*others.values())
    like: dict[str, set[str]] = {}
    for pair in alike:
        like.setdefault(pair.held, set()).add(pair.other)
    return tuple(
        Share(
            task,
            other,
            len(ids),
            len(ids & theirs),
            sum(1 for key in ids - theirs if like.get(key, set()) & theirs),
        )
        for task, ids in held.items()
        for other, theirs in others.items()
    )


def _ids_by_task(sources: Sequence[Source]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for source in sources:
        ids = ids_of(source.reader)
        for task in source.tasks:
            found[task.name] = found.get(task.name, frozenset()) | ids
    return found


def removals(sources: Sequence[Source], alike: Sequence[LookAlike] = ()) -> tuple[Removal, ...]:
    """What has to go from every source that is not held out, so that no test picture is left in it.

    The union over all test sets is removed: a picture of one task's test set is in no task's training.

    Source: Lu et al., "12-in-1", section 8.1 ("clean" training sets).

    Args:
        sources: of a run; the held-out ones stay as they are.
        alike: pairs whose training picture goes as well.
    """
    role = held_role(sources)
    held = frozenset().union(*(ids_of(source.reader) for source in sources if source.role == role))
    near = frozenset(pair.other for pair in alike if pair.held in held)
    return tuple(_removal(source, held, near) for source in sources if source.role != role)


def _removal(source: Source, held: frozenset[str], near: frozenset[str]) -> Removal:
    images = image_index(source.reader)
    ids = frozenset(key for keys in images.ids for key in keys)
    gone = ids & (held | near)
    units = [unit for unit, keys in enumerate(images.ids) if not gone.intersection(keys)]
    return Removal(
        source=source.name,
        role=source.role,
        rows=len(source.reader),
        images=len(ids),
        same=tuple(sorted(ids & held)),
        alike=tuple(sorted(gone - held)),
        rows_left=sum(len(images.rows_of(unit)) for unit in units),
        fingerprint=str(fingerprint_of(images)["ids"]),
    )


def write_lists(folder: Path, found: Sequence[Removal]) -> Path:
    """Writes what is removed from each source into ``lists.json`` of a folder.

    Raises:
        DataError: the folder cannot be written.
    """
    path = folder / _LISTS
    part = path.with_name(f".{path.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=False) + "\n", "utf-8")
        part.replace(path)
    except OSError as error:
        raise DataError(
            f"lists: got {error.strerror or error}; want a folder that can be written", path=path
        ) from error
    return path


def read_lists(folder: Path) -> Mapping[str, Removal]:
    """What `write_lists` wrote, by source.

    Raises:
        DataError: no such file, or a damaged one.
    """
    path = folder / _LISTS
    try:
        entries: Any = json.loads(path.read_text(encoding="utf-8"))
        found = [Removal(**entry | {name: tuple(entry[name]) for name in ("same", "alike")}) for entry in entries]
    except FileNotFoundError as error:
        raise DataError("lists: got no such file; want what `motet data clean` wrote", path=path) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"lists: got {error}; want what `motet data clean` wrote", path=path) from error
    return {one.source: one for one in found}


def cleaned(sources: Sequence[Source], lists: Mapping[str, Removal]) -> tuple[Source, ...]:
    """The sources without the rows that the lists name; test sources and those without a list stay as they are.

    Raises:
        ConfigError: a list for a source that is not here, for other data than it has, for a test source, or one that
            leaves nothing.
    """
    known = {source.name: source for source in sources}
    for name, removal in lists.items():
        if name not in known:
            raise ConfigError(f"clean lists: got one for source {name!r}; want a source of the run: {', '.join(known)}")
        source = known[name]
        if source.role == "test":
            raise ConfigError(f"clean lists: source {name!r}: got a list for a test source; want those left untouched")
        fingerprint = fingerprint_of(image_index(source.reader))["ids"]
        if fingerprint != removal.fingerprint:
            raise ConfigError(
                f"clean lists: source {name!r}: got a list made for {removal.rows:,} other rows; want one for its "
                f"{len(source.reader):,} (motet data clean)"
            )
        if removal.ids and not removal.rows_left:
            raise ConfigError(
                f"clean lists: source {name!r}: got all {removal.rows:,} rows removed; want another split, or the "
                "source left out"
            )
    return tuple(
        replace(source, reader=Without(source.reader, lists[source.name].ids))
        if source.name in lists and lists[source.name].ids
        else source
        for source in sources
    )
