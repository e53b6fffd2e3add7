"""Tasks: checked when they are made, prompts, annotations."""

import pytest

from motet.core import ConfigError, DataError, Example, Label, MeanMetric, Task


class First(MeanMetric):
    name = "first"

    def row(self, prediction, annotation, target):
        return float(prediction.value == annotation)


class Second(First):
    name = "second"


def task(**more) -> Task:
    values = {
        "name": "mood", "inputs": frozenset({"text"}), "label": "mood", "target": Label(("sad", "glad")),
        "metrics": (First, Second),
    }  # fmt: skip
    return Task(**(values | more))


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"name": ""}, "Task.name: got ''"),
        ({"name": "a b"}, "Task.name: got 'a b'; want a word of printable letters without spaces or '/'"),
        ({"name": "a/b"}, "Task.name: got 'a/b'"),
        ({"metrics": ()}, "Task 'mood': metrics: got none"),
        ({"prompt": "mood?"}, "Task 'mood': prompt: got 'mood\\?'; want '{text}' in it"),
    ],
)
def test_a_task_that_cannot_work_is_refused(more, line) -> None:
    with pytest.raises(ConfigError, match=line):
        task(**more)


def test_the_first_metric_is_the_main_one() -> None:
    assert task().main_metric == "first"


def test_the_prompt_holds_the_text_or_all_sentences_of_it() -> None:
    prompted = task(prompt="mood of: {text}")
    assert prompted.prompt_for(Example(id="a", text="all is well")) == "mood of: all is well"
    assert prompted.prompt_for(Example(id="a", text=("one", "two"))) == "mood of: one two"
    image_only = task(inputs=frozenset({"image"}), prompt="mood?")
    assert image_only.prompt_for(Example(id="a", text="ignored")) == ""


def test_a_missing_annotation_names_those_that_are_there() -> None:
    assert task().annotation_of(Example(id="a", labels={"mood": 1})) == 1
    with pytest.raises(DataError, match=r"a: task 'mood' reads the annotation 'mood': got \['kind'\]; want it among"):
        task().annotation_of(Example(id="a", labels={"kind": 1}))


@pytest.mark.parametrize(
    "prompt",
    ["{0}", "{}", "{text.__class__}", "{text!r}", "{text:>1000000000}", "{text[0]}", "{text} {", "{text} {other}"],
)
def test_a_prompt_holds_the_text_and_no_other_field(prompt):
    with pytest.raises(ConfigError, match=r"prompt: got .*; want"):
        task(prompt=prompt)


def test_braces_of_a_prompt_may_be_doubled():
    assert task(prompt="{{a}} {text} {text}").prompt_for(Example(id="x", text="glad?")) == "{a} glad? glad?"
