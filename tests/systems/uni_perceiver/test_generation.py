"""Generation of texts: step by step as in one pass, and its limits."""

from dataclasses import dataclass, replace

import pytest
import torch
from toy_uni_perceiver import BLOCKS

from motet.core import Text
from motet.preprocess.tokenizers import EOS, PAD


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_a_text_has_the_same_probability_step_by_step_and_in_one_pass(make, rows, batch, blocks) -> None:
    system = make("caption", "open", blocks=blocks).eval()
    # Questions of two lengths: padding of the shorter one must not change its answer.
    found = batch(system, [rows(0), rows(1, text="what")])
    words = torch.tensor([[5, 9, 12], [7, 5, 30]])
    for name, target in found.targets.items():
        task = system.tasks[name]
        generator = system.generator
        with torch.no_grad():
            inputs = generator.inputs.of_task(task, found, target)
            sequences = generator.inputs.with_text(task, inputs, words)
            whole = generator.word_log_probs(task, system.encoder(sequences).states[:, -3:])
            state, last = generator.start(inputs), None
            for place in range(3):
                log_probs, state = generator.step(task, state, last)
                assert torch.allclose(log_probs, whole[:, place], atol=1e-4)
                last = words[:, place] - EOS


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
            states = system.encoder(generator.inputs.with_text(task, inputs, ids)).states[:, -ids.shape[1] :]
            log_probs = generator.word_log_probs(task, states).gather(2, (ids - EOS)[..., None])[row]
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


def test_padding_of_target_texts_is_no_word(make, rows, batch) -> None:
    system = make("caption").eval()
    task, found = system.tasks["caption"], batch(system, [rows(0), rows(1)])
    ids = found.targets["caption"].value["text_ids"]
    states, _, words = system.generator.states(task, found, found.targets["caption"])
    assert len(states) == len(words) == int((ids != PAD).sum()) < ids.numel()
    assert words[-1] == EOS
