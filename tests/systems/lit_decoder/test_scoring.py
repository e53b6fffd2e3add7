import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.core import ConfigError
from motet.systems.lit_decoder.scoring import NameTrie, score_names

EOS = 1
NAMES = [[2], [2, 3], [2, 3, 4], [5, 3], [5, 3], [6, 6, 6, 6], [2, 4], [8]]
PREFIXES, LENGTHS = torch.tensor([[3, 2, 0], [4, 0, 0], [5, 2, 6], [7, 7, 0], [0, 0, 0], [3, 2, 0]]), [2, 1, 3, 2, 0, 2]


def one_by_one(model, names):
    """Each name and row by itself, token after token."""
    scores = torch.zeros(6, len(names))
    for row in range(6):
        for index, name in enumerate(names):
            forced = [0, *PREFIXES[row, : LENGTHS[row]].tolist()]
            features, _ = model.read(model.start([row]), torch.tensor([[*forced, *name]]))
            log_probs = model.logits(features[0, len(forced) - 1 :]).log_softmax(-1)
            scores[row, index] = log_probs[range(len(name) + 1), [*name, EOS]].sum()
    return scores


def test_scores_are_those_of_one_pass_per_name(model):
    ours = score_names(model, model.start(), PREFIXES, torch.tensor(LENGTHS), NAMES)
    torch.testing.assert_close(ours, one_by_one(model, NAMES), atol=1e-5, rtol=0)


@settings(max_examples=20, deadline=None)
@given(names=st.lists(st.lists(st.integers(2, 8), min_size=1, max_size=4), min_size=1, max_size=12))
def test_any_names_are_scored_as_one_by_one(history_model, names):
    model = history_model
    ours = score_names(model, model.start(), PREFIXES, torch.tensor(LENGTHS), names)
    torch.testing.assert_close(ours, one_by_one(model, names), atol=1e-5, rtol=0)


@pytest.mark.parametrize("max_rows", [1, 7, 20])
def test_scores_do_not_depend_on_how_much_is_done_at_once(model, max_rows, monkeypatch):
    whole = score_names(model, model.start(), PREFIXES, torch.tensor(LENGTHS), NAMES)
    monkeypatch.setattr("motet.systems.lit_decoder.scoring._LOGITS_AT_ONCE", 1)
    monkeypatch.setattr("motet.systems.lit_decoder.scoring._FEWEST_AT_ONCE", 3)
    pieces = score_names(model, model.start(), PREFIXES, torch.tensor(LENGTHS), NAMES, max_rows=max_rows)
    torch.testing.assert_close(whole, pieces, atol=1e-5, rtol=0)


def test_all_answers_together_have_a_probability_of_at_most_1(model):
    words = [word for word in range(9) if word != EOS]
    names = [[a, b] for a in words for b in words] + [[a] for a in words]
    scores = score_names(model, model.start(), PREFIXES, torch.tensor(LENGTHS), names)
    assert (scores.exp().sum(1) <= 1).all()
    assert (scores.exp().sum(1) > 0.01).all()


def test_every_distinct_beginning_is_read_once(model):
    before = model.rows_read
    score_names(model, model.start(), PREFIXES, torch.tensor(LENGTHS), NAMES)
    beginnings = {tuple(name[:length]) for name in NAMES for length in range(1, len(name) + 1)}
    assert model.rows_read - before == 6 * (1 + PREFIXES.shape[1]) + 6 * len(beginnings)


def test_a_trie_counts_its_beginnings():
    trie = NameTrie.of(NAMES)
    assert trie.num_names == 8
    assert [level.num_nodes for level in trie.levels] == [1, 4, 4, 2, 1]
    assert (trie.num_nodes, trie.widest) == (12, 4)


def test_no_names_no_scores(model):
    assert score_names(model, model.start(), PREFIXES, torch.tensor(LENGTHS), []).shape == (6, 0)


def test_a_name_without_tokens_is_refused():
    with pytest.raises(ConfigError, match="got no tokens for name 1"):
        NameTrie.of([[3], []])
