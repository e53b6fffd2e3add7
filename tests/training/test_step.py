"""What one step does: a joint update, or one after each batch; a step without rows advances nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import ToyJudge, ToySystem, toy_sources, toy_system

from motet.core import Batch, Report, Step
from motet.core.model_folder import read_weights
from motet.data.mixture import Mixture
from motet.training.checkpoint import tensors_equal
from motet.training.config import TrainConfig
from motet.training.fit import fit
from motet.training.optim import set_lr

SOURCES = toy_sources(12, 8)


class Given:
    """A schedule of given steps."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def step(self, index: int, world: int) -> Step:
        return self.steps[index]

    def due(self, index: int) -> tuple[str, ...]:
        return ("task_b",) if index == 2 else ()

    def observe(self, report: Report) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


LR = 0.1
A, B, NOTHING = {"a": 4}, {"b": 2}, Step(((),))


def run(folder: Path, *steps: Step, **plan: Any) -> tuple[ToySystem, list[dict[str, Any]]]:
    system = toy_system(SOURCES, dropout=0.0)
    mixture = Mixture(SOURCES, Given(*steps), 0)
    fit(system, mixture, TrainConfig(steps=len(steps), lr=LR, **plan), folder=folder, show=False)
    return system, [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def by_hand(updates: list[list[dict[str, int]]], rates: list[float]) -> ToySystem:
    """The same updates written out: each a list of batches that share one optimiser step."""
    system = toy_system(SOURCES, dropout=0.0)
    mixture = Mixture(SOURCES, Given(*[Step((tuple(batches),)) for batches in updates]), 0)
    plan = TrainConfig(steps=1, lr=LR)
    optimizer = plan.optimizer.build(system.parameter_groups(), lr=LR, weight_decay=plan.weight_decay)
    from motet.data.loader import Loader

    loader = Loader(mixture, system.processor)
    for ready, rate in zip(loader.segment(0, len(updates)), rates, strict=True):
        mixture.consumed = dict(ready.planned.consumed)
        optimizer.zero_grad()
        losses = [system.losses(batch) for parts in ready.batches for batch in parts]
        total = sum(loss.total for part in losses for loss in part.tasks.values())
        weight = sum(loss.weight for part in losses for loss in part.tasks.values())
        (total / weight).backward()
        torch.nn.utils.clip_grad_norm_(system.parameters(), 1.0)
        set_lr(optimizer, rate)
        optimizer.step()
    return system


def assert_close(left: ToySystem, right: ToySystem) -> None:
    for name, tensor in right.state_dict().items():
        torch.testing.assert_close(left.state_dict()[name], tensor, rtol=0, atol=1e-6)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_joint_step_is_one_update_of_all_its_batches(tmp_path: Path, parts: int) -> None:
    system, log = run(tmp_path, Step(((A, B),)), Step(((B, A),)), micro_batches=parts)
    rates = [line["lr"] / LR for line in log]
    assert_close(system, by_hand([[A, B], [B, A]], rates))
    assert log[0]["rows"] == {"a": 4, "b": 2}


def test_each_batch_gets_an_update_and_the_rate_advances_once(tmp_path: Path) -> None:
    system, log = run(tmp_path, Step(((A, B),), update="each"), Step(((B,),)))
    rates = [TrainConfig(steps=2).lr_schedule.factor(step, 2) for step in (0, 1)]
    assert [line["lr"] for line in log] == [LR * rate for rate in rates]
    assert_close(system, by_hand([[A], [B], [B]], [rates[0], rates[0], rates[1]]))
    assert set(log[0]["loss"]) == {"task_a", "task_b"}


def test_a_step_in_which_nothing_may_run_advances_nothing(tmp_path: Path) -> None:
    with_gaps, log = run(tmp_path / "gaps", NOTHING, Step(((A,),)), NOTHING, Step(((B,),)))
    rates = [TrainConfig(steps=4).lr_schedule.factor(step, 4) for step in (0, 1)]
    assert [(line["step"], line["lr"]) for line in log] == [(2, LR * rates[0]), (4, LR * rates[1])]
    assert_close(with_gaps, by_hand([[A], [B]], rates))


def test_a_schedule_is_given_what_it_asks_for_and_no_more(tmp_path: Path) -> None:
    evaluator = ToyJudge()
    held_out = tuple(
        type(source)(name=f"{source.name}/val", reader=source.reader, tasks=source.tasks, role="val")
        for source in SOURCES
    )
    mixture = Mixture(SOURCES, Given(*[Step(((A, B),))] * 4), 0)
    system = toy_system(SOURCES)
    fit(system, mixture, TrainConfig(steps=4), held_out=held_out, folder=tmp_path, evaluator=evaluator, show=False)
    assert evaluator.asked == [(2, ("task_b",)), (4, ("task_a", "task_b"))]
    assert system.training


def test_what_is_refreshed_is_refreshed_before_each_update(tmp_path: Path) -> None:
    system = toy_system(SOURCES)
    seen: list[tuple[int, int]] = []

    def refresh(batches: list[Batch], step: int) -> None:
        seen.append((step, sum(len(batch) for batch in batches)))

    system.refresh = refresh
    mixture = Mixture(SOURCES, Given(Step(((A, B),), update="each"), Step(((A, B),))), 0)
    fit(system, mixture, TrainConfig(steps=2), folder=tmp_path, show=False)
    assert seen == [(0, 4), (0, 2), (1, 6)]


def test_no_clipping_is_the_same_arithmetic_where_nothing_is_clipped(tmp_path: Path) -> None:
    loose, log = run(tmp_path / "loose", Step(((A,),)), grad_clip=None)
    tight, _ = run(tmp_path / "tight", Step(((A,),)), grad_clip=1e6)
    assert tensors_equal(loose.state_dict(), tight.state_dict())
    assert log[0]["grad_norm"] > 0
    assert tensors_equal(read_weights(tmp_path / "loose"), loose.state_dict())


def test_a_compiled_step_gives_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced for real; only the code generator is left out, which needs a C++ compiler on the machine."""
    graphs = []

    def keep(graph: torch.fx.GraphModule, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function: real(function, backend=keep))
    compiled, _ = run(tmp_path / "compiled", Step(((A, B),)), Step(((B,),)), compile=True)
    assert graphs
    assert any("cross_entropy" in str(graph.graph) for graph in graphs)
    plain, _ = run(tmp_path / "plain", Step(((A, B),)), Step(((B,),)))
    assert tensors_equal(compiled.state_dict(), plain.state_dict())
