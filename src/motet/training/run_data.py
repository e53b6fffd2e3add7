"""A run as data: `run.json` holds all of it, so that it is evaluated and continued from without its recipe.

Parts of motet are read back from the tables of `saved_names`. A part of the user's own (a reader, a metric, a system)
is stored by its name and the file it came from, and is imported only if the user trusts it. An object that is no data
(a reader that is no dataclass, a function inside a function) is stored as such: the run then needs its recipe.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from motet.core import CheckpointError, ConfigError, DataError
from motet.core.codec import from_json, to_json
from motet.core.regular_files import read_json
from motet.core.saved_names import SavedNames, is_own, names_in
from motet.data.image_index import fingerprint_of, image_index
from motet.data.source import Role, Source
from motet.training.json_files import RUN
from motet.training.run import Run
from motet.training.saved_names import saved_names

ROLES: tuple[Role, ...] = ("train", "val", "test")
_DATA_ROOT = "MOTET_DATA"
_RECIPE = "--recipe RECIPE, which runs its code"


def run_to_data(run: Run) -> dict[str, Any]:
    """Returns the entries of `run.json` that hold a run: itself, the files of code outside motet, the root of data."""
    data = _known_parts(to_json(run, whole=False, base=Path.cwd()), saved_names())
    files = {module: file for module in sorted(outside_modules(data)) if (file := _file_of(module))}
    return {"run": data, "code": files, "data_root": os.environ.get(_DATA_ROOT)}


def _known_parts(data: Any, names: SavedNames) -> Any:
    """Returns data in which a part of motet that is in no table stands as what is no data."""
    match data:
        case {"class": str(name)} | {"reference": str(name)} if is_own(name) and name not in names.known:
            return {"outside": name}
        case dict():
            return {key: _known_parts(part, names) for key, part in data.items()}
        case list():
            return [_known_parts(part, names) for part in data]
    return data


def outside_modules(data: Any) -> frozenset[str]:
    """Returns the modules outside motet that data made by `to_json` names."""
    return frozenset(name.partition(":")[0] for name in names_in(data) if not is_own(name))


def code_files(folder: str | Path) -> dict[str, str]:
    """Returns the file of each module outside motet that a run, or the run of a saved step, names; for messages."""
    for place in (Path(folder), Path(folder).parent):
        if (place / RUN).is_file():
            with contextlib.suppress(CheckpointError):  # a model is read without its run, too
                return _files(read_record(place))
    return {}


def _files(record: Mapping[str, Any]) -> dict[str, str]:
    code = record.get("code")
    return {str(module): str(file) for module, file in code.items()} if isinstance(code, dict) else {}


def saved_run(
    folder: str | Path,
    *,
    roles: Collection[Role] = ROLES,
    trust: Sequence[str] = (),
    moved: Mapping[str, str] | None = None,
) -> Run:
    """Reads the run of a run folder.

    Args:
        folder: of the run.
        roles: of the sources that are read; "train" must be among them.
        trust: packages, modules or .py files of the user's that may be imported.
        moved: old path -> new path of folders and files that lie elsewhere now.

    Raises:
        CheckpointError: no such record or a damaged one; a part that is not trusted or no data; other rows than then.
        DataError: data that cannot be read.
    """
    record = _Record(Path(folder), trust, moved or {})
    entries = record.entries(roles)
    record.check_trusted({**record.run, "sources": entries})
    parts = {name: record.decoded(part, name) for name, part in record.run.items() if name not in ("class", "sources")}
    try:
        return Run(sources=record.sources(entries), **parts)
    except TypeError as error:
        raise CheckpointError(f"{record.path}: run: got {sorted(parts)}; {error}") from error


def saved_sources(
    folder: str | Path, role: Role, *, trust: Sequence[str] = (), moved: Mapping[str, str] | None = None
) -> tuple[Source, ...]:
    """Reads a run folder's sources of one role, and nothing else of the run.

    Args:
        folder: of the run.
        role: of the sources.
        trust: see `saved_run`.
        moved: see `saved_run`.

    Raises:
        CheckpointError, DataError: see `saved_run`.
    """
    record = _Record(Path(folder), trust, moved or {})
    entries = record.entries((role,))
    record.check_trusted(entries)
    return record.sources(entries)


def saved_on_bad_row(folder: str | Path) -> Literal["stop", "skip"]:
    """Returns what a run did with rows that cannot be read; "stop" for a folder that is no run."""
    try:
        match read_record(Path(folder)):
            case {"run": {"train": {"on_bad_row": "skip"}}}:
                return "skip"
    except CheckpointError:
        pass
    return "stop"


def read_record(folder: Path) -> dict[str, Any]:
    """Returns the contents of a run folder's `run.json`.

    Raises:
        CheckpointError: there is no such file, or it is damaged.
    """
    path = folder / RUN
    if not folder.is_dir():
        raise CheckpointError(f"run folder {folder}: got no such folder; want a folder that `motet train` made")
    try:
        data = read_json(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"run folder {folder}: got no {RUN}; want a folder that `motet train` made") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: got a damaged file ({error}); want the JSON that `motet train` wrote"
        ) from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: got a {type(data).__name__}; want the JSON that `motet train` wrote")
    return data


class _Record:
    """The record of one run folder, whose parts are decoded as they are needed."""

    def __init__(self, folder: Path, trust: Sequence[str], moved: Mapping[str, str]) -> None:
        self.path, record = folder / RUN, read_record(folder)
        self.made: dict[str, Any] = {}
        self.names: SavedNames = saved_names(trust, _files(record))
        if not isinstance(record.get("run"), dict) or not isinstance(record["run"].get("sources"), list):
            raise CheckpointError(f"{self.path}: got no run in it; want the recipe that made it: {_RECIPE}")
        run = _relocated(record["run"], {**_moved_root(record.get("data_root")), **moved})
        self.run: dict[str, Any] = _saved_fields(run, self.names)
        self.rows: Mapping[str, Any] = record.get("data") or {}

    def check_trusted(self, data: Any) -> None:
        """Raises CheckpointError if data names code that is not trusted."""
        try:
            self.names.check_trusted(data)
        except CheckpointError as error:
            raise CheckpointError(f"{self.path}: {error}; or {_RECIPE}") from error

    def entries(self, roles: Collection[Role]) -> list[dict[str, Any]]:
        """Returns the data of the sources of some roles."""
        return [entry for entry in self.run["sources"] if isinstance(entry, dict) and entry.get("role") in roles]

    def sources(self, entries: Sequence[dict[str, Any]]) -> tuple[Source, ...]:
        """Returns sources, with the rows that the run had."""
        found = []
        for entry in entries:
            source = self.decoded(entry, f"source {entry.get('name')!r}")
            if not isinstance(source, Source):
                raise CheckpointError(f"{self.path}: sources: got a {type(source).__name__}; want sources")
            self._check_rows(source)
            found.append(source)
        return tuple(found)

    def decoded(self, data: Any, what: str) -> Any:
        """Returns a part of the run."""
        try:
            return from_json(data, self.names, made=self.made)
        except DataError as error:
            raise DataError(f"{self.path}: {what}: {error}; where data lie elsewhere now: --data OLD=NEW") from error
        except (CheckpointError, ConfigError) as error:
            raise CheckpointError(f"{self.path}: {what}: {error}; or {_RECIPE}") from error

    def _check_rows(self, source: Source) -> None:
        then = self.rows.get(source.name, {}).get("fingerprint")
        if then is not None and then != fingerprint_of(image_index(source.reader))["ids"]:
            raise CheckpointError(
                f"{self.path}: source {source.name!r}: got other rows than the run had; want the same data, since "
                f"splits go by its ids; or {_RECIPE}"
            )


def _saved_fields(data: Any, names: SavedNames) -> Any:
    """Returns data without fields that are never saved: who reads another's run must not write where that run says."""
    if isinstance(data, list):
        return [_saved_fields(part, names) for part in data]
    if not isinstance(data, dict):
        return data
    kind = names.known.get(str(data.get("class")))
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    unsaved = {field.name for field in fields if not field.metadata.get("saved", True)}
    return {name: _saved_fields(part, names) for name, part in data.items() if name not in unsaved}


def _relocated(data: Any, moved: Mapping[str, str]) -> Any:
    """Returns data with the start of every path replaced that lies under a moved one."""
    if isinstance(data, str):
        for old, new in moved.items():
            if data == old or data.startswith(old.rstrip("/") + "/"):
                return new.rstrip("/") + data[len(old.rstrip("/")) :]
        return data
    if isinstance(data, dict):
        return {name: _relocated(part, moved) for name, part in data.items()}
    return [_relocated(part, moved) for part in data] if isinstance(data, list) else data


def _moved_root(root: Any) -> dict[str, str]:
    """Returns the folder of all data, if it lies elsewhere on this machine."""
    now = os.environ.get(_DATA_ROOT)
    return {root: now} if now and isinstance(root, str) and root and not Path(root).exists() else {}


def _file_of(module: str) -> str:
    loaded = sys.modules.get(module) or sys.modules.get("__main__")
    file = getattr(loaded, "__file__", None)
    return str(Path(file).resolve()) if file else ""
