"""Trains a run and fills its folder: builds, trains, evaluates on the test sources, writes the reports."""

from __future__ import annotations

import dataclasses
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from motet.core import CheckpointError, ConfigError, Processor, Report, StoresTexts, System
from motet.core.codec import to_json
from motet.core.folder_lock import HOLDER, LOCK, FolderLock
from motet.core.model_folder import WeightMatch
from motet.core.ranks import broadcast, rank, world
from motet.core.regular_files import read_json
from motet.core.system import CachesImages
from motet.core.task import InputKind
from motet.data.caption_rows import CaptionRows
from motet.data.composed_rows import ComposedRows
from motet.data.features import FeatureFiles, images_in
from motet.data.image_index import fingerprint_of, image_index
from motet.data.mixture import Mixture
from motet.data.source import Source
from motet.data.splits import WithoutImages
from motet.data.store_filling import FillProgress
from motet.data.text_states import TextStates, texts_in
from motet.evaluation import evaluate, with_trivial_baselines
from motet.evaluation.readable_rows import readable_sources
from motet.training.checkpoint import check_same_run
from motet.training.distributed import processes
from motet.training.evaluator import Evaluator
from motet.training.fit import fit
from motet.training.identity import identity_of_run
from motet.training.initial_weights import initial_system
from motet.training.json_files import BOOTSTRAPS, PREDICTIONS, REPORT, RUN, VAL_REPORT, write_json
from motet.training.linear_start import start_linear_heads, start_linear_maps
from motet.training.run import Published, Run
from motet.training.run_data import run_to_data
from motet.training.saved_names import saved_names
from motet.training.trackers import Tracker

_PACKAGES = ("motet", "torch", "torchvision", "timm", "transformers", "tokenizers", "numpy", "pillow", "safetensors")


def run_training(
    run: Run,
    folder: str | Path,
    *,
    resume: bool = False,
    device: str | None = None,
    eval_batch_size: int = 64,
    baselines: bool = True,
    evaluator: Evaluator = evaluate,
    show: bool = True,
    progress: FillProgress | None = None,
    origin: Mapping[str, Any] | None = None,
    trackers: Sequence[Tracker] = (),
) -> Report:
    """Trains and evaluates a run, without page and model card; under `torchrun` on every rank.

    The folder gets ``run.json`` (the run as data, versions, commit), ``log.jsonl``, TensorBoard, checkpoints, and at
    the end ``report.json`` (the test sources, with trivial baselines and intervals; the val sources where there are
    none), ``report-val.json`` and ``predictions.jsonl``.

    Args:
        run: the run.
        folder: of the run.
        resume: whether to continue in the folder of an earlier start; a finished run is only evaluated again.
        device: "cpu", "cuda", ...; None for the best there is.
        eval_batch_size: rows per batch in evaluation.
        baselines: whether to evaluate the trivial baselines too.
        evaluator: evaluates the val sources during training; what it raises ends the run.
        show: whether to show a live line on the terminal.
        progress: called after every batch of images or texts whose features are stored.
        origin: origin of the run (a recipe by name, its settings), for ``run.json``.
        trackers: get the numbers of the log.

    Returns:
        The report of the test sources, or of the val sources where there are none. When a signal stopped the run and
        its handler returned, its `step` is below ``run.train.steps``.

    Raises:
        CheckpointError: a folder that is not empty without `resume`, of another run, or that another process writes in.
        ConfigError: a part of the run that is not valid.
        DataError: a row that cannot be read.
        TrainingError: training cannot go on.
    """
    folder = Path(folder)
    run.train.check()
    saved_names().check(to_json((run.system, run.tasks)))
    with processes(device) as torch_device, _opened(folder, resume):
        system, matched = initial_system(run, torch_device, resume_from=folder if resume else None)
        sources = run.of_role("train")
        mixture = Mixture(sources, run.schedule.bind(sources, seed=run.train.seed), run.train.seed)
        identity = identity_of_run(run, system, mixture)
        if resume:
            check_same_run(folder, identity=identity)
        if matched is None and resume and run.start is not None:
            matched = _saved_match(folder / RUN)
        unreadable: dict[str, str] = {}
        if run.image_cache is not None:
            system.processor = _with_image_cache(system.processor, run.image_cache)
        if run.stores_features:
            files = store_features(run, system, progress)
            system.processor = system.processor.with_features(files)
            unreadable = files.left_out
        stored: set[InputKind] = {"image", "video"} if run.stores_features else set()
        if store_texts(run, system, progress):
            stored.add("text")
        skips = run.train.on_bad_row == "skip"
        started = (
            *start_linear_heads(system, sources, seed=run.train.seed, skip_bad_rows=skips, stored=stored),
            *start_linear_maps(system, sources, seed=run.train.seed, skip_bad_rows=skips),
        )
        report = fit(
            system,
            mixture,
            run.train,
            balancer=run.balancer,
            held_out=run.of_role("val"),
            folder=folder,
            resume=resume,
            evaluator=evaluator,
            eval_batch_size=eval_batch_size,
            show=show,
            identity=identity,
            record=_run_record(run, system, torch_device, matched) | {"origin": origin},
            trackers=trackers,
            notes=[*(f"left out of the stored features: {line}" for line in unreadable.values()), *started],
        )
        if matched is not None:
            origin_of = "published weights" if isinstance(run.start, Published) else "another run"
            started_from = (f"started from {origin_of}: {line}" for line in matched.lines())
            report = dataclasses.replace(report, notes=(*report.notes, *started_from))
        left_out = tuple(line for source in run.sources for line in _removed_note(source))
        report = dataclasses.replace(report, notes=(*report.notes, *_unreadable_note(unreadable), *left_out))
        if report.step < run.train.steps:
            return report
        return _evaluated(run, system, folder, report, eval_batch_size, baselines)


