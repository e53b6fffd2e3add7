import pytest
import torch

from motet.core import ConfigError
from motet.systems.lit_decoder.beam import Beam
from motet.systems.lit_decoder.decode import generate


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
