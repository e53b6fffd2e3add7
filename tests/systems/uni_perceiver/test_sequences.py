"""Masks of token sequences."""

import pytest
import torch

from motet.systems.uni_perceiver.attributes import image_attributes, text_attributes
from motet.systems.uni_perceiver.sequences import Span, TokenSequences, generation_mask
from motet.systems.uni_perceiver.token_kinds import TokenKind

IMAGE = TokenKind("t", image_attributes(text_inputs=True))
TEXT = TokenKind("t", text_attributes(visual_inputs=True))


@pytest.mark.parametrize(("prefix", "words"), [(1, 1), (3, 4), (5, 2)])
def test_a_prediction_never_attends_to_its_word_or_to_later_ones(prefix, words) -> None:
    mask = generation_mask(prefix, words)
    assert mask.shape == (prefix + 2 * words,) * 2
    word, special = slice(prefix, prefix + words), slice(prefix + words, None)
    assert mask[:, :prefix].all()
    assert not mask[:prefix, prefix:].any()
    assert torch.equal(mask[word, word], torch.ones(words, words).tril().bool())
    assert torch.equal(mask[special, word], torch.ones(words, words).tril(-1).bool())
    assert torch.equal(mask[special, special], torch.eye(words).bool())
    assert not mask[word, special].any()


def test_padding_is_no_key_but_for_itself() -> None:
    valid = torch.tensor([[True, True, True], [True, True, False]])
    x = torch.zeros(2, 3, 4)
    assert TokenSequences(x, (Span(3, TEXT),)).key_mask() is None
    assert TokenSequences(x, (Span(3, TEXT),), valid).key_mask().tolist() == valid[:, None, None].tolist()
    causal = torch.ones(3, 3).tril().bool()
    mask = TokenSequences(x, (Span(3, TEXT),), valid, causal).key_mask()
    assert mask.shape == (2, 1, 3, 3)
    assert mask[1, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert mask.any(-1).all()


def test_contexts_are_pooled_over_the_prefix_alone() -> None:
    x, valid = torch.zeros(1, 4, 4), torch.tensor([[True, False, True, True]])
    assert TokenSequences(x, (Span(4, TEXT),), prefix_length=2).context_mask().tolist() == [[True, True, False, False]]
    found = TokenSequences(x, (Span(4, TEXT),), valid, prefix_length=3).context_mask()
    assert found.tolist() == [[True, False, True, False]]
    assert TokenSequences(x, (Span(4, TEXT),), valid, prefix_length=4).context_mask() is valid
    assert TokenSequences(x, (Span(4, TEXT),)).context_mask() is None


def test_a_generated_text_starts_behind_the_question() -> None:
    x = torch.zeros(2, 6, 4)
    assert TokenSequences(x, (Span(6, IMAGE),)).next_position() is None
    # The special token and an image of two tokens, then questions of three and of one token.
    valid = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    assert TokenSequences(x, (Span(3, IMAGE), Span(3, TEXT)), valid).next_position().tolist() == [3, 1]
    # Without an image the text's span has the special token, which has no position.
    assert TokenSequences(x, (Span(6, TEXT),), valid).next_position().tolist() == [5, 3]
