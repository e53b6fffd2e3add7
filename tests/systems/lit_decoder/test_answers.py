"""Predictions from a decoder whose answers are known."""

import pytest
import torch

from motet.core import ConfigError, Label, Task, Text
from motet.metrics import Accuracy
from motet.nn.generate import Greedy
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.lit_decoder.answers import TaskPrompts, answer
from motet.systems.lit_decoder.decoder import TextDecoder, TokenEmbeddings
from motet.systems.lit_decoder.decoding import Scoring
from motet.systems.lit_decoder.options import ByTask, ClassTokens
from motet.systems.lit_decoder.sequence import Sequences


def task(target, category="") -> Task:
    return Task(name="t", inputs=frozenset({"image"}), label="x", target=target, metrics=(Accuracy,), category=category)


LABEL = task(Label(("red", "blue", "green")))


def system(of, favourite):
    """A decoder that always generates one token, then the end."""
    tokenizer = TrainedTokenizer(size=260).build(["red", "blue"])
    sequences = Sequences(
        tokenizer, [of], ByTask(), ClassTokens(), separator=True, question_separator=True, max_tokens=12, answer_room=4
    )
    blocks = {name: len(names) for name, names in sequences.blocks.items()}
    pieces = TokenEmbeddings(sequences.tokenizer.num_text_ids, blocks, sequences.num_answers, 8)
    decoder = TextDecoder(pieces, 8, 1, 2, 16, memory_width=4, max_tokens=12).eval()
    token = sequences.answer(of, favourite)[0]
    with torch.no_grad():
        pieces.bias[1] = 5.0
        biases = torch.cat([pieces.bias, *pieces.special_bias.values()])
        biases[token] = 6.0
        pieces.bias.copy_(biases[: len(pieces.bias)])
        for bias in pieces.special_bias.values():
            bias.copy_(biases[len(pieces.bias) :][: len(bias)])
    return decoder, sequences


def predicted(of, favourite, decoding, rows=2):
    decoder, sequences = system(of, favourite)
    prefix = sequences.prefix(of, "")
    prompts = TaskPrompts(
        of, torch.tensor([prefix] * rows), torch.full((rows,), len(prefix)), torch.full((rows,), len(prefix))
    )
    with torch.no_grad():
        state = decoder.start(torch.zeros(rows, 3, 4))
        return answer(decoder, state, sequences, prompts, decoding, 0, {})


def test_scoring_predicts_the_likeliest_name_with_the_scores_of_all() -> None:
    for favourite in LABEL.target.names:
        found = predicted(LABEL, favourite, Scoring())
        assert [prediction.name for prediction in found] == [favourite] * 2
        assert max(found[0].scores) == found[0].scores[LABEL.target.names.index(favourite)]


def test_generated_class_tokens_read_as_names() -> None:
    first, _ = predicted(LABEL, "blue", Greedy())
    assert first.text.split()[0] == "blue"


def test_scoring_needs_names() -> None:
    with pytest.raises(ConfigError, match="task 't': Scoring: got Text without names"):
        predicted(task(Text(9)), "red", Scoring())
