"""A run as a value: its folder holds what was run, and a second look at it changes nothing."""

import dataclasses
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_unit import CONFIG, Rows, row, task
from toys import ToyConfig, ToyProcessor, ToyReader, label_task, toy_run

from motet.core import CheckpointError, ConfigError, DataError, DiskImage, Example, Report
from motet.core.folder_lock import FolderLock
from motet.core.model_folder import read_weights, steps_in
from motet.data.features import FeatureFiles
from motet.data.negatives import RandomCaptions
from motet.data.round_robin import RoundRobin
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.experiments.api import evaluate as evaluate_run
from motet.nn.tower import Frozen
from motet.preprocess import images
from motet.preprocess.images import decode
from motet.systems.base import image_inputs
from motet.systems.unit.text import TextMemory
from motet.training.checkpoint import tensors_equal
from motet.training.config import TrainConfig
from motet.training.initial_weights import initial_system
from motet.training.lr_schedules import Cosine
from motet.training.run import Features, Run
from motet.training.run_training import run_training, store_features


def test_a_run_writes_everything_down(tmp_path: Path) -> None:
    report = run_training(toy_run(), tmp_path / "run", device="cpu", show=False)
    assert report.role == "test"
    assert [r.source for r in report.results if r.main] == ["a/test", "b/test"]
    assert all(r.low is not None and r.low <= r.value <= (r.high or 0) for r in report.results)
    assert report.trivial_baselines["task_a"]["majority"] > 20
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "run.json", "report.json", "report-val.json", "bootstraps.jsonl", "predictions.jsonl", "log.jsonl",
        "tensorboard", "step-000030", ".lock",
    }  # fmt: skip
    assert Report.from_dict(json.loads((tmp_path / "run/report.json").read_text())) == report
    written = json.loads((tmp_path / "run/run.json").read_text())
    assert written["data"]["a/test"] == written["data"]["a/test"] | {"count": 15, "role": "test"}
    assert written["data"]["a"]["fingerprint"] != written["data"]["b"]["fingerprint"]
    assert written["run"]["train"]["steps"] == 30
    assert written["run"]["system"]["width"] == 8
    assert written["versions"]["torch"]
    assert written["parameters"] == {"all": 94, "trained": 94}


def test_a_begun_folder_is_refused_without_resume_and_evaluated_again_with_it(tmp_path: Path) -> None:
    first = run_training(toy_run(), tmp_path, device="cpu", show=False)
    with pytest.raises(CheckpointError, match="got one that is not empty; want a new one, or --resume"):
        run_training(toy_run(), tmp_path, device="cpu", show=False)
    assert run_training(toy_run(), tmp_path, resume=True, device="cpu", show=False) == first


def test_a_warm_up_longer_than_the_run_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    run = toy_run()
    short = dataclasses.replace(run, train=dataclasses.replace(run.train, steps=5, lr_schedule=Cosine(warmup=6)))
    with pytest.raises(ConfigError, match=r"Cosine: got a warm-up of 6 .* in a run of 5; want them to fit in it"):
        run_training(short, tmp_path / "run", device="cpu", show=False)
    assert not (tmp_path / "run").exists()


def test_another_runs_folder_is_refused_with_what_differs(tmp_path: Path) -> None:
    run_training(toy_run(), tmp_path, device="cpu", show=False)
    run = toy_run()
    faster = dataclasses.replace(run, train=dataclasses.replace(run.train, lr=0.5))
    with pytest.raises(CheckpointError, match=r"a checkpoint of another run: train.lr: got 0.05; want 0.5$"):
        run_training(faster, tmp_path, resume=True, device="cpu", show=False)
    wider = dataclasses.replace(run, system=ToyConfig(width=16))
    with pytest.raises(CheckpointError, match=r"a checkpoint of another run: system.width: got 8; want 16$"):
        run_training(wider, tmp_path, resume=True, device="cpu", show=False)
    source = dataclasses.replace(run.sources[0], reader=ToyReader("other", 40))
    moved = dataclasses.replace(run, sources=(source, *run.sources[1:]))
    with pytest.raises(CheckpointError, match=r"another run: sources.a.ids: got '\w+'; want '\w+'$"):
        run_training(moved, tmp_path, resume=True, device="cpu", show=False)


