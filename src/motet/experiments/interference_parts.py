"""Intermediate results of an interference measurement on disk, replaced by the final numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from motet.analysis.gradients import Blocks
from motet.analysis.interference import Directions, Interference, Probes
from motet.analysis.interference_measurement import interference_from_json, interference_to_json
from motet.core import CheckpointError, DataError
from motet.core.model_folder import WEIGHTS
from motet.core.regular_files import file_size, read_json
from motet.core.whole_files import write_whole

_FORMAT = 1


class MeasurementParts:
    """The files of one measurement: directions and probes per task, and in the end the result.

    Their names hold a digest of the identity, so that another model, other rows or other settings never read them. A
    damaged file counts as missing.

    Args:
        folder: of the files.
        identity: model, rows and settings of the measurement, as plain data.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        identity_json = json.dumps({"format": _FORMAT, **identity})
        self.folder, self.digest = folder, hashlib.blake2b(identity_json.encode(), digest_size=8).hexdigest()

    def directions(self, task: str, blocks: Blocks) -> Directions | None:
        """Returns a task's direction in these blocks; None if it was not saved."""
        tensors = self._read("direction", task)
        if tensors is None or any(f"counted {name}" not in tensors for name in blocks):
            return None
        return Directions(
            {name: tensors[f"unit {name}"] for name in blocks},
            {name: tensors[f"mean {name}"] for name in blocks},
            {name: int(tensors[f"counted {name}"]) for name in blocks},
        )

    def save_directions(self, task: str, value: Directions) -> None:
        """Writes a task's direction. Raises DataError where the folder cannot be written."""
        tensors = {f"unit {name}": tensor for name, tensor in value.unit.items()}
        tensors |= {f"mean {name}": tensor for name, tensor in value.mean.items()}
        tensors |= {f"counted {name}": torch.tensor(count) for name, count in value.counted.items()}
        self._write("direction", task, tensors)

    def probes(self, task: str, blocks: Blocks) -> Probes | None:
        """Returns a task's probes; None if they were not saved."""
        tensors = self._read("probes", task)
        if tensors is None or any(f"lengths {name}" not in tensors for name in blocks):
            return None
        return Probes(
            {name: tensors[f"products {name}"].numpy() for name in blocks},
            {name: tensors[f"lengths {name}"].numpy() for name in blocks},
        )

    def save_probes(self, task: str, value: Probes) -> None:
        """Writes a task's probes. Raises DataError where the folder cannot be written."""
        tensors = {f"products {name}": torch.from_numpy(array) for name, array in value.products.items()}
        tensors |= {f"lengths {name}": torch.from_numpy(array) for name, array in value.lengths.items()}
        self._write("probes", task, tensors)

    def finished(self) -> Interference | None:
        """Returns the result; None if it is not written yet."""
        try:
            tensors = read_json(self._result)
            return interference_from_json(tensors)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_result(self, found: Interference) -> None:
        """Writes the result and removes the intermediate files. Raises DataError if the folder cannot be written."""
        try:
            write_whole(self._result, json.dumps(interference_to_json(found)) + "\n")
            for path in self.folder.glob(f"{self.digest}-*"):
                path.unlink()
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    @property
    def _result(self) -> Path:
        return self.folder / f"{self.digest}.json"

    def _path(self, kind: str, task: str) -> Path:
        short = hashlib.blake2b(task.encode(), digest_size=4).hexdigest()
        return self.folder / f"{self.digest}-{short}-{kind}.safetensors"

    def _read(self, kind: str, task: str) -> dict[str, Tensor] | None:
        path = self._path(kind, task)
        try:
            if not path.exists():
                return None
            file_size(path)
            tensors: dict[str, Tensor] = load_file(path)
        except (SafetensorError, OSError):
            return None
        # Tensors of a file are aligned to 8 bytes, those of torch to 64, and kernels then add in another order. With
        # copies, a resumed measurement ends with the same numbers, bit for bit, as one without a stop.
        return {name: tensor.clone() for name, tensor in tensors.items()}

    def _write(self, kind: str, task: str, tensors: Mapping[str, Tensor]) -> None:
        path = self._path(kind, task)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part)
            part.replace(path)
        except (OSError, SafetensorError) as error:
            raise _cannot_write(path, error) from error


def digest_of_model(folder: Path) -> str:
    """Returns a digest of the weights file of a saved model.

    Raises:
        CheckpointError: they cannot be read.
    """
    try:
        with (folder / WEIGHTS).open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise CheckpointError(f"{folder / WEIGHTS}: got {error.strerror or error}; want a saved model") from error


def _cannot_write(path: Path, error: Exception) -> DataError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return DataError(f"interference: got {reason}; want a folder with room that can be written", path=path)
