"""What the fuzzer reads of motet's own files: saved models, run folders, stored features, caches, settings."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fuzz_mutations import change_value, mutate
from fuzz_readers import kept
from fuzz_target import Target, files_below, make_old, module_of
from tiny_runs import images_run, write_image
from toys import ToyReader, toy_sources, toy_system

from motet.config.overrides import with_settings
from motet.core import ConfigError, Dense, DiskImage
from motet.core.model_folder import CONFIG, write_model
from motet.data.features import FeatureFiles
from motet.data.image_hashes import hash_images
from motet.data.leakage import Removal, read_lists, write_lists
from motet.data.negatives import HardNegativePool
from motet.evaluation.maps import map_from_json, map_to_json
from motet.evaluation.predictions_io import read_lines, write_lines
from motet.experiments.api import compare, train
from motet.experiments.run_report import write_page
from motet.hub import load_system
from motet.hub.load import read_report
from motet.nn.pretrained.files import read_published
from motet.preprocess.images import decode
from motet.training.run import Run
from motet.training.run_data import saved_run, saved_sources
from motet.training.run_training import run_training


def model_targets(root: Path) -> dict[str, Callable[[], Target]]:
    """Returns, by name, what makes each target."""
    models = module_of("contract/test_systems.py").CASES
    return {
        **{f"model:{name}": partial(_model, root, name) for name in models},
        "run": partial(_run, root),
        "predictions": partial(_predictions, root),
        "features": partial(_features, root),
        "caches": partial(_caches, root),
        "weights": partial(_weights, root),
        "overrides": partial(_overrides, root),
    }


# Saved models


def _model(root: Path, name: str) -> Target:
    folder = root / "models" / name
    write_model(folder, module_of("contract/test_systems.py").build(name))
    return Target(f"model:{name}", _loading(folder), folder, files_below(folder))


def _loading(folder: Path) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        if rng.random() < 0.7:
            _sum_up(folder)
        torch.manual_seed(0)
        load_system(folder)

    return act


def _sum_up(folder: Path) -> None:
    """Writes the digests of changed assets, as whoever changed them would."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        if not (folder / CONFIG).is_symlink() and (folder / CONFIG).is_file():
            config = json.loads((folder / CONFIG).read_text())
            for name in config["assets"]:
                data = (folder / "assets" / name).read_bytes() if (folder / "assets" / name).is_file() else b""
                config["assets"][name] = hashlib.blake2b(data, digest_size=16).hexdigest()
            (folder / CONFIG).write_text(json.dumps(config))


# Run folders


def _run(root: Path) -> Target:
    for kind in ("dark", "light"):
        for grey in range(3):
            write_image(root / "run_data" / "kinds" / kind / f"{grey}.png", 90 + grey)
    run = images_run(root / "run_data")
    run = replace(run, train=replace(run.train, steps=1))
    folder = root / "run"
    torch.manual_seed(0)
    train(run, folder, device="cpu", show=False)
    several = module_of("report/conftest.py").write_run(root / "run_of_several", {"kind": 60.0, "pets": 50.0})
    return Target("run", _reading_run(run, folder, several), folder, files_below(folder))


def _reading_run(run: Run, folder: Path, several: Path) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        with kept() as errors:
            with errors():
                compare(several, folder)
            with errors():
                read_report(folder)
            with errors():
                saved_run(folder)
            with errors():
                saved_sources(folder, "val")
            with errors():
                write_page(folder, run.sources, title="run")
            with errors():
                run_training(run, folder, resume=True, device="cpu", show=False)

    return act


# Predictions


def _predictions(root: Path) -> Target:
    folder = root / "predictions"
    levels = np.arange(12, dtype=np.float64).reshape(3, 4)
    lines = [{"task": "x", "source": "s", "id": f"s/{place}", "prediction": map_to_json(levels, target)}
             for place, target in enumerate(_DENSE)]  # fmt: skip
    folder.mkdir(parents=True)
    write_lines(folder / "predictions.jsonl", lines)

    def act(rng: random.Random) -> None:
        with kept() as errors, errors():
            for line in read_lines(folder / "predictions.jsonl"):
                if isinstance(line.get("prediction"), dict):
                    with errors():
                        map_from_json(line["prediction"], _DENSE["range" not in line["prediction"]])

    return Target("predictions", act, folder, files_below(folder))


_DENSE = (Dense(1, "metre"), Dense(1, "class", names=("a", "b")))


# Stored features and caches


