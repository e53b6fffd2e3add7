import pytest

from motet.core import CheckpointError, ConfigError, Label, Task, Text
from motet.core.codec import from_json, to_json
from motet.core.metric import MeanMetric
from motet.core.saved_names import SavedNames


class Always(MeanMetric):
    name = "always"

    def row(self, prediction, annotation, target):
        return 1.0


NO_TABLE = "saved name .*: got a name that is in none of motet's tables"


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


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"pairs": [1]}, "saved mapping: got something else among its pairs"),
        ({"pairs": [[1, 2, 3]]}, "saved mapping"),
        ({"pairs": [[{"a": 1}, 2]]}, "saved key: got a dict; want a text, a number or a saved class"),
        ({"set": [{"a": 1}]}, "saved key: got a dict"),
        ({"reference": "motet.cli.main:os.system"}, NO_TABLE),
        ({"reference": "motet.core.codec:importlib.import_module"}, NO_TABLE),
        ({"reference": "motet.core.codec:from_json.__globals__"}, NO_TABLE),
        ({"reference": "motet.core.codec:_MARKS"}, NO_TABLE),
        ({"reference": "motet.core.codec:"}, NO_TABLE),
        ({"reference": "motet..x:y"}, NO_TABLE),
        ({"reference": "motet.\0:y"}, NO_TABLE),
        ({"class": "motet.core.codec:from_json"}, NO_TABLE),
        ({"class": "motet.core.target:Label"}, r"saved class .*: got \[\]; TypeError: .*missing"),
        ({"class": "motet.core.target:Label", "names": 5}, r"names: got 5; want tuple\[str, ...\]"),
        ({"class": "motet.core.target:Label", "names": [1, 2]}, r"names: got \(1, 2\); want tuple\[str, ...\]"),
        ({"class": "motet.core.target:Text", "max_words": True}, "max_words: got True; want <class 'int'>"),
        ({"class": "motet.core.target:Dense", "channels": 1, "unit": "mile"}, "unit: got 'mile'; want Literal"),
        ({"class": "motet.core.target:Text", "self": 1}, "saved class .*: got"),
        ([[[]]] * 3, None),
    ],
)
def test_what_nobody_saved_is_one_line(data, message):
    if message is None:
        assert from_json(data, names()) == (((),),) * 3
        return
    with pytest.raises(CheckpointError, match=message) as caught:
        from_json(data, names())
    assert "\n" not in str(caught.value)


def test_values_within_values_without_end_are_one_line():
    data = []
    for _ in range(900):
        data = [data]
    with pytest.raises(CheckpointError, match="got more than 50 values within values"):
        from_json(data, names())
