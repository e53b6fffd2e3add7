import itertools

import torch
from history_model import unprompted

from motet.nn.generate import BeamSearch, Greedy

EOS = 1


def draw(model, beam, seed, limit=8):
    return unprompted(model, beam, limit, torch.Generator().manual_seed(seed))


def test_the_answers_of_a_row_are_all_different(model):
    for seed in range(20):
        answers = draw(model, BeamSearch(num_beams=4, noise=1.0), seed)
        for row in range(6):
            assert len(answers.tokens[row].unique(dim=0)) == 4


def test_another_seed_draws_others(model):
    first, second = (draw(model, BeamSearch(num_beams=4, noise=1.0), seed) for seed in (0, 1))
    assert not torch.equal(first.tokens, second.tokens)


def test_one_beam_draws_from_the_model(model):
    """With one beam it is ordinary sampling: frequencies of whole answers are their probabilities."""
    model.bias[EOS] = 3.0
    count = 3000
    draws = torch.Generator().manual_seed(5)
    drawn = unprompted(model, BeamSearch(num_beams=1, noise=1.0), 3, draws, images=[2] * count)
    rows, counts = drawn.tokens[:, 0].unique(dim=0, return_counts=True)
    for row, number in zip(rows, counts, strict=True):
        places = (drawn.tokens[:, 0] == row).all(-1).nonzero()[:, 0]
        assert abs(float(number) / count - float(drawn.log_probs[places[0], 0].exp())) < 0.03


def test_draws_without_replacement_include_each_answer_as_often_as_they_should(model):
    """Two answers of one token each, drawn without replacement: the chances are those of Plackett and Luce."""
    features, _ = model.read(model.start([0]), torch.zeros(1, 1, dtype=torch.long))
    p = model.logits(features[0, 0])
    p[0] = float("-inf")
    p = p.softmax(-1)
    count = 4000
    draws = torch.Generator().manual_seed(1)
    drawn = unprompted(model, BeamSearch(num_beams=2, noise=1.0), 1, draws, images=[0] * count)
    found = torch.bincount(drawn.tokens.flatten(), minlength=9) / count
    for word in range(1, 9):
        wanted = float(p[word]) + sum(
            float(p[other] * p[word] / (1 - p[other])) for other in range(1, 9) if other != word
        )
        assert abs(float(found[word]) - wanted) < 0.03


def test_hardly_any_noise_finds_the_likeliest(model):
    likeliest = unprompted(model, BeamSearch(num_beams=40, alpha=0.0), 3)
    nearly = draw(model, BeamSearch(num_beams=40, alpha=0.0, noise=1e-6), 0, limit=3)
    for row in range(6):
        assert torch.equal(likeliest.tokens[row, 0], nearly.tokens[row, 0])


def test_more_beams_than_answers_give_every_answer_once(model):
    answers = draw(model, BeamSearch(num_beams=12, noise=1.0), 0, limit=1)
    for row, _ in itertools.product(range(6), range(1)):
        real = answers.tokens[row, answers.log_probs[row].isfinite(), 0].tolist()
        assert sorted(real) == list(range(1, 9))


def test_a_single_answer_is_found_by_any_strategy(model):
    model.bias[EOS] = 30.0
    assert draw(model, BeamSearch(num_beams=1, noise=1.0), 0).best() == [[]] * 6
    assert unprompted(model, Greedy(), 8).best() == [[]] * 6
