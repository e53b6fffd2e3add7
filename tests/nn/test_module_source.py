"""The origin of a module of one's own: named by a saved model, or handed in again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import own_modules
import pytest
import torch
from torch import nn

from motet.core import CheckpointError, ConfigError
from motet.core.codec import from_json, to_json
from motet.nn.module_source import ModuleSource, built_modules, sources_in, with_modules
from motet.training.saved_names import saved_names


@dataclass(frozen=True)
class Config:
    """A configuration that holds one somewhere."""

    inner: Any
    by_name: dict[str, Any] = field(default_factory=dict)


def test_a_builder_is_stored_by_its_name_and_gets_what_it_asks_for() -> None:
    source = ModuleSource.of(own_modules.build_convolution, {"width": 4}, where="here")
    assert to_json(source)["builder"] == {"reference": "own_modules:build_convolution"}
    weights = [source.build("here", pretrained=given, tasks={}).conv.weight for given in (True, False)]  # type: ignore[union-attr]
    assert torch.equal(weights[0], torch.full_like(weights[0], 0.01))
    assert not torch.equal(weights[1], weights[0])
    assert weights[0].shape[0] == 4


def test_what_the_run_gives_does_not_let_a_restored_model_fetch_weights() -> None:
    source = ModuleSource.of(own_modules.build_convolution, {"pretrained": True}, where="here")
    built = source.build("here", pretrained=False)
    assert not torch.equal(built.conv.weight, torch.full_like(built.conv.weight, 0.01))  # type: ignore[arg-type, union-attr]


def test_a_built_module_is_copied_each_time_and_is_not_stored() -> None:
    module = nn.Linear(2, 2)
    source = ModuleSource.of(module, {}, where="here")
    first, second = source.build("here"), source.build("here")
    assert first is not module
    assert first is not second
    data = to_json(Config(source))
    assert "module" not in data["inner"]
    assert data["inner"]["name"] == "Linear"


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("resnet50", "got the text 'resnet50'; want an nn.Module, or a class or function"),
        (3, "got a int; want an nn.Module"),
        (dict, "got a type; want an nn.Module"),
        (lambda: nn.Linear(1, 1), "got .*<lambda>, which no saved model can name; want a function of a module's top"),
    ],
    ids=["text", "number", "class", "lambda"],
)
def test_anything_else_is_refused_in_one_line(module: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^here: {message}"):
        ModuleSource.of(module, {}, where="here")


def test_a_saved_model_cannot_have_parts_of_motet_called() -> None:
    data = to_json(ModuleSource.of(own_modules.build_convolution, {"name": "x"}, where="here"))
    data["builder"] = {"reference": "motet.losses.answers:cross_entropy"}
    with pytest.raises(ConfigError, match=r"builder: got motet.losses.answers.cross_entropy, a part of motet; want a"):
        from_json(data, saved_names())


def test_a_built_module_takes_no_arguments() -> None:
    with pytest.raises(ConfigError, match=r"got a built module with arguments \['width'\]; want none"):
        ModuleSource.of(nn.Linear(1, 1), {"width": 3}, where="here")


def no_module() -> int:
    """No builder."""
    return 3


def test_a_builder_that_fails_or_builds_nothing_is_named() -> None:
    with pytest.raises(ConfigError, match=r"here: no_module: got a int; want an nn.Module"):
        ModuleSource.of(no_module, {}, where="here").build("here")
    with pytest.raises(ConfigError, match=r"here: Convolution: got TypeError: .*depth"):
        ModuleSource.of(own_modules.Convolution, {"depth": 3}, where="here").build("here")


def test_a_built_module_that_is_missing_says_how_to_hand_it_in() -> None:
    source = replace(ModuleSource.of(nn.Linear(2, 2), {}, name="mine", where="here"), module=None)
    with pytest.raises(CheckpointError, match=r"want it again: motet.load\(folder, parts=\{'mine': module\}\)"):
        source.build("here")


def test_modules_are_handed_in_by_name_wherever_they_are() -> None:
    module = nn.Linear(2, 2)
    empty = replace(ModuleSource.of(module, {}, name="mine", where="here"), module=None)
    filled = with_modules(Config(Config(empty)), {"mine": module})
    assert built_modules(filled) == {"mine": module}
    assert list(sources_in(Config(None, {"a": filled}))) == list(sources_in(filled))
    assert built_modules(with_modules(Config(empty), {"mine": filled})) == {"mine": module}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"yours": nn.Linear(2, 2)}, "parts: got 'yours'; want 'mine'"),
        ({"mine": 3}, "parts: 'mine': got a int; want an nn.Module"),
        ({"mine": nn.Linear(2, 3)}, "parts: 'mine': got a Linear of other layers or shapes"),
    ],
    ids=["name", "kind", "structure"],
)
def test_a_part_that_does_not_fit_is_refused(parts: dict[str, Any], message: str) -> None:
    empty = replace(ModuleSource.of(nn.Linear(2, 2), {}, name="mine", where="here"), module=None)
    with pytest.raises(CheckpointError, match=message):
        with_modules(Config(empty), parts)
