"""Interference of saved models: every system's toy, the same numbers after a stop, pages and files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_unit
import toy_vit_adapters
from toys import ToyReader, label_task, toy_sources, toy_system

from motet.analysis.interference import Interference
from motet.analysis.interference_measurement import (
    InterferenceSettings,
    Measurement,
    interference_from_json,
    interference_to_json,
)
from motet.core import CheckpointError, ConfigError, System
from motet.core.model_folder import write_model
from motet.data.source import Source
from motet.experiments import interference as interference_runs
from motet.experiments.interference import chosen_models, measure, tasks_of_each
from motet.experiments.interference_parts import MeasurementParts
from motet.report.pages import interference as interference_page
from motet.report.pages.affinity import read_affinities, write_affinity

SMALL = InterferenceSettings(batches=3, batch_size=4)


def unit_sources() -> list[Source]:
    return [
        Source(name=name, reader=toy_unit.Rows(24), tasks=(toy_unit.task(name),))
        for name in ("vqa", "pair", "entailed")
    ]


@pytest.fixture
def toys(tmp_path) -> Callable[..., tuple[Interference, tuple[str, ...]]]:
    """Measures a linear system of three tasks."""
    sources = toy_sources(40, 40, 40)
    system = toy_system(sources)
    write_model(tmp_path / "model", system)

    def run(
        settings: InterferenceSettings = SMALL,
        tasks: Sequence[str] = ("task_a", "task_b"),
        folder: str = "kept",
        **changes: Any,
    ) -> tuple[Interference, tuple[str, ...]]:
        return measure(
            system, sources, tasks, settings, model=tmp_path / "model", folder=tmp_path / folder, **changes
        )  # fmt: skip

    return run


def same(one: Interference, other: Interference) -> bool:
    return json.dumps(interference_to_json(one)) == json.dumps(interference_to_json(other))


def test_two_tasks_over_one_trunk_twice_the_same_and_by_seed(toys):
    found, notes = toys()
    assert list(found.blocks) == ["trunk"]
    assert found.touched("trunk") == ("task_a", "task_b")
    assert np.diagonal(found.blocks["trunk"].ratios).tolist() == [1.0, 1.0]
    assert notes == ()
    assert same(found, toys(folder="again")[0])
    assert not same(found, toys(InterferenceSettings(batches=3, batch_size=4, seed=1))[0])
    assert not same(found, toys(InterferenceSettings(batches=3, batch_size=4, training=True))[0])


def test_directions_and_comparisons_that_share_rows_are_told(toys):
    _, notes = toys(InterferenceSettings(batches=8, batch_size=4))
    assert notes[0] == "task_a: rows of a come 1.6 times: directions and comparisons share some of them"


def test_a_measurement_that_was_stopped_goes_on_and_ends_the_same(toys, tmp_path, monkeypatch):
    whole, _ = toys()
    calls: list[tuple[str, str]] = []
    stop_at = 4
    for kind in ("directions_of", "probes_of"):
        real = getattr(interference_runs, kind)

        def counted(system, task, batches, *rest, kind=kind, real=real, **named):
            calls.append((kind, task))
            if len(calls) == stop_at:
                raise KeyboardInterrupt
            return real(system, task, batches, *rest, **named)

        monkeypatch.setattr(interference_runs, kind, counted)
    with pytest.raises(KeyboardInterrupt):
        toys(folder="stopped")
    told: list[tuple[int, int]] = []
    found, _ = toys(folder="stopped", progress=lambda done, total: told.append((done, total)))
    assert calls[stop_at:] == [("probes_of", "task_b")], "what was done is not done again"
    assert same(found, whole)
    assert told[-1] == (12, 12)
    assert [path.suffix for path in (tmp_path / "stopped").iterdir()] == [".json"], "only the numbers stay"
    again, _ = toys(folder="stopped")
    assert len(calls) == stop_at + 1
    assert same(again, whole)


def test_a_damaged_part_is_made_again(toys, tmp_path, monkeypatch):
    whole, _ = toys()
    monkeypatch.setattr(MeasurementParts, "write_result", lambda self, found: None)
    toys(folder="parts")
    for path in (tmp_path / "parts").iterdir():
        path.write_bytes(b"no tensors")
    assert same(toys(folder="parts")[0], whole)


def test_a_task_without_a_training_source_is_refused(toys):
    with pytest.raises(ConfigError, match="task 'task_x': got no training source with it; want one"):
        toys(tasks=("task_a", "task_x"))


def test_unit_one_task_a_batch(tmp_path):
    names = ("vqa", "pair", "entailed")
    system = toy_unit.system_of(*names)
    write_model(tmp_path, system)
    found, _ = measure(system, unit_sources(), names, SMALL, model=tmp_path, folder=tmp_path / "kept")
    assert found.touched("image_layer0") == ("vqa", "entailed")
    assert found.touched("decoder_layer1") == names
    assert interference_page.shallow_and_deep(found) == ("decoder_layer0", "decoder_layer1")
    assert np.isnan(found.blocks["image_layer0"].ratios[1]).all()
    assert not any(parameter.grad is not None for parameter in system.parameters())


def test_adapters_many_tasks_a_row_some_without_annotations(tmp_path):
    names = ("segment", "depth", "edges")
    system = toy_vit_adapters.system_of(*names)
    tasks = tuple(toy_vit_adapters.task(name) for name in names)
    write_model(tmp_path, system)
    sources = [Source(name="rooms", reader=toy_vit_adapters.Rows(30), tasks=tasks)]
    settings = InterferenceSettings(batches=2, batch_size=3)
    found, _ = measure(
        toy_vit_adapters.stirred(system), sources, names, settings, model=tmp_path, folder=tmp_path / "k"
    )
    last = interference_page.shallow_and_deep(found)
    assert last is not None
    assert found.touched(last[1]) == names


def test_runs_and_their_steps(tmp_path):
    system = toy_system(toy_sources(4, 4))
    for step in (10, 20):
        write_model(tmp_path / f"run/step-{step:06d}", system)
    write_model(tmp_path / "saved", system)
    run = tmp_path / "run"
    assert [step for step, _ in chosen_models(run, (), every=False)] == [20]
    assert [step for step, _ in chosen_models(run, (20, 10), every=False)] == [10, 20]
    assert [step for step, _ in chosen_models(run, (), every=True)] == [10, 20]
    assert chosen_models(tmp_path / "saved", (), every=True) == ((None, tmp_path / "saved"),)
    with pytest.raises(CheckpointError, match="got no saved model of step 15; want one of 10, 20"):
        chosen_models(run, (15,), every=False)
    with pytest.raises(CheckpointError, match="got a saved model, which has no steps"):
        chosen_models(tmp_path / "saved", (15,), every=False)


def test_which_tasks_are_compared():
    known = {"one": ("a", "b", "c"), "two": ("b", "c", "d"), "three": ("c", "x", "b")}
    assert tasks_of_each({"one": known["one"]}) == {"one": ("a", "b", "c")}
    assert tasks_of_each(known) == {"one": ("b", "c"), "two": ("b", "c"), "three": ("c", "b")}
    assert tasks_of_each(known, ["a", "b", "c"])["two"] == ("b", "c")
    with pytest.raises(ConfigError, match="--task: got 'e', which is no task of one, two, three"):
        tasks_of_each(known, ["e", "b"])
    with pytest.raises(ConfigError, match=r"two: got the tasks b; want two or more \(it has b, c, d\)"):
        tasks_of_each(known, ["a", "b"])
    with pytest.raises(ConfigError, match="one: got the tasks none; want two or more that another run has too"):
        tasks_of_each({"one": ("a", "b"), "two": ("c", "d")})


def test_what_is_written_reads_as_what_was_measured(toys, tmp_path):
    found, notes = toys()
    assert same(interference_from_json(json.loads(json.dumps(interference_to_json(found)))), found)
    models = [
        Measurement(run=run, step=step, system="Toy", interference=found, notes=notes)
        for run, step in (("r", 5), ("s", None))
    ]
    files = interference_page.write_interference(tmp_path / "page", models, SMALL)
    assert [path.name for path in files] == [
        "interference.html",
        "interference.md",
        "interference.json",
        "interference-r-5.png",
        "interference-s.png",
    ]
    html = files[0].read_text()
    assert html.count("<h3>trunk</h3>") == 2
    assert html.count('<table class="heat">') == 8, "four kinds of number for each of two models"
    assert "://" not in html.replace("http://www.w3.org", "")
    held = json.loads(files[2].read_text())
    assert [model["step"] for model in held["models"]] == [5, None]
    assert held["models"][0]["blocks"]["trunk"]["ratios"] == found.blocks["trunk"].ratios.tolist()
    assert held["models"][0]["not_touched"] == {"trunk": []}
    text = files[1].read_text()
    assert "## r, step 5 (Toy)" in text
    assert f"| trunk | task_a | 1.00 | {found.blocks['trunk'].ratios[0, 1]:.2f} ± " in text


def test_a_task_that_does_not_touch_a_block_is_said_so_in_the_table():
    numbers = {"ratios": [[1.0, None], [None, None]], "ratios_spread": [[0.0, None], [None, None]]}
    empty = [[None, None], [None, None]]
    whole = dict.fromkeys(("means", "means_spread", "cosines", "cosines_spread", "mean_cosines"), empty)
    block = {**whole, **numbers, "counted": [3, 0], "against": [0.0, None]}
    found = interference_from_json({"tasks": ["a", "b"], "blocks": {"words": block}})
    one = Measurement(run="r", step=1, system="Toy", interference=found)
    _, rows = interference_page.table_rows(one, "ratios")
    assert rows == [("words", "a", "1.00", "-", "3"), ("words", "b", "not touched", "", "0")]
    assert interference_page.shallow_and_deep(found) is None
    assert "Not touched by b." in interference_page.page([one], SMALL)


def test_of_many_tasks_the_screen_has_the_strongest():
    nan = None
    ratios = [[1.0, 0.5, -0.5], [0.2, 1.0, 0.3], [nan, nan, nan]]
    spreads = [[0.0, 0.1, 0.2], [0.1, 0.0, 0.1], [nan, nan, nan]]
    empty = [[nan] * 3] * 3
    whole = dict.fromkeys(("means", "means_spread", "cosines", "cosines_spread", "mean_cosines"), empty)
    block = {**whole, "ratios": ratios, "ratios_spread": spreads, "counted": [3, 3, 0], "against": [0.0, 0.0, nan]}
    interference = interference_from_json({"tasks": ["a", "b", "c"], "blocks": {"x": block}})
    one = Measurement(run="r", step=1, system="Toy", interference=interference)
    assert interference_page.extreme_rows(one, "x")[1] == [
        ("a", "b 0.50 ± 0.10", "c -0.50 ± 0.20"),
        ("b", "c 0.30 ± 0.10", "-"),
        ("c", "not touched", ""),
    ]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ([f"layer{i}" for i in range(12)], ("layer3", "layer11")),
        (["words", *(f"{part}{i}" for i in range(2) for part in ("attention", "mlp")), "similarity"], ("mlp0", "mlp1")),
        (["words", "text_layer0", "co_layer0", "image_layer0"], ("text_layer0", "image_layer0")),
        (["encoder", "bottleneck"], ("encoder", "bottleneck")),
        (["trunk"], ("trunk", "trunk")),
    ],
)
def test_the_blocks_that_are_shown_first(names, chosen):
    square = [[1.0, 0.5], [0.5, 1.0]]
    block = dict.fromkeys(
        ("ratios", "ratios_spread", "means", "means_spread", "cosines", "cosines_spread", "mean_cosines"), square
    )
    block |= {"counted": [3, 3], "against": [0.0, 0.0]}
    assert interference_page.shallow_and_deep(
        interference_from_json({"tasks": ["a", "b"], "blocks": dict.fromkeys(names, block)})
    ) == chosen  # fmt: skip


@pytest.fixture
def adapters(tmp_path) -> tuple[Path, System]:
    system = toy_vit_adapters.system_of("segment", "depth")
    for step, value in ((10, 0.5), (20, 0.8)):
        system.get_buffer("affinities").fill_(1 - value).fill_diagonal_(value)
        write_model(tmp_path / f"run/step-{step:06d}", system)
    lines = [{"step": s, "loss": {}, "aux": {"affinity/segment/depth": v}} for s, v in ((10, 0.5), (20, 0.2))]
    (tmp_path / "run/log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return tmp_path / "run", system


def test_affinities_at_the_end_and_over_training(adapters, tmp_path):
    run, _ = adapters
    found = read_affinities(run, ("segment", "depth"))
    np.testing.assert_allclose(found.last, [[0.8, 0.2], [0.2, 0.8]], atol=1e-6)
    assert list(found.saved) == [10, 20]
    assert found.logged == {("segment", "depth"): ((10, 0.5), (20, 0.2))}
    files = write_affinity(tmp_path / "out", found, title="run")
    assert "| segment | 0.800 | 0.200 |" in files[1].read_text()
    assert "Over training" in files[0].read_text()
    assert json.loads(files[2].read_text())["saved"][0]["step"] == 10


def test_a_run_without_affinities_is_refused(tmp_path, adapters):
    with pytest.raises(
        CheckpointError, match=r"got no step-\.\.\.; want a run with a saved model of a system that has"
    ):
        read_affinities(tmp_path, ("a", "b"))
    write_model(tmp_path / "other/step-000001", toy_system(toy_sources(4, 4)))
    with pytest.raises(CheckpointError, match="got no task affinities; want a run of the ViT adapters"):
        read_affinities(tmp_path / "other", ("task_a", "task_b"))
    with pytest.raises(CheckpointError, match="got a matrix of 2 tasks; want 1: segment"):
        read_affinities(adapters[0], ("segment",))
    (tmp_path / "other/step-000001/model.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="got a damaged file"):
        read_affinities(tmp_path / "other", ("task_a", "task_b"))


def test_rows_of_several_sources_of_one_task_are_drawn_by_size(tmp_path):
    from motet.analysis.task_batches import TaskBatches

    task = label_task("task_a")
    sources = [
        Source(name=name, reader=ToyReader(name, rows), tasks=(task,)) for name, rows in (("big", 90), ("small", 10))
    ]
    sources.append(Source(name="val", reader=ToyReader("val", 9), tasks=(task,), role="val"))
    drawn = TaskBatches(toy_system(sources[:1]), sources, "task_a", batch_size=2, seed=3)
    batches = list(drawn.take(0, 20))
    names = [batch.ids[0].split("/")[0] for batch in batches]
    assert set(names) == {"big", "small"}
    assert names.count("big") > 12
    assert all(len({row_id.split("/")[0] for row_id in batch.ids}) == 1 for batch in batches)
    assert [batch.ids for batch in drawn.take(7, 12)] == [batch.ids for batch in batches[7:12]]
    ids = [row_id for batch in batches for row_id in batch.ids]
    assert len(set(ids)) == len(ids), "no row twice before all have come"


def test_the_same_batches_need_half_the_rows_and_give_other_numbers(toys):
    settings = InterferenceSettings(batches=4, batch_size=4, leave_one_out=True)
    found, notes = toys(settings)
    assert notes == ()
    assert np.diagonal(found.blocks["trunk"].ratios).tolist() == [1.0, 1.0]
    assert same(found, toys(settings, folder="again")[0])
    assert not same(found, toys(InterferenceSettings(batches=4, batch_size=4))[0])
