"""Decoding strategies against the official code's answers, on a table of logits in place of a model."""

import json
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from golden_files import check_all_read, vectors
from history_model import generated
from torch import Tensor

from motet.nn.generate import BeamSearch, Greedy, Sampling, SpecialIds, stochastic_beam_search
from motet.nn.generate.hypotheses import Hypotheses
from motet.nn.generate.sampling import truncated_logits

GOLDEN, T5X, STOCHASTIC = vectors("s1_decoding"), vectors("s1_t5x_prompted_beam"), vectors("s1_stochastic_beam")
EOS = 1


@dataclass(frozen=True)
class TableState:
    """The position of each image, and its number of rows."""

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
def model():
    return TableModel(vectors("s1_decode_table").tensor("table"))


def answer(model, strategy, prompts, *, generator=None):
    """The answers after the forced tokens of each row, which zeros follow, in as many places as `prompts` has."""
    prompts = torch.from_numpy(np.asarray(prompts)).long()
    lengths = (prompts != 0).sum(dim=1)
    prefixes = prompts[:, : int(lengths.max())]
    return generated(model, model.start(), prefixes, lengths, strategy, prompts.shape[1] - lengths, generator), lengths


def until_end(tokens):
    """Tokens up to the end, without what the official code writes after it."""
    tokens = [int(token) for token in tokens]
    return tokens[: tokens.index(EOS) + 1] if EOS in tokens else tokens


def without_padding(tokens):
    return [int(token) for token in tokens if token != 0]


@pytest.mark.parametrize("kind", ["prompt", "noprompt"])
def test_greedy_answers_and_log_probabilities_are_the_official_ones(model, kind):
    ours, skips = answer(model, Greedy(), GOLDEN[f"greedy_{kind}_prompts"])
    log_probs = GOLDEN[f"greedy_{kind}_logprobs"][:, 0]
    # The official score adds the prompt's log-probabilities, and those of the padding behind the end.
    np.testing.assert_allclose(log_probs.sum(-1), GOLDEN[f"greedy_{kind}_scores"][:, 0], rtol=1e-5)
    for row, skip in enumerate(skips.tolist()):
        want = until_end(GOLDEN[f"greedy_{kind}_sequences"][row, 0, skip:])
        assert without_padding(ours.tokens[row, 0]) == want
        log_prob = log_probs[row, skip : skip + len(want)].sum()
        assert ours.log_probs[row, 0] == pytest.approx(float(log_prob), abs=1e-4)
        assert bool(ours.finished[row, 0]) == (EOS in want)


@pytest.mark.parametrize(("beams", "alpha"), GOLDEN.found(r"wmtbeam(\d+)_a(.+)_sequences"))
def test_beams_are_those_of_the_flax_example(model, beams, alpha):
    sequences, scores = GOLDEN[f"wmtbeam{beams}_a{alpha}_sequences"], GOLDEN[f"wmtbeam{beams}_a{alpha}_scores"]
    nothing = np.zeros_like(sequences[:, 0, 1:])
    ours, skips = answer(model, BeamSearch(num_beams=int(beams), alpha=float(alpha)), nothing)
    same_answers(ours, sequences[..., 1:], scores, skips)


@pytest.mark.parametrize(("beams", "alpha", "kind"), T5X.found(r"beam(\d+)_a(.+)_(prompt|noprompt)_sequences"))
def test_prompted_beams_are_those_of_t5x(model, beams, alpha, kind):
    prompts = T5X["prompts"] * (kind == "prompt")
    strategy = BeamSearch(num_beams=int(beams), alpha=float(alpha), count_prompt_in_length=True)
    ours, skips = answer(model, strategy, prompts)
    key = f"beam{beams}_a{alpha}_{kind}"
    same_answers(ours, T5X[f"{key}_sequences"], T5X[f"{key}_scores"], skips)


