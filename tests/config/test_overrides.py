"""``--set``: a changed copy, or one sentence with the nearest name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from toys import toy_run

from motet.config.overrides import with_settings
from motet.core import ConfigError
from motet.training.balancers import BALANCERS, CRMOGM, IMTLG, STCH, Balancer, CAGrad, TaskMean, UPGrad, Weighted
from motet.training.config import TrainConfig
from motet.training.lr_schedules import Constant
from motet.training.optim import Adafactor, AdamW


@dataclass(frozen=True)
class Part:
    name: str
    share: float = 1.0


@dataclass(frozen=True)
class Whole:
    train: TrainConfig = field(default_factory=lambda: TrainConfig(steps=100))
    parts: tuple[Part, ...] = (Part("scenes/vqa"), Part("v2.photos"))
    weights: Mapping[str, float] = field(default_factory=lambda: {"vqa": 1.0, "a.b": 2.0})
    inner: Part | None = None


@pytest.mark.parametrize(
    ("setting", "read", "value"),
    [
        ("train.steps=50", lambda w: w.train.steps, 50),
        ("train.lr = 3e-4", lambda w: w.train.lr, 3e-4),
        ("train.grad_clip=none", lambda w: w.train.grad_clip, None),
        ("train.optimizer.betas=0.9,0.95", lambda w: w.train.optimizer.betas, (0.9, 0.95)),
        ("train.optimizer=Adafactor()", lambda w: w.train.optimizer, Adafactor()),
        ("train.lr_schedule=Constant", lambda w: type(w.train.lr_schedule), Constant),
        ("parts.0.share=2", lambda w: w.parts[0].share, 2.0),
        ("parts.scenes/vqa.share=2", lambda w: w.parts[0].share, 2.0),
        ("parts.v2.photos.share=0.5", lambda w: w.parts[1].share, 0.5),
        ("parts.0=Part(other)", lambda w: w.parts[0], Part("other")),
        ("weights.vqa=3", lambda w: w.weights, {"vqa": 3.0, "a.b": 2.0}),
        ("weights.a.b=3", lambda w: w.weights["a.b"], 3.0),
        ("weights={'x': 1}", lambda w: w.weights, {"x": 1.0}),
        ("inner=Part(name=me)", lambda w: w.inner, Part("me")),
    ],
)
def test_one_field_changes_and_the_rest_stays(setting, read, value):
    before = Whole()
    changed = with_settings(before, [setting])
    assert read(changed) == value
    assert before == Whole()


def test_later_settings_win():
    assert with_settings(Whole(), ["train.steps=1", "train.steps=2"]).train.steps == 2
    assert with_settings(Whole(), ["train.optimizer=AdamW(eps=1e-6)"]).train.optimizer == AdamW(eps=1e-6)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.stesp=50", "--set train.stesp=50: got no field 'stesp' in TrainConfig; did you mean 'steps'?"),
        ("train.steps", "--set train.steps: got no name and '='; want name.of.field=value"),
        ("train.steps=many", "--set train.steps=many: got 'many'; want a whole number"),
        ("train.steps=-1", "--set train.steps=-1: TrainConfig.steps: got -1; want at least 0"),
        ("train.steps.x=1", "got 'x' inside a whole number"),
        ("parts.scenes/vqs.share=2", "got no part 'scenes/vqs'; did you mean 'scenes/vqa'?"),
        ("weights.vqq=1", "got no key 'vqq'; did you mean 'vqa'?"),
        ("train.optimizer=AdamX()", "got 'AdamX'; did you mean 'AdamW'?"),
        ("train.optimizer.betas=1", "want 2 values"),
        ("train=3", "want one of TrainConfig(...)"),
    ],
)
def test_what_does_not_fit_is_one_sentence(setting, message):
    with pytest.raises(ConfigError) as error:
        with_settings(Whole(), [setting])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_field_of_a_part_is_suggested():
    run = toy_run()
    with pytest.raises(ConfigError, match=r"got no field 'on_bad_row' in Run; did you mean 'train.on_bad_row'\?"):
        with_settings(run, ["on_bad_row=skip"])


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("upgrad", UPGrad()),
        ("CAGrad(c=0.2)", CAGrad(c=0.2)),
        ("task_mean", TaskMean()),
        ("crmogm(method=imtlg, alpha=0.5)", CRMOGM(IMTLG(), alpha=0.5)),
        ("STCH(preference={'task_a': 2})", STCH(preference={"task_a": 2.0})),
        ("Weighted({'task_a': 2})", Weighted({"task_a": 2.0})),
    ],
)
def test_every_balancer_has_a_name_on_the_command_line(text: str, want: Balancer) -> None:
    assert with_settings(toy_run(), [f"balancer={text}"]).balancer == want


@pytest.mark.parametrize("name", BALANCERS)
def test_a_balancer_is_named_by_its_class_in_any_case(name: str) -> None:
    given = f"{name.lower()}({{'task_a': 1}})" if name == "Weighted" else name.lower()
    assert type(with_settings(toy_run(), [f"balancer={given}"]).balancer) is BALANCERS[name]


def test_a_balancer_that_is_none_and_a_part_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match=r"--set balancer=adam: got 'adam'; known: AlignedMTL, "):
        with_settings(toy_run(), ["balancer=adam"])
    with pytest.raises(ConfigError, match=r"DWA.window: got 0; want 1 or more updates"):
        with_settings(toy_run(), ["balancer=dwa(window=0)"])
