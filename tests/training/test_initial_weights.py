"""A run that goes on has the encoder it began with before anything is stored of it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import torch
from toys import toy_run, toy_system

from motet.core import CheckpointError, ConfigError, System
from motet.core.model_folder import step_folder, write_model
from motet.data.schedules import Mixed
from motet.nn.encoders import BundledLite0
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.recipes.data.scene_sources import SceneSources
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.training.config import TrainConfig
from motet.training.initial_weights import initial_system, start_from
from motet.training.run import Features, From, Run
from motet.training.run_training import run_training


def test_the_pretrained_encoder_is_there_again_when_a_run_goes_on(tmp_path):
    system = LiTDecoderConfig(
        encoder=BundledLite0(size=32), depth=1, width=16, heads=1, max_tokens=32, tokenizer=TrainedTokenizer(size=300)
    )
    run = Run(
        system=system,
        sources=SceneSources(task_names=("count",), train=4, val=2, test=2, size=32).sources(("train", "val")),
        schedule=Mixed(batch_size=2),
        train=TrainConfig(steps=1),
        features=Features(tmp_path / "features"),
    )
    before = run_training(run, tmp_path / "run", show=False)
    fresh, _ = initial_system(run, torch.device("cpu"))
    again, _ = initial_system(run, torch.device("cpu"), resume_from=tmp_path / "run")
    assert again.encoder_key() == fresh.encoder_key()
    stores = sorted(path.name for path in (tmp_path / "features").iterdir())
    after = run_training(run, tmp_path / "run", show=False, resume=True)
    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == stores
    assert after.results == before.results


def test_a_start_that_is_not_there_yet_says_what_makes_it(tmp_path: Path) -> None:
    start = From(tmp_path / "trunk", made_by="motet train mine:trunk")
    run = dataclasses.replace(toy_run(), start=start)
    with pytest.raises(
        CheckpointError, match=r"trunk: got no such folder; want the run that `motet train mine:trunk` makes"
    ):
        run_training(run, tmp_path / "run", device="cpu", show=False)


@pytest.fixture
def other(tmp_path: Path) -> tuple[Path, System]:
    """A saved model whose weights are counted up from 1, and that model."""
    system = toy_system(toy_run().of_role("train"), seed=9)
    with torch.no_grad():
        for number, parameter in enumerate(system.parameters(), start=1):
            parameter.fill_(number)
    folder = step_folder(tmp_path / "other", 1)
    folder.mkdir(parents=True)
    write_model(folder, system)
    return folder, system


def fresh() -> System:
    return toy_system(toy_run().of_role("train"), seed=1)


def test_weights_are_taken_by_prefix_and_the_rest_stays(other: tuple[Path, System]) -> None:
    folder, saved = other
    system, own = fresh(), fresh().state_dict()
    matched = start_from(system, From(folder, include=("trunk.", "heads.task_a."), exclude=("trunk.bias",)))
    taken = {"trunk.weight", "heads.task_a.weight", "heads.task_a.bias"}
    assert set(matched.matched) == taken
    assert set(matched.missing) == set(own) - taken
    for name, value in system.state_dict().items():
        assert torch.equal(value, (saved.state_dict() if name in taken else own)[name]), name


def test_the_longest_old_prefix_decides_a_new_name_and_comes_before_the_choice(other: tuple[Path, System]) -> None:
    folder, saved = other
    system = fresh()
    start = From(folder, rename={"heads.": "unknown.", "heads.task_a.": "heads.task_b."}, include=("heads.",))
    matched = start_from(system, start)
    assert set(matched.matched) == {"heads.task_b.weight", "heads.task_b.bias"}
    assert torch.equal(system.state_dict()["heads.task_b.weight"], saved.state_dict()["heads.task_a.weight"])
    assert matched.unused == ()


def test_names_that_fit_nowhere_are_shown_with_names_that_would(other: tuple[Path, System]) -> None:
    folder, _ = other
    wanted = (
        r"got no weight that fits \(2 names under \['stem\.'\], such as 'stem\.(weight|bias)'\); want names such as "
    )
    with pytest.raises(CheckpointError, match=f"{re.escape(str(folder))}: {wanted}'encoder'"):
        start_from(fresh(), From(folder, rename={"trunk.": "stem."}, include=("stem.",)))


def test_a_system_is_told_which_weights_came(other: tuple[Path, System], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[str]] = []
    system = fresh()
    monkeypatch.setattr(system, "started", lambda taken: told.append(sorted(taken)))
    start_from(system, From(other[0], include=("trunk.",)))
    assert told == [["trunk.bias", "trunk.weight"]]


def test_first_weights_follow_the_seed_of_the_run_and_leave_the_global_generator_alone() -> None:
    def drawn(seed: int) -> torch.Tensor:
        plan = dataclasses.replace(toy_run().train, seed=seed)
        kinds = SceneSources(task_names=("largest",), train=4, val=2, test=2, size=32).sources()
        system = LiTDecoderConfig(
            encoder=BundledLite0(size=32), depth=1, width=16, heads=1, tokenizer=TrainedTokenizer(size=300)
        )
        run = Run(system=system, sources=kinds, schedule=Mixed(batch_size=2), train=plan)
        made, _ = initial_system(run, torch.device("cpu"))
        return torch.cat([p.detach().flatten() for p in made.parameters() if p.requires_grad])

    torch.manual_seed(4)
    before = torch.random.get_rng_state()
    first = drawn(0)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(5)
    assert torch.equal(drawn(0), first)
    assert not torch.equal(drawn(1), first)


def test_a_system_without_anything_to_train_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run = toy_run()
    system = toy_system(run.of_role("train"))
    system.requires_grad_(False)
    monkeypatch.setattr("motet.training.initial_weights.build_system", lambda *args, **options: system)
    with pytest.raises(ConfigError, match="ToySystem: got no parameter to train; want at least one that is not frozen"):
        initial_system(run, torch.device("cpu"))


def test_a_checkpoint_of_another_kind_of_system_is_not_continued(other: tuple[Path, System]) -> None:
    run = dataclasses.replace(toy_run(), system=LiTDecoderConfig())
    with pytest.raises(CheckpointError, match=r"a checkpoint of another run: system: got '.*ToyConfig'; want '.*LiT"):
        initial_system(run, torch.device("cpu"), resume_from=other[0].parent)


def test_a_checkpoint_without_an_asset_is_one_line(other: tuple[Path, System], monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object, **__: object) -> System:
        raise KeyError("words.json")

    monkeypatch.setattr("motet.training.initial_weights.build_system", without)
    with pytest.raises(CheckpointError, match=r"assets: got no 'words.json'; want all files that were saved"):
        initial_system(toy_run(), torch.device("cpu"), resume_from=other[0].parent)
