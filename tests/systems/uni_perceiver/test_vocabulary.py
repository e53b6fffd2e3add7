"""The vocabulary: scores of words and their loss."""

import torch
from torch.nn import functional as F

from motet.preprocess.tokenizers import EOS
from motet.systems.uni_perceiver import LossConfig


def test_the_loss_is_the_cross_entropy_of_the_scores(make) -> None:
    system = make("masked").eval()
    vocabulary, task = system.masked_words.vocabulary, system.tasks["masked"]
    states, ids = torch.randn(5, 16), torch.tensor([4, 9, 4, 1, 30])
    with torch.no_grad():
        scores = vocabulary.scores(task, states)
        loss = vocabulary.loss(task, states, ids)
    assert scores.shape == (5, system.text_inputs.num_words)
    assert torch.allclose(loss.total, F.cross_entropy(scores, ids - EOS, reduction="sum"), atol=1e-4)
    assert float(loss.weight) == 5


def test_a_sample_of_the_vocabulary_has_a_smaller_loss_in_training_alone(make) -> None:
    # A model without experts has no noise in training.
    whole, sampled = (make("masked", blocks=None, loss=LossConfig(sampled_words=n)) for n in (None, 20))
    states, ids = torch.randn(3, 16), torch.tensor([4, 9, 30])

    def losses(*, training: bool) -> list[float]:
        systems = [system.train(training) for system in (whole, sampled)]
        found = [s.masked_words.vocabulary.loss(s.tasks["masked"], states, ids).total for s in systems]
        return [float(loss.detach()) for loss in found]

    first, second = losses(training=False)
    assert first == second
    first, second = losses(training=True)
    assert second < first
