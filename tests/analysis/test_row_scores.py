"""Row scores: one per row, as a share, with its text."""

import dataclasses

import pytest
from toys import ToyReader, label_task, toy_system

from motet.analysis.row_scores import score_rows
from motet.core import ConfigError
from motet.data.source import Source
from motet.metrics import F1, Accuracy


def source(task, name: str = "a", rows: int = 6) -> Source:
    return Source(name=name, reader=ToyReader(name, rows), tasks=(task,))


def test_every_row_of_the_task_has_its_text_image_and_score() -> None:
    task = dataclasses.replace(label_task("kind"), inputs=frozenset({"image", "text"}))
    other = label_task("other")
    sources = [source(task), source(other, "b", 3)]
    scores = score_rows(toy_system(sources), sources, "kind", metric=Accuracy, batch_size=4)
    assert len(scores) == 6
    assert [one.image for one in scores] == [f"a/{number}" for number in range(6)]
    assert [one.text for one in scores] == [f"what is {number}" for number in range(6)]
    assert {one.score for one in scores} <= {0.0, 1.0}


def test_no_source_with_the_task_gives_nothing() -> None:
    sources = [source(label_task("kind"))]
    assert score_rows(toy_system(sources), sources, "other") == ()


def test_a_metric_without_row_scores_is_refused() -> None:
    class SetF1(F1):
        def row(self, prediction, annotation, target):
            return prediction.index, annotation

    sources = [source(label_task("kind"))]
    with pytest.raises(
        ConfigError, match="task 'kind': metric f1: got no score per row; want a metric with row scores"
    ):
        score_rows(toy_system(sources), sources, "kind", metric=SetF1)


def test_rows_without_an_image_are_refused() -> None:
    @dataclasses.dataclass(frozen=True)
    class NoImage(ToyReader):
        def __getitem__(self, index):
            return dataclasses.replace(super().__getitem__(index), image_ids=())

    sources = [Source(name="a", reader=NoImage("a", 2), tasks=(label_task("kind"),))]
    with pytest.raises(ConfigError, match="task 'kind': row a/0: got no image; want rows with an image"):
        score_rows(toy_system(sources), sources, "kind")
