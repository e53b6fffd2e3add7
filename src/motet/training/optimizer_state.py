"""An optimiser's state in a checkpoint: whole in one file, or in parts where each rank holds one.

Parts are written and read by `torch.distributed.checkpoint`, in safetensors: its own format has a pickle in it. Any
number of ranks above one can go on from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict_loader import load as load_parts
from torch.distributed.checkpoint.state_dict_saver import save as save_parts
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from motet.core import CheckpointError
from motet.core.regular_files import file_size

_WHOLE, _PARTS = "optimizer.safetensors", "parts"


def is_sharded(optimizer: Optimizer) -> bool:
    """Returns whether each rank holds a part of the optimiser's parameters."""
    return any(isinstance(p, DTensor) for group in optimizer.param_groups for p in group["params"])


def write_parts(folder: Path, optimizer: Optimizer) -> None:
    """Writes every rank's parts into a folder of files; all ranks call it.

    Raises:
        CheckpointError: on every rank, where one of them could not write.
    """
    try:
        writer = HuggingFaceStorageWriter(path=str(folder), save_distributed=True)
        save_parts(_tensors(optimizer)[0], storage_writer=writer)
    except CheckpointException as error:
        raise CheckpointError(f"{folder}: got {_first(error)}; want a folder with room that can be written") from error


def write_optimizer_state(folder: Path, optimizer: Optimizer, parts: Path) -> dict[str, Any]:
    """Writes the state into a folder; rank 0 calls it.

    Args:
        folder: of the state.
        optimizer: whose.
        parts: folder that `write_parts` wrote, if the optimiser's parameters are sharded; it is moved.

    Returns:
        The rest of the state, as plain data.
    """
    tensors, plain = _tensors(optimizer)
    if not is_sharded(optimizer):
        save_file(tensors, folder / _WHOLE)
        return plain
    parts.rename(folder / _PARTS)
    return plain | {"kinds": _kinds_of(tensors)}


def load_optimizer_state(optimizer: Optimizer, folder: Path, saved: Mapping[str, Any]) -> None:
    """Loads a saved state into an optimiser.

    Args:
        optimizer: filled in place.
        folder: of the state.
        saved: the plain data that `write_optimizer_state` returned.

    Raises:
        CheckpointError: a state of another optimiser, in parts where it should be whole, or damaged files.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    shapes = [list(parameter.shape) for parameter in parameters]
    if ("kinds" in saved) != is_sharded(optimizer):
        got = ("whole on one rank", "in parts, one per rank")
        raise CheckpointError(
            f"{folder}: the optimiser's state: got it {got['kinds' in saved]}; want it "
            f"{got[is_sharded(optimizer)]} (it is in parts with TrainConfig.sharded on several ranks)"
        )
    if saved["kind"] != type(optimizer).__name__ or saved["shapes"] != shapes:
        raise CheckpointError(
            f"{folder}: got the state of {saved['kind']} over {len(saved['shapes'])} parameters; want "
            f"{type(optimizer).__name__} over {len(shapes)} of the same shapes"
        )
    tensors = _saved_tensors(optimizer, folder, saved)
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in saved["numbers"].items()}
    for key, tensor in tensors.items():
        place, _, name = key.partition(".")
        state.setdefault(int(place), {})[name] = tensor
    whole = optimizer.state_dict()
    for group, numbers in zip(whole["param_groups"], saved["groups"], strict=True):
        group.update(numbers)
    optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
    for index, values in state.items():
        loaded = optimizer.state[parameters[index]]
        for name, value in values.items():
            # Torch casts to the parameter's type; a moment of another type must keep its bits to go on bit-equal.
            if isinstance(value, Tensor):
                loaded[name] = value.to(loaded[name].device)


def _saved_tensors(optimizer: Optimizer, folder: Path, saved: Mapping[str, Any]) -> dict[str, Tensor]:
    if is_sharded(optimizer):
        return _read_parts(folder / _PARTS, optimizer, saved["kinds"])
    path = folder / _WHOLE
    try:
        file_size(path)
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want safetensors") from error
    return tensors


def _read_parts(folder: Path, optimizer: Optimizer, kinds: Mapping[str, Any]) -> dict[str, Tensor]:
    """This rank's parts, whatever the number of ranks that wrote them; all ranks call it.

    Args:
        folder: of the files.
        optimizer: over the parameters that the state belongs to.
        kinds: for each tensor its type and shape, as they were when it was saved.

    Raises:
        CheckpointError: a file that is missing or damaged.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    tensors: dict[str, Tensor] = {}
    for name, (dtype, shape) in kinds.items():
        parameter = parameters[int(name.partition(".")[0])]
        kind, whole = getattr(torch, dtype), tuple(shape)
        # Moments are sharded like their parameter; a count of steps is the same on every rank.
        like = whole == tuple(parameter.shape)
        tensors[name] = torch.empty_like(parameter, dtype=kind) if like else torch.empty(whole, dtype=kind)
    try:
        load_parts(dict(tensors), storage_reader=HuggingFaceStorageReader(path=str(folder)))
    except CheckpointException as error:
        raise CheckpointError(f"{folder}: got {_first(error)}; want the files that were saved") from error
    return tensors


def _tensors(optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Returns the tensors of the state, for safetensors, and the rest, for JSON."""
    whole = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for index, state in whole["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                sharded = isinstance(value, DTensor)  # the writer of parts stores it in its own placement
                tensors[f"{index}.{name}"] = value.detach() if sharded else value.detach().cpu().contiguous().clone()
            else:
                numbers.setdefault(str(index), {})[name] = value
    groups = [
        {name: value for name, value in group.items() if isinstance(value, bool | int | float)}
        for group in whole["param_groups"]
    ]
    shapes = [list(parameter.shape) for group in optimizer.param_groups for parameter in group["params"]]
    return tensors, {"kind": type(optimizer).__name__, "numbers": numbers, "groups": groups, "shapes": shapes}


def _kinds_of(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Returns each tensor's type and whole shape, as plain data."""
    return {name: [str(value.dtype).removeprefix("torch."), list(value.shape)] for name, value in tensors.items()}


def _first(error: CheckpointException) -> str:
    return str(next(iter(error.failures.values()))[0])
