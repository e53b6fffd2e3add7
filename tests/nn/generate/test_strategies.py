"""What has to hold of every way to decode, on a model whose answers depend on image, place and history."""

import itertools

import pytest
import torch
from history_model import generated

from motet.core import ConfigError
from motet.nn.generate import BeamSearch, Greedy, Sampling, SpecialIds

WORDS, EOS, PAD = 9, 1, 0
PREFIXES = torch.tensor([[3, 2, 0, 0], [4, 0, 0, 0], [5, 2, 6, 7], [0, 0, 0, 0], [3, 2, 8, 0], [3, 2, 0, 0]])
LENGTHS = torch.tensor([2, 1, 4, 0, 3, 2])
DETERMINISTIC = [
    Greedy(),
    BeamSearch(num_beams=1, alpha=0.0),
    BeamSearch(num_beams=3),
    BeamSearch(num_beams=3, alpha=1.0, count_prompt_in_length=True),
    BeamSearch(num_beams=4, alpha=0.0, ends="every"),
    Sampling(temperature=0.0),
]
DRAWING = [
    Sampling(),
    Sampling(top_k=3, num_samples=3),
    Sampling(top_p=0.7),
    BeamSearch(num_beams=3, noise=1.0),
    BeamSearch(num_beams=2, noise=0.3),
]


def seeded():
    return torch.Generator().manual_seed(3)


def answer(model, strategy, rows=range(6), limit=8):
    rows = list(rows)
    return generated(model, model.start(rows), PREFIXES[rows], LENGTHS[rows], strategy, limit, seeded())


def same(ours, theirs, row, other):
    length = min(ours.tokens.shape[-1], theirs.tokens.shape[-1])
    assert torch.equal(ours.tokens[row, :, :length], theirs.tokens[other, :, :length])
    torch.testing.assert_close(ours.log_probs[row], theirs.log_probs[other], atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.scores[row], theirs.scores[other], atol=1e-5, rtol=0)
    assert torch.equal(ours.finished[row], theirs.finished[other])


def log_prob_of(model, row, tokens):
    """The sum along one answer, token by token, without any of the code under test."""
    state, total = model.start([row]), 0.0
    forced = [0, *PREFIXES[row, : LENGTHS[row]].tolist()]
    for token, counts in [(token, False) for token in forced] + [(token, True) for token in tokens]:
        if counts:
            total += float(model.logits(features[:, -1]).log_softmax(-1)[0, token])
        features, state = model.read(state, torch.tensor([[token]]))  # noqa: RUF059  read in the next round
    return total


def real(tokens):
    return [token for token in tokens.tolist() if token != PAD]


@pytest.mark.parametrize("strategy", DETERMINISTIC, ids=repr)
def test_an_answer_does_not_depend_on_its_batch_mates(model, strategy):
    together = answer(model, strategy)
    for row in range(6):
        same(together, answer(model, strategy, [row]), row, 0)
    turned = answer(model, strategy, reversed(range(6)))
    for row in range(6):
        same(together, turned, row, 5 - row)


@pytest.mark.parametrize("strategy", DETERMINISTIC + DRAWING, ids=repr)
def test_log_probabilities_are_the_models_own_up_to_the_end(model, strategy):
    ours = answer(model, strategy)
    for row, place in itertools.product(range(6), range(ours.tokens.shape[1])):
        tokens = real(ours.tokens[row, place])
        assert EOS not in tokens[:-1]
        assert (tokens[-1] == EOS) == bool(ours.finished[row, place])
        assert ours.log_probs[row, place] == pytest.approx(log_prob_of(model, row, tokens), abs=1e-4)


@pytest.mark.parametrize("strategy", DETERMINISTIC + DRAWING, ids=repr)
def test_answers_come_best_first_and_within_the_limit(model, strategy):
    for limit in (1, 2, 5):
        ours = answer(model, strategy, limit=limit)
        assert ours.tokens.shape[-1] == limit
        for row in range(6):
            keys = list(zip(ours.finished[row].tolist(), ours.scores[row].tolist(), strict=True))
            assert keys == sorted(keys, reverse=True)