def same_answers(ours, sequences, scores, skips):
    """The official lists have the best answer last, and scores of about -1e7 in empty places."""
    for row, skip in enumerate(skips.tolist()):
        for place, (sequence, score) in enumerate(zip(sequences[row][::-1], scores[row][::-1], strict=True)):
            if score > -1e6:
                assert without_padding(ours.tokens[row, place]) == without_padding(sequence[skip:])
                # Answers that have not ended are returned with their plain log-probability there.
                evaluated = ours.scores if ours.finished[row, place] else ours.log_probs
                assert evaluated[row, place] == pytest.approx(float(score), abs=1e-4)
            else:
                assert ours.scores[row, place] == float("-inf")
                assert not ours.finished[row, place]


@pytest.mark.parametrize("beams", [beams for (beams,) in GOLDEN.found(r"bvbeam(\d+)_sequences")])
def test_beams_without_length_normalisation_are_those_of_paligemma(model, beams):
    sequences = GOLDEN[f"bvbeam{beams}_sequences"]
    strategy = BeamSearch(num_beams=int(beams), alpha=0.0, ends="every")
    ours, _ = answer(model, strategy, np.zeros_like(sequences))
    for row, score in enumerate(GOLDEN[f"bvbeam{beams}_score"]):
        assert without_padding(ours.tokens[row, 0]) == without_padding(sequences[row])
        assert ours.scores[row, 0] == pytest.approx(float(score), abs=1e-4)


@pytest.mark.parametrize("alpha", [alpha for (alpha,) in GOLDEN.found(r"brevity_penalty_a(.+)")])
def test_the_length_penalty_is_the_official_one(alpha):
    want = GOLDEN[f"brevity_penalty_a{alpha}"]
    ours = BeamSearch(alpha=float(alpha)).penalty(torch.arange(1, len(want) + 1))
    np.testing.assert_allclose(ours, want, rtol=1e-6)


@pytest.mark.parametrize("name", [name for (name,) in GOLDEN.found(r"sample_(.+)_freq")])
def test_tokens_are_drawn_as_often_as_by_uvim(name):
    settings = json.loads(str(GOLDEN[f"sample_{name}_args"]))
    logits = GOLDEN.tensor("sample_logits")
    drawn_from = truncated_logits(logits, Sampling(**settings, nucleus_first="top_p" in settings)).softmax(-1)
    frequencies = GOLDEN.tensor(f"sample_{name}_freq")
    assert (drawn_from - frequencies).abs().max() < 0.02
    assert not frequencies[drawn_from == 0].any()
    assert (frequencies[drawn_from > 2e-3] > 0).all()
    # What is said of a drawn token is its probability before any change; "not a number" where it was never drawn.
    log_probs = GOLDEN.tensor(f"sample_{name}_logprob_per_token")
    drawn = log_probs.isfinite()
    assert torch.equal(drawn, frequencies > 0)
    torch.testing.assert_close(logits.log_softmax(-1)[drawn].double(), log_probs[drawn], atol=1e-5, rtol=0)


def test_the_order_of_temperature_and_nucleus_matters():
    """Two tokens are enough without the temperature, not with it; so the comparison above can tell the orders apart."""
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    first, last = (
        truncated_logits(logits, Sampling(temperature=2.0, top_p=0.75, nucleus_first=f)) for f in (True, False)
    )
    assert int(first.isfinite().sum()) == 2
    assert int(last.isfinite().sum()) == 3