def store_features(run: Run, system: System, progress: FillProgress | None = None) -> FeatureFiles:
    """Stores the frozen encoder's features of every image of a run.

    Training images get all views if some task allows a crop or a flip; all others get the plain view.

    Raises:
        ConfigError: the run asks for none, the system has no frozen encoder, or the disk has no room.
    """
    if run.features is None:
        raise ConfigError("Run.features: got None; want Features(folder)")
    folder, views, on_bad_row = run.features.folder, run.features.views, run.train.on_bad_row
    changed = [source for source in run.sources if source.role == "train" and source.allows_changes]
    plain = [source for source in run.sources if source.role != "train" or not source.allows_changes]
    first, files = (
        FeatureFiles.fill(
            system,
            images_in(sources, on_bad_row),
            folder,
            views=number,
            workers=run.train.workers,
            on_bad_row=on_bad_row,
            progress=progress,
        )
        for sources, number in ((plain, 1), (changed, views))
    )
    files.left_out = first.left_out | files.left_out
    return files


def _with_image_cache(processor: Processor, folder: Path) -> Processor:
    if not isinstance(processor, CachesImages):
        raise ConfigError(f"Run.image_cache: got {type(processor).__name__}; want a processor that can keep images")
    return processor.with_image_cache(folder)


def store_texts(run: Run, system: System, progress: FillProgress | None = None) -> bool:
    """Stores the states of a frozen text encoder, if the run stores features, and lets the system read them.

    Returns:
        Whether there are such texts.

    Raises:
        ConfigError: the disk has no room.
    """
    if run.features is not None and isinstance(system, StoresTexts) and system.stored_text_tasks():
        texts = texts_in(system, run.sources, run.train.on_bad_row)
        system.read_texts(TextStates.fill(system, texts, run.features.folder, progress=progress))
        return True
    return False


def _evaluated(run: Run, system: System, folder: Path, val: Report, batch_size: int, baselines: bool) -> Report:
    """Evaluates the test sources, once and at the end, and writes the reports."""
    write_json(folder / VAL_REPORT, val.to_dict())
    sources = run.of_role("test")
    report = val
    if sources:
        sources, left_out = readable_sources(sources, system.processor, run.train.on_bad_row, workers=run.train.workers)
        report = evaluate(
            system,
            sources,
            batch_size=batch_size,
            step=val.step,
            role="test",
            interval=True,
            predictions=folder / PREDICTIONS,
            bootstraps=folder / BOOTSTRAPS,
            workers=run.train.workers,
        )
        if baselines:
            report = with_trivial_baselines(
                report,
                system,
                run.of_role("train"),
                sources,
                batch_size=batch_size,
                workers=run.train.workers,
                on_bad_row=run.train.on_bad_row,
            )
        notes = (*report.notes, *left_out, *val.notes)
        report = dataclasses.replace(report, samples_seen=val.samples_seen, notes=notes)
    write_json(folder / REPORT, report.to_dict())
    return report