@pytest.mark.parametrize("strategy", DETERMINISTIC + DRAWING, ids=repr)
def test_each_row_may_have_a_limit_of_its_own(model, strategy):
    limits = torch.tensor([1, 4, 2, 8, 3, 5])
    ours = generated(model, model.start(), PREFIXES, LENGTHS, strategy, limits, seeded())
    for row in range(6):
        lengths = [len(real(tokens)) for tokens in ours.tokens[row]]
        assert max(lengths) <= limits[row]
        if strategy in DETERMINISTIC:
            same(ours, answer(model, strategy, [row], limit=int(limits[row])), row, 0)


def test_what_stands_after_a_prefix_is_not_read(model):
    dirty = PREFIXES.clone()
    for row, length in enumerate(LENGTHS):
        dirty[row, length:] = 5
    for strategy in DETERMINISTIC:
        ours = generated(model, model.start(), dirty, LENGTHS, strategy, 8)
        for row in range(6):
            same(ours, answer(model, strategy), row, row)


def test_one_beam_without_length_normalisation_is_greedy(model):
    greedy, beam = answer(model, Greedy()), answer(model, BeamSearch(num_beams=1, alpha=0.0, ends="best"))
    for row in range(6):
        # A beam of one considers two candidates: an end may be found beside the greedy word, and only then they part.
        if bool(beam.finished[row, 0]) and real(beam.tokens[row, 0]) != real(greedy.tokens[row, 0]):
            ended = real(beam.tokens[row, 0])[:-1]
            assert real(greedy.tokens[row, 0])[: len(ended)] == ended
        else:
            same(greedy, beam, row, row)


@pytest.mark.parametrize(
    "sample", [Sampling(top_k=1), Sampling(temperature=1e-6), Sampling(temperature=0.0), Sampling(top_p=1e-9)]
)
def test_sharp_sampling_is_greedy(model, sample):
    greedy, drawn = answer(model, Greedy()), answer(model, sample)
    for row in range(6):
        same(greedy, drawn, row, row)


def test_more_beams_than_answers_find_the_likeliest_of_all(model):
    """With two places and room for everything, beam search is exhaustive."""
    ours = answer(model, BeamSearch(num_beams=40, alpha=0.0), limit=3)
    words = [word for word in range(WORDS) if word not in (PAD, EOS)]
    for row in range(6):
        everything = [[*body, EOS] for length in range(3) for body in itertools.product(words, repeat=length)]
        best = max(everything, key=lambda tokens: log_prob_of(model, row, tokens))
        assert real(ours.tokens[row, 0]) == best


def test_best_drops_what_ends_and_fills(model):
    ours = answer(model, Greedy())
    assert ours.best() == [[t for t in row[0].tolist() if t not in (PAD, EOS)] for row in ours.tokens]


def test_no_rows_no_answers(model):
    for strategy in DETERMINISTIC:
        assert answer(model, strategy, rows=[]).best() == []


def test_rows_that_have_ended_are_not_computed_further(model):
    model.bias[EOS] = 30.0
    answer(model, Greedy(), limit=8)
    assert model.rows_read == 6 * (1 + PREFIXES.shape[1])


def test_other_special_ids(model):
    """The ids swapped with those of two words give the swapped answers."""
    ids = SpecialIds(pad=7, eos=8)
    ours = generated(model, model.start(), PREFIXES, LENGTHS, Greedy(), 8, ids=ids)
    assert (ours.finished[:, 0] == (ours.tokens[:, 0] == 8).any(-1)).all()
    for row in range(6):
        tokens = [token for token in ours.tokens[row, 0].tolist() if token != 7]
        assert ours.log_probs[row, 0] == pytest.approx(log_prob_of(model, row, tokens), abs=1e-4)


@pytest.mark.parametrize("strategy", DRAWING, ids=repr)
def test_a_strategy_that_draws_wants_a_generator(model, strategy):
    with pytest.raises(ConfigError, match="got no generator"):
        generated(model, model.start(), PREFIXES, LENGTHS, strategy, 8)


@pytest.mark.parametrize("strategy", DRAWING, ids=repr)
def test_equal_generators_draw_equal_answers(model, strategy):
    first, second = answer(model, strategy), answer(model, strategy)
    for row in range(6):
        same(first, second, row, row)


def test_no_room_for_an_answer_is_refused(model):
    with pytest.raises(ConfigError, match="max_new_tokens: got 0"):
        answer(model, Greedy(), limit=0)