def test_draws_from_the_likeliest_are_among_them(model):
    """Both the official draws and ours: each token is one of the k likeliest, with its plain log-probability."""
    table = model.table.log_softmax(-1)
    for (k,) in GOLDEN.found(r"topk(\d+)_multi_sequences"):
        sequences, log_probs = GOLDEN[f"topk{k}_multi_sequences"], GOLDEN[f"topk{k}_multi_logprobs"]
        prompts = GOLDEN["greedy_prompt_prompts"]
        skips = (prompts != 0).sum(axis=1)
        np.testing.assert_allclose(log_probs.sum(-1), GOLDEN[f"topk{k}_multi_scores"], rtol=1e-5)
        strategy = Sampling(top_k=int(k), num_samples=sequences.shape[1])
        ours, _ = answer(model, strategy, prompts, generator=torch.Generator().manual_seed(0))
        for row, skip in enumerate(skips):
            for place in range(sequences.shape[1]):
                begin, theirs = prompts[row, :skip].tolist(), until_end(sequences[row, place, skip:])
                of_place = log_probs[row, place, skip : skip + len(theirs)]
                for tokens, total in (
                    (theirs, of_place.sum()),
                    (without_padding(ours.tokens[row, place]), ours.log_probs[row, place]),
                ):
                    history, wanted = [0, *begin, *tokens], 0.0
                    for step in range(skip, skip + len(tokens)):
                        token = history[step + 1]
                        assert token in table[row, step, history[step]].topk(int(k)).indices
                        wanted += float(table[row, step, history[step], token])
                    assert float(total) == pytest.approx(wanted, abs=1e-3)


def test_conditional_gumbels_are_the_official_ones():
    gumbel = -torch.log(-torch.log(STOCHASTIC.tensor("gwm/uniform")))
    tops = STOCHASTIC.tensor("gwm/T")
    ours = stochastic_beam_search.conditional_gumbel(STOCHASTIC.tensor("gwm/phi"), gumbel, tops)
    torch.testing.assert_close(ours, STOCHASTIC.tensor("gwm/out"), atol=1e-5, rtol=0)
    assert torch.equal(ours.argmax(-1), STOCHASTIC.tensor("gwm/argmax"))
    torch.testing.assert_close(ours.max(-1).values, tops, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("stochastic", "temperature"), STOCHASTIC.found(r"step_stoch(True|False)_t(.+)/0/lprobs"))
def test_every_step_of_a_stochastic_beam_search_is_the_official_one(monkeypatch, stochastic, temperature):
    """The step that ships, with their random numbers; without noise it is that of a plain beam search."""
    key = f"step_stoch{stochastic}_t{temperature}"
    noise = 1.0 if stochastic == "True" else 0.0
    before: dict = {}
    for step in range(STOCHASTIC.count(rf"{re.escape(key)}/(\d+)/lprobs")):
        theirs = STOCHASTIC.under(f"{key}/{step}/")
        items, beams, words = theirs["lprobs"].shape
        beams = beams if step else 1
        ids = SpecialIds(eos=words, pad=words + 1)
        log_probs = (theirs["lprobs"][:, :beams] / float(temperature)).log_softmax(-1)
        live = Hypotheses.empty(items, beams, step + 1, ids, torch.device("cpu"))
        live.log_probs.copy_(before["log_ps_t"][:, :beams] if step else torch.zeros(items, 1))
        gumbels = before["scores"][:, :beams] if step else torch.zeros(items, 1)
        drawn = -torch.log(-torch.log(theirs["uniform"])) if noise else torch.zeros_like(log_probs)
        monkeypatch.setattr(stochastic_beam_search, "_gumbel", lambda phi, _, drawn=drawn: drawn.view(phi.shape))
        parents, grown, _ = stochastic_beam_search._grow(
            live, gumbels, log_probs, step, theirs["scores"].shape[1], noise, ids, torch.Generator()
        )
        tokens = grown.tokens[..., step]
        torch.testing.assert_close(grown.scores, theirs["scores"], atol=1e-5, rtol=0)
        torch.testing.assert_close(grown.log_probs, theirs["log_ps_t"], atol=1e-5, rtol=0)
        assert torch.equal(parents, theirs["beams"])
        assert torch.equal(tokens, theirs["indices"])
        # Their second sum is of the probabilities without the temperature.
        plain = theirs["lprobs"][torch.arange(items)[:, None], parents, tokens]
        if step:
            plain = plain + before["log_ps"].gather(1, parents)
        torch.testing.assert_close(plain, theirs["log_ps"], atol=1e-5, rtol=0)
        before = theirs


def test_every_array_is_read(request):
    check_all_read(request, "s1_decoding", "s1_decode_table", "s1_t5x_prompted_beam", "s1_stochastic_beam")
