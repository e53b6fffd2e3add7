"""Tokens of texts: truncation, masks, padding."""

import numpy as np
import pytest

from motet.core import Region, Task
from motet.metrics import Accuracy
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.twelve_in_one.text_inputs import TextRow, TwelveInOneTextInputs, find_mask_id, pad_texts

TASK = Task(name="t", inputs=frozenset({"image"}), label="x", target=Region(), metrics=(Accuracy,))


@pytest.fixture(scope="module")
def inputs() -> TwelveInOneTextInputs:
    sentences = SentenceTokenizer.from_tokenizer(
        TrainedTokenizer(size=300).build(["two dogs", "a small red thing"] * 3)
    )
    return TwelveInOneTextInputs(sentences, find_mask_id(sentences), 12, {"short": 5})


def test_a_text_is_truncated_to_its_tasks_length(inputs) -> None:
    assert len(inputs.encode("dogs " * 100, TASK).ids) == 12
    assert len(inputs.encode("dogs " * 100, Task(**{**vars(TASK), "name": "short"})).ids) == 5


def test_a_tokeniser_without_mask_gets_one_more_id(inputs) -> None:
    assert inputs.mask_id == inputs.sentences.vocab_size
    assert inputs.piece(inputs.mask_id) == "[MASK]"


def test_at_least_one_word_is_masked_if_wanted_and_never_a_special_token(inputs) -> None:
    text = inputs.encode("two dogs", TASK)
    for seed in range(20):
        none = inputs.mask_words(text, 0.0, np.random.default_rng(seed), at_least_one=False)
        assert none.ids == text.ids
        assert set(none.masked_ids) == {-1}
        # Just above zero: without `at_least_one` nothing would be masked.
        one = inputs.mask_words(text, 1e-9, np.random.default_rng(seed), at_least_one=True)
        assert sum(index >= 0 for index in one.masked_ids) == 1
        assert one.masked_ids[0] == one.masked_ids[-1] == -1


def test_the_same_random_numbers_give_the_same_mask(inputs) -> None:
    text = inputs.encode("a small red thing", TASK)
    one, other = (inputs.mask_words(text, 0.5, np.random.default_rng(3), at_least_one=False) for _ in range(2))
    assert one == other


def test_decoding_leaves_out_special_tokens(inputs) -> None:
    assert inputs.decode(inputs.encode("two dogs", TASK).ids) == "two dogs"


def test_rows_are_padded_to_the_most_texts_and_the_longest() -> None:
    rows = [(TextRow((1, 2, 3), (0, 0, 1), (-1, 9, -1)),), (TextRow((4,), (0,)), TextRow((5, 6), (0, 0)))]
    value = pad_texts(rows, 7)
    assert value["ids"].tolist() == [[[1, 2, 3], [7, 7, 7]], [[4, 7, 7], [5, 6, 7]]]
    assert value["masked_ids"][0, 0].tolist() == [-1, 9, -1]
    # A text of padding has one valid token.
    assert value["attention_mask"].sum(-1).tolist() == [[3, 1], [1, 2]]
