"""A published release on disk or on the Hub: its weights, their form, and the small files beside them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from motet.core import CheckpointError
from motet.core.hub_access import download_files
from motet.core.plain_json import parse_json
from motet.core.regular_files import file_bytes, file_size
from motet.nn.pretrained.big_vision import read_arrays
from motet.nn.pretrained.files import read_published
from motet.nn.pretrained.forms import WeightForm, recognise

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_WEIGHTS = ("*.safetensors", "*.bin", "*.pth", "*.pt", "*.ckpt", "*.npz")
"""Files of weights, the preferred kind first."""
_BESIDE = ("*.json", "*.txt", "*.gz", "*.pkl", "*.model")
# A trainer's own files beside the weights of transformers.
_NO_WEIGHTS = re.compile(r"(?:training_args|optimizer|scheduler|rng_state|scaler).*")
_MOST_SMALL = 64 * 2**20
_MOST_TIMES_PACKED = 100
_INSIDE = ("model", "model_state_dict", "state_dict", "module")
_WANTED = "want a file of published weights, a folder with one, or owner/name on the Hub"


@dataclass(frozen=True)
class Release:
    """Published weights that were read, with what lies beside them.

    Args:
        path: of the file of weights.
        form: which of the known forms it has.
        tensors: the weights by name, of a file of PyTorch or of safetensors.
        arrays: the weights by name, of an ``.npz`` file.
    """

    path: Path
    form: WeightForm
    tensors: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def numbers(self) -> int:
        """The number of all weights."""
        return sum(value.numel() for value in self.tensors.values()) + sum(v.size for v in self.arrays.values())

    def beside(self, *names: str) -> Path | None:
        """Returns the first file of these names beside the weights; None if there is none."""
        found = (self.path.parent / name for name in names)
        return next((path for path in found if path.is_file()), None)

    def options(self) -> Mapping[str, Any]:
        """Returns what ``config.json`` beside the weights holds; nothing where there is none.

        Raises:
            CheckpointError: a damaged or very large file.
        """
        path = self.beside("config.json", "bert_base_6layer_6conect.json")
        if path is None:
            return {}
        found = parse_small(path)
        if not isinstance(found, dict):
            raise CheckpointError(f"{path}: got a {type(found).__name__}; want options by name")
        return found


def open_release(name: str | Path, *, revision: str | None = None) -> Release:
    """Reads published weights. Nothing in them is run: safetensors, arrays, or tensors and plain values alone.

    Args:
        name: a file, a folder with one file of weights, or ``owner/name`` on the Hub.
        revision: a branch, tag or commit on the Hub.

    Raises:
        CheckpointError: no such file or repository, a file that cannot be read, or weights of no known form.
    """
    path = _weights_file(_local(name, revision))
    if path.suffix == ".npz":
        _check_unpacked(path)
        arrays = read_arrays(path)
        return Release(path, recognise(arrays, str(path)), arrays=arrays)
    tensors = read_published(path, inside=_INSIDE)
    for key, value in tensors.items():
        # A few stored numbers may be declared to be a matrix of any size, which would be built.
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            got = f"{key}: {tuple(value.shape)} of fewer stored numbers"
            raise CheckpointError(f"{path}: got {got}; want weights that are stored completely")
    return Release(path, recognise(tensors, str(path)), tensors=tensors)


def parse_small(path: Path) -> Any:
    """Returns the value of a small JSON file of others.

    Raises:
        CheckpointError: a file that is damaged, or of more than 64 MiB.
    """
    try:
        if (size := file_size(path)) > _MOST_SMALL:
            raise ValueError(f"{size:,} bytes")
        return parse_json(file_bytes(path), halves=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: got {error}; want a JSON file of at most {_MOST_SMALL:,} bytes") from error


def _local(name: str | Path, revision: str | None) -> Path:
    path = Path(name)
    if path.exists():
        return path
    if not _HUB_NAME.fullmatch(str(name)) or str(name).endswith(tuple(one.removeprefix("*") for one in _WEIGHTS)):
        raise CheckpointError(f"weights {str(name)!r}: got no such file or folder; {_WANTED}")
    # Most repositories hold the same weights once per kind of file, so the better kind is asked for first.
    for kinds in (_WEIGHTS[:1], _WEIGHTS[1:]):
        path = download_files(str(name), (*kinds, *_BESIDE), what="weights", wanted=_WANTED, revision=revision)
        if _weights_in(path):
            return path
    raise CheckpointError(f"weights {str(name)!r}: got a repository without {', '.join(_WEIGHTS)}; {_WANTED}")


def _weights_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = _weights_in(path)
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:5])
        raise CheckpointError(f"{path}: got {len(files)} files of weights ({names}); want the path of one of them")
    if not files:
        raise CheckpointError(f"{path}: got a folder without {', '.join(_WEIGHTS)}; {_WANTED}")
    return files[0]


def _weights_in(folder: Path) -> Sequence[Path]:
    """Returns the files of the first kind that the folder has any of."""
    for kind in _WEIGHTS:
        if files := sorted(path for path in folder.glob(kind) if not _NO_WEIGHTS.fullmatch(path.name)):
            return files
    return ()


def _check_unpacked(path: Path) -> None:
    """Refuses an ``.npz`` file that would become many times as large in memory."""
    try:
        size = file_size(path)
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise CheckpointError(f"{path}: got {error}; want a complete .npz file of big_vision") from error
    if unpacked > max(_MOST_TIMES_PACKED * size, _MOST_SMALL):
        raise CheckpointError(
            f"{path}: got {size:,} bytes that unpack to {unpacked:,}; want weights, which do not shrink by more than "
            f"{_MOST_TIMES_PACKED} times"
        )
