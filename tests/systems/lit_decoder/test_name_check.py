"""Names that can never be an answer are said before the first step."""

import logging

import pytest
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers

from motet.core import Answer, ConfigError, Label, Task
from motet.metrics import Accuracy
from motet.nn.generate import Greedy
from motet.preprocess.tokenizers import Tokenizer, TrainedTokenizer
from motet.systems.lit_decoder.decoding import Scoring
from motet.systems.lit_decoder.name_check import check_names
from motet.systems.lit_decoder.options import ByTask, ClassStrings, ClassTokens
from motet.systems.lit_decoder.sequence import Sequences


def task(target, inputs=("image",)) -> Task:
    return Task(name="t", inputs=frozenset(inputs), label="x", target=target, metrics=(Accuracy,))


def sequences(of, tokenizer, classes=ClassStrings(), max_tokens=24) -> Sequences:  # noqa: B008
    return Sequences(
        tokenizer, [of], ByTask(), classes, separator=True, question_separator=True, max_tokens=max_tokens,
        answer_room=4,
    )  # fmt: skip


def lower_case() -> Tokenizer:
    """A tokeniser of whole words that lowers case and splits at signs, as BERT's does."""
    words = ["[PAD]", "[SEP]", "[UNK]", "siamese", "t", "-", "shirt", "/", "top", "cat"]
    inner = tokenizers.Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return Tokenizer(inner, range(2, len(words) + 2))


def checked(of, tokenizer, decoding=Greedy(), **options) -> None:  # noqa: B008
    check_names(sequences(of, tokenizer, **options), of, decoding)


BYTES = TrainedTokenizer(size=260).build(["red"])


def test_names_that_a_tokeniser_changes_are_said() -> None:
    pets = task(Label(("Siamese", "cat", "T-shirt/top")))
    with pytest.raises(ConfigError, match=r"'Siamese' as 'siamese', 'T-shirt/top' as 't - shirt / top'; want a token"):
        checked(pets, lower_case())
    checked(pets, lower_case(), Scoring())
    checked(pets, lower_case(), classes=ClassTokens())
    checked(pets, TrainedTokenizer(size=260).build(["red"]), max_tokens=40)


def test_names_that_do_not_fit_are_said() -> None:
    words = task(Label(("red", "r" * 60)))
    with pytest.raises(ConfigError, match=r"longer than the 22 places left for them: 'r{60}' \(\d\d tokens\)"):
        checked(words, BYTES)
    checked(words, BYTES, max_tokens=70)
    checked(words, BYTES, classes=ClassTokens())
    # Behind a question only the places that every question leaves are sure.
    asked = task(Label(("yes", "certainly")), ("image", "text"))
    with pytest.raises(ConfigError, match=r"longer than the 4 places left for them: 'yes' .*, 'certainly'"):
        checked(asked, BYTES, max_tokens=70)


def test_names_that_are_one_text_are_said() -> None:
    with pytest.raises(ConfigError, match="one text to the tokeniser: 'a b' and 'a  b'"):
        checked(task(Label(("a b", "c", "a  b"))), BYTES)
    with pytest.raises(ConfigError, match="one text to the tokeniser: 'cat' and 'Cat'"):
        checked(task(Label(("cat", "Cat"))), lower_case(), Scoring())


def test_a_name_that_is_no_normal_form_is_a_name() -> None:
    checked(task(Label(("cafe\u0301", "on  the table"))), BYTES, max_tokens=40)


def test_a_closed_list_of_answers_is_only_warned_of(caplog) -> None:
    with caplog.at_level(logging.WARNING, "motet.systems"):
        checked(task(Answer(("Siamese", "cat"))), lower_case())
    assert "'Siamese' as 'siamese'" in caplog.text
