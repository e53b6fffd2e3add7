import pytest
import torch

from motet.core import ConfigError
from motet.systems.lit_decoder.beam import Beam, likeliest
from motet.systems.lit_decoder.decode import generate


def plain_beam_search(model, row, beam, limit):
    """Beam search as it is told: lists, one image, every log-probability by a whole pass."""

    def next_log_probs(tokens):
        features, _ = model.read(model.start([row]), torch.tensor([[0, *tokens]]))
        return model.logits(features[0, -1]).log_softmax(-1).tolist()

    live, ended = [(0.0, ())], []
    for _ in range(limit):
        grown = [(total + p, (*tokens, w)) for total, tokens in live for w, p in enumerate(next_log_probs(tokens)) if w]
        ends = [child for child in grown if child[1][-1] == 1]
        if beam.ends == "every":
            grown = [child for child in grown if child[1][-1] != 1]
        grown = sorted(grown, reverse=True)[: 2 * beam.beams]
        considered = grown if beam.ends == "best" else grown[: beam.beams]
        ended += ends if beam.ends == "every" else [child for child in considered if child[1][-1] == 1]
        ended = sorted(ended, key=lambda child: -child[0] / ((5 + len(child[1])) / 6) ** beam.alpha)[: beam.beams]
        live = [child for child in grown if child[1][-1] != 1][: beam.beams]
    return ended or live


@pytest.mark.parametrize("ends", ["best", "beams", "every"])
@pytest.mark.parametrize("alpha", [0.0, 0.8])
def test_answers_are_those_of_a_plain_beam_search(model, ends, alpha):
    model.bias[1] = 0.0
    nothing, lengths = torch.zeros(6, 0, dtype=torch.long), torch.zeros(6, dtype=torch.long)
    beam = Beam(beams=2, alpha=alpha, ends=ends)
    ours = generate(model, model.start(), nothing, lengths, beam, 6)
    for row in range(6):
        for place, (total, tokens) in enumerate(plain_beam_search(model, row, beam, 6)):
            assert tuple(token for token in ours.tokens[row, place].tolist() if token) == tokens
            assert ours.log_probs[row, place] == pytest.approx(total, abs=1e-4)


def test_which_ends_are_considered_makes_a_difference(model):
    """Else the test above could not tell the three apart."""
    model.bias[1] = 0.0
    nothing, lengths = torch.zeros(6, 0, dtype=torch.long), torch.zeros(6, dtype=torch.long)
    found = [
        generate(model, model.start(), nothing, lengths, Beam(beams=2, alpha=0.0, ends=ends), 6).tokens.tolist()
        for ends in ("best", "beams", "every")
    ]
    assert found[0] != found[1] != found[2] != found[0]


@pytest.mark.parametrize(("words", "k"), [(5, 2), (64, 1), (130, 1), (640, 4), (1000, 4), (1023, 7)])
def test_the_likeliest_are_found_wherever_they_stand(words, k):
    draw = torch.Generator().manual_seed(words)
    logits = torch.randn(200, words, generator=draw)
    logits[:50, -words % 64 :] += 3.0
    logits[50:60] = float("-inf")
    values, places = likeliest(logits, k)
    assert torch.equal(values, logits.topk(k).values)
    assert torch.equal(logits.gather(1, places), values)
    assert all(len(row.unique()) == k for row in places)


def test_length_normalisation_prefers_longer_answers(model):
    nothing, lengths = torch.zeros(6, 0, dtype=torch.long), torch.zeros(6, dtype=torch.long)
    short, long = (generate(model, model.start(), nothing, lengths, Beam(beams=6, alpha=a), 8) for a in (0.0, 3.0))
    count = [(answers.tokens[:, 0] != 0).sum() for answers in (short, long)]
    assert count[0] < count[1]


def test_the_prompt_counts_in_the_length_when_asked(model):
    prefixes, lengths = torch.tensor([[3, 4, 5, 6]] * 6), torch.full((6,), 4)
    for counts, extra in ((False, 0), (True, 4)):
        beam = Beam(beams=2, alpha=0.7, count_prompt_in_length=counts)
        ours = generate(model, model.start(), prefixes, lengths, beam, 8)
        length = (ours.tokens != 0).sum(-1) + extra
        torch.testing.assert_close(ours.scores, ours.log_probs / ((5 + length) / 6) ** 0.7, atol=1e-5, rtol=0)


def test_a_vocabulary_smaller_than_the_beams_leaves_places_empty(model):
    nothing, lengths = torch.zeros(6, 0, dtype=torch.long), torch.zeros(6, dtype=torch.long)
    ours = generate(model, model.start(), nothing, lengths, Beam(beams=20), 1)
    assert (ours.log_probs.isfinite().sum(1) == 1).all()
    assert (ours.tokens[:, 0, 0] == 1).all()


@pytest.mark.parametrize("fields", [{"beams": 0}, {"alpha": -1.0}, {"noise": -0.5}, {"ends": "some"}])
def test_numbers_out_of_range_are_refused(fields):
    with pytest.raises(ConfigError, match=f"Beam.{next(iter(fields))}: got"):
        Beam(**fields)