def _features(root: Path) -> Target:
    folder, system = root / "features", toy_system(toy_sources(5))
    images = module_of("data/test_features.py").write(root / "feature_images", 5)
    FeatureFiles.fill(system, images, folder, batch_size=2)

    def act(rng: random.Random) -> None:
        with kept() as errors:
            for store in sorted(path.parent for path in folder.rglob("*.json")):
                with errors():
                    read = FeatureFiles(store, [frozenset()])
                    for image in images:
                        with errors():
                            read.read(image, frozenset(), None)
            with errors():
                FeatureFiles.fill(system, images, folder, batch_size=2)

    return Target("features", act, folder, files_below(folder))


def _caches(root: Path) -> Target:
    folder, places = root / "caches", [write_image(root / "hashed" / f"{n}.png", 40 * n) for n in range(3)]
    images, reader = {str(path): DiskImage(path) for path in places}, ToyReader("a", 4)
    removal = Removal("a", "train", 4, 4, ("coco/1",), (), 3, "x")
    folder.mkdir(parents=True)

    def act(rng: random.Random) -> None:
        with kept() as errors:
            with errors():
                hash_images(images, decode, cache=folder, workers=0)
            with errors():
                HardNegativePool(reader, lambda image: np.arange(4.0), nearest=2, file=folder / "pool.npz")
            with errors():
                read_lists(folder)

    write_lists(folder, [removal])
    act(random.Random(0))
    make_old(folder)
    return Target("caches", act, folder, files_below(folder))


def _weights(root: Path) -> Target:
    from safetensors.torch import save_file

    from motet.experiments.region_extraction import _state_in

    folder = root / "weights"
    folder.mkdir(parents=True)
    state = {"a.weight": torch.zeros(2, 3), "a.bias": torch.arange(2)}
    save_file(state, folder / "model.safetensors")
    torch.save(state, folder / "model.pth")

    def act(rng: random.Random) -> None:
        with kept() as errors:
            with errors():
                read_published(folder, inside="model")
            for name in ("model.pth", "model.safetensors"):
                with errors():
                    try:
                        _state_in(folder / name)
                    except (OSError, RuntimeError, KeyError, ValueError) as error:  # which its caller tells in a line
                        raise ConfigError(type(error).__name__) from error

    return Target("weights", act, folder, files_below(folder))


# Overrides


def _overrides(root: Path) -> Target:
    from tiny_runs import images_run, write_image

    for kind in ("dark", "light"):
        write_image(root / "overrides" / "kinds" / kind / "0.png")
    run = images_run(root / "overrides")
    settings = [f"{path}={value}" for path, value in _paths(run, ())]
    return Target("overrides", _setting(run, settings), root / "overrides", {})


def _setting(run: Run, settings: list[str]) -> Callable[[random.Random], None]:
    def act(rng: random.Random) -> None:
        with kept() as errors:
            for _ in range(20):
                with errors():
                    with_settings(run, [_changed_setting(rng.choice(settings), rng)])

    return act


def _changed_setting(setting: str, rng: random.Random) -> str:
    path, _, value = setting.partition("=")
    match rng.randrange(5):
        case 0:
            value = str(change_value(rng.choice((value, [value], {"a": value})), rng))
        case 1:
            value = mutate(value.encode("utf-8", "replace"), rng).decode("utf-8", "surrogateescape")[:100_000]
        case 2:
            value = rng.choice(
                ("(" * 5000, "-" * 5000 + "1", "A(" * 300 + ")" * 300, "9" * 5000, "1e999", "[" * 99 + "]" * 99)
            )
        case 3:
            value = rng.choice(
                ("Adamw(lr=1e999)", "Mixed(batch_size=-1)", "None", "{'a': 1}", "x=1", "1,2,3", "\0", "''")
            )
        case _:
            parts = path.split(".")
            parts[rng.randrange(len(parts))] = rng.choice(("", "0", "-1", "__class__", "999", "x", "\ud800"))
            path = ".".join(parts)
    return f"{path}={value}"


def _paths(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yields the places of all fields within a run, and their values as texts."""
    if path:
        yield ".".join(path), str(value)[:200]
    if is_dataclass(value) and len(path) < 5:
        for field in fields(value):
            if field.init:
                yield from _paths(getattr(value, field.name), (*path, field.name))
    elif isinstance(value, tuple) and len(path) < 5:
        for index, part in enumerate(value[:2]):
            yield from _paths(part, (*path, str(index)))