@contextmanager
def _opened(folder: Path, resume: bool) -> Iterator[None]:
    """Makes a run folder and keeps other processes from writing in it; rank 0 does, and all ranks fail with it."""
    lock, failure = FolderLock(folder), ""
    if rank() == 0:
        try:
            _check_new(folder, resume)  # before the lock writes a file in it
            folder.mkdir(parents=True, exist_ok=True)
            lock.__enter__()
            _check_new(folder, resume)
        except CheckpointError as error:
            failure = f"run folder {error}"
        except OSError as error:
            failure = f"run folder {folder}: got {error.strerror or error}; want a folder with room that can be written"
    try:
        failure = broadcast(failure)
        if failure:
            raise CheckpointError(failure)
        yield
    finally:
        lock.release()


def _check_new(folder: Path, resume: bool) -> None:
    if not resume and folder.is_dir() and any(path.name not in (LOCK, HOLDER) for path in folder.iterdir()):
        raise CheckpointError(f"{folder}: got one that is not empty; want a new one, or --resume to go on in it")


def _saved_match(path: Path) -> WeightMatch | None:
    """Returns the weights that matched when a resumed run started; `path` is overwritten next."""
    found: WeightMatch | None = None
    failure: str | None = None
    if rank() == 0 and path.exists():
        try:
            saved = read_json(path)["started_from"]
            found = None if saved is None else WeightMatch(**{name: tuple(names) for name, names in saved.items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            failure = f"{path}: got {error}; want the file that the run wrote"
    found, failure = broadcast((found, failure))
    if failure is not None:
        raise CheckpointError(failure)
    return found


def _run_record(run: Run, system: System, device: torch.device, matched: WeightMatch | None) -> dict[str, Any]:
    parameters = list(system.parameters())
    return {
        "tasks": list(system.tasks),
        "seed": run.train.seed,
        "data": {source.name: _data(source) for source in run.sources},
        "parameters": {
            "all": sum(parameter.numel() for parameter in parameters),
            "trained": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        },
        "versions": _versions(),
        "credit": list(run.credit),
        "argv": sys.argv,
        "device": str(device),
        "ranks": world(),
        **run_to_data(run),
        "started_from": None if matched is None else dataclasses.asdict(matched),
    }


def _removed_note(source: Source) -> tuple[str, ...]:
    """Returns a note on the rows that a clean split removed from a source."""
    reader = source.reader
    while isinstance(reader, CaptionRows | ComposedRows):
        reader = reader.reader
    if not isinstance(reader, WithoutImages) or not reader.left_out:
        return ()
    rows, whole = reader.left_out, len(reader.reader)
    return (
        f"{source.name}: {rows:,} of {whole:,} rows left out: their pictures stand in a test set, or look like one",
    )


def _unreadable_note(unreadable: Mapping[str, str]) -> tuple[str, ...]:
    """Returns a note on the images that have no stored features; every one of them is in the log."""
    if not unreadable:
        return ()
    first = next(iter(unreadable.values()))
    return (f"{len(unreadable)} images without stored features, their rows are skipped, such as {first}",)


def _data(source: Source) -> dict[str, Any]:
    found = fingerprint_of(image_index(source.reader))
    return {
        "fingerprint": found["ids"],
        "count": len(source.reader),
        "images": found["images"],
        "role": source.role,
        "tasks": [task.name for task in source.tasks],
    }


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    commit = _commit()
    return versions | ({"commit": commit} if commit else {})


def _commit() -> str:
    """Returns the commit of motet's repository, if it runs from one, with a mark when files differ from it."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{commit} with changes" if changed.strip() else commit
