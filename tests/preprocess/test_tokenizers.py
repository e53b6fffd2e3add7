"""Texts to ids and back."""

import json
import pickle

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from motet.core import CheckpointError, ConfigError
from motet.preprocess.tokenizers import EOS, PAD, HfTokenizer, Tokenizer, TrainedTokenizer, append_eos, normalise

TEXTS = ["a dog on the mat", "two dogs", "ein Hund läuft über die Straße", "three red cars", "12 犬"] * 3


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    return TrainedTokenizer(size=320).build(TEXTS)


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back_as_it_is_normalised(text: str) -> None:
    words = _WORDS
    ids = words.encode(text)
    assert words.decode(ids) == normalise(text)
    assert all(i not in (PAD, EOS) and 0 <= i < words.num_text_ids for i in ids)


@given(st.text(), st.text())
@settings(max_examples=50, deadline=None)
def test_normalising_twice_changes_nothing_and_an_end_ends(text: str, more: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    ids = _WORDS.encode(text)
    assert _WORDS.decode([*ids, EOS, *_WORDS.encode(more)]) == normalise(text)
    assert _WORDS.decode([*ids, PAD, PAD]) == normalise(text)


_WORDS = TrainedTokenizer(size=320).build(TEXTS)


def test_a_lone_surrogate_is_a_question_mark(words: Tokenizer) -> None:
    assert words.decode(words.encode("a \ud800 b")) == "a ? b"


def test_the_same_texts_in_any_order_give_the_same_bytes(words: Tokenizer) -> None:
    again = TrainedTokenizer(size=320).build(reversed(TEXTS))
    assert again.to_bytes() == words.to_bytes()
    assert TrainedTokenizer(size=320).build(TEXTS[:2]).to_bytes() != words.to_bytes()


def test_training_makes_texts_shorter_than_their_bytes(words: Tokenizer) -> None:
    assert len(words.encode("two dogs")) < len("two dogs")
    assert words.vocab_size <= 320


def test_special_pieces_stand_after_all_others_and_no_text_reaches_one(words: Tokenizer) -> None:
    special = words.with_specials(["caption", ":"])
    assert special.special_id("caption") == words.vocab_size
    assert special.vocab_size == words.vocab_size + 2
    assert all(i < words.vocab_size for i in special.encode("caption : caption"))
    assert special.decode([special.special_id("caption"), *special.encode("two dogs")]) == "caption two dogs"
    with pytest.raises(ConfigError, match=r"got 'colour'; want one of \[':', 'caption'\]"):
        special.special_id("colour")
    with pytest.raises(ConfigError, match="more than once"):
        words.with_specials(["a", "a"])


def test_saved_and_loaded_it_is_the_same(words: Tokenizer) -> None:
    for again in (Tokenizer.from_bytes(words.to_bytes()), pickle.loads(pickle.dumps(words))):
        assert again.to_bytes() == words.to_bytes()
        assert again.encode("ein roter Hund") == words.encode("ein roter Hund")


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b'{"tokenizer": "{}", "ids": [1], "digest": "0"}'])
def test_a_damaged_file_is_refused(damage: bytes) -> None:
    with pytest.raises(CheckpointError, match="saved tokeniser: got"):
        Tokenizer.from_bytes(damage)


def test_a_changed_file_is_refused(words: Tokenizer) -> None:
    saved = json.loads(words.to_bytes())
    saved["tokenizer"] = saved["tokenizer"].replace("BPE", "BPF")
    with pytest.raises(CheckpointError, match="changed description"):
        Tokenizer.from_bytes(json.dumps(saved).encode())


def test_cutting_keeps_the_end() -> None:
    assert append_eos([5, 6], 8) == [5, 6, EOS]
    assert append_eos([5, 6, 7], 3) == [5, 6, EOS]
    assert append_eos([5], 1) == [EOS]


def test_too_few_pieces_are_refused() -> None:
    with pytest.raises(ConfigError, match="got 100; want at least 258"):
        TrainedTokenizer(size=100)


def saved_tokeniser(folder, first: list[str]) -> None:
    """A small Hugging Face tokeniser of whole words, whose first ids are these."""
    tokenizer = tokenizers.Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.WordLevelTrainer(special_tokens=[*first, "<unk>"], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)


@pytest.mark.parametrize(("first", "shift"), [(["<pad>", "</s>"], 0), (["<s>", "</s>", "<pad>"], 2)])
def test_a_hugging_face_tokeniser_ends_with_1_and_pads_with_0(tmp_path, first: list[str], shift: int) -> None:
    saved_tokeniser(tmp_path, first)
    words = HfTokenizer(str(tmp_path)).build([])
    loaded = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    theirs = loaded.encode("two dogs", add_special_tokens=False)
    assert words.encode("two dogs") == [i + shift for i in theirs]
    assert words.vocab_size == len(loaded) + shift
    assert words.decode([*words.encode("two dogs"), EOS, PAD]) == "two dogs"
    again = Tokenizer.from_bytes(words.to_bytes())
    assert again.encode("a dog on the mat") == words.encode("a dog on the mat")


def test_a_tokeniser_that_is_not_there_is_a_config_error(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"HfTokenizer.name"):
        HfTokenizer(str(tmp_path)).build([])


@pytest.mark.parametrize("first", [["<pad>", "</s>"], ["<s>", "</s>", "<pad>"]])
@pytest.mark.parametrize("model", ["unigram", "words"])
def test_no_text_becomes_a_special_token_of_the_hub(tmp_path, first: list[str], model: str) -> None:
    """The model of mT5 has its special tokens in its vocabulary, as likely as can be, and finds them by itself."""
    letters = sorted(
        {letter for text in [*TEXTS, "stop </s> sign <pad> x <unk>"] for letter in text.replace(" ", "\u2581")}
    )
    if model == "unigram":
        scored = [(name, 0.0) for name in (*first, "<unk>")] + [(letter, -3.0) for letter in letters]
        inner = tokenizers.Tokenizer(models.Unigram(scored, unk_id=len(first), byte_fallback=False))
    else:
        names = [*first, "<unk>", *letters, "\u2581stop", "\u2581sign"]
        inner = tokenizers.Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    inner.add_special_tokens([*first, "<unk>"])
    PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(tmp_path)
    words = HfTokenizer(str(tmp_path)).build([])
    text = "stop </s> sign <pad> x"
    for each in (words, Tokenizer.from_bytes(words.to_bytes()), pickle.loads(pickle.dumps(words))):
        ids = each.encode(text)
        assert ids == words.encode(text)
        assert not {PAD, EOS} & set(ids)
        if model == "unigram":
            assert each.decode(ids) == text
            assert each.decode(each.encode("a<unk></s>")) == "a<unk></s>"