REFUSED = {
    "another batch size": (lambda run: {"schedule": Mixed(batch_size=9)}, r"schedule\.batch_size: got 16; want 9"),
    "another schedule": (lambda run: {"schedule": RoundRobin()}, r"schedule\."),
    "another weight": (
        lambda run: {"sources": (dataclasses.replace(run.sources[0], weight=2.0), *run.sources[1:])},
        r"sources\.a\.weight: got 1\.0; want 2\.0",
    ),
    "composed rows": (
        lambda run: {"sources": (dataclasses.replace(run.sources[0], compose=RandomCaptions()), *run.sources[1:])},
        r"sources\.a\.compose",
    ),
    "stored features": (lambda run: {"features": Features(Path("store"), views=2)}, "stored_views: got None; want 2"),
    "a damaged checkpoint": (lambda run: {}, "got a damaged file"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refused_resume_changes_no_file(tmp_path: Path, change, message: str) -> None:
    run = toy_run()
    run_training(run, tmp_path, device="cpu", show=False)
    changed = dataclasses.replace(run, **change(run))
    if changed == run:
        (tmp_path / "step-000030/model.safetensors").write_bytes(b"0" * 400)
    before = contents(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        run_training(changed, tmp_path, resume=True, device="cpu", show=False, origin={"recipe": "other"})
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_resume_that_goes_on_is_recorded(tmp_path: Path) -> None:
    for resume in (False, True):
        run_training(toy_run(), tmp_path, resume=resume, device="cpu", show=False, origin={"settings": [str(resume)]})
        assert json.loads((tmp_path / "run.json").read_text())["origin"] == {"settings": [str(resume)]}


def test_two_processes_do_not_write_in_one_folder(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        before = contents(tmp_path)
        for resume in (False, True):
            with pytest.raises(CheckpointError, match=rf"run folder \S+: got process {os.getpid()} on \S+, which"):
                run_training(toy_run(), tmp_path, resume=resume, device="cpu", show=False)
        assert contents(tmp_path) == before
    run_training(toy_run(), tmp_path, device="cpu", show=False)


def test_a_folder_of_something_else_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="got one that is not empty"):
        run_training(toy_run(), tmp_path, device="cpu", show=False)
    assert contents(tmp_path) == {tmp_path / "letter.txt": b"mine"}


@pytest.mark.parametrize("name", ["report.json", "report-val.json", "bootstraps.jsonl", "predictions.jsonl"])
def test_an_evaluation_that_is_stopped_leaves_the_earlier_files(tmp_path: Path, monkeypatch, name: str) -> None:
    run_training(toy_run(), tmp_path, device="cpu", show=False)
    before = contents(tmp_path)

    def fsync(handle: int) -> None:
        if f".{name}." in str(Path(f"/proc/self/fd/{handle}").readlink()):
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        run_training(toy_run(), tmp_path, resume=True, device="cpu", show=False)
    assert contents(tmp_path)[tmp_path / name] == before[tmp_path / name]
    assert not list(tmp_path.glob(".*.part"))


def test_a_resume_removes_what_a_killed_process_left(tmp_path: Path) -> None:
    # Of a finished run too: no later checkpoint would come by and do it.
    run_training(toy_run(), tmp_path, device="cpu", show=False)
    before = {path for path in tmp_path.rglob("*") if "tensorboard" not in path.parts}
    (last,) = tmp_path.glob("step-*")
    names = (
        "run.json",
        "report.json",
        "report-val.json",
        "report.html",
        "report.md",
        "bootstraps.jsonl",
        "predictions.jsonl",
    )
    left = [*(tmp_path / f".{name}.k3x_9a.part" for name in names), last / ".README.md.k3x_9a.part"]
    for path in left:
        path.write_text("half")
    own = tmp_path / ".mine.part"
    own.write_text("a file of someone else")
    for name in (f".{last.name}.4711.unfinished", ".step-000001.4711.old", ".parts-000030", "step-000001"):
        (tmp_path / name).mkdir()
    run_training(toy_run(), tmp_path, resume=True, device="cpu", show=False)
    assert {path for path in tmp_path.rglob("*") if "tensorboard" not in path.parts} == before | {own}


def test_the_same_run_twice_gives_the_same_weights(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run_training(toy_run(), tmp_path / name, device="cpu", show=False, baselines=False)
    assert steps_in(tmp_path / "one") == (30,)
    assert tensors_equal(read_weights(tmp_path / "one"), read_weights(tmp_path / "two"))


def test_stored_features_are_read_instead_of_images(tmp_path: Path) -> None:
    run = dataclasses.replace(toy_run(), features=Features(tmp_path / "store", views=2))
    told: list[tuple[int, int]] = []
    report = run_training(
        run, tmp_path / "run", device="cpu", show=False, progress=lambda done, of: told.append((done, of))
    )
    assert min(result.value for result in report.results) > 50
    assert told[-1] == (105, 105)  # no task here lets its pictures be changed: one view of each
    system, _ = initial_system(run, next(iter(read_weights(tmp_path / "run").values())).device)
    store = store_features(run, system)
    assert isinstance(store, FeatureFiles)
    assert isinstance(system.processor, ToyProcessor)
    assert system.encoded == 0


def test_only_images_that_may_be_changed_are_stored_in_several_views(tmp_path: Path) -> None:
    """Pictures of task_a may be mirrored: its 40 for training are stored in both views, the 65 others in one."""
    mirrored = {"task_a": label_task("task_a", invariant=frozenset({"hflip"}))}
    plain = toy_run()
    sources = (dataclasses.replace(s, tasks=tuple(mirrored.get(t.name, t) for t in s.tasks)) for s in plain.sources)
    run = dataclasses.replace(plain, sources=tuple(sources), features=Features(tmp_path, views=2))
    told: list[tuple[int, int]] = []
    store_features(run, initial_system(run, torch.device("cpu"))[0], lambda done, of: told.append((done, of)))
    assert (65, 65) in told
    assert told[-1] == (2 * 40, 2 * 40)


def test_a_run_without_test_sources_reports_on_val(tmp_path: Path) -> None:
    run = toy_run()
    run = Run(
        system=run.system,
        sources=tuple(s for s in run.sources if s.role != "test"),
        schedule=run.schedule,
        train=run.train,
    )
    report = run_training(run, tmp_path, device="cpu", show=False)
    assert report.role == "val"
    assert Report.from_dict(json.loads((tmp_path / "report.json").read_text())) == report


@pytest.mark.parametrize("stored", [False, True])
def test_bad_rows_are_skipped_wherever_rows_are_read(tmp_path: Path, stored: bool) -> None:
    """Row 0 of each role is broken: in training, evaluations, texts, features and trivial baselines."""
    plain = toy_run()
    sources = tuple(
        dataclasses.replace(source, reader=dataclasses.replace(source.reader, bad=frozenset({0, 3})))
        for source in plain.sources
    )
    run = dataclasses.replace(plain, sources=sources, features=Features(tmp_path / "store") if stored else None)
    with pytest.raises(DataError, match=r"x: got nothing; want numbers \(\w-\w+\.csv, row \d+\)"):
        run_training(run, tmp_path / "stop", device="cpu", show=False)
    skip = dataclasses.replace(run, train=dataclasses.replace(run.train, on_bad_row="skip"))
    report = run_training(skip, tmp_path / "skip", device="cpu", show=False)
    assert {result.source: result.count for result in report.results if result.main} == {"a/test": 13, "b/test": 13}
    assert report.trivial_baselines["task_a"]["majority"] > 20
    left_out = "2 bad rows of a/test skipped, left out of its evaluation, such as a/test: x: got nothing; want numbers"
    assert f"{left_out} (a-test.csv, row 0)" in report.notes
    again = evaluate_run(tmp_path / "skip", trust=("toys",))
    assert [result.value for result in again.results] == [result.value for result in report.results]
    assert f"{left_out} (a-test.csv, row 0)" in again.notes
    assert "predictions from 38 training rows" in " ".join(report.notes)
    log = (tmp_path / "skip/log.jsonl").read_text()
    assert log.count("left out of the evaluation: a/val: x: got nothing") == 2


def test_an_image_without_stored_features_is_named_once_and_its_rows_are_skipped(tmp_path: Path) -> None:
    paths = [tmp_path / "images" / f"{number}.raw" for number in range(8)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        path.write_bytes(np.arange(number, number + 4, dtype=np.float32).tobytes())
    paths[0].unlink()
    plain = toy_run()
    train = dataclasses.replace(plain.sources[0], reader=OnDisk(tuple(paths)))
    config = dataclasses.replace(plain.train, on_bad_row="skip", evaluate_every=0)
    run = dataclasses.replace(plain, sources=(train,), features=Features(tmp_path / "store"), train=config)
    report = run_training(run, tmp_path / "run", device="cpu", show=False)
    (note,) = [note for note in report.notes if "stored features" in note]
    assert note.startswith("1 images without stored features, their rows are skipped, such as ")
    assert "0.raw" in note
    assert (tmp_path / "run/log.jsonl").read_text().count("left out of the stored features") == 1
    assert any("bad rows skipped, others drawn" in note for note in report.notes)


@dataclasses.dataclass(frozen=True)
class OnDisk:
    """One row per file, all of one class."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def keys(self, index: int) -> tuple[str, ...]:
        return (self.paths[index].name,)

    def __getitem__(self, index: int) -> Example:
        images = (DiskImage(self.paths[index]),)
        return Example(id=str(index), images=images, image_ids=self.keys(index), labels={"class": 1})


class Sentences(Rows):
    """Pairs of sentences that differ from row to row, in length too."""

    def __getitem__(self, index: int) -> Example:
        words = ["a", "cat", "no", "dog", "two", "cows"]
        return row(index, text=(" ".join(words[: 1 + index % 5]), " ".join(words[index % 4 :])))


def losses_in(folder: Path) -> list[float]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line["loss"]["pair"] for line in lines if "loss" in line]


def test_a_run_of_frozen_texts_has_the_losses_from_stored_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tuple(
        Source(name=f"pairs/{role}", reader=Sentences(count), tasks=(task("pair"),), role=role)
        for role, count in (("train", 12), ("test", 4))
    )
    run = Run(
        system=replace(CONFIG, linear=True, text_mode=Frozen(), dropout=0.0, attention_dropout=0.0),
        sources=sources,
        schedule=Mixed(batch_size=3, whole_batches=True),
        train=TrainConfig(steps=8, lr=0.05, weight_decay=0.0),
    )
    run_training(run, tmp_path / "live", device="cpu", show=False)
    live = losses_in(tmp_path / "live")
    assert len(live) == 8
    assert np.ptp(live) > 0.05
    stored = replace(run, features=Features(tmp_path / "features"))
    monkeypatch.setattr(TextMemory, "separate_sentences", lambda *given: pytest.fail("encoded again"))
    report = run_training(stored, tmp_path / "stored", device="cpu", show=False)
    np.testing.assert_allclose(losses_in(tmp_path / "stored"), live, rtol=1e-2, atol=1e-2)
    assert report.role == "test"
    assert list((tmp_path / "features").rglob("part-*.npy"))


def test_a_run_that_keeps_resized_images_decodes_each_once_and_learns_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(name="boxes", reader=Rows(4), tasks=(task("boxes"),))
    run = Run(
        system=replace(CONFIG, dropout=0.0),
        sources=(source,),
        schedule=Mixed(batch_size=4, whole_batches=True),
        train=TrainConfig(steps=3, lr=1e-3),
    )
    plain_boxes = replace(task("boxes"), equivariant=frozenset({"hflip"}))  # no crop
    run = replace(run, sources=(replace(source, tasks=(plain_boxes,)),))
    run_training(run, tmp_path / "plain", device="cpu", show=False, baselines=False)
    decoded: list[str] = []

    def counted(image, **given):
        decoded.append(image.name)
        return decode(image, **given)

    monkeypatch.setattr(images, "decode", counted)
    monkeypatch.setattr(image_inputs, "decode", lambda image: pytest.fail("not kept"))
    kept = replace(run, image_cache=tmp_path / "cache")
    run_training(kept, tmp_path / "kept", device="cpu", show=False, baselines=False)
    assert sorted(decoded) == [f"{index}.png" for index in range(4)]
    steps = [read_weights(tmp_path / name / "step-000003") for name in ("plain", "kept")]
    assert tensors_equal(*steps)


def test_a_processor_that_cannot_store_images_is_named(tmp_path: Path) -> None:
    run = replace(toy_run(), image_cache=tmp_path / "cache")
    with pytest.raises(ConfigError, match=r"Run\.image_cache: got ToyProcessor; want a processor that can keep images"):
        run_training(run, tmp_path / "run", device="cpu", show=False)
