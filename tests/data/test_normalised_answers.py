"""Answers in the form of an answer list."""

from dataclasses import dataclass

from motet.core import Example
from motet.core.codec import from_json, to_json
from motet.data.normalised_answers import NormalisedAnswers
from motet.data.splits import answers_from
from motet.metrics.vqa_words import vocabulary_answer
from motet.training.saved_names import saved_names


@dataclass(frozen=True)
class Questions:
    def __len__(self) -> int:
        return 2

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"image{index}",)

    def __getitem__(self, index: int) -> Example:
        labels = ({"answers": ("On the table.", "A dog"), "answer": "On the table."}, {})[index]
        return Example(id=f"{index}", text="Where?", image_ids=self.keys(index), labels=labels)


def test_answers_have_the_form_of_the_list_and_rows_without_them_stay() -> None:
    rows = NormalisedAnswers(Questions(), vocabulary_answer)
    assert rows[0].labels == {"answers": ("on table", "dog"), "answer": "on table"}
    assert rows[1] == Questions()[1]
    assert (len(rows), rows.keys(1)) == (2, ("image1",))
    assert answers_from(rows) == ("on table",)


def test_the_function_is_part_of_a_saved_run() -> None:
    assert from_json(to_json(vocabulary_answer), saved_names()) is vocabulary_answer
