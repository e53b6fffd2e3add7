"""Decoding with the decoder that ships: its kept keys and values give what whole passes give."""

import pytest
import torch
from history_model import generated

from motet.nn.generate import BeamSearch, Greedy
from motet.systems.lit_decoder.decoder import Pieces, TextDecoder
from motet.systems.lit_decoder.scoring import score_names

WORDS, WIDTH, LENGTH, ROWS = 17, 16, 20, 5
PREFIXES = torch.tensor([[3, 2, 0, 0], [4, 0, 0, 0], [5, 2, 6, 7], [0, 0, 0, 0], [17, 18, 8, 0]])
LENGTHS = torch.tensor([2, 1, 4, 0, 3])
NAMES = [[2], [2, 3], [2, 3, 4], [5, 3], [16, 16, 9], [16, 16, 10]]


@pytest.fixture(params=["shared places", "places by task"])
def decoder(request):
    torch.manual_seed(0)
    tables = ("a", "b") if request.param == "places by task" else ()
    pieces = Pieces(WORDS, {"prompts": 2}, WORDS, WIDTH)
    built = TextDecoder(pieces, WIDTH, 2, 2, 32, memory_width=6, max_tokens=LENGTH, position_tables=tables).eval()
    with torch.no_grad():
        # The output kernel starts at zero; after training it has words to prefer.
        pieces.kernel.normal_(std=0.5)
        pieces.bias[0] = -10.0
    return built


def start(decoder, rows):
    memory = torch.randn(ROWS, 7, 6, generator=torch.Generator().manual_seed(1))[rows]
    tables = torch.tensor([0, 1, 1, 0, 0])[rows] if len(decoder.task_positions) else None
    with torch.no_grad():
        return decoder.start(memory, tables)


def log_probs(decoder, row, tokens):
    """Of each next token after the start and these, in one pass without anything kept."""
    with torch.no_grad():
        features, _ = decoder.read(start(decoder, [row]), torch.tensor([[0, *tokens]]))
        return decoder.logits(features)[0].log_softmax(-1)


def forced(row):
    return PREFIXES[row, : LENGTHS[row]].tolist()


@pytest.mark.parametrize("strategy", [Greedy(), BeamSearch(num_beams=3), BeamSearch(num_beams=2, noise=1.0)], ids=repr)
def test_steps_with_kept_keys_give_what_one_pass_gives(decoder, strategy):
    draw = torch.Generator().manual_seed(0)
    ours = generated(decoder, start(decoder, range(ROWS)), PREFIXES, LENGTHS, strategy, 9, draw)
    for row in range(ROWS):
        for place in range(ours.tokens.shape[1]):
            tokens = [token for token in ours.tokens[row, place].tolist() if token != 0]
            if not tokens:  # fewer answers than beams have ended
                assert ours.log_probs[row, place] == float("-inf")
                continue
            found = log_probs(decoder, row, [*forced(row), *tokens])[len(forced(row)) :]
            total = sum(float(found[step, token]) for step, token in enumerate(tokens))
            assert ours.log_probs[row, place] == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("strategy", [Greedy(), BeamSearch(num_beams=3)], ids=repr)
def test_an_answer_does_not_depend_on_its_batch_mates(decoder, strategy):
    together = generated(decoder, start(decoder, range(ROWS)), PREFIXES, LENGTHS, strategy, LENGTH - LENGTHS)
    for row in range(ROWS):
        alone = generated(
            decoder, start(decoder, [row]), PREFIXES[[row]], LENGTHS[[row]], strategy, LENGTH - LENGTHS[[row]]
        )
        assert together.best()[row] == alone.best()[0]
        torch.testing.assert_close(together.log_probs[row], alone.log_probs[0], atol=1e-4, rtol=0)


def test_an_answer_may_fill_every_place(decoder):
    with torch.no_grad():
        decoder.pieces.bias[1] = -30.0
    ours = generated(decoder, start(decoder, range(ROWS)), PREFIXES, LENGTHS, BeamSearch(num_beams=2), LENGTH - LENGTHS)
    assert (ours.tokens[:, 0] != 0).sum(-1).tolist() == (LENGTH - LENGTHS).tolist()
    assert not ours.finished.any()


def test_scores_of_names_are_those_of_one_pass_a_name(decoder):
    ours = score_names(decoder, start(decoder, range(ROWS)), PREFIXES, LENGTHS, NAMES)
    for row in range(ROWS):
        for index, name in enumerate(NAMES):
            found = log_probs(decoder, row, [*forced(row), *name])[len(forced(row)) :]
            total = sum(float(found[step, token]) for step, token in enumerate([*name, 1]))
            assert ours[row, index] == pytest.approx(total, abs=1e-5)


def test_an_image_is_kept_once_however_many_beams_read_it(decoder):
    state = start(decoder, range(ROWS))
    branched = state.reorder(torch.zeros(ROWS, 6, dtype=torch.long))
    assert all(a is b for a, b in zip(state.memory, branched.memory, strict=True))
