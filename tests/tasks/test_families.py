import pytest

from motet.core import ConfigError, Label
from motet.scenes.tasks import largest_thing, scene_caption, scene_question
from motet.tasks import TEN_ANSWERS_METRICS, captioning, classification, question_answering, text_reading


def test_digits_may_not_be_mirrored() -> None:
    assert classification("digits", "0123456789", hflip=False).invariant == {"crop"}
    assert classification("pets", ("cat", "dog")).invariant == {"hflip", "crop"}
    assert classification("pets", ("cat", "dog"), hflip=False, crop=False).invariant == frozenset()


def test_names_keep_their_order_and_may_not_repeat() -> None:
    assert classification("pets", ["dog", "cat"]).target == Label(("dog", "cat"))
    with pytest.raises(ConfigError, match="more than once"):
        classification("pets", ["dog", "dog"])


def test_each_family_is_evaluated_by_its_own_metric_first() -> None:
    assert captioning().main_metric == "cider"
    assert text_reading().main_metric == "exact_match"
    assert question_answering("gqa").main_metric == "answer_match"
    assert question_answering("vqa", metrics=TEN_ANSWERS_METRICS).main_metric == "vqa_accuracy"


def test_scenes_survive_no_crop_and_only_the_largest_thing_a_mirror() -> None:
    assert largest_thing(("cat", "dog")).invariant == {"hflip"}
    for task in (scene_caption(), scene_caption("fr"), scene_question("position")):
        assert task.invariant == frozenset()
