import pytest
import torch
from history_model import generated, unprompted

from motet.core import ConfigError
from motet.nn.generate import BeamSearch
from motet.nn.generate.vocabulary import top_k


def plain_beam_search(model, row, beam, limit):
    """Beam search written out: lists, one image, every log-probability from a pass over the whole sequence."""

    def next_log_probs(tokens):
        features, _ = model.read(model.start([row]), torch.tensor([[0, *tokens]]))
        return model.logits(features[0, -1]).log_softmax(-1).tolist()

    live, ended = [(0.0, ())], []
    for _ in range(limit):
        grown = [(total + p, (*tokens, w)) for total, tokens in live for w, p in enumerate(next_log_probs(tokens)) if w]
        ends = [child for child in grown if child[1][-1] == 1]
        if beam.ends == "every":
            grown = [child for child in grown if child[1][-1] != 1]
        grown = sorted(grown, reverse=True)[: 2 * beam.num_beams]
        considered = grown if beam.ends == "best" else grown[: beam.num_beams]
        ended += ends if beam.ends == "every" else [child for child in considered if child[1][-1] == 1]
        ended = sorted(ended, key=lambda child: -child[0] / ((5 + len(child[1])) / 6) ** beam.alpha)[: beam.num_beams]
        live = [child for child in grown if child[1][-1] != 1][: beam.num_beams]
    return ended or live


@pytest.mark.parametrize("ends", ["best", "beams", "every"])
@pytest.mark.parametrize("alpha", [0.0, 0.8])
def test_answers_are_those_of_a_plain_beam_search(model, ends, alpha):
    model.bias[1] = 0.0
    beam = BeamSearch(num_beams=2, alpha=alpha, ends=ends)
    ours = unprompted(model, beam, 6)
    for row in range(6):
        for place, (total, tokens) in enumerate(plain_beam_search(model, row, beam, 6)):
            assert tuple(token for token in ours.tokens[row, place].tolist() if token) == tokens
            assert ours.log_probs[row, place] == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("ends", ["best", "beams", "every"])
@pytest.mark.parametrize("alpha", [0.0, 0.8])
@pytest.mark.parametrize("num_answers", [1, 2])
def test_fewer_answers_are_the_best_ones(model, ends, alpha, num_answers):
    model.bias[1] = 0.0
    every = unprompted(model, BeamSearch(num_beams=3, alpha=alpha, ends=ends), 8)
    fewer = unprompted(model, BeamSearch(num_beams=3, alpha=alpha, ends=ends, num_answers=num_answers), 8)
    assert torch.equal(fewer.tokens, every.tokens[:, :num_answers])
    torch.testing.assert_close(fewer.scores, every.scores[:, :num_answers])
    assert torch.equal(fewer.finished, every.finished[:, :num_answers])


def test_one_answer_ends_the_search_sooner_than_all(model):
    model.bias[1] = 0.0
    rows = []
    for num_answers in (3, 1):
        before = model.rows_read
        unprompted(model, BeamSearch(num_beams=3, num_answers=num_answers), 8)
        rows.append(model.rows_read - before)
    assert rows[1] < rows[0]


def test_one_answer_that_never_ends_is_the_best_beam(model):
    model.bias[1] = float("-inf")
    every, best = (unprompted(model, BeamSearch(num_beams=3, num_answers=n), 4) for n in (None, 1))
    assert not every.finished.any()
    assert torch.equal(best.tokens, every.tokens[:, :1])
    torch.testing.assert_close(best.scores, every.scores[:, :1])


def test_stochastic_answers_are_all_returned():
    with pytest.raises(ConfigError, match=r"BeamSearch\.num_answers: got 1 with noise 1\.0"):
        BeamSearch(noise=1.0, num_answers=1)


def test_which_ends_are_considered_makes_a_difference(model):
    """Else the test above could not tell the three apart."""
    model.bias[1] = 0.0
    found = [
        unprompted(model, BeamSearch(num_beams=2, alpha=0.0, ends=ends), 6).tokens.tolist()
        for ends in ("best", "beams", "every")
    ]
    assert found[0] != found[1] != found[2] != found[0]


@pytest.mark.parametrize(("words", "k"), [(5, 2), (64, 1), (130, 1), (640, 4), (1000, 4), (1023, 7)])
def test_the_largest_are_found_wherever_they_are(words, k):
    draw = torch.Generator().manual_seed(words)
    logits = torch.randn(200, words, generator=draw)
    logits[:50, -words % 64 :] += 3.0
    logits[50:60] = float("-inf")
    values, places = top_k(logits, k)
    assert torch.equal(values, logits.topk(k).values)
    assert torch.equal(logits.gather(1, places), values)
    assert all(len(row.unique()) == k for row in places)


def test_length_normalisation_prefers_longer_answers(model):
    short, long = (unprompted(model, BeamSearch(num_beams=6, alpha=a), 8) for a in (0.0, 3.0))
    count = [(answers.tokens[:, 0] != 0).sum() for answers in (short, long)]
    assert count[0] < count[1]


def test_the_prompt_counts_in_the_length_when_asked(model):
    prefixes, lengths = torch.tensor([[3, 4, 5, 6]] * 6), torch.full((6,), 4)
    for counts, extra in ((False, 0), (True, 4)):
        beam = BeamSearch(num_beams=2, alpha=0.7, count_prompt_in_length=counts)
        ours = generated(model, model.start(), prefixes, lengths, beam, 8)
        length = (ours.tokens != 0).sum(-1) + extra
        torch.testing.assert_close(ours.scores, ours.log_probs / ((5 + length) / 6) ** 0.7, atol=1e-5, rtol=0)


def test_a_vocabulary_smaller_than_the_beams_leaves_places_empty(model):
    ours = unprompted(model, BeamSearch(num_beams=20), 1)
    assert (ours.log_probs.isfinite().sum(1) == 1).all()
    assert (ours.tokens[:, 0, 0] == 1).all()


@pytest.mark.parametrize(
    "fields", [{"num_beams": 0}, {"alpha": -1.0}, {"noise": -0.5}, {"ends": "some"}, {"num_answers": 5}]
)
def test_numbers_out_of_range_are_refused(fields):
    with pytest.raises(ConfigError, match=f"BeamSearch.{next(iter(fields))}: got"):
        BeamSearch(**fields)
