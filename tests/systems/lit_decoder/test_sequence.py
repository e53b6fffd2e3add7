"""Task, question and answer as one sequence."""

from dataclasses import replace

import pytest

from motet.core import Answer, ConfigError, Label, Task, Text
from motet.metrics import Accuracy
from motet.preprocess.tokenizers import EOS, TrainedTokenizer
from motet.systems.lit_decoder.options import (
    ByCategory,
    ByTask,
    ByTaskPositions,
    ClassStrings,
    ClassTokens,
    Unconditioned,
)
from motet.systems.lit_decoder.sequence import Sequences

WORDS = TrainedTokenizer(size=300).build(["a red dog", "what is it", "how many dogs are there"])


def task(name: str, target, category: str = "") -> Task:
    sees = frozenset({"image", "text"}) if isinstance(target, Answer) else frozenset({"image"})
    return Task(name=name, inputs=sees, label="x", target=target, metrics=(Accuracy,), category=category)


PET = task("pet", Label(("dog", "cat")), "classification")
FLOWER = task("flower", Label(("rose", "dog")), "classification")
CAPTION = task("caption", Text(20), "captioning")
VQA = task("vqa", Answer(), "qa")
TASKS = (PET, FLOWER, CAPTION, VQA)


def sequences(conditioning=None, classes=None, **changes) -> Sequences:
    options = {"separator": True, "question_separator": True, "max_tokens": 32, "answer_room": 8, **changes}
    return Sequences(WORDS, TASKS, conditioning or ByTask(), classes or ClassStrings(), **options)


def test_a_prefix_is_one_prompt_and_one_separator() -> None:
    made = sequences()
    prefixes = [made.prefix(one, "") for one in TASKS]
    assert [len(prefix) for prefix in prefixes] == [2, 2, 2, 2]
    assert len({prefix[0] for prefix in prefixes}) == 4
    assert len({prefix[1] for prefix in prefixes}) == 1


def test_a_question_follows_and_a_second_separator_ends_it() -> None:
    made = sequences()
    prompt, separator = made.prefix(VQA, "")
    assert made.prefix(VQA, "what is it") == [prompt, separator, *WORDS.encode("what is it"), separator]
    bare = sequences(question_separator=False, separator=False)
    assert bare.prefix(VQA, "what is it") == [bare.prefix(VQA, "")[0], *WORDS.encode("what is it")]


def test_tasks_of_one_category_share_their_prompt() -> None:
    made = sequences(ByCategory())
    assert made.prefix(PET, "") == made.prefix(FLOWER, "") != made.prefix(CAPTION, "")
    assert [name for name in made.blocks if name.startswith("prompt")] == [
        "prompt classification", "prompt captioning", "prompt qa",
    ]  # fmt: skip


@pytest.mark.parametrize("conditioning", [Unconditioned(), ByTaskPositions()])
def test_without_a_prompt_the_question_is_still_there(conditioning) -> None:
    made = sequences(conditioning)
    assert made.prefix(PET, "") == []
    assert made.prefix(VQA, "what is it")[:-1] == WORDS.encode("what is it")


def test_languages_are_tasks_with_their_code_as_prompt() -> None:
    made = sequences(ByTask({"caption": "de", "vqa": "de"}))
    assert made.prefix(CAPTION, "") == made.prefix(VQA, "")
    assert "prompt de" in made.blocks
    with pytest.raises(ConfigError, match=r"ByTask.prompts: got \['captoin'\]; want names of tasks"):
        sequences(ByTask({"captoin": "de"}))


def test_a_missing_category_is_refused() -> None:
    with pytest.raises(ConfigError, match="category: got none"):
        Sequences(
            WORDS, [replace(PET, category="")], ByCategory(), ClassStrings(), separator=True, question_separator=True,
            max_tokens=32, answer_room=8,
        )  # fmt: skip


def test_a_class_is_one_token_per_task() -> None:
    made = sequences(classes=ClassTokens())
    tokens = [made.answer(one, name) for one in (PET, FLOWER) for name in one.target.names]
    assert all(len(answer) == 1 for answer in tokens)
    assert len({answer[0] for answer in tokens}) == 4
    assert made.num_answers == WORDS.num_text_ids + 4
    assert [made.text(made.close([], answer)) for answer in tokens] == ["dog", "cat", "rose", "dog"]
    assert made.answer(CAPTION, "dog") == WORDS.encode("dog")


def test_an_answer_reads_back_and_prompts_read_as_nothing() -> None:
    made = sequences()
    answer = made.close([], made.answer(CAPTION, "a red dog"))
    assert answer[-1] == EOS
    assert made.text([*made.prefix(CAPTION, ""), *answer, 5, 5]) == "a red dog"


def test_a_long_question_leaves_room_for_the_answer_and_a_long_answer_keeps_its_end() -> None:
    made = sequences()
    prefix = made.prefix(VQA, "how many dogs are there " * 30)
    assert len(prefix) == 32 - 8
    assert prefix[-1] == prefix[1]
    answer = made.close(prefix, made.answer(VQA, "dog " * 100))
    assert len(prefix) + len(answer) == 32
    assert answer[-1] == EOS
    with pytest.raises(ConfigError, match="max_tokens: got 10 with 8"):
        sequences(max_tokens=10)
