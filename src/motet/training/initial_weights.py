"""The system of a run with its initial weights: drawn, pretrained, or of another run; the same on every rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from motet.core import CheckpointError, ConfigError, System, seed_for
from motet.core.codec import to_json
from motet.core.model_folder import (
    CONFIG,
    WeightMatch,
    check_class_names,
    fill,
    model_folder,
    read_assets,
    read_weights,
    step_folder,
    steps_in,
)
from motet.core.ranks import broadcast, rank
from motet.core.regular_files import read_json
from motet.data.splits import texts_of
from motet.nn.pretrained.files import PublishedWeights
from motet.nn.pretrained.release import Release, open_release
from motet.systems import build_system
from motet.systems.published import fill_published
from motet.training.distributed import broadcast_weights
from motet.training.published_names import published_names
from motet.training.run import From, Published, Run


def initial_system(
    run: Run, device: torch.device, *, resume_from: Path | None = None
) -> tuple[System, WeightMatch | None]:
    """Builds the system of a run on its device, with its initial weights.

    Rank 0 reads the texts and fetches pretrained weights; the others receive its files and weights. New weights are
    drawn from the run's seed.

    Args:
        run: has the system's configuration, the tasks and the seed.
        device: the device of the system.
        resume_from: a run folder that training continues from: its files are used, and nothing is fetched, because
            `checkpoint.load` fills the weights.

    Returns:
        The system, and the matched weights if it starts from another run.

    Raises:
        UnsupportedTask: a task that the system cannot answer.
        CheckpointError: the other run cannot be read, or a shape differs.
    """
    steps = () if resume_from is None else steps_in(resume_from)
    matched: WeightMatch | None = None
    if steps and resume_from is not None:
        folder = step_folder(resume_from, steps[-1])
        if (saved_kind := _saved_class(folder)) != (kind := to_json(run.system)["class"]):
            raise CheckpointError(f"{folder}: a checkpoint of another run: system: got {saved_kind!r}; want {kind!r}")
        system = _build_saved(run, folder, read_assets(folder))
        # Features are stored before training continues, and nothing pretrained was fetched, so the encoder must be the
        # saved one already. Weights that do not fit are refused later, by the identity check of the checkpoint.
        own, saved = system.state_dict(), read_weights(folder)
        fill(system, {n: t for n, t in saved.items() if n in own and own[n].shape == t.shape}, strict=False, where="")
    else:
        # A file that is missing or wrong is refused before anything is built.
        release = _opened(run.start)
        system = _build_on_rank_0_first(run)
        if isinstance(run.start, From):
            system, matched = _with_weights_of(system, run, run.start)
        elif release is not None and run.start is not None:
            matched = start_published(system, release, run.start)
    system.to(device)
    broadcast_weights(system)
    return system, matched


def _opened(start: From | Published | None) -> Release | None:
    """Returns the published release that the run starts from; every rank reads it, as it reads another run."""
    match start:
        case From() if start.made_by and not start.folder.exists():
            made_by = f"want the run that `{start.made_by}` makes"
            raise CheckpointError(f"start: {start.folder}: got no such folder; {made_by}")
        case Published():
            return open_release(start.weights, revision=start.revision)
    return None


def start_published(system: System, release: Release, start: Published) -> WeightMatch:
    """Loads published weights into a system, in place.

    Args:
        system: keeps its own weights where the release has none.
        release: the weights of `start`.
        start: which heads they fill, and where the names of their classes are.

    Returns:
        The names that were loaded, those that were kept, and those of the release that were not used, with what is
        wrong with them.

    Raises:
        ConfigError: a system that takes no weights of this form, or a head whose classes do not fit the task.
        CheckpointError: weights of other sizes, or none that fits.
    """
    names = published_names(release, start.names)
    matched = as_match(fill_published(system, release, heads=start.heads, names=names))
    if not matched.matched:
        want = f"want weights for a {type(system).__name__} of these sizes"
        raise CheckpointError(f"{release.path}: got no weight that fits of {release.form.name}; {want}")
    system.started(matched.matched)
    return matched


def as_match(found: PublishedWeights) -> WeightMatch:
    """Returns a report of published weights as that of another run's: what has another shape was not used."""
    wrong = (f"{name} (shape {got}, here {want})" for name, got, want in found.mismatched)
    return WeightMatch(found.loaded, found.missing, (*found.unexpected, *wrong))


