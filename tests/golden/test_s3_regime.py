"""Stop-and-go, its schedule, and the optimiser with its warm-up against the numbers of 12-in-1's code."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from toys import toy_sources

from motet.core import Report, Result
from motet.data.round_robin import RoundRobin
from motet.data.stop_and_go import Plateau, StopAndGo
from motet.training.optim import HfAdamW, LinearDecay, set_lr

HERE = Path(__file__).parent
TRACES = json.loads((HERE / "s3_stop_and_go.json").read_text())
SCENARIOS = json.loads((HERE / "s3_stop_and_go_schedule.json").read_text())


def state(plateau):
    return plateau.stopped, plateau.best, plateau.num_bad, plateau.cooldown


@pytest.mark.parametrize("name", TRACES["traces"])
def test_every_evaluation_moves_the_task_as_the_official_controller_does(name):
    plateau = Plateau(StopAndGo())
    for place, line in enumerate(TRACES["traces"][name]):
        plateau.observe(line["score"])
        want = line["in_stop"], line["best"], line["num_bad"], line["cooldown"]
        assert state(plateau) == want, f"evaluation {place}"
        if line.get("reset_after"):
            plateau.reset()


@pytest.mark.parametrize("name", TRACES["traces"])
def test_a_metric_that_is_better_when_lower_moves_the_task_as_its_mirror_image(name):
    """1 / score is better when lower; its thresholds differ by second-order terms, so only far steps are compared."""
    up, down = Plateau(StopAndGo()), Plateau(StopAndGo())
    for line in TRACES["traces"][name]:
        score = line["score"]
        ratio = score / up.best if up.best > 0 else 0.0
        if score <= 0 or min(abs(ratio - 1.001), abs(ratio - 0.995)) < 1e-4:
            return
        assert up.observe(score) == down.observe(-1 / score)
        if line.get("reset_after"):
            up.reset()
            down.reset()


def test_the_traces_are_those_of_the_published_numbers():
    params = TRACES["params"]
    assert TRACES["traces"]
    assert StopAndGo() == StopAndGo(
        patience=params["patience"],
        threshold=params["threshold"],
        continue_threshold=params["continue_threshold"],
        cooldown=params["cooldown"],
    )


def report(step, scores):
    """Main results on "val"."""
    results = [
        Result(task=f"task_{name}", source=name, metric="m", value=value, unit="", higher_is_better=True, count=1)
        for name, value in scores.items()
    ]
    return Report(step=step, results=tuple(results))


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_iteration_trains_and_evaluates_what_the_official_loop_does(name):
    given = SCENARIOS[name]
    periods, scores = given["num_iters"], {task: list(values) for task, values in given["scores"].items()}
    letters = dict(zip(periods, "abc", strict=False))
    longest = max(periods.values())
    resets = tuple((epoch + 1) * longest for epoch in given["lr_reduce"])
    spec = RoundRobin(
        batch_size=2,
        periods={f"task_{letters[task]}": period for task, period in periods.items()},
        stop=StopAndGo(gap=given["gap"], reset_after=resets),
    )
    schedule = spec.bind(toy_sources(*[10] * len(periods)), seed=0)
    task_of = {letter: task for task, letter in letters.items()}
    updates, evaluations, advanced, counts = [], [], [], []
    total = given["epochs"] * longest
    for index in range(total):
        step = schedule.step(index, 1)
        assert step.update == "each"
        updates.append([task_of[letter] for batch in step.batches[0] for letter in batch])
        advanced.append(bool(updates[-1]))
        counts.append(sum(advanced))
        due = schedule.due(index + 1)
        if index == total - 1:
            due = tuple(f"task_{letter}" for letter in letters.values())
        values = {}
        for task, letter in letters.items():
            if f"task_{letter}" in due:
                values[letter] = scores[task].pop(0) if len(scores[task]) > 1 else scores[task][0]
        if values:
            schedule.observe(report(index + 1, values))
            for letter, value in values.items():
                stopped = schedule.plateaus[f"task_{letter}"].stopped
                evaluations.append([index, task_of[letter], value, stopped])
    assert updates == given["updates"]
    assert evaluations == given["evals"]
    assert counts == given["global_step"]


@pytest.fixture(scope="module")
def adamw():
    return dict(np.load(HERE / "s3_adamw_warmup.npz"))


@pytest.mark.parametrize("missing", [False, True], ids=["zero gradients", "missing gradients"])
@pytest.mark.parametrize("correct_bias", [False, True])
def test_every_step_of_the_optimiser_is_the_official_one(adamw, correct_bias, missing):
    case = f"cb{correct_bias}"
    weights = [torch.nn.Parameter(torch.from_numpy(adamw[f"{case}/p{i}_0"].copy())) for i in range(2)]
    groups = [
        {"name": "0", "params": [weights[0]], "lr_scale": 1.0, "decay": True},
        {"name": "1", "params": [weights[1]], "lr_scale": 4.0, "decay": False},
    ]
    optimizer = HfAdamW(eps=1e-6, correct_bias=correct_bias, move_unused=True).build(groups, lr=1e-2, weight_decay=0.01)
    for step in range(sum(name.startswith(f"{case}/lr_") for name in adamw)):
        rate = LinearDecay(warmup=3).factor(step, 10)
        set_lr(optimizer, rate)
        np.testing.assert_allclose([1e-2 * rate, 4e-2 * rate], adamw[f"{case}/lr_{step}"], rtol=1e-12)
        for i, weight in enumerate(weights):
            gradient = torch.from_numpy(adamw[f"{case}/g{i}_{step}"].copy())
            weight.grad = None if missing and not gradient.any() else gradient
        optimizer.step()
        for i, weight in enumerate(weights):
            want = adamw[f"{case}/p{i}_{step + 1}"]
            np.testing.assert_allclose(weight.detach().numpy(), want, atol=1e-6, rtol=0, err_msg=f"p{i} step {step}")


def test_unused_parameters_move_only_with_move_unused(adamw):
    weights = {}
    for move in (False, True):
        weight = torch.nn.Parameter(torch.ones(3))
        never = torch.nn.Parameter(torch.ones(3))
        groups = [{"name": "0", "params": [weight, never], "lr_scale": 1.0, "decay": True}]
        optimizer = HfAdamW(move_unused=move).build(groups, lr=0.1, weight_decay=0.01)
        weight.grad = torch.ones(3)
        optimizer.step()
        after_one = weight.detach().clone()
        weight.grad = None
        optimizer.step()
        weights[move] = torch.equal(weight, after_one), torch.equal(never, torch.ones(3))
    assert weights == {False: (True, True), True: (False, True)}
