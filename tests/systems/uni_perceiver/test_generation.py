"""Generation of texts: step by step as in one pass, and its limits."""

from dataclasses import dataclass, replace

import pytest
import torch
from toy_uni_perceiver import BLOCKS

from motet.core import Text
from motet.metrics import WordAccuracy
from motet.preprocess.tokenizers import EOS, PAD


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_a_text_has_the_same_probability_step_by_step_and_in_one_pass(make, rows, batch, blocks) -> None:
    system = make("caption", "open", blocks=blocks).eval()
    # Questions of two lengths: padding of the shorter one must not change its answer.
    found = batch(system, [rows(0), rows(1, text="what")])
    words = torch.tensor([[5, 9, 12], [7, 5, 30]])
    for name, target in found.targets.items():
        task = system.tasks[name]
        model, inputs = system.generator.step_model(task), system.generator.inputs
        with torch.no_grad():
            prefix = inputs.of_task(task, found, target)
            states = system.encoder(inputs.with_text(task, prefix, words)).states[:, -3:]
            whole = system.generator.vocabulary.scores(task, states)
            logits, state = model.start(prefix)
            for place in range(3):
                assert torch.allclose(logits[:, EOS:], whole[:, place], atol=1e-4)
                assert bool((logits[:, :EOS] == -torch.inf).all())
                logits, state = model.step(state, words[:, place])


def test_a_state_is_reordered_and_selected_by_input(make, rows, batch) -> None:
    system = make("caption").eval()
    task, found = system.tasks["caption"], batch(system, [rows(0), rows(1)])
    model = system.generator.step_model(task)
    with torch.no_grad():
        prefix = system.generator.inputs.of_task(task, found, found.targets["caption"])
        _, state = model.start(prefix)
        beams = state.reorder(torch.zeros(2, 3, dtype=torch.long))
        tokens = torch.tensor([5, 9, 12, 7, 5, 30])
        after, beams = model.step(beams, tokens)
        # Row 2 of input 0 and row 1 of input 1, which continue alone as they do among others.
        chosen = beams.reorder(torch.tensor([[2], [1]]))
        alone = model.step(state, torch.tensor([12, 5]))[1]
        next_tokens = torch.tensor([8, 4])
        assert torch.allclose(model.step(chosen, next_tokens)[0], model.step(alone, next_tokens)[0], atol=1e-4)
        (second,) = beams.select(torch.tensor([1])).position.unique()
        assert beams.select(torch.tensor([1])).num_rows == 3
        assert int(second) == 2
        assert len(after) == 6


@dataclass(frozen=True)
class Ids:
    """A tokeniser whose texts are ids."""

    def decode(self, ids) -> str:
        return " ".join(map(str, ids))


def test_a_generated_text_has_the_probability_of_its_words(make, rows, batch) -> None:
    system = make("caption").eval()
    task, found = system.tasks["caption"], batch(system, [rows(0), rows(1)])
    generator = replace(system.generator, tokenizer=Ids(), max_tokens=4)
    long = replace(task, target=Text(16))
    with torch.inference_mode():
        predictions = generator.predict(long, found, found.targets["caption"])
        inputs = generator.inputs.of_task(task, found, found.targets["caption"])
        for row, prediction in enumerate(predictions):
            ids = torch.tensor([[int(word) for word in prediction.text.split()]]).expand(2, -1)
            states = system.encoder(generator.inputs.with_text(task, inputs, ids)).states[row, -ids.shape[1] :]
            log_probs = generator.vocabulary.scores(task, states).log_softmax(-1).gather(1, (ids[row] - EOS)[:, None])
            assert prediction.log_prob == pytest.approx(float(log_probs.sum()), abs=1e-3)


def test_a_text_is_cut_at_the_words_of_its_task(make, rows, batch) -> None:
    system = make("caption").eval()
    task, found = system.tasks["caption"], batch(system, [rows(0)])
    generator = replace(system.generator, tokenizer=Ids())
    with torch.inference_mode():
        (whole,) = generator.predict(task, found, found.targets["caption"])
        (cut,) = generator.predict(replace(task, target=Text(2)), found, found.targets["caption"])
    assert len(whole.text.split()) == 8, "the toy's texts must be longer than two words"
    assert cut.text.split() == whole.text.split()[:2]
    assert cut.log_prob == whole.log_prob


@torch.no_grad()
def test_words_of_a_caption_are_scored_each_from_those_before_where_a_metric_reads_them(make, rows, batch) -> None:
    system = make("caption").eval()
    task, found = system.tasks["caption"], batch(system, [rows(0), rows(1)])
    target = found.targets["caption"]
    assert [prediction.words for prediction in system.generator.predict(task, found, target)] == [None, None]
    asked = replace(task, metrics=(WordAccuracy,))
    predicted = system.generator.predict(asked, found, target)
    loss, _ = system.generator.loss(task, found, target)
    assert sum(prediction.words.count for prediction in predicted) == float(loss.weight)
    assert -sum(prediction.words.log_prob for prediction in predicted) == pytest.approx(float(loss.total), rel=1e-5)
    without = target.value | {"text_ids": torch.zeros_like(target.value["text_ids"])}
    unknown = system.generator.predict(asked, found, replace(target, value=without))
    assert [prediction.words for prediction in unknown] == [None, None]


def test_padding_of_target_texts_is_no_word(make, rows, batch) -> None:
    system = make("caption").eval()
    task, found = system.tasks["caption"], batch(system, [rows(0), rows(1)])
    ids = found.targets["caption"].value["text_ids"]
    states, _, words = system.generator.states(task, found, found.targets["caption"])
    assert len(states) == len(words) == int((ids != PAD).sum()) < ids.numel()
    assert words[-1] == EOS
