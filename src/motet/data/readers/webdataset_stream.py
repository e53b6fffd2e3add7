"""WebDataset shards that are not all on this machine: on a server, in a bucket, on the Hub."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError, Example, ImageFile, MemoryImage
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole
from motet.data.formats.columns import Names
from motet.data.formats.json_file import short_repr
from motet.data.formats.shard_cache import ShardCache, is_remote
from motet.data.formats.tar_index import tar_rows
from motet.data.readers.webdataset import WebDataset

_OPEN_SHARDS = 32
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
_TRIES = 3
_CACHE = Path("~/.cache/motet/shards")


@dataclass(frozen=True)
class WebDatasetStream:
    """Rows of plain tars that are fetched one by one when they are read, with the mapping of `WebDataset`.

    Training reads shard after shard in a shuffled order, and shuffles rows inside windows of that order
    (`motet.data.orders.ShardOrder`), so that few shards are needed at a time. Memory does not grow with the rows: what
    is known of a shard that is not being read is its number of rows.

    Args:
        shards: paths or addresses that fsspec knows ("https://...", "s3://...", "hf://datasets/..."); one with
            "{000..127}" is as many.
        image: the ending of the image ("jpg"); "" for rows without images.
        text: the column of the question or sentence; several for a pair.
        labels: annotation -> column, or columns, as for `WebDataset`.
        names: the classes, where "class" is a label.
        separator: the text between several texts in one member.
        counts: a JSON file, or its address, with the rows of each shard, as `widsindex` writes it; by default each
            shard is fetched once and counted.
        window: rows that are shuffled together.
        cache: the folder of fetched shards and of counts; ~/.cache/motet/shards by default.
        cache_bytes: of that folder, at most.
        name: prefix of Example ids; by default the folder of the first shard.

    Raises:
        DataError: a shard that cannot be fetched, a broken one, or one of another number of rows than `counts` has.
        ConfigError: an impossible mapping, classes without names, or a window below 1.
    """

    shards: Path | str | tuple[Path | str, ...]
    image: str = "jpg"
    text: Names = ()
    labels: Mapping[str, Names] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    separator: str = ""
    counts: str = ""
    window: int = 10_000
    cache: Path | str | None = None
    cache_bytes: int = 50 * 2**30
    name: str = ""
    shard_rows: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _urls: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _ends: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _prefix: str = field(init=False, repr=False, compare=False)
    _open: OrderedDict[int, WebDataset] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        urls = expanded(self.shards)
        if self.window < 1:
            raise ConfigError(f"WebDatasetStream.window: got {self.window}; want at least 1")
        if "class" in self.labels and not self.names:
            raise ConfigError(
                "WebDatasetStream.names: got none for the label 'class'; want the classes, in order: a stream is not "
                "read to find them"
            )
        rows = _counted(urls, self.counts, self._cache)
        if not sum(rows):
            raise DataError("shards: got no rows; want members such as 000.jpg and 000.txt", path=urls[0])
        object.__setattr__(self, "_urls", urls)
        object.__setattr__(self, "shard_rows", rows)
        object.__setattr__(self, "_ends", tuple(accumulate(rows)))
        object.__setattr__(self, "_prefix", self.name or urls[0].rpartition("/")[0].rpartition("/")[2] or "shards")
        object.__setattr__(self, "_open", OrderedDict())

    def __len__(self) -> int:
        return self._ends[-1]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": OrderedDict()}

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row: its shard and its place there, since nothing is fetched for it."""
        return (self._id(*self._find(index)),) if self.image else ()

    def __getitem__(self, index: int) -> Example:
        shard, place = self._find(index)
        example = self._read(shard, place)
        return replace(example, id=self._id(shard, place), image_ids=self.keys(index))

    @property
    def _cache(self) -> ShardCache:
        folder = _CACHE.expanduser() if self.cache is None else Path(self.cache)
        return ShardCache(folder, self.cache_bytes)

    def _find(self, index: int) -> tuple[int, int]:
        index = range(self._ends[-1])[index]
        shard = bisect_right(self._ends, index)
        return shard, index - (self._ends[shard - 1] if shard else 0)

    def _id(self, shard: int, place: int) -> str:
        return f"{self._prefix}/{self._urls[shard].rpartition('/')[2].removesuffix('.tar')}/{place}"

    def _read(self, shard: int, place: int) -> Example:
        """Returns a row with the bytes of its images: the shard may be removed from the cache at any time."""
        url = self._urls[shard]
        for attempt in range(_TRIES):
            path = self._cache.path(url)
            try:
                example = self._table(shard, path)[place]
                return replace(example, images=tuple(map(self._image, example.images)) if self.image else ())
            except DataError:
                self._open.pop(shard, None)
                if path.exists() or attempt == _TRIES - 1:
                    raise
        raise AssertionError

    def _image(self, image: ImageFile) -> ImageFile:
        return MemoryImage(image.name, image.read())

    def _table(self, shard: int, path: Path) -> WebDataset:
        if shard not in self._open:
            table = WebDataset(
                path, image=self.image, text=self.text, labels=self.labels, names=self.names,
                separator=self.separator, index=self._cache.folder if is_remote(self._urls[shard]) else None,
            )  # fmt: skip
            if len(table) != self.shard_rows[shard]:
                raise DataError(
                    f"shard: got {len(table):,} rows; want {self.shard_rows[shard]:,}, as it was counted",
                    path=self._urls[shard],
                )
            self._open[shard] = table
            if len(self._open) > _OPEN_SHARDS:
                self._open.popitem(last=False)
        self._open.move_to_end(shard)
        return self._open[shard]


