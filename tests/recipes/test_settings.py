"""``--set``: a changed copy, or one sentence with the nearest name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from motet.core import ConfigError
from motet.recipes.settings import with_settings
from motet.train.optim import Adafactor, AdamW
from motet.train.plan import Plan
from motet.train.rates import Constant


@dataclass(frozen=True)
class Part:
    name: str
    share: float = 1.0


@dataclass(frozen=True)
class Whole:
    plan: Plan = field(default_factory=lambda: Plan(steps=100))
    parts: tuple[Part, ...] = (Part("scenes/vqa"), Part("v2.photos"))
    weights: Mapping[str, float] = field(default_factory=lambda: {"vqa": 1.0, "a.b": 2.0})
    inner: Part | None = None


@pytest.mark.parametrize(
    ("setting", "read", "value"),
    [
        ("plan.steps=50", lambda w: w.plan.steps, 50),
        ("plan.lr = 3e-4", lambda w: w.plan.lr, 3e-4),
        ("plan.clip=none", lambda w: w.plan.clip, None),
        ("plan.optimizer.betas=0.9,0.95", lambda w: w.plan.optimizer.betas, (0.9, 0.95)),
        ("plan.optimizer=Adafactor()", lambda w: w.plan.optimizer, Adafactor()),
        ("plan.rate=Constant", lambda w: type(w.plan.rate), Constant),
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
    assert with_settings(Whole(), ["plan.steps=1", "plan.steps=2"]).plan.steps == 2
    assert with_settings(Whole(), ["plan.optimizer=AdamW(eps=1e-6)"]).plan.optimizer == AdamW(eps=1e-6)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("plan.stesp=50", "--set plan.stesp=50: got no field 'stesp' in Plan; did you mean 'steps'?"),
        ("plan.steps", "--set plan.steps: got no '='; want name.of.field=value"),
        ("plan.steps=many", "--set plan.steps=many: got 'many'; want a whole number"),
        ("plan.steps=-1", "--set plan.steps=-1: Plan.steps: got -1; want at least 0"),
        ("plan.steps.x=1", "got 'x' inside a whole number"),
        ("parts.scenes/vqs.share=2", "got no part 'scenes/vqs'; did you mean 'scenes/vqa'?"),
        ("weights.vqq=1", "got no key 'vqq'; did you mean 'vqa'?"),
        ("plan.optimizer=Adamw()", "got 'Adamw'; did you mean 'AdamW'?"),
        ("plan.optimizer.betas=1", "want 2 values"),
        ("plan=3", "want one of Plan(...)"),
    ],
)
def test_what_does_not_fit_is_one_sentence(setting, message):
    with pytest.raises(ConfigError) as error:
        with_settings(Whole(), [setting])
    assert message in str(error.value)
    assert "\n" not in str(error.value)
