"""What every balancer is held to over several updates: parts, ranks, fewer bits, frozen parameters, resumed runs."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from balancer_courses import ALL, PARTS, SOURCES, WHOLE, CoursesOnTwoRanks, Forwarded, batch, course
from documents import blocks
from toy_runs import finish, start
from toys import toy_sources, toy_system

from motet.core import CheckpointError
from motet.core.model_folder import read_weights
from motet.data.mixture import Mixture
from motet.data.schedules import Mixed
from motet.training.checkpoint import balancer_state, tensors_equal
from motet.training.config import TrainConfig
from motet.training.fit import fit

# A batch that is cut into micro-batches counts once per micro-batch, as its docstring says.
CUT_ALIKE = [name for name in ALL if name != "BatchMean"]


def assert_close(found: Mapping[str, Tensor | None], want: Mapping[str, Tensor | None]) -> None:
    assert found.keys() == want.keys()
    for name, value in want.items():
        got = found[name]
        if value is None or got is None:
            assert got is value, f"{name}: a task without rows moved"
        else:
            torch.testing.assert_close(got, value, rtol=1e-4, atol=2e-5)


@pytest.fixture(scope="module")
def whole() -> dict[str, tuple[list[dict[str, Tensor | None]], dict[str, Tensor]]]:
    return {name: course(balancer, WHOLE) for name, balancer in ALL.items()}


@pytest.mark.parametrize("name", CUT_ALIKE)
def test_accumulated_parts_give_what_one_part_gives(name: str, whole) -> None:
    gradients, state = course(ALL[name], PARTS)
    for found, want in zip(gradients, whole[name][0], strict=True):
        assert_close(found, want)
    assert_close(state, whole[name][1])


@pytest.mark.parametrize("name", ALL)
def test_a_task_without_rows_does_not_move(name: str, whole) -> None:
    third = whole[name][0][2]
    for task in "bd":
        assert third[f"heads.task_{task}.weight"] is None
    assert float(third["trunk.weight"].abs().sum()) > 0


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("courses")
    assert finish(start(CoursesOnTwoRanks(folder), world=2), 120) == [0, 0]
    return folder


@pytest.mark.parametrize("name", CUT_ALIKE)
def test_two_ranks_give_what_one_process_gives_and_remember_the_same(name: str, whole, ranks: Path) -> None:
    saved = [torch.load(ranks / f"{name}, {number}.pt", weights_only=True) for number in (0, 1)]
    for gradients, state in saved:
        for found, want in zip(gradients, whole[name][0], strict=True):
            assert_close(found, want)
        assert_close(state, whole[name][1])
    assert tensors_equal(saved[0][1], saved[1][1])


@pytest.mark.parametrize("name", ALL)
def test_losses_in_bfloat16_leave_gradients_in_float32(name: str) -> None:
    gradients, state = course(ALL[name], WHOLE, bf16=True)
    for found in gradients:
        grads = [value for value in found.values() if value is not None]
        assert all(value.dtype == torch.float32 and bool(torch.isfinite(value).all()) for value in grads)
        assert sum(float(value.abs().sum()) for value in grads) > 0
    assert all(bool(torch.isfinite(value).all()) for value in state.values())


@pytest.mark.parametrize("name", ALL)
def test_a_frozen_encoder_stays_and_heads_train(name: str) -> None:
    gradients, _ = course(ALL[name], WHOLE, freeze=lambda system: system.trunk.requires_grad_(False))
    for found in gradients:
        assert found["trunk.weight"] is None
        assert float(found["heads.task_a.weight"].abs().sum()) > 0
    gradients, _ = course(ALL[name], WHOLE, freeze=lambda system: system.trunk.bias.requires_grad_(False))
    assert gradients[0]["trunk.bias"] is None
    assert float(gradients[0]["trunk.weight"].abs().sum()) > 0


def trained(name: str, folder: Path, *steps: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A run of twelve steps, stopped after some and continued: its last weights and what the balancer remembers."""
    sources = toy_sources(12, 12, 12, 12)
    for index, step in enumerate(steps):
        system = toy_system(sources, dropout=0.1)
        mixture = Mixture(sources, Mixed(batch_size=8).bind(sources, seed=0), 0)
        config = TrainConfig(steps=12, lr=0.03, save_every=5, keep_checkpoints=3)
        fit(system, mixture, config, balancer=ALL[name], folder=folder, resume=index > 0, show=False)
        if step < 12:  # as if killed: what came after the checkpoint is lost
            for later in sorted(folder.glob("step-*")):
                if int(later.name[5:]) > step:
                    later.rename(folder / f"lost-{later.name}-{index}")
    return read_weights(folder), balancer_state(folder / "step-000012")


REMEMBERS = [name for name, kind in ALL.items() if kind.info.state != "none"]


@pytest.mark.parametrize("name", [*REMEMBERS, "PCGrad", "GradDrop", "RLW"])
def test_a_resumed_run_is_bit_equal(name: str, tmp_path: Path) -> None:
    weights, state = trained(name, tmp_path / "whole", 12)
    again, state_again = trained(name, tmp_path / "stopped", 5, 10, 12)
    assert bool(state) == (name in REMEMBERS)
    assert tensors_equal(state, state_again)
    assert tensors_equal(weights, again)


@pytest.mark.parametrize("name", REMEMBERS)
def test_what_is_remembered_changes_what_comes_next(name: str, whole) -> None:
    """A state that nothing reads would pass every test above."""
    system = toy_system(toy_sources(12, 12, 12, 12), dropout=0.0)
    fresh = ALL[name].start(system).state_dict()
    assert not tensors_equal(fresh, whole[name][1])
    live = ALL[name].start(system)
    live.load_state_dict(whole[name][1])
    assert tensors_equal(live.state_dict(), whole[name][1])
    with pytest.raises(CheckpointError, match=rf"{name}: got a saved state of .*; want .*: the state of this balancer"):
        live.load_state_dict({"other": torch.zeros(2)})


def test_the_balancer_of_the_docs_weights_by_the_losses(tmp_path: Path) -> None:
    (code,) = blocks("docs/BALANCERS.md", "python")
    file = tmp_path / "worst_first.py"
    file.write_text(code)
    spec = importlib.util.spec_from_file_location("worst_first", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["worst_first"] = module
    spec.loader.exec_module(module)
    system = toy_system(SOURCES, dropout=0.0)
    losses = Forwarded(system, [batch(WHOLE[0][0])])
    factors = module.WorstFirst().start(system).backward(losses, system)
    found = losses[0].tasks
    means = [float(loss.total.detach() / loss.weight) for loss in found.values()]
    for name, mean in zip(found, means, strict=True):
        assert factors[name] == pytest.approx(4 * mean / sum(means), rel=1e-5)
