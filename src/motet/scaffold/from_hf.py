"""Sources of Hugging Face data sets; tasks are inferred where there is no doubt, otherwise one line asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError
from motet.core.cache_folder import cache_folder
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.guess import Guess
from motet.data.detect.other_formats import hf_rows, hf_splits
from motet.data.detect.target_columns import Targets, target_columns
from motet.data.formats.columns import Names
from motet.data.source import Source
from motet.scaffold.detected_sources import sources_of, split_named

_SAVED = ("dataset_info.json", "dataset_dict.json", "state.json")


def from_hf(
    data: Any,
    *,
    image: Names = "",
    text: Names = "",
    targets: Targets = (),
    config: str | None = None,
    image_id: str = "",
) -> tuple[Source, ...]:
    """Returns the sources of a Hugging Face data set, with a task per target column, called as the column.

    A data set in memory is saved once in the user's cache (``$MOTET_CACHE``), so that a run can be resumed and compared
    by another process; one by its name or folder is read where `datasets` keeps it.

    Args:
        data: a `datasets.Dataset` or `DatasetDict`, a folder that `save_to_disk` wrote or `load_dataset` reads, or a
            name on the Hub.
        image: see `from_frame`.
        text: see `from_frame`.
        targets: see `from_frame`.
        config: the configuration, where a data set has several.
        image_id: see `HfDataset`; give it where several rows share an image, so that splits keep it together.

    Raises:
        ConfigError: doubt about what is meant, with the columns and the choices; no extra motet[hf].
        DataError: no data set, or one that cannot be read.
    """
    path = data if isinstance(data, str | Path) else _saved_hf(data)
    splits = _hf_splits(path, config)
    parts: list[tuple[Guess, DetectedDataset]] = []
    for split in splits:
        columns, rows = hf_rows(path, split, config)
        given = {"path": path, "split": split} | ({"config": config} if config else {})
        given |= {"image_id": image_id} if image_id else {}
        for mapping in target_columns(columns, rows, image=image, text=text, targets=targets):
            read = try_read(
                "HfDataset", given | mapping.arguments(), kind=mapping.kind, labels=mapping.languages,
                evidence=f"Hugging Face data set, {mapping.evidence}", split=split_named(split, alone=len(splits) == 1),
            )  # fmt: skip
            parts += [(mapping, found) for found in read]
    return sources_of(parts)


def _saved_hf(data: Any) -> Path:
    """Saves a data set in memory once, by the fingerprints of its splits, and returns its folder."""
    parts = dict(data) if isinstance(data, Mapping) else {"": data}
    if not parts or not all(hasattr(part, "save_to_disk") and hasattr(part, "_fingerprint") for part in parts.values()):
        got = type(data).__name__
        raise ConfigError(f"data: got a {got}; want a datasets.Dataset or DatasetDict, a folder or a name on the Hub")
    digest = hashlib.blake2b(digest_size=16)
    for name, part in parts.items():
        digest.update(f"{name}:{part._fingerprint}:{part.split};".encode())
    folder = cache_folder() / "datasets" / digest.hexdigest()
    if not any((folder / name).is_file() for name in _SAVED):
        data.save_to_disk(str(folder))
    return folder


def _hf_splits(path: Path | str, config: str | None) -> list[str]:
    """Returns the names of a data set's splits."""
    folder = Path(path)
    if any((folder / name).is_file() for name in _SAVED):
        return hf_splits(folder)
    try:
        import datasets
    except ImportError as error:
        raise ConfigError(
            "from_hf: got no package datasets; want the extra motet[hf] (pip install 'motet[hf]')"
        ) from error
    try:
        return [str(name) for name in datasets.get_dataset_split_names(str(path), config)]
    except (OSError, ValueError, RuntimeError, LookupError, TypeError) as error:
        line = " ".join(str(error).split())[:300]
        raise DataError(f"data set: got {line}; want one that `datasets` loads", path=path) from error
