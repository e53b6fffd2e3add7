"""How often each source is drawn: sizes to probabilities, as values.

Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", section 5.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from motet.core import ConfigError, Text, nearest
from motet.data.image_index import image_index
from motet.data.source import Source


@dataclass(frozen=True, kw_only=True)
class SourceSize:
    """How large a source is, in each of the ways that rates go by.

    Args:
        name: the source's.
        images: different images (a text-only row counts as one).
        pairs: rows where a question comes with the image, else images.
        captions: as `pairs`, but every reference text of a captioning row counts.
        unique: the sum over its images of 1 / the number of sources that have the image.
        share: multiplies all of them.
    """

    name: str
    images: int
    pairs: int
    captions: int
    unique: float
    weight: float = 1.0


class SamplingRates(Protocol):
    """Turns sizes into probabilities."""

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        """By source name, adding to 1. Raises ConfigError on a name that is no source."""
        ...


@dataclass(frozen=True)
class ConcatImages:
    """As if all images lay in one pile: p_t = N_t / sum N, N_t images. The default of the paper.

    Examples:
        >>> sizes = [SourceSize(name=n, images=i, pairs=i, captions=i, unique=i) for n, i in (("vqa", 30), ("coco", 10))]
        >>> dict(ConcatImages().probabilities(sizes))
        {'vqa': 0.75, 'coco': 0.25}
    """

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        return _normalised(sizes, lambda size: size.images * size.weight)


@dataclass(frozen=True)
class EqualRates:
    """Every source as often as any other: p_t = 1 / T. The number of steps stays that of the run."""

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        return _normalised(sizes, lambda _: 1.0)


@dataclass(frozen=True)
class ConcatPairs:
    """As if all (image, question) pairs lay in one pile: p_t = M_t / sum M.

    The paper leaves open whether a caption is a question; read literally it is not.

    Args:
        expand_captions: count every caption of an image.
    """

    expand_captions: bool = False

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        return _normalised(sizes, lambda size: (size.captions if self.expand_captions else size.pairs) * size.weight)


@dataclass(frozen=True)
class ConcatUniqueImages:
    """Every image once an epoch, for one of the k sources that have it: p_t ~ sum over i in t of 1 / k_i."""

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        return _normalised(sizes, lambda size: size.unique * size.weight)


@dataclass(frozen=True)
class Temperature:
    """Between size and equality: p_t ~ N_t ** (1 / t); t = 1 is `ConcatImages`, large t `EqualRates`.

    Source: Raffel et al., "Exploring the Limits of Transfer Learning", section 3.5.2.

    Raises:
        ConfigError: a temperature that is not positive.
    """

    temperature: float

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ConfigError(f"Temperature.temperature: got {self.temperature}; want a positive number")

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        return _normalised(sizes, lambda size: (size.images * size.weight) ** (1 / self.temperature))


@dataclass(frozen=True)
class FixedRates:
    """Given numbers by source, normalised; 0 leaves a source out.

    Raises:
        ConfigError: a negative number, or none that is positive.
    """

    by_source: Mapping[str, float]

    def __post_init__(self) -> None:
        for name, rate in self.by_source.items():
            if not rate >= 0:
                raise ConfigError(f"Fixed: {name}: got {rate}; want 0 or more")
        if not sum(self.by_source.values()) > 0:
            raise ConfigError(f"Fixed: got {dict(self.by_source)}; want at least one positive number")

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        names = [size.name for size in sizes]
        for name in self.by_source:
            if name not in names:
                raise ConfigError(f"Fixed: got {name!r}, which is no training source; {nearest(name, names)}")
        for name in names:
            if name not in self.by_source:
                raise ConfigError(
                    f"Fixed: got no number for the source {name!r}; want one for each (0 to leave it out)"
                )
        return _normalised(sizes, lambda size: self.by_source[size.name])


def measure(sources: Sequence[Source]) -> tuple[SourceSize, ...]:
    """The sizes of sources, without decoding an image."""
    units = {source.name: image_index(source.reader) for source in sources}
    holders = Counter(key for images in units.values() for key in {key for ids in images.ids for key in ids})
    sizes = []
    for source in sources:
        images = units[source.name]
        asks = any("text" in task.inputs for task in source.tasks)
        pairs = len(source.reader) if asks else len(images)
        sizes.append(
            SourceSize(
                name=source.name,
                images=len(images),
                pairs=pairs,
                captions=_captions(source) or pairs,
                unique=sum(1 / max((holders[key] for key in ids), default=1) for ids in images.ids),
                weight=source.weight,
            )
        )
    return tuple(sizes)


def _captions(source: Source) -> int:
    """The reference texts of a captioning source; 0 for any other."""
    tasks = [task for task in source.tasks if isinstance(task.target, Text)]
    count = 0
    for index in range(len(source.reader) if tasks else 0):
        example = source.reader[index]
        for task in tasks:
            annotation = task.annotation_of(example)
            count += 1 if isinstance(annotation, str) else len(annotation)
    return count


def _normalised(sizes: Sequence[SourceSize], size_of: Callable[[SourceSize], float]) -> dict[str, float]:
    amounts = {size.name: float(size_of(size)) for size in sizes}
    total = sum(amounts.values())
    return {name: amount / total for name, amount in amounts.items()}
