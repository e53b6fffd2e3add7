"""Sentences and pairs for BERT: special pieces, cutting, empty halves, and the file they are kept in."""

import pickle

import pytest

from motet.core import CheckpointError, ConfigError
from motet.preprocess.sentence_tokenizer import CLS, PAD, SEP, SentenceTokenizer
from motet.preprocess.tokenizers import TrainedTokenizer


@pytest.fixture
def sentences() -> SentenceTokenizer:
    return SentenceTokenizer.from_tokenizer(TrainedTokenizer(size=300).build(["a cat", "no dog"] * 3))


def pieces(sentences: SentenceTokenizer, ids) -> list[str]:
    return [sentences.tokenizer.id_to_token(i) for i in ids]


def test_one_sentence_and_a_pair(sentences) -> None:
    ids, types = sentences.encode(("a cat",), 30)
    assert pieces(sentences, ids)[0] == CLS
    assert pieces(sentences, ids)[-1] == SEP
    assert set(types) == {0}
    ids, types = sentences.encode(("a cat", "no dog"), 30)
    assert pieces(sentences, ids).count(SEP) == 2
    assert types == sorted(types)
    assert types.index(1) == pieces(sentences, ids).index(SEP) + 1


def test_empty_texts_are_legal(sentences) -> None:
    assert pieces(sentences, sentences.encode(("",), 30)[0]) == [CLS, SEP]
    assert pieces(sentences, sentences.encode(("", ""), 30)[0]) == [CLS, SEP, SEP]


def test_the_longer_sentence_is_cut(sentences) -> None:
    ids, types = sentences.encode(("no dog " * 10_000, "a cat"), 20)
    alone, _ = sentences.encode(("a cat",), 20)
    assert len(ids) == 20
    assert sum(types) == len(alone) - 1
    assert len(sentences.encode(("no dog " * 10_000,), 9)[0]) == 9


def test_no_text_becomes_a_special_piece(sentences) -> None:
    ids, _ = sentences.encode((f"a {SEP} cat {PAD}",), 60)
    assert pieces(sentences, ids).count(SEP) == 1
    assert PAD not in pieces(sentences, ids)


def test_it_comes_back_from_its_file_and_crosses_processes(sentences) -> None:
    want = sentences.encode(("a cat", "dog"), 10)
    for again in (SentenceTokenizer.from_bytes(sentences.to_bytes()), pickle.loads(pickle.dumps(sentences))):
        assert again.encode(("a cat", "dog"), 10) == want
        assert (again.pad, again.vocab_size) == (sentences.pad, sentences.vocab_size)
    before = sentences.to_bytes()
    sentences.encode(("a cat",), 5)
    assert sentences.to_bytes() == before


def test_three_sentences_and_damaged_files_are_refused(sentences) -> None:
    with pytest.raises(ConfigError, match="got 3 texts; want one or two"):
        sentences.encode(("a", "b", "c"), 9)
    with pytest.raises(CheckpointError, match="saved tokeniser"):
        SentenceTokenizer.from_bytes(b"{}")
    with pytest.raises(CheckpointError, match="changed description"):
        SentenceTokenizer.from_bytes(sentences.to_bytes().replace(b"ByteLevel", b"Whitespace"))
