"""Question answering."""

from motet.core import Answer, Example
from motet.tasks import TEN_ANSWERS_METRICS, question_answering


def test_a_closed_list_and_free_text() -> None:
    assert question_answering("t", answers=["yes", "no"]).target == Answer(("yes", "no"))
    assert question_answering("t").target == Answer(())


def test_the_first_metric_is_the_main_one() -> None:
    assert question_answering("t").main_metric == "answer_match"
    assert question_answering("t", metrics=TEN_ANSWERS_METRICS).main_metric == "vqa_accuracy"


def test_the_prompt_is_a_template_of_the_question() -> None:
    task = question_answering("t", prompt="Q: {text} A:")
    assert task.prompt_for(Example(id="r", images=(), image_ids=("i",), text="why?")) == "Q: why? A:"
    assert task.invariant == {"crop"}
