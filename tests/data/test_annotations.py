"""Rows with some annotations left away, or with classes in another order."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from motet.core import ConfigError, Example
from motet.data.annotations import AnnotationSubset, CappedDepth, RemappedClasses


class Lazy(Mapping[str, Any]):
    """Annotations that note which of them was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.asked.append(name)
        return {"segmentation": np.array([[0, 2], [1, -1]]), "depth": np.ones((2, 2))}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("segmentation", "depth"))

    def __len__(self) -> int:
        return 2


class Rows:
    """Two rows."""

    def __init__(self) -> None:
        self.labels = [Lazy(), Lazy()]

    def __len__(self) -> int:
        return 2

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"image{index}",)

    def __getitem__(self, index: int) -> Example:
        return Example(id=f"row{index}", labels=self.labels[index])


def test_what_is_left_away_is_not_there() -> None:
    rows = Rows()
    part = AnnotationSubset(rows, ("depth",))
    assert (len(part), part.keys(1)) == (2, ("image1",))
    labels = part[0].labels
    assert (list(labels), len(labels), "segmentation" in labels, "edges" in labels) == (["depth"], 1, False, False)
    with pytest.raises(KeyError):
        labels["segmentation"]
    assert rows.labels[0].asked == []
    assert labels["depth"].sum() == 4
    assert rows.labels[0].asked == ["depth"]


def test_images_without_labels_have_none() -> None:
    labels = AnnotationSubset(Rows())[1].labels
    assert not labels
    assert labels.get("depth") is None


def test_an_annotation_that_the_row_lacks_stays_lacking() -> None:
    assert list(AnnotationSubset(Rows(), ("edges", "depth"))[0].labels) == ["depth"]


def test_classes_become_those_of_another_set() -> None:
    rows = Rows()
    other = RemappedClasses(rows, (5, -1, 0))
    labels = other[0].labels
    assert rows.labels[0].asked == []
    np.testing.assert_array_equal(labels["segmentation"], [[5, 0], [-1, -1]])
    assert labels["depth"].sum() == 4
    assert (len(other), other.keys(0)) == (2, ("image0",))


def test_a_table_that_is_none_is_refused() -> None:
    for classes in ((), (0, -2)):
        with pytest.raises(ConfigError, match=r"RemappedClasses\.classes"):
            RemappedClasses(Rows(), classes)


def test_depths_beyond_a_cap_are_unknown() -> None:
    rows = Rows()
    depth_m = CappedDepth(rows, 0.5)[0].labels["depth"]
    assert np.isnan(depth_m).all()  # all are 1 m
    np.testing.assert_array_equal(CappedDepth(rows, 1.0)[0].labels["depth"], rows[0].labels["depth"])
    np.testing.assert_array_equal(CappedDepth(rows, 0.5)[0].labels["segmentation"], rows[0].labels["segmentation"])
    with pytest.raises(ConfigError, match=r"CappedDepth\.cap_m"):
        CappedDepth(rows, 0.0)
