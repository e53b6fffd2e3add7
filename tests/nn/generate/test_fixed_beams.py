"""Beam search with fixed places against the official loop written out."""

import pytest
import torch
from table_model import TableModel

from motet.core import ConfigError
from motet.nn.generate import BeamSearch, FixedBeams, fixed_beam_search, generate
from motet.nn.generate.step import SpecialIds

IDS = SpecialIds()


def official(table: torch.Tensor, beams: int, limit: int, penalty: float) -> list[tuple[float, list[int]]]:
    """`caption_beam_searcher_v3.py` on one item: a table of log-probabilities of a token by place and token before.

    All words have a place in one list of candidates; an ended beam offers its end alone, at its own log-probability.
    """
    kept = [(0.0, [], False)]
    for step in range(limit):
        candidates = []
        for total, tokens, ended in kept:
            if ended:
                candidates.append((total, tokens, True))
                continue
            row = table[step, tokens[-1] if tokens else IDS.pad].log_softmax(-1).tolist()
            candidates += [(total + p, [*tokens, w], w == IDS.eos) for w, p in enumerate(row) if w != IDS.pad]
        kept = sorted(candidates, key=lambda one: -one[0])[:beams]
    scored = [(total / (len([t for t in tokens if t != IDS.eos]) + 1) ** penalty, tokens) for total, tokens, _ in kept]
    return sorted(scored, key=lambda one: -one[0])


@pytest.mark.parametrize("beams", [1, 2, 4])
@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_answers_are_the_official_ones_on_random_tables(beams: int, penalty: float) -> None:
    limit, tables = 6, torch.randn(60, 6, 7, 7, generator=torch.Generator().manual_seed(beams)) * 2
    tables[..., IDS.pad] = -torch.inf
    model = TableModel(tables)
    state, logits = model.start()
    found = fixed_beam_search(
        model, state, logits, torch.full((60,), limit), IDS, FixedBeams(num_beams=beams, length_penalty=penalty)
    )
    for item, table in enumerate(tables):
        for place, (score, tokens) in enumerate(official(table, beams, limit, penalty)):
            assert [t for t in found.tokens[item, place].tolist() if t] == tokens
            assert found.scores[item, place] == pytest.approx(score, abs=1e-4)


def test_ends_that_keep_their_places_make_a_difference() -> None:
    """Else the test above could not tell this search from one whose ends make room."""
    tables = torch.randn(300, 6, 7, 7, generator=torch.Generator().manual_seed(0)) * 2
    tables[..., IDS.pad] = -torch.inf
    model = TableModel(tables)
    fixed = fixed_beam_search(model, *model.start(), torch.full((300,), 6), IDS, FixedBeams())
    other = generate(model, *model.start(), BeamSearch(num_beams=2, alpha=0.0, ends="beams", num_answers=1), 6)
    differ = (fixed.tokens[:, 0] != other.tokens[:, 0]).any(-1).float().mean()
    assert 0.01 < differ < 0.3


def test_each_item_has_its_own_limit_and_leaves_when_its_beams_have_ended() -> None:
    tables = torch.randn(20, 8, 7, 7, generator=torch.Generator().manual_seed(3)) * 2
    tables[..., IDS.pad] = -torch.inf
    limits = torch.tensor([2, 8] * 10)
    model = TableModel(tables)
    together = fixed_beam_search(model, *model.start(), limits, IDS, FixedBeams())
    for item, limit in enumerate(limits.tolist()):
        one = TableModel(tables[item : item + 1])
        alone = fixed_beam_search(one, *one.start(), torch.tensor([limit]), IDS, FixedBeams())
        assert torch.equal(together.tokens[item, :, :limit], alone.tokens[0])
        torch.testing.assert_close(together.log_probs[item], alone.log_probs[0])
    sure = torch.full((2, 8, 7, 7), -9.0)
    sure[..., IDS.eos] = 9.0
    model = TableModel(sure)
    fixed_beam_search(model, *model.start(), torch.tensor([8, 8]), IDS, FixedBeams(num_beams=1))
    assert model.steps == 0


def test_more_beams_than_words_leave_places_empty() -> None:
    tables = torch.zeros(1, 1, 4, 4)
    model = TableModel(tables)
    found = fixed_beam_search(model, *model.start(), torch.tensor([1]), IDS, FixedBeams(num_beams=9))
    assert found.log_probs.isfinite().sum() == 3
    assert (found.tokens[0, 3:] == IDS.pad).all()


@pytest.mark.parametrize("fields", [{"num_beams": 0}, {"length_penalty": -1.0}])
def test_numbers_out_of_range_are_refused(fields: dict) -> None:
    with pytest.raises(ConfigError, match=f"FixedBeams.{next(iter(fields))}: got"):
        FixedBeams(**fields)
