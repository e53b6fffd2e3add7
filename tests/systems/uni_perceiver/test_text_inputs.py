"""Texts as token ids: ends, cuts, masks and padding."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_uni_perceiver import CONFIG, task

from motet.core import ConfigError, Label, rng_for
from motet.preprocess.tokenizers import EOS, PAD
from motet.systems.uni_perceiver.parts import build_text_inputs
from motet.systems.uni_perceiver.text_inputs import UniPerceiverTextInputs, padded

TEXT = "unheard tremendous xylophones"


@pytest.fixture(scope="module")
def text_inputs() -> UniPerceiverTextInputs:
    return build_text_inputs(CONFIG, lambda: ["a red cat", "two small dogs", TEXT], None)


def test_sentences_end_and_the_answer_token_follows(text_inputs) -> None:
    ids = text_inputs.encode_inputs(("a cat", "a dog"), answer_token=True)
    assert ids.count(EOS) == 2
    assert ids[-2:] == [EOS, text_inputs.special]
    assert text_inputs.encode_inputs(("a cat", "a dog"), answer_token=False) == ids[:-1]


@pytest.mark.parametrize("limit", [18, 25, None])
def test_the_longest_sentence_is_cut_first(text_inputs, limit) -> None:
    whole = text_inputs.tokenizer.encode("a cat")
    for order in (1, -1):
        texts = ("a cat", "dog " * 60)[::order]
        ids = text_inputs.encode_inputs(texts, answer_token=True, max_tokens=limit)
        assert len(ids) == (40 if limit is None else limit)
        first = ids[: ids.index(EOS)]
        second = ids[ids.index(EOS) + 1 : -2]
        assert (first if order == 1 else second) == whole


@pytest.mark.parametrize("limit", [1, 3, 5, 7])
def test_a_small_limit_cuts_both_and_leaves_the_ends(text_inputs, limit) -> None:
    ids = text_inputs.encode_inputs(("a red cat", "dog " * 60), answer_token=True, max_tokens=limit)
    assert len(ids) == max(limit, 3)
    assert ids.count(EOS) == 2
    lengths = ids.index(EOS), len(ids) - ids.index(EOS) - 3
    assert abs(lengths[0] - lengths[1]) <= 1


def test_targets_and_generated_texts_have_their_own_limits(text_inputs) -> None:
    target, generated = text_inputs.encode_target("cat " * 90), text_inputs.encode_generated("cat " * 90)
    assert (len(target), len(generated)) == (40, 16)
    assert target[-1] == generated[-1] == EOS


def test_words_are_masked_whole(text_inputs) -> None:
    for seed in range(20):
        ids, masked_ids = text_inputs.mask(TEXT, rng_for("hide", seed), at_least_one=True)
        whole = [i if original < 0 else original for i, original in zip(ids, masked_ids, strict=True)]
        assert text_inputs.tokenizer.decode(whole) == TEXT
        text = text_inputs.tokenizer.decode([i for i in masked_ids if i >= 0])
        assert text
        assert set(text.split()) <= set(TEXT.split())


def test_masked_tokens_become_special_or_random_or_stay(text_inputs) -> None:
    inputs = UniPerceiverTextInputs(text_inputs.tokenizer, 40, 16, 1.0)
    pairs = []
    for seed in range(300):
        ids, masked_ids = inputs.mask(TEXT, rng_for("mask", seed), at_least_one=False)
        assert (ids[-1], masked_ids[-1]) == (EOS, -1)
        pairs += zip(ids[:-1], masked_ids[:-1], strict=True)
    shares = (
        np.mean([i == inputs.special for i, _ in pairs]),
        np.mean([i not in (inputs.special, original) for i, original in pairs]),
        np.mean([i == original for i, original in pairs]),
    )
    assert shares == pytest.approx((0.8, 0.1, 0.1), abs=0.03)
    assert all(EOS < i <= inputs.special for i, _ in pairs)


def test_at_least_one_word_is_masked_where_that_is_asked_for(text_inputs) -> None:
    rare = UniPerceiverTextInputs(text_inputs.tokenizer, 40, 16, 1e-9)
    assert max(rare.mask(TEXT, rng_for("m", 0), at_least_one=False)[1]) == -1
    assert max(rare.mask(TEXT, rng_for("m", 0), at_least_one=True)[1]) >= 0
    assert rare.mask("", rng_for("m", 0), at_least_one=True) == ([EOS], [-1])


def test_the_vocabulary_is_all_tokens_but_padding_and_the_special_one(text_inputs) -> None:
    assert text_inputs.num_words == text_inputs.tokenizer.vocab_size - 2
    assert text_inputs.special == text_inputs.tokenizer.vocab_size - 1


def test_names_have_ends_and_must_differ(text_inputs) -> None:
    ids = text_inputs.encode_names(task("class"))
    assert ids.shape[0] == 3
    assert ((ids == EOS).sum(1) == 1).all()
    same = replace(task("class"), target=Label(("a cat", " a  cat")))
    with pytest.raises(ConfigError, match="got 'a cat' and ' a  cat', which have the same tokens; want names that"):
        text_inputs.encode_names(same)
    with pytest.raises(ConfigError, match=r"name 'dog dog .*: got \d+ tokens; want at most 40, UniPerceiverConfig"):
        text_inputs.encode_names(replace(same, target=Label(("cat", "dog " * 40))))


def test_shorter_texts_are_padded() -> None:
    ids = padded([[3, 4], [], [5]])
    assert ids.tolist() == [[3, 4], [PAD, PAD], [5, PAD]]
    assert ids.dtype == torch.long


def test_a_task_has_limits_of_its_own(text_inputs) -> None:
    own = replace(text_inputs, max_tokens_of={"short": 6})
    assert own.for_task("other") is own
    assert len(own.for_task("short").encode_target("dog " * 60)) == 6
    assert len(own.for_task("short").encode_generated("dog " * 60)) == 6
    assert len(own.for_task("other").encode_generated("dog " * 60)) == own.max_generated
    ids, masked = own.for_task("short").mask("dog " * 60, rng_for("mask"), at_least_one=True)
    assert len(ids) == len(masked) == 6
