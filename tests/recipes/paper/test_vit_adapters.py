"""The adapters' published runs: what is trained of the model, the plan, and rows that are held back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from published_sizes import millions, on_meta
from vit_adapters_paper_data import write_adapters_paper_data

from motet.core import Task
from motet.data.annotations import RemappedClasses
from motet.data.readers.taskonomy import TASKONOMY_NAMES
from motet.data.schedules import Mixed
from motet.recipes.paper.vit_adapters import (
    IN_NYU,
    published,
    published_adaptation,
    published_model,
    published_novel,
    published_plan,
    published_streets,
    published_transfer,
)
from motet.systems.vit_adapters import ViTAdaptersConfig
from motet.systems.vit_adapters.model import ViTAdapters
from motet.tasks import depth, edges, semantic_segmentation, surface_normals
from motet.training.optim import AdamW, OneCycle
from motet.training.run import Run

TASKS: tuple[Task, ...] = (semantic_segmentation(names=TASKONOMY_NAMES), depth(), surface_normals(), edges())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Calls a recipe over the data sets."""
    root: Path = tmp_path_factory.mktemp("adapters")
    write_adapters_paper_data(root)

    def call(recipe: Callable[..., Run], *args: Any) -> Run:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("MOTET_DATA", str(root))
            return recipe(*args)

    return call


@pytest.fixture(scope="module")
def model() -> ViTAdapters:
    system = on_meta(published_model(), TASKS, {})
    assert isinstance(system, ViTAdapters)
    return system


def keys(run: Run, role: str) -> set[str]:
    return {key for s in run.sources if s.role == role for row in range(len(s.reader)) for key in s.reader.keys(row)}


def test_nothing_of_the_trunk_is_trained_and_all_that_is_beside_it_is(model: ViTAdapters) -> None:
    """Section 3.1; the released code trains patches and adapted blocks too, the paper's text does not."""
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad is not name.startswith("trunk."), name
    assert model.adapters is not None
    assert millions(model.adapters) < millions(model.trunk) / 6
    # A table of condition and output per adapted block: no part of it is as wide as the trunk's own matrices.
    assert {tuple(e.shape) for e in model.adapters.embeddings.values()} == {(343,)}


def test_decoders_have_four_levels_of_two_blocks_per_task_and_end_at_the_image(model: ViTAdapters) -> None:
    assert set(model.decoders) == {task.name for task in TASKS}
    for decoder in model.decoders.values():
        assert [len(level) for level in decoder.blocks] == [2, 2, 2, 2]
    assert model.config.decoder.dropout == 0.6
    sides = {level.grid_hw[0] for level in model.trunk.levels}
    assert all(side % model.config.decoder.window == 0 for side in sides)  # no window is padded
    channels = {name: head.weight.shape[0] for name, head in model.heads.items()}
    assert channels == {"segment": 17, "depth": 1, "normals": 3, "edges": 1}


def test_the_plan_is_the_codes_where_the_paper_is_silent() -> None:
    plan = published_plan()
    assert (plan.lr, plan.optimizer, plan.weight_decay) == (4e-5, AdamW(betas=(0.9, 0.98)), 1e-2)
    assert plan.lr_schedule == OneCycle(warmup=0.1)  # OneCycleLR(max_lr=4e-5, pct_start=0.1)
    factor = plan.lr_schedule.factor
    assert [factor(step, plan.steps) for step in (0, 9_999, 99_999)] == pytest.approx([0.04, 1, 4e-6])


def test_taskonomy_is_split_by_building(made) -> None:
    run, views = made(published), range(2)
    for role, building in {"train": "allensville", "val": "beechwood", "test": "ihlen"}.items():
        assert keys(run, role) == {f"taskonomy/{building}/point_{view}_view_0" for view in views}


def test_rooms_of_nyuv2_are_evaluated_in_taskonomys_words_and_never_trained_on(made) -> None:
    run = made(published_novel)
    (rooms,) = (source for source in run.of_role("test") if source.name == "nyuv2/test")
    assert isinstance(rooms.reader, RemappedClasses)
    assert rooms.reader.classes == (TASKONOMY_NAMES.index("book"), -1)  # a wall has no word there
    labels = rooms.reader[0].labels
    assert np.unique(labels["segmentation"]).tolist() == [TASKONOMY_NAMES.index("book")]
    assert set(labels) == {"segmentation", "depth", "normals"}
    assert not any("nyuv2" in source.name for source in run.of_role("train"))
    assert run.system == made(published).system


def test_every_word_for_nyuv2_is_one_of_taskonomys_and_none_serves_twice() -> None:
    assert set(IN_NYU) == set(TASKONOMY_NAMES) - {"background"}
    assert len(set(IN_NYU.values())) == len(IN_NYU)
    assert {ours: nyu for ours, nyu in IN_NYU.items() if ours != nyu} == {
        "couch": "sofa", "potted plant": "plant", "tv": "television", "refrigerator": "refridgerator",
    }  # fmt: skip


def test_one_drive_of_five_is_held_back_and_every_tenth_view_of_synthia(made) -> None:
    drives = made(published_streets, "vkitti2")
    assert {key.split("/")[1] for key in keys(drives, "train")} == {"Scene01", "Scene02", "Scene06", "Scene18"}
    assert {key.split("/")[1] for key in keys(drives, "test")} == {"Scene20"}
    views = made(published_streets, "synthia")
    (train,), (test,) = views.of_role("train"), views.of_role("test")
    assert (len(train.reader), len(test.reader)) == (9, 1)
    assert not keys(views, "train") & keys(views, "test")


def test_the_last_map_of_a_transfer_is_evaluated_without_ever_being_trained(made) -> None:
    run = made(published_transfer)
    assert run.start is not None
    assert run.start.made_by == "motet train vit_adapters:paper_vkitti2"
    assert run.tasks == made(published_streets, "vkitti2").tasks  # a head for normals came along
    (train,), (test,) = run.of_role("train"), run.of_role("test")
    assert set(train.reader[0].labels) == {"segmentation", "depth"}
    assert set(test.reader[0].labels) >= {"segmentation", "depth", "normals"}


def test_adaptation_has_densemtls_numbers_and_a_row_of_either_domain_per_step(made) -> None:
    run = made(published_adaptation)
    config = run.system
    assert isinstance(config, ViTAdaptersConfig)
    assert config.adapt is not None
    assert (config.adapt.weight, config.adapt.layers, config.adapt.width) == (0.005, 5, 64)
    assert (config.adapt.spectral, config.adapt.hflip) == (True, True)
    assert (run.train.steps, run.train.optimizer) == (90_000, AdamW(betas=(0.9, 0.99)))
    assert isinstance(run.schedule, Mixed)
    drawn = run.schedule.bind(run.of_role("train"), seed=0)
    assert drawn.probabilities == pytest.approx({"vkitti2": 0.5, "cityscapes": 0.5})
    # All five drives are labelled source rows here, none is evaluated on.
    assert {key.split("/")[1] for key in keys(run, "train") if key.startswith("vkitti2")} == {
        "Scene01", "Scene02", "Scene06", "Scene18", "Scene20",
    }  # fmt: skip
    assert [source.name for source in run.of_role("test")] == ["cityscapes/test"]