def expanded(shards: Path | str | Sequence[Path | str]) -> tuple[str, ...]:
    """Returns the addresses of shards, of which one in braces is several.

    Raises:
        ConfigError: none, or one twice.

    Examples:
        >>> expanded("s3://b/{08..10}.tar")
        ('s3://b/08.tar', 's3://b/09.tar', 's3://b/10.tar')
    """
    found: list[str] = []
    for text in map(str, (shards,) if isinstance(shards, str | Path) else shards):
        braces = _BRACES.search(text)
        if braces is None:
            found.append(text)
            continue
        first, last = braces.groups()
        numbers = range(int(first), int(last) + 1)
        found += [f"{text[: braces.start()]}{number:0{len(first)}d}{text[braces.end() :]}" for number in numbers]
    if not found or len(set(found)) != len(found):
        raise ConfigError(f"shards: got {short_repr(list(found))}; want at least one, and each once")
    return tuple(found)


def _counted(urls: Sequence[str], counts: str, cache: ShardCache) -> tuple[int, ...]:
    if counts:
        return _read_counts(urls, counts, cache)
    return tuple(_count(url, cache) for url in urls)


def _count(url: str, cache: ShardCache) -> int:
    """Returns the rows of a shard; a note of them outlives a fetched shard in the cache."""
    if not is_remote(url):
        return len(tar_rows(cache.path(url), None))
    note = cache.folder / "counts" / f"{ShardCache.name_of(url)}.json"
    try:
        data = read_json(note)
        if isinstance(data, dict) and data.get("url") == url and isinstance(data.get("rows"), int):
            return int(data["rows"])
    except (OSError, ValueError):
        pass
    rows = len(tar_rows(cache.path(url), cache.folder))
    note.parent.mkdir(parents=True, exist_ok=True)
    write_whole(note, json.dumps({"url": url, "rows": rows}) + "\n")
    return rows


def _read_counts(urls: Sequence[str], counts: str, cache: ShardCache) -> tuple[int, ...]:
    try:
        data = read_json(cache.path(counts))
        known = {str(one["url"]).rpartition("/")[2]: int(one["nsamples"]) for one in data["shardlist"]}
        return tuple(known[url.rpartition("/")[2]] for url in urls)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"counts: got {type(error).__name__}: {error}; want {{'shardlist': [{{'url', 'nsamples'}}]}} with every "
            "shard, as widsindex writes it",
            path=counts,
        ) from error
