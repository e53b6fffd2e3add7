"""Mixing probabilities with the sizes of the paper's table, and counted from readers."""

import math

import pytest
from toys import ToyReader, label_task

from motet.core import Answer, ConfigError, Task, Text
from motet.data.sampling_rates import (
    ConcatImages,
    ConcatPairs,
    ConcatUniqueImages,
    EqualRates,
    FixedRates,
    SourceSize,
    Temperature,
    measure,
)
from motet.data.source import Source

# "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision", table 3: training images.
TABLE = {
    "imagenet": 1_200_000, "sun397": 76_000, "food101": 74_000, "resisc45": 19_000, "pet": 2_944, "coco": 112_000,
    "flickr30k": 28_000, "ocr-vqa": 166_000, "vqav2": 83_000, "gqa": 72_000,
}  # fmt: skip
SIZES = [
    SourceSize(
        name=name, images=count, pairs=round(4.8 * count) if name == "ocr-vqa" else count, captions=count, unique=count
    )
    for name, count in TABLE.items()
]
SHARES = {
    "imagenet": 0.655, "coco": 0.0611, "ocr-vqa": 0.0906, "vqav2": 0.0453, "gqa": 0.0393, "sun397": 0.0415,
    "food101": 0.0404, "resisc45": 0.0104, "pet": 0.0016, "flickr30k": 0.0153,
}  # fmt: skip


def test_concat_images_gives_the_shares_of_the_papers_table() -> None:
    found = ConcatImages().probabilities(SIZES)
    assert found == pytest.approx({name: count / sum(TABLE.values()) for name, count in TABLE.items()})
    assert found == pytest.approx(SHARES, abs=0.0005)


def test_equal_is_one_over_the_number_of_sources() -> None:
    assert EqualRates().probabilities(SIZES) == pytest.approx(dict.fromkeys(TABLE, 0.1))


def test_concat_pairs_counts_questions() -> None:
    found = ConcatPairs().probabilities(SIZES)
    total = sum(TABLE.values()) + 3.8 * TABLE["ocr-vqa"]
    assert found["ocr-vqa"] == pytest.approx(4.8 * 166_000 / total)
    assert found["coco"] == pytest.approx(112_000 / total)


def test_a_set_shared_by_three_tasks_is_seen_three_times_fewer() -> None:
    # The paper: "the three MS COCO tasks are seen three times fewer" when images are identical.
    shared = [Source(name=n, reader=ToyReader(n, 12, images="coco"), tasks=(label_task(n),)) for n in ("x", "y", "z")]
    alone = Source(name="alone", reader=ToyReader("alone", 12), tasks=(label_task("alone"),))
    sizes = measure([*shared, alone])
    assert [size.unique for size in sizes] == pytest.approx([4, 4, 4, 12])
    found = ConcatUniqueImages().probabilities(sizes)
    assert found == pytest.approx({"x": 1 / 6, "y": 1 / 6, "z": 1 / 6, "alone": 1 / 2})
    assert sum(size.unique for size in sizes) == pytest.approx(24)  # the images of the union


def test_temperature_lies_between_size_and_equality() -> None:
    assert Temperature(1).probabilities(SIZES) == pytest.approx(ConcatImages().probabilities(SIZES))
    assert Temperature(1e6).probabilities(SIZES) == pytest.approx(EqualRates().probabilities(SIZES), abs=1e-4)
    two = Temperature(2).probabilities(SIZES)
    assert two["imagenet"] / two["pet"] == pytest.approx(math.sqrt(1_200_000 / 2_944))
    with pytest.raises(ConfigError, match="got 0; want a positive number"):
        Temperature(0)


def test_fixed_names_every_source() -> None:
    assert FixedRates({"a": 3, "b": 1}).probabilities([_size("a"), _size("b")]) == {"a": 0.75, "b": 0.25}
    with pytest.raises(ConfigError, match="got 'c', which is no training source"):
        FixedRates({"a": 3, "c": 1}).probabilities([_size("a")])
    with pytest.raises(ConfigError, match="got no number for the source 'b'"):
        FixedRates({"a": 3}).probabilities([_size("a"), _size("b")])
    with pytest.raises(ConfigError, match="want 0 or more"):
        FixedRates({"a": -1})
    with pytest.raises(ConfigError, match="at least one positive number"):
        FixedRates({"a": 0})


def test_a_share_multiplies_rates_that_go_by_size() -> None:
    sizes = [_size("a"), SourceSize(name="b", images=10, pairs=10, captions=10, unique=10, weight=3)]
    for rates in (ConcatImages(), ConcatPairs(), ConcatUniqueImages(), Temperature(1)):
        assert rates.probabilities(sizes) == pytest.approx({"a": 0.25, "b": 0.75})
    assert EqualRates().probabilities(sizes) == {"a": 0.5, "b": 0.5}


def test_sources_are_counted_in_images_questions_and_captions() -> None:
    reader = ToyReader("r", 12, rows_per_image=3)
    metrics = label_task("x").metrics
    asked = Task(name="qa", inputs=frozenset({"image", "text"}), label="answers", target=Answer(), metrics=metrics)
    told = Task(name="told", inputs=frozenset({"image"}), label="answers", target=Text(5), metrics=metrics)
    sources = [Source(name=t.name, reader=reader, tasks=(t,)) for t in (asked, told, label_task("label"))]
    sizes = {size.name: (size.images, size.pairs, size.captions) for size in measure(sources)}
    # Twelve rows of four images; each row of `told` has three reference texts.
    assert sizes == {"qa": (4, 12, 12), "told": (4, 4, 36), "label": (4, 4, 4)}


def _size(name: str) -> SourceSize:
    return SourceSize(name=name, images=10, pairs=10, captions=10, unique=10)
