"""Losses and predictions by kind of answer, on states that need no model."""

import numpy as np
import pytest
import torch

from motet.core import Answer, Label, Region, Target, Task, UnsupportedTask
from motet.metrics import Accuracy
from motet.systems.unit import UniTConfig
from motet.systems.unit.answers import (
    ClassAnswers,
    RegionAnswers,
    _likely_attributes,
    build_answers,
    build_head,
    reads_cls_only,
)
from motet.systems.unit.heads import BoxMlp

SAME = torch.nn.Identity()


def task(target) -> Task:
    inputs = frozenset({"image", "text"})
    return Task(name="t", inputs=inputs, label="x", target=target, metrics=(Accuracy,))


def test_the_loss_of_every_layer_is_the_sum_of_the_layers() -> None:
    states, target = torch.randn(3, 2, 4, 5), Target(torch.arange(2), {"label": torch.tensor([1, 4])})
    losses = {
        every: ClassAnswers(task(Label(tuple("abcde"))), SAME, UniTConfig(every_layer=every)).losses(states, target)[0]
        for every in (False, True)
    }
    single = [torch.nn.functional.cross_entropy(layer[:, 0], torch.tensor([1, 4]), reduction="sum") for layer in states]
    torch.testing.assert_close(losses[True].total, sum(single))
    torch.testing.assert_close(losses[False].total, single[-1])


def test_scores_of_a_label_are_a_softmax_and_of_a_binary_answer_are_not() -> None:
    states, target = torch.randn(1, 2, 1, 3), Target(torch.arange(2), {})
    sums = {}
    for spec in (Label(("a", "b", "c")), Answer(("a", "b", "c"))):
        predictions = ClassAnswers(task(spec), SAME, UniTConfig()).predict(states, target)
        sums[type(spec)] = np.exp([p.scores for p in predictions]).sum(1)
        assert [p.name for p in predictions] == ["abc"[i] for i in states[0, :, 0].argmax(-1).tolist()]
    assert sums[Label] == pytest.approx([1, 1])
    assert sums[Answer] != pytest.approx([1, 1], abs=1e-3)


def test_a_phrase_without_referent_has_no_loss_and_an_exact_box_a_loss_of_zero() -> None:
    boxes = torch.tensor([[0.5, 0.5, 0.2, 0.4], [0.1, 0.2, 0.1, 0.1]])
    value = {"valid": torch.tensor([[True], [False]]), "boxes": boxes[:1].repeat(2, 1)[:, None]}
    loss, terms = RegionAnswers(SAME, UniTConfig()).losses(boxes[None, :, None], Target(torch.arange(2), value))
    assert (float(loss.total), float(loss.weight), terms) == (pytest.approx(0, abs=1e-6), 1, {})


def test_attributes_half_as_likely_as_the_best_are_predicted() -> None:
    assert _likely_attributes(torch.tensor([[0.4, 0.2, 0.19], [0.1, 0.8, 0.1]])) == ((0, 1), (1,))


def test_only_labels_attend_to_cls_alone_unless_configured() -> None:
    assert reads_cls_only(task(Label(("a", "b"))), UniTConfig())
    assert not reads_cls_only(task(Region()), UniTConfig())


def test_a_head_of_another_kind_is_refused() -> None:
    assert isinstance(build_head(task(Region()), UniTConfig(width=8)), BoxMlp)
    with pytest.raises(UnsupportedTask, match="want a target and the head built for it"):
        build_answers(task(Label(("a", "b"))), BoxMlp(8), UniTConfig())
