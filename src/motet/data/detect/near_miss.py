"""Files and folders that resemble a known format but are not read, with what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class NearMiss:
    """A file or folder in a user's folder of data that is not read, or not as it may be meant.

    Args:
        path: of the file or folder.
        got: what it holds.
        want: the one thing to change.
        format: the known format that it resembles; "" where none. With a format, data is missing that was likely meant.
        more: number of other files that are alike, in the same folder or beside it.

    Examples:
        >>> print(NearMiss(Path("d/instances.json"), "no annotation", "a list under 'annotations'", "COCO boxes"))
        d/instances.json: COCO boxes: got no annotation; want a list under 'annotations'
    """

    path: Path
    got: str
    want: str
    format: str = ""
    more: int = 0

    def with_more(self, count: int) -> NearMiss:
        """Returns it for so many more files."""
        return replace(self, more=self.more + count)

    def __str__(self) -> str:
        more = f" and {self.more:,} more" if self.more else ""
        return f"{self.path}{more}: {f'{self.format}: ' if self.format else ''}got {self.got}; want {self.want}"


def grouped(misses: Iterable[NearMiss]) -> tuple[NearMiss, ...]:
    """Returns the near misses with those of one folder that say the same as one."""
    groups: dict[tuple[str, ...], NearMiss] = {}
    for miss in misses:
        key = (str(miss.path.parent), miss.path.suffix, miss.got, miss.want, miss.format)
        first = groups.get(key)
        groups[key] = miss if first is None else first.with_more(1 + miss.more)
    return tuple(groups.values())


def few(names: Sequence[str], count: int = 3) -> str:
    """Formats the first of some names.

    Examples:
        >>> few(["a", "b", "c", "d"])
        'a, b, c, ...'
    """
    return f"{', '.join(names[:count])}{', ...' if len(names) > count else ''}"


def counted(count: int, noun: str) -> str:
    """Formats a number of things.

    Examples:
        >>> counted(1, "image"), counted(2000, "image")
        ('1 image', '2,000 images')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
