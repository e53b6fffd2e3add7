"""The decoding of each task: chosen or the paper's."""

import pytest

from motet.core import Answer, ConfigError, Label, Task, Text
from motet.metrics import Accuracy
from motet.nn.generate import BeamSearch, Greedy, Sampling
from motet.systems.lit_decoder.decoding import (
    Scoring,
    answer_names,
    decoding_by_task,
    default_decoding,
    names_to_score,
)


def task(name, target, category="") -> Task:
    return Task(
        name=name, inputs=frozenset({"image"}), label="x", target=target, metrics=(Accuracy,), category=category
    )


PET, CAPTION, VQA = task("pet", Label(("cat", "dog"))), task("caption", Text(9)), task("vqa", Answer())


def test_what_is_not_chosen_is_the_papers() -> None:
    assert decoding_by_task({}, [PET, CAPTION, VQA]) == {"pet": Greedy(), "caption": BeamSearch(), "vqa": Greedy()}
    assert default_decoding(task("read", Answer(), "ocr")) == BeamSearch(num_beams=4, alpha=0.1)
    chosen = decoding_by_task({"pet": Scoring(), "vqa": Sampling(top_k=3)}, [PET, CAPTION, VQA])
    assert chosen == {"pet": Scoring(), "caption": BeamSearch(), "vqa": Sampling(top_k=3)}


def test_names_that_are_no_task_and_scoring_without_names_are_errors() -> None:
    with pytest.raises(ConfigError, match=r"decoding: got \['pets'\]; want tasks whose answer is generated: pet, vqa"):
        decoding_by_task({"pets": Greedy()}, [PET, VQA])
    with pytest.raises(ConfigError, match="task 'vqa': Scoring: got Answer without names"):
        decoding_by_task({"vqa": Scoring()}, [PET, VQA])


def test_only_closed_tasks_have_names() -> None:
    assert answer_names(PET) == names_to_score(PET) == ("cat", "dog")
    assert answer_names(VQA) == answer_names(CAPTION) == ()
