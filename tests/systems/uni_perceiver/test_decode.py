"""Beam search over a table of next words, against all texts there are."""

import itertools
from dataclasses import dataclass

import pytest
import torch

from motet.systems.uni_perceiver import GenerationConfig
from motet.systems.uni_perceiver.decode import beam_search

WORDS, LENGTH = 4, 4


@dataclass(frozen=True)
class Table:
    """Rows of tables of next words by place and last word."""

    row: torch.Tensor
    place: int

    def rows(self, index):
        return Table(self.row[index], self.place)


@pytest.fixture(scope="module")
def table():
    found = torch.randn(3, LENGTH, WORDS, WORDS, generator=torch.Generator().manual_seed(2)) * 2
    return found.log_softmax(-1)


def search(table, saying):
    def step(state, last):
        words = torch.zeros(len(state.row), dtype=torch.long) if last is None else last
        return table[state.row, state.place, words], Table(state.row, state.place + 1)

    return beam_search(
        step, Table(torch.arange(3), 0), 3, length=LENGTH, end=0, saying=saying, device=torch.device("cpu")
    )


def log_prob(table, row, words):
    last, total = 0, 0.0
    for place, word in enumerate(words):
        total += float(table[row, place, last, word])
        last = word
    return total


@pytest.mark.parametrize("alpha", [0.0, 1.5])
def test_enough_beams_find_the_best_text_that_ends(table, alpha) -> None:
    every = [(*words, 0) for n in range(LENGTH) for words in itertools.product(range(1, WORDS), repeat=n)]
    found = search(table, GenerationConfig(beams=64, alpha=alpha))
    for row in range(3):
        scores = {words: log_prob(table, row, words) / ((5 + len(words)) / 6) ** alpha for words in every}
        assert found.words[row] == max(scores, key=scores.get)
        assert found.log_probs[row] == pytest.approx(log_prob(table, row, found.words[row]), abs=1e-5)


def test_one_beam_takes_the_likeliest_word_each_time(table) -> None:
    found = search(table, GenerationConfig(beams=1))
    for row in range(3):
        last, words = 0, []
        for place in range(LENGTH):
            last = int(table[row, place, last].argmax())
            words.append(last)
            if last == 0:
                break
        assert found.words[row] == tuple(words)


def test_a_text_that_never_ends_is_cut(table) -> None:
    endless = table.clone()
    endless[..., 0] = -torch.inf
    assert all(len(words) == LENGTH for words in search(endless, GenerationConfig(beams=2)).words)
