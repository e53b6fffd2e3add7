"""The recipe function that the adapters suggest: a trunk that is trained as a whole, since nothing is fetched."""

from dataclasses import replace

import pytest
import torch
from suggested import LONGEST, Planned, run_of, written
from toy_vit_adapters import task
from toys import toy_sources

from motet.data.schedules import Mixed
from motet.nn.feature_maps import BundledLite0Map
from motet.nn.tower import Finetune
from motet.systems import build_system
from motet.systems.vit_adapters import Adapters, Troa, ViTAdaptersConfig
from motet.systems.vit_adapters.suggestion import ViTAdaptersSuggestion

MAPS = [Planned("depth", "depth", rows=400), Planned("segment", "segmentation", rows=400)]


def test_the_written_model_can_be_built_and_trains_all_of_itself() -> None:
    run = run_of(ViTAdaptersSuggestion(), MAPS, toy_sources(8, 8))
    config = run.system
    assert isinstance(config, ViTAdaptersConfig)
    assert (config.mode, config.adapters, config.affinities) == (Finetune(1.0), Adapters(), Troa())
    assert not config.trunk.pretrained
    assert config.trunk.size == 192
    assert config.linear == BundledLite0Map(stage=(-3, -2, -1))
    with torch.device("meta"):
        system = build_system(replace(config, linear=None), [task("depth"), task("segment")], texts=list)
    frozen = {name for name, parameter in system.named_parameters() if not parameter.requires_grad}
    # Only norms are, which task-scaled ones replace.
    assert frozen
    assert all(".norm1." in name or ".norm2." in name for name in frozen)


@pytest.mark.parametrize(("rows", "steps"), [(10, 400), (800, 1000), (100_000, 2000)])
def test_rows_are_seen_twenty_times_between_two_limits(rows: int, steps: int) -> None:
    run = run_of(ViTAdaptersSuggestion(), [Planned("depth", "depth", rows=rows)], toy_sources(8))
    assert run.train.steps == steps
    assert run.schedule == Mixed(batch_size=16)
    assert run.train.lr == 5e-4


def test_the_text_imports_what_it_uses_but_for_the_line_that_is_a_hint() -> None:
    text = written(ViTAdaptersSuggestion(), MAPS)
    code = "\n".join(line for line in text.lines if not line.strip().startswith("#"))
    assert all(name in code for names in text.imports.values() for name in names)
    assert max(map(len, text.lines)) <= LONGEST


def test_no_other_kind_of_task_comes_along() -> None:
    along = ViTAdaptersSuggestion().takes_along
    assert along([])
    assert not along(["classification"])
    assert not along(["captioning", "depth"])
