"""Every way of decoding on one trained model: score against time, task by task (figure 8 of the LiT decoder paper).

    python studies/decoding.py runs/demo/multi --recipe lit_decoder:demo --out docs/results/lit_decoder_decoding

Writes ``<out>.json``, ``<out>.md`` and ``<out>.png``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from motet.config.recipe_files import load_recipe
from motet.core import Label
from motet.data.source import Source
from motet.data.splits import Subset
from motet.evaluation import evaluate
from motet.hub import load_system
from motet.nn.generate import BeamSearch, Greedy, Sampling
from motet.report import plots, tables
from motet.systems.lit_decoder.decoding import Decoding, Scoring
from motet.systems.lit_decoder.model import LiTDecoder
from motet.training.run_training import store_features

METHODS: Mapping[str, Decoding] = {
    "greedy": Greedy(),
    **{f"beam {beams}": BeamSearch(num_beams=beams) for beams in (4, 8, 16)},
    "stochastic beam 4": BeamSearch(num_beams=4, noise=1.0),
    **{f"temperature 1, {n}": Sampling(num_samples=n) for n in (1, 4, 8, 16)},
    **{f"top-k 5, {n}": Sampling(top_k=5, num_samples=n) for n in (1, 4, 8, 16)},
    **{f"nucleus 0.9, {n}": Sampling(top_p=0.9, num_samples=n) for n in (1, 4, 8, 16)},
    "scoring": Scoring(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=128, help="test rows a task")
    sample = parser.parse_args()
    run, system = load_recipe(sample.recipe), load_system(sample.run)
    if not isinstance(system, LiTDecoder):
        raise SystemExit(f"{given.run}: got a {type(system).__name__}; want a LiT decoder")
    if run.features is not None:
        system.processor = system.processor.with_features(store_features(run, system))
    console, measured = Console(), []
    for source in run.of_role("test"):
        name = source.tasks[0].name
        part = dataclasses.replace(
            source, reader=Subset(source.reader, tuple(range(min(sample.rows, len(source.reader)))))
        )
        for method, decoding in METHODS.items():
            if isinstance(decoding, Scoring) and not isinstance(source.tasks[0].target, Label):
                continue  # only classes have a list of names that is scored
            score, seconds = timed(system, name, part, decoding)
            measured.append({"task": name, "method": method, "score": score, "seconds_a_row": seconds})
            console.print(f"{name:12} {method:18} {score:7.2f}  {1000 * seconds:8.2f} ms a row")
    sample.out.parent.mkdir(parents=True, exist_ok=True)
    sample.out.with_suffix(".json").write_text(json.dumps(measured, indent=1) + "\n")
    sample.out.with_suffix(".md").write_text(page(measured))
    figure = plots.score_against_time(in_panels(measured), label="main metric")
    sample.out.with_suffix(".png").write_bytes(plots.png(figure))


def timed(system: LiTDecoder, task: str, source: Source, decoding: Decoding) -> tuple[float, float]:
    """The main metric and the seconds a row; once before the clock starts, since what comes first pays for all."""
    system.decode_with({task: decoding})
    few = dataclasses.replace(source, reader=Subset(source.reader, tuple(range(8))))
    evaluate(system, [few], batch_size=32)
    start = time.perf_counter()
    report = evaluate(system, [source], batch_size=32)
    return report.main(task).value, (time.perf_counter() - start) / len(source.reader)


def in_panels(measured: list[dict[str, float | str]]) -> list[plots.TimedScore]:
    """A panel a task; methods that differ only in how many beams or samples they take are one line."""
    return [
        plots.TimedScore(
            "", kind_of(str(row["method"])), float(row["seconds_a_row"]), float(row["score"]), str(row["task"])
        )
        for row in measured
    ]


def kind_of(method: str) -> str:
    """What a method is without its number of beams or samples.

    Examples:
        >>> kind_of("beam 16"), kind_of("nucleus 0.9, 4"), kind_of("stochastic beam 4")
        ('beam', 'nucleus 0.9', 'stochastic beam 4')
    """
    return "beam" if method.startswith("beam") else method.partition(",")[0]


def page(measured: list[dict[str, float | str]]) -> str:
    """Methods as rows, tasks as columns: score, milliseconds a row."""
    tasks = list(dict.fromkeys(str(row["task"]) for row in measured))
    cells = {(row["method"], row["task"]): row for row in measured}
    lines = []
    for method in METHODS:
        found = [cells.get((method, task)) for task in tasks]
        lines.append(
            [method, *(f"{r['score']:.1f} ({1000 * float(r['seconds_a_row']):.1f})" if r else "" for r in found)]
        )
    about = "Main metric, and in brackets milliseconds a row, on one thread. Written by `studies/decoding.py`."
    return f"# Ways of decoding on one model\n\n{about}\n\n{tables.table(['method', *tasks], lines, left=1)}\n"


if __name__ == "__main__":
    main()
