"""Sentences and the tasks of GLUE."""

import pytest

from motet.core import ConfigError
from motet.tasks import glue
from motet.tasks.class_names import GLUE, GLUE_PAIRS


@pytest.mark.parametrize("name", GLUE)
def test_pairs_and_single_sentences_are_in_their_categories(name: str) -> None:
    task = glue(name)
    assert task.category == ("sentence pair" if name in GLUE_PAIRS else "sentence")
    assert task.inputs == {"text"}
    assert task.target.names == GLUE[name]


@pytest.mark.parametrize(("name", "metric"), [
    ("CoLA", "matthews"), ("MRPC", "f1"), ("QQP", "f1"), ("SST-2", "accuracy"), ("MNLI", "accuracy"),
])  # fmt: skip
def test_metrics_are_those_of_the_benchmark(name: str, metric: str) -> None:
    assert glue(name).main_metric == metric


def test_an_unknown_task_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="glue: got 'MNLY'; did you mean 'mnli'"):
        glue("MNLY")
