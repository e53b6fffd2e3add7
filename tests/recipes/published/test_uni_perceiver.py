"""Uni-Perceiver's releases: whole size, dense and with experts, and the words that have to be given."""

from pathlib import Path

import pytest
import torch
from clip_merges import write_merges
from published_names import tensors
from published_releases import uni_perceiver

from motet.core import ConfigError
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import Release
from motet.recipes.published.import_release import model_of
from motet.recipes.published.model import ExtraFiles
from motet.recipes.published.uni_perceiver import uni_perceiver_model

BASE = {"width": 768, "depth": 12, "hidden": 3072, "words": 49411, "places": 512, "patch": 16, "frames": 8}


def release(experts: int, name: str = "uni-perceiver-base-L12-H768-224size-pretrained.pth") -> Release:
    shapes = uni_perceiver(**BASE, experts=experts)
    return Release(Path(name), forms.UNI_PERCEIVER, tensors(shapes, device="meta"))


@pytest.fixture(scope="module")
def merges(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "merges.txt"
    write_merges(path, {})
    return path


@pytest.mark.parametrize("experts", [0, 8])
def test_the_whole_release_has_a_place_for_every_weight(experts: int, merges) -> None:
    with torch.device("meta"):
        system, found = model_of(release(experts), ExtraFiles(words=merges))
    assert found.match.missing == ()
    # No task here classifies videos or sentences.
    assert found.match.unused == ("similarity.log_scales.video", "similarity.log_scales.sentence")
    assert set(system.tasks) == {"caption", "retrieval", "words", "classes"}
    assert len(system.tasks["classes"].target.names) == 1000
    config = system.config
    assert (config.sizes.width, config.sizes.depth, config.sizes.heads, config.patches.size) == (768, 12, 12, 224)
    assert (config.blocks is None) == (experts == 0)


def test_words_are_wanted_and_the_side_is_in_the_name(merges) -> None:
    with pytest.raises(ConfigError, match="want --words FILE with CLIP's merges, bpe_simple_vocab"):
        uni_perceiver_model(release(0), ExtraFiles())
    assert uni_perceiver_model(release(0, "large-384size.pth"), ExtraFiles(words=merges)).config.patches.size == 384
