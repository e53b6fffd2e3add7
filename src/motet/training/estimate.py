"""An estimate of a run before it is trained: samples, parameters, time, memory; the numbers of `motet plan`."""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from motet.core import ConfigError, ImageFile, System
from motet.core.task import Invariance
from motet.data.exposure import SampleCounts, count_samples
from motet.data.features import STORE_BATCH
from motet.data.image_index import image_index
from motet.data.loader import Loader
from motet.data.mixture import Mixture
from motet.training.evaluation_time import evaluation_bound, evaluation_seconds
from motet.training.initial_weights import initial_system
from motet.training.optim import set_lr
from motet.training.run import Run
from motet.training.step import TrainStep
from motet.training.text_encoding import TextEncoding, encode_texts_aside


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The estimate of a run.

    Args:
        steps: of the run.
        samples: the samples of each source in the run.
        shared: trained parameters that the tasks share.
        own: trained parameters of single tasks.
        frozen: parameters that are not trained.
        step_seconds: of one step, as measured.
        setup_seconds: to read the sources and build the system, as measured.
        store_seconds: time to encode and store every image and text, of all roles; 0 without stored features. What is
            stored already takes none.
        evaluation_seconds: of all evaluations, with those of the test rows; from some rows of each source.
        seconds: of all this together, without the report page and trivial baselines that read the training rows.
        memory_bytes: the peak in the measured steps, of the GPU where there is one, else of the whole process.
        stored_bytes: of the feature store; 0 without one.
        stored_in: its folder; "" without one.
        free_bytes: free on the disk of that folder.
        passes: backward passes of a step, where a gradient method takes one for each task; else 1.
        gradients_bytes: of the tasks' gradients that such a method holds at the same time; 0 without one.
        at_most: True where only one step was timed, and the times are upper bounds.
    """

    steps: int
    samples: tuple[SampleCounts, ...]
    shared: int
    own: int
    frozen: int
    setup_seconds: float
    step_seconds: float
    store_seconds: float
    evaluation_seconds: float
    seconds: float
    memory_bytes: int
    stored_bytes: int
    stored_in: str
    free_bytes: int
    passes: int = 1
    gradients_bytes: int = 0
    at_most: bool = False


def estimate(run: Run, *, timed_steps: int = 3, enough: float = 0.0, device: torch.device | str = "cpu") -> Estimate:
    """Estimates a run: builds its system and times a few steps with it.

    Args:
        run: not changed, and nothing is written.
        timed_steps: number of measured steps, after one that is not measured.
        enough: seconds; where the first step, which is the slowest, shows that the whole run takes less, nothing more
            is timed.
        device: of the system.

    Raises:
        ConfigError: any error of the run before its first step, or no room for stored features.
        DataError: a bad row among the first.
    """
    run.train.check()
    started = time.perf_counter()
    sources = run.of_role("train")
    mixture = Mixture(sources, run.schedule.bind(sources, seed=run.train.seed), run.train.seed)
    system, _ = initial_system(run, torch.device(device))
    setup_seconds = time.perf_counter() - started
    samples = count_samples(mixture, run.train.steps)
    encoding = ImageEncoding(system)
    if run.stores_features:
        system.processor = system.processor.with_features(encoding)
    texts = encode_texts_aside(run, system)

    def stored_seconds() -> float:
        return encoding.seconds + (texts.seconds if texts is not None else 0.0)

    steps = _timed_steps(run, system, mixture, stored_seconds, min(timed_steps, max(1, run.train.steps)))
    rows, first = next(steps)
    step_seconds, evaluation = first.seconds(run.train.workers), 0.0
    at_most, known = False, not run.stores_features or bool(encoding.images)
    if known and run.train.steps * step_seconds < enough:
        evaluation = evaluation_bound(run, step_seconds / max(1, rows))
        stored, store_seconds, folder = _to_store(run, mixture, encoding, texts)
        at_most = setup_seconds + run.train.steps * step_seconds + store_seconds + evaluation < enough
    if not at_most:
        # The first step also allocates and warms up.
        timed = [step for _, step in steps]
        step_seconds = _StepParts(sum(s.reading for s in timed), sum(s.updating for s in timed)).seconds(
            run.train.workers
        ) / len(timed)
        evaluation = evaluation_seconds(run, system, stored_seconds)
        stored, store_seconds, folder = _to_store(run, mixture, encoding, texts)
    shared, own, frozen = count_parameters(system)
    cost = run.balancer.cost(system)
    free = shutil.disk_usage(_existing(folder)).free
    if stored > free:
        raise ConfigError(
            f"Features: got {stored:,} bytes to store in {folder}; want room: {free:,} bytes are free there"
        )
    return Estimate(
        steps=run.train.steps,
        samples=samples,
        shared=shared,
        own=own,
        frozen=frozen,
        setup_seconds=setup_seconds,
        step_seconds=step_seconds,
        store_seconds=store_seconds,
        evaluation_seconds=evaluation,
        seconds=setup_seconds + run.train.steps * step_seconds + store_seconds + evaluation,
        memory_bytes=_peak(torch.device(device)),
        stored_bytes=stored,
        stored_in=str(folder) if stored else "",
        free_bytes=free if stored else 0,
        passes=cost.passes,
        gradients_bytes=cost.stored_bytes,
        at_most=at_most,
    )


def _to_store(
    run: Run, mixture: Mixture, encoding: ImageEncoding, texts: TextEncoding | None
) -> tuple[int, float, Path]:
    """Returns the bytes and the seconds of a run's stored features, and their folder."""
    stored, seconds = 0, 0.0
    if run.features is None:
        return stored, seconds, Path()
    if encoding.images:
        sources = run.of_role("train")
        views = _num_images(mixture, {source.name for source in sources})
        views += _num_images(mixture, {s.name for s in sources if s.allows_changes}) * (run.features.views - 1)
        views += _num_held_out_images(run, mixture)
        stored, seconds = views * encoding.bytes_each, views * encoding.seconds_per_stored_image()
    if texts is not None:
        text_bytes, text_seconds = texts.to_store(run)
        stored, seconds = stored + text_bytes, seconds + text_seconds
    return stored, seconds, run.features.folder


