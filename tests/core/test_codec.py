import pytest

from motet.core import CheckpointError, ConfigError, Label, Task, Text
from motet.core.codec import from_json, to_json
from motet.core.metric import MeanMetric
from motet.core.saved_names import SavedNames


class Always(MeanMetric):
    name = "always"

    def row(self, prediction, annotation, target):
        return 1.0


def names(*trust: str) -> SavedNames:
    return SavedNames.of((Task,), trust=trust)


def task() -> Task:
    return Task(
        name="kind",
        inputs=frozenset({"image"}),
        label="class",
        target=Label(("cat", "dog")),
        metrics=(Always,),
        invariant=frozenset({"hflip"}),
    )


def test_a_task_comes_back_equal_when_its_code_is_trusted():
    plain = to_json(task())
    assert from_json(plain, names(Always.__module__)) == task()


def test_code_of_another_package_is_not_imported_without_trust():
    with pytest.raises(CheckpointError, match="trust"):
        from_json({"reference": "os:system"}, names())


def test_a_lambda_is_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match="top level of a module"):
        to_json((lambda: None,))


def test_unknown_fields_are_refused():
    with pytest.raises(CheckpointError, match="max_wordz"):
        from_json({**to_json(Text(3)), "max_wordz": 1}, names())


@pytest.mark.parametrize("mark", ["class", "reference", "set", "pairs"])
def test_a_mapping_whose_key_is_one_of_our_marks_comes_back(mark: str) -> None:
    assert from_json(to_json({mark: "label", "other": 1}), names()) == {mark: "label", "other": 1}
