"""The tokeniser of a text encoder: its own, or trained on the texts of the run."""

from motet.nn.text_encoders import BundledMiniLM, TinyBert
from motet.systems.base import build_sentence_tokenizer


def test_a_tokeniser_is_trained_on_the_texts_of_the_run() -> None:
    trained = build_sentence_tokenizer(TinyBert(words=300), lambda: ["zyx zyx"] * 5)
    assert len(trained.encode(("zyx",), 9)[0]) == 3  # one piece between [CLS] and [SEP]
    assert len(trained.encode(("wvu",), 9)[0]) > 3


def test_texts_are_not_read_for_an_encoder_with_its_own_tokeniser() -> None:
    def texts() -> list[str]:
        raise AssertionError("texts were read")

    assert build_sentence_tokenizer(BundledMiniLM(), texts).vocab_size == 30_522
