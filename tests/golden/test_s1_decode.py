"""Decoding strategies against the official code's answers, on a table of logits in place of a model."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from history_model import generated
from torch import Tensor

from motet.nn.generate import BeamSearch, Greedy, Sampling
from motet.nn.generate.sampling import truncated_logits
from motet.nn.generate.stochastic_beam_search import conditional_gumbel

HERE = Path(__file__).parent
EOS, ROWS, LENGTH = 1, 5, 8
PROMPT = 2


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(HERE / "s1_decode.npz"))


@dataclass(frozen=True)
class TableState:
    """Where each image stands, and how many rows it has."""

    images: Tensor
    lengths: Tensor
    num_rows: int = 1

    def truncate(self, lengths):
        return replace(self, lengths=lengths)

    def select(self, images):
        return replace(self, images=self.images[images], lengths=self.lengths[images])

    def reorder(self, parents):
        return replace(self, num_rows=parents.shape[1])


@dataclass(frozen=True)
class TableModel:
    """The next token's logits depend on the image, the place and the token before."""

    table: Tensor

    def start(self):
        return TableState(torch.arange(len(self.table)), torch.zeros(len(self.table), dtype=torch.long))

    def read(self, state, tokens):
        images = state.images.repeat_interleave(state.num_rows)
        places = state.lengths.repeat_interleave(state.num_rows)[:, None] + torch.arange(tokens.shape[1])
        features = self.table[images[:, None], places.clamp(max=self.table.shape[1] - 1), tokens]
        return features, replace(state, lengths=state.lengths + tokens.shape[1])

    def prefill(self, state, prompts, lengths):
        features, state = self.read(state, torch.nn.functional.pad(prompts, (1, 0)))
        return features[torch.arange(len(lengths)), lengths], state.truncate(lengths + 1)

    def step(self, state, tokens):
        features, state = self.read(state, tokens[:, None])
        return features[:, -1].clone(), state

    def logits(self, features):
        return features.clone()


@pytest.fixture(scope="module")
def model(golden):
    return TableModel(torch.from_numpy(golden["table"]))


def answer(model, strategy, *, prompted, generator=None):
    """The answers after nothing, or after the two forced tokens of each row, in LENGTH places altogether."""
    prefixes = torch.tensor([[3 + row, 2] for row in range(ROWS)]) if prompted else torch.zeros(ROWS, 0).long()
    lengths = torch.full((ROWS,), prefixes.shape[1])
    limit = LENGTH - prefixes.shape[1]
    return generated(model, model.start(), prefixes, lengths, strategy, limit, generator)


def until_end(tokens):
    """Tokens up to the end, without what the official code writes after it."""
    tokens = [int(token) for token in tokens]
    return tokens[: tokens.index(EOS) + 1] if EOS in tokens else tokens


def without_padding(tokens):
    return [int(token) for token in tokens if token != 0]


@pytest.mark.parametrize("prompted", [False, True])
def test_greedy_answers_and_log_probabilities_are_the_official_ones(golden, model, prompted):
    ours = answer(model, Greedy(), prompted=prompted)
    kind, skip = ("prompt", PROMPT) if prompted else ("noprompt", 0)
    for row in range(ROWS):
        want = until_end(golden[f"greedy_{kind}_sequences"][row, 0, skip:])
        assert without_padding(ours.tokens[row, 0]) == want
        # The official sums go on after the end; ours stop there.
        log_prob = golden[f"greedy_{kind}_logprobs"][row, 0, skip : skip + len(want)].sum()
        assert ours.log_probs[row, 0] == pytest.approx(float(log_prob), abs=1e-4)
        assert bool(ours.finished[row, 0]) == (EOS in want)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize("beams", [1, 2, 4])
def test_beams_are_those_of_the_flax_example(golden, model, beams, alpha):
    ours = answer(model, BeamSearch(num_beams=beams, alpha=alpha), prompted=False)
    sequences, scores = golden[f"wmtbeam{beams}_a{alpha}_sequences"], golden[f"wmtbeam{beams}_a{alpha}_scores"]
    same_answers(ours, sequences[..., 1:], scores)


