"""Run folders as training leaves them, small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from motet.core import Report, Result


def result(task: str, value: float, *, metric: str = "accuracy", better: bool = True, count: int = 300) -> Result:
    """A main result on the task's validation rows."""
    return Result(
        task=task,
        source=f"{task}/val",
        metric=metric,
        value=value,
        unit="%",
        higher_is_better=better,
        count=count,
        num_images=250,
        low=value - 3,
        high=value + 3,
    )


def write_run(folder: Path, values: dict[str, float], *, seed: int = 0, metrics: Any = None, **run: Any) -> Path:
    """A run folder with these main results; metrics named "cer" are better when lower."""
    folder.mkdir(parents=True)
    metrics = metrics or {}
    results = tuple(
        result(task, value, metric=metrics.get(task, "accuracy"), better=metrics.get(task) != "cer")
        for task, value in values.items()
    )
    report = Report(
        step=200,
        role="val",
        results=results,
        trivial_baselines={task: {"majority": 21.5, "image shuffled": 30.25} for task in values},
        samples_seen={f"{task}/train": 1280 for task in values},
        notes=("pets on pets/val: 17 of 300 answers were no name",),
    )
    said = {
        "tasks": list(values),
        "seed": seed,
        "data": {
            f"{task}/{part}": {"fingerprint": f"{task}-{part}", "count": 300, "tasks": list(values)}
            for task in values
            for part in ("train", "val")
        },
        "parameters": {"all": 3_000_000, "trained": 1_300_000},
        "versions": {"motet": "0.1.0", "torch": "2.13.0"},
        "credit": ["Drawings: OpenMoji, CC BY-SA 4.0"],
        **run,
    }
    lines: list[dict[str, Any]] = []
    for step in range(20, 201, 20):
        loss = dict.fromkeys(values, 2.5 * 0.8 ** (step / 20) + 0.1)
        rows = {f"{task}/train": 128 for task in values}
        lines.append({"step": step, "mean_loss": 1.0, "loss": loss, "rows": rows, "seconds": step / 4})
        if step % 40 == 0:
            scores = [
                {"task": r.task, "source": r.source, "metric": r.metric, "value": r.value * step / 200, "main": True}
                for r in results
            ]
            lines.append({"step": step, "role": "val", "results": scores})
    lines.append({"note": "a remark of the log"})
    (folder / "run.json").write_text(json.dumps(said))
    (folder / "report.json").write_text(json.dumps(report.to_dict()))
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def make_result():
    """Makes main results."""
    return result


@pytest.fixture
def made_run():
    """Writes run folders."""
    return write_run
