"""Each supported target has its own losses and predictions."""

from types import SimpleNamespace

import pytest
import torch

from motet.core import Answer, Label, Masked, Match, Region, Task
from motet.metrics import Accuracy
from motet.systems.twelve_in_one import TwelveInOneConfig
from motet.systems.twelve_in_one import answers as kinds
from motet.systems.twelve_in_one.build_answers import build_answers
from motet.systems.twelve_in_one.masked_answers import MaskedRegionAnswers, MaskedWordAnswers

BODY = SimpleNamespace(dropout=torch.nn.Identity(), words=SimpleNamespace(words=torch.nn.Embedding(5, 4)))


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (Match("regions"), kinds.PointingAnswers),
        (Match("texts"), kinds.MatchAnswers),
        (Match("images", "split"), kinds.MatchAnswers),
        (Region(), kinds.ReferringAnswers),
        (Masked("words"), MaskedWordAnswers),
        (Masked("regions"), MaskedRegionAnswers),
        (Label(("a", "b")), kinds.FusedClassAnswers),
        (Answer(("a", "b")), kinds.FusedClassAnswers),
    ],
)
def test_the_kind_follows_the_target(target, kind) -> None:
    task = Task(name="t", inputs=frozenset({"image"}), label="x", target=target, metrics=(Accuracy,))
    config = TwelveInOneConfig(binary=("t",) if isinstance(target, Label) else ())
    found = build_answers(task, config, torch.nn.Identity(), BODY, SimpleNamespace(decode=str))
    assert type(found) is kind
    if kind is kinds.FusedClassAnswers:
        assert found.binary is isinstance(target, Label)