def start_from(system: System, start: From) -> WeightMatch:
    """Loads another run's weights into a system, in place.

    Args:
        system: keeps its own weights where the other run has none.
        start: which weights, under which names.

    Returns:
        The names that were loaded, those that were kept, and those of the other run that were not used.

    Raises:
        CheckpointError: the folder holds no model, a shape differs, or no name fits.
    """
    return _filled(system, start, _selected_weights(start))


def _selected_weights(start: From) -> dict[str, Tensor]:
    """Returns the weights of the other run that `start` selects, by their names in this run."""
    named = {_renamed(name, start.rename): tensor for name, tensor in read_weights(start.folder).items()}
    return {n: t for n, t in named.items() if n.startswith(start.include) and not n.startswith(start.exclude)}


def _filled(system: System, start: From, selected: Mapping[str, Tensor]) -> WeightMatch:
    try:
        check_class_names(system, start.folder, selected)
        matched = fill(system, selected, strict=False, where=str(start.folder))
    except CheckpointError as error:
        raise CheckpointError(f"{error}, or From.exclude with that name") from error
    if not matched.matched:
        raise CheckpointError(
            f"{start.folder}: got no weight that fits ({len(selected)} names under {list(start.include)}, such as "
            f"{next(iter(selected), 'none')!r}); want names such as {next(iter(system.state_dict()))!r}"
        )
    system.started(matched.matched)
    return matched


def _with_weights_of(system: System, run: Run, start: From) -> tuple[System, WeightMatch]:
    """Returns the system with another run's weights, and with its tokeniser if a loaded weight has one row per token.

    Each row of an embedding table belongs to one token of the old tokeniser. A tokeniser trained on other texts would
    assign the rows to other tokens, and no check of shapes would find it.
    """
    selected, folder = _selected_weights(start), model_folder(start.folder)
    counts_pieces = any(name.startswith(system.asset_weights()) for name in selected)
    same_kind = _saved_class(folder) == to_json(run.system)["class"]
    if counts_pieces and same_kind and (assets := read_assets(folder)) != dict(system.assets()):
        with_old = _build_saved(run, folder, assets)
        own = with_old.state_dict()
        fresh = {n: t for n, t in system.state_dict().items() if n in own and own[n].shape == t.shape}
        fill(with_old, fresh, strict=False, where="fresh weights")
        system = with_old
    return system, _filled(system, start, selected)


def _saved_class(folder: Path) -> str:
    """Returns the class name of a saved model's configuration."""
    try:
        return str(read_json(folder / CONFIG)["system"]["class"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / CONFIG}: got {error}; want a saved system") from error


def _build_on_rank_0_first(run: Run) -> System:
    if rank() == 0:
        system = _build(run, None)
        broadcast(dict(system.assets()))
        return system
    return _build(run, broadcast({}))


def _build_saved(run: Run, folder: Path, assets: Mapping[str, bytes]) -> System:
    try:
        return _build(run, assets)
    except KeyError as error:
        raise CheckpointError(f"{folder}: assets: got no {error}; want all files that were saved") from error


def _build(run: Run, assets: Mapping[str, bytes] | None) -> System:
    def texts() -> Iterator[str]:
        for source in run.of_role("train"):
            yield from texts_of(source, run.train.on_bad_row)

    # Layers draw their first weights from the global generator; whoever called gets theirs back.
    with torch.random.fork_rng([]):
        torch.manual_seed(seed_for("weights", run.train.seed) % 2**63)
        system = build_system(run.system, run.tasks, texts=texts, assets=assets)
    if not any(parameter.requires_grad for parameter in system.parameters()):
        raise ConfigError(f"{type(system).__name__}: got no parameter to train; want at least one that is not frozen")
    return system


def _renamed(name: str, rename: Mapping[str, str]) -> str:
    for old in sorted(rename, key=len, reverse=True):
        if name.startswith(old):
            return rename[old] + name[len(old) :]
    return name
