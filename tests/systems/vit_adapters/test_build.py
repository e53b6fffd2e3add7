"""Adapters from their configuration: saved ones fetch nothing, and no texts are ever read."""

import pytest
from toy_vit_adapters import CONFIG, task

from motet.systems.vit_adapters import build as module
from motet.systems.vit_adapters.build import build_vit_adapters
from motet.systems.vit_adapters.model import ViTAdapters


def no_texts():
    raise AssertionError("texts were read")


@pytest.mark.parametrize(("assets", "fetch"), [(None, True), ({}, False)])
def test_pretrained_weights_are_fetched_for_a_new_model_only(monkeypatch, assets, fetch: bool) -> None:
    calls = []
    monkeypatch.setattr(module, "ViTAdapters", lambda config, tasks, *, fetch: calls.append((config, tasks, fetch)))
    tasks = [task("depth")]
    build_vit_adapters(CONFIG, tasks, texts=no_texts, assets=assets)
    assert calls == [(CONFIG, tasks, fetch)]


def test_a_saved_model_has_the_same_weights_by_name() -> None:
    first = build_vit_adapters(CONFIG, [task("depth"), task("segment")], texts=no_texts)
    again = build_vit_adapters(CONFIG, [task("depth"), task("segment")], texts=no_texts, assets=first.assets())
    assert isinstance(again, ViTAdapters)
    again.load_state_dict(first.state_dict())  # strict
    assert list(again.tasks) == ["depth", "segment"]