def count_parameters(system: System) -> tuple[int, int, int]:
    """Counts parameters that tasks share, that single tasks have for themselves, and that are frozen."""
    shared_ids = {id(parameter) for block in system.shared_blocks().values() for parameter in block}
    shared = own = frozen = 0
    for parameter in system.parameters():
        if not parameter.requires_grad:
            frozen += parameter.numel()
        elif id(parameter) in shared_ids:
            shared += parameter.numel()
        else:
            own += parameter.numel()
    return shared, own, frozen


class ImageEncoding:
    """A replacement for a feature store: encodes each image when read, and measures the time that a store saves."""

    def __init__(self, system: System) -> None:
        self.system, self.pixels_of = system, system.processor
        self.device = next(system.parameters()).device
        self.seconds, self.images, self.bytes_each = 0.0, 0, 0
        self.view_seconds, self.pixels = 0.0, torch.empty(0)

    def read(self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None) -> np.ndarray:
        """Returns the features of the plain view; every view takes as long."""
        del invariant, rng
        started = time.perf_counter()
        pixels = torch.from_numpy(self.pixels_of.view(image, 0))[None].to(self.device)
        self.view_seconds, self.pixels = self.view_seconds + time.perf_counter() - started, pixels
        with torch.no_grad():
            features: np.ndarray = self.system.encode(pixels)[0].half().cpu().numpy()
        self.seconds += time.perf_counter() - started
        self.images, self.bytes_each = self.images + 1, features.nbytes
        return features

    def seconds_per_stored_image(self) -> float:
        """Returns the seconds to read and encode an image, in a batch of the size that a store encodes at once.

        That batch is often the largest use of memory of a run.
        """
        batch = self.pixels.expand(STORE_BATCH, *self.pixels.shape[1:]).contiguous()
        with torch.no_grad():
            self.system.encode(batch[:1])
            started = time.perf_counter()
            self.system.encode(batch).float().sum().item()  # waits for a GPU
        return self.view_seconds / self.images + (time.perf_counter() - started) / STORE_BATCH

    def read_view(
        self, image: ImageFile, allowed: frozenset[Invariance], rng: np.random.Generator | None
    ) -> tuple[np.ndarray, int]:
        """Returns the same, with the index 0 of the view."""
        return self.read(image, allowed, rng), 0


@dataclass(frozen=True)
class _StepParts:
    """The seconds in which steps read their rows and update the weights."""

    reading: float
    updating: float

    def seconds(self, workers: int) -> float:
        """Returns the seconds of both: workers read while the device computes."""
        return max(self.updating, self.reading / workers) if workers else self.updating + self.reading


def _timed_steps(
    run: Run, system: System, mixture: Mixture, stored_seconds: Callable[[], float], timed_steps: int
) -> Iterator[tuple[int, _StepParts]]:
    """Takes one step and then `timed_steps` others; yields the rows of each and its seconds."""
    groups = system.parameter_groups()
    optimizer = run.train.optimizer.build(groups, lr=run.train.lr, weight_decay=run.train.weight_decay)
    device = next(system.parameters()).device
    train_step = TrainStep(system, optimizer, run.balancer.start(system), run.train, device)
    loader = Loader(mixture, system.processor, parts=run.train.micro_batches, on_bad_row=run.train.on_bad_row)
    set_lr(optimizer, 0.0)  # the weights do not change
    system.train()
    steps = loader.segment(0, timed_steps + 1)
    for index in range(timed_steps + 1):
        reads, encodes = time.perf_counter(), stored_seconds()
        ready = next(steps)
        updates, encoded = time.perf_counter(), stored_seconds() - encodes
        batches = [part for batch in ready.batches for part in batch]
        train_step.update(index, 0, batches, False)
        mixture.consumed = dict(ready.planned.consumed)
        updating = time.perf_counter() - updates
        yield sum(map(len, batches)), _StepParts(updates - reads - encoded, updating)


def _num_images(mixture: Mixture, names: set[str]) -> int:
    """Counts the images of these sources, shared ones once."""
    return len({key for name in names for ids in mixture.images[name].ids for key in ids})


def _num_held_out_images(run: Run, mixture: Mixture) -> int:
    """Counts the images of val and test sources that no training source has."""
    trained = {key for images in mixture.images.values() for ids in images.ids for key in ids}
    held_out = (source for source in run.sources if source.role != "train")
    return len({key for source in held_out for ids in image_index(source.reader).ids for key in ids} - trained)


def _existing(folder: Path) -> Path:
    return next((place for place in (folder, *folder.resolve().parents) if place.exists()), Path())


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
