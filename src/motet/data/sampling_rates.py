"""Sampling rates of sources: configs that turn sizes into probabilities.

Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", section 5.3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from motet.core import ConfigError, DataError, Text, nearest
from motet.data.image_index import image_index
from motet.data.source import Source


@dataclass(frozen=True, kw_only=True)
class SourceSize:
    """The size of a source, in each of the measures that sampling rates use.

    Args:
        name: of the source.
        images: number of different images (a text-only row counts as one).
        pairs: number of rows where a task has a text input, else of images.
        captions: as `pairs`, but every reference text of a captioning row counts.
        unique: the sum over its images of 1 / the number of sources that have the image.
        weight: multiplies all of them.
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
        """Returns the probabilities by source name, with the sum 1. Raises ConfigError on an unknown name."""
        ...


@dataclass(frozen=True)
class ConcatImages:
    """Rates in proportion to images, as if all images were in one data set. The default of the paper.

    p_t = w_t N_t / sum_s w_s N_s, with N_t images and the weight w_t (`Source.weight`) of source t.

    Source: Beyer et al., section 5.3, "Concat images".

    Examples:
        >>> sizes = [SourceSize(name=n, images=i, pairs=i, captions=i, unique=i) for n, i in (("a", 30), ("b", 10))]
        >>> dict(ConcatImages().probabilities(sizes))
        {'a': 0.75, 'b': 0.25}
    """

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        return _normalised(sizes, lambda size: size.images * size.weight)


@dataclass(frozen=True)
class EqualRates:
    """Equal rates: p_t = 1 / T for T sources. The number of steps stays that of the run.

    Source: Beyer et al., section 5.3, "Equal".
    """

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        return _normalised(sizes, lambda _: 1.0)


@dataclass(frozen=True)
class ConcatPairs:
    """Rates in proportion to (image, question) pairs: p_t = w_t M_t / sum_s w_s M_s, with M_t pairs.

    Source: Beyer et al., section 5.3, "Concat image-question pairs". The paper leaves open if a caption is a question;
    read literally it is not, so by default an image with captions is one pair.

    Args:
        expand_captions: count every caption of an image as a pair.
    """

    expand_captions: bool = False

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        return _normalised(sizes, lambda size: (size.captions if self.expand_captions else size.pairs) * size.weight)


@dataclass(frozen=True)
class ConcatUniqueImages:
    """Rates at which every image is drawn once per epoch, for one of the k sources that have it.

    p_t ~ w_t * sum over the images i of t of 1 / k_i, where k_i sources have the image i.

    Source: Beyer et al., section 5.3, "Concat unique images".
    """

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        return _normalised(sizes, lambda size: size.unique * size.weight)


@dataclass(frozen=True)
class Temperature:
    """Temperature-scaled rates: p_t ~ (w_t N_t) ** (1 / T), with N_t images.

    T = 1 gives `ConcatImages`; for large T the rates approach `EqualRates`.

    Source: Raffel et al., "Exploring the Limits of Transfer Learning", section 3.5.2.

    Args:
        temperature: T.

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
    """Fixed rates by source, normalised to the sum 1; 0 leaves a source out.

    Args:
        by_source: a number per source.

    Raises:
        ConfigError: a negative number, or none that is positive.
    """

    by_source: Mapping[str, float]

    def __post_init__(self) -> None:
        for name, rate in self.by_source.items():
            if not rate >= 0:
                raise ConfigError(f"FixedRates: {name}: got {rate}; want 0 or more")
        if not sum(self.by_source.values()) > 0:
            raise ConfigError(f"FixedRates: got {dict(self.by_source)}; want at least one positive number")

    def probabilities(self, sizes: Sequence[SourceSize]) -> Mapping[str, float]:
        names = [size.name for size in sizes]
        for name in self.by_source:
            if name not in names:
                raise ConfigError(f"FixedRates: got {name!r}, which is no training source; {nearest(name, names)}")
        for name in names:
            if name not in self.by_source:
                raise ConfigError(
                    f"FixedRates: got no number for the source {name!r}; want a number per source (0 to leave it out)"
                )
        return _normalised(sizes, lambda size: self.by_source[size.name])


def measure(sources: Sequence[Source]) -> tuple[SourceSize, ...]:
    """Measures the sizes of sources, without decoding an image."""
    images_of = {source.name: image_index(source.reader) for source in sources}
    # With one source every image is in one source: the ids of a million images are not collected.
    several = len(sources) > 1
    num_sources = Counter(
        key for images in images_of.values() if several for key in {key for ids in images.ids for key in ids}
    )
    sizes = []
    for source in sources:
        images = images_of[source.name]
        has_text = any("text" in task.inputs for task in source.tasks)
        pairs = len(source.reader) if has_text else len(images)
        sizes.append(
            SourceSize(
                name=source.name,
                images=len(images),
                pairs=pairs,
                captions=_captions(source) or pairs,
                unique=sum(1 / max((num_sources[key] for key in ids), default=1) for ids in images.ids)
                if several
                else len(images),
                weight=source.weight,
            )
        )
    return tuple(sizes)


def _captions(source: Source) -> int:
    """Counts the reference texts of a captioning source; 0 for any other.

    A row that cannot be read has none; its error is raised when the row is drawn.
    """
    tasks = [task for task in source.tasks if isinstance(task.target, Text)]
    count = 0
    for index in range(len(source.reader) if tasks else 0):
        try:
            example = source.reader[index]
        except DataError:
            continue
        for task in tasks:
            annotation = task.annotation_of(example)
            count += 1 if isinstance(annotation, str) else len(annotation)
    return count


def _normalised(sizes: Sequence[SourceSize], size_of: Callable[[SourceSize], float]) -> dict[str, float]:
    amounts = {size.name: float(size_of(size)) for size in sizes}
    total = sum(amounts.values())
    return {name: amount / total for name, amount in amounts.items()}
