"""The table of which system takes which published weights."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from motet.core import ConfigError
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import Release
from motet.systems import SYSTEMS
from motet.systems.published import FILLERS, fill_published
from motet.systems.vit_adapters.config import ViTAdaptersConfig
from motet.systems.vlm.config import VlmConfig


def test_every_system_but_two_takes_published_weights() -> None:
    assert set(SYSTEMS) - set(FILLERS) == {ViTAdaptersConfig, VlmConfig}


def test_a_system_without_published_weights_says_which_have_them() -> None:
    system = SimpleNamespace(config=object(), tasks={})
    with pytest.raises(ConfigError, match=r"takes no published weights; want the system of one of .*UniTConfig"):
        fill_published(system, Release(Path("detr.pth"), forms.DETR))  # type: ignore[arg-type]