@pytest.mark.parametrize("prompted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("beams", [1, 2, 4])
def test_prompted_beams_are_those_of_t5x(golden, model, beams, alpha, prompted):
    ours = answer(model, BeamSearch(num_beams=beams, alpha=alpha, count_prompt_in_length=True), prompted=prompted)
    key = f"t5x_beam{beams}_a{alpha}_{'prompt' if prompted else 'noprompt'}"
    same_answers(ours, golden[f"{key}_sequences"][..., PROMPT if prompted else 0 :], golden[f"{key}_scores"])


def same_answers(ours, sequences, scores):
    """The official lists have the best answer last, and scores of about -1e7 in empty places."""
    for row in range(ROWS):
        for place, (sequence, score) in enumerate(zip(sequences[row][::-1], scores[row][::-1], strict=True)):
            if score > -1e6:
                assert without_padding(ours.tokens[row, place]) == without_padding(sequence)
                # Answers that have not ended are returned with their plain log-probability there.
                evaluated = ours.scores if ours.finished[row, place] else ours.log_probs
                assert evaluated[row, place] == pytest.approx(float(score), abs=1e-4)
            else:
                assert ours.scores[row, place] == float("-inf")
                assert not ours.finished[row, place]


@pytest.mark.parametrize("beams", [1, 2, 4])
def test_beams_without_length_normalisation_are_those_of_paligemma(golden, model, beams):
    ours = answer(model, BeamSearch(num_beams=beams, alpha=0.0, ends="every"), prompted=False)
    for row in range(ROWS):
        assert without_padding(ours.tokens[row, 0]) == without_padding(golden[f"bvbeam{beams}_sequences"][row])
        assert ours.scores[row, 0] == pytest.approx(float(golden[f"bvbeam{beams}_score"][row]), abs=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.6, 1.0])
def test_the_length_penalty_is_the_official_one(golden, alpha):
    ours = BeamSearch(alpha=alpha).penalty(torch.arange(1, 65))
    np.testing.assert_allclose(ours, golden[f"brevity_penalty_a{alpha}"], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("temp1", Sampling()),
        ("temp05", Sampling(temperature=0.5)),
        ("temp2", Sampling(temperature=2.0)),
        ("topk3", Sampling(top_k=3)),
        ("topk3_t05", Sampling(temperature=0.5, top_k=3)),
        ("topp05", Sampling(top_p=0.5)),
        ("topp08", Sampling(top_p=0.8)),
        ("topp08_t05", Sampling(temperature=0.5, top_p=0.8, nucleus_first=True)),
        ("topp095_t2", Sampling(temperature=2.0, top_p=0.95, nucleus_first=True)),
    ],
)
def test_tokens_are_drawn_as_often_as_by_uvim(golden, name, sample):
    drawn_from = truncated_logits(torch.from_numpy(golden["sample_logits"]), sample).softmax(-1)
    frequencies = torch.from_numpy(golden[f"sample_{name}_freq"])
    assert (drawn_from - frequencies).abs().max() < 0.02
    assert not frequencies[drawn_from == 0].any()
    assert (frequencies[drawn_from > 2e-3] > 0).all()


def test_the_order_of_temperature_and_nucleus_matters(golden):
    """The official order keeps other tokens here, so the comparison above can tell them apart."""
    logits = torch.from_numpy(golden["sample_logits"])
    first, last = (
        truncated_logits(logits, Sampling(temperature=2.0, top_p=0.95, nucleus_first=f)) for f in (True, False)
    )
    assert int(first.isfinite().sum()) == 3
    assert int(last.isfinite().sum()) > 3


def test_draws_from_the_five_likeliest_are_among_them(golden, model):
    table = model.table.log_softmax(-1)
    ours = answer(model, Sampling(top_k=5, num_samples=4), prompted=False, generator=torch.Generator().manual_seed(0))
    for row in range(ROWS):
        for place in range(4):
            before, total = 0, 0.0
            for step, token in enumerate(without_padding(ours.tokens[row, place])):
                assert token in table[row, step, before].topk(5).indices
                total, before = total + float(table[row, step, before, token]), token
            assert ours.log_probs[row, place] == pytest.approx(total, abs=1e-4)


@pytest.fixture(scope="module")
def stochastic():
    return {key: torch.from_numpy(value) for key, value in np.load(HERE / "s1_stochastic_beam.npz").items()}


def test_conditional_gumbels_are_the_official_ones(stochastic):
    gumbel = -torch.log(-torch.log(stochastic["gwm/uniform"]))
    ours = conditional_gumbel(stochastic["gwm/phi"], gumbel, stochastic["gwm/T"])
    torch.testing.assert_close(ours, stochastic["gwm/out"], atol=1e-5, rtol=0)
    assert torch.equal(ours.argmax(-1), stochastic["gwm/argmax"])
    torch.testing.assert_close(ours.max(-1).values, stochastic["gwm/T"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_a_step_of_stochastic_beam_search_is_the_official_one(stochastic, temperature):
    key, beams, words = f"step_stochTrue_t{temperature}", 3, 7
    step = {name: stochastic[f"{key}/0/{name}"] for name in ("log_ps_t", "scores")}
    log_probs = (stochastic[f"{key}/1/lprobs"] / temperature).log_softmax(-1)
    phi = step["log_ps_t"][:, :beams, None] + log_probs
    gumbel = -torch.log(-torch.log(stochastic[f"{key}/1/uniform"]))
    perturbed = conditional_gumbel(phi, gumbel, step["scores"][:, :beams])
    scores, places = perturbed.flatten(1).topk(2 * beams)
    torch.testing.assert_close(scores, stochastic[f"{key}/1/scores"], atol=1e-5, rtol=0)
    assert torch.equal(places // words, stochastic[f"{key}/1/beams"])
    assert torch.equal(places % words, stochastic[f"{key}/1/indices"])
