"""Models on the Hugging Face Hub, which holds the same files as a saved folder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.core import CheckpointError, Report, System, Task
from motet.core.hub_access import is_reachable
from motet.core.model_folder import ASSETS, CONFIG, TASKS, WEIGHTS
from motet.hub.load import load_system, save_pretrained

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
FILES = (WEIGHTS, CONFIG, TASKS, f"{ASSETS}/*", f"{ASSETS}/**/*", "README.md")
"""The only files that are downloaded from a repository: safetensors, JSON and assets. Never a pickle."""


def from_pretrained(
    name: str | Path,
    *,
    revision: str | None = None,
    tasks: Sequence[Task] | None = None,
    trust: Sequence[str] = (),
    parts: Mapping[str, Any] | None = None,
    **fetch: Any,
) -> System:
    """Loads a system from a folder, or from the Hub by ``owner/name``.

    Args:
        name: an existing folder, else a name on the Hub.
        revision: a branch, tag or commit on the Hub.
        tasks: see `motet.hub.load_system`.
        trust: see `motet.hub.load_system`.
        parts: see `motet.hub.load_system`.
        fetch: passed on to `huggingface_hub.snapshot_download` (``token``, ``cache_dir``, ``local_files_only``).

    Raises:
        CheckpointError: neither a folder nor a repository that can be downloaded, or a model that does not fit.
    """
    if Path(name).is_dir():
        return load_system(name, tasks=tasks, trust=trust, parts=parts)
    return load_system(_download(str(name), revision, fetch), tasks=tasks, trust=trust, parts=parts)


def push_to_hub(
    system: System,
    name: str,
    *,
    report: Report | None = None,
    credit: Iterable[str] = (),
    private: bool = False,
    token: str | None = None,
    message: str = "A model saved by motet",
    api: Any = None,
) -> str:
    """Uploads a system with its model card to a repository on the Hub, which is made if it does not exist.

    Args:
        system: any system.
        name: ``owner/name``.
        report: scores for the card.
        credit: licence lines for the card.
        private: whether a new repository is private.
        token: of the Hub; the stored login by default.
        message: of the commit.
        api: a `huggingface_hub.HfApi` to use.

    Returns:
        The URL of the commit.

    Raises:
        CheckpointError: the Hub refuses or cannot be reached.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=token) if api is None else api
    with tempfile.TemporaryDirectory() as folder:
        save_pretrained(system, folder, report=report, credit=credit, name=name)
        try:
            api.create_repo(name, repo_type="model", private=private, exist_ok=True)
            commit = api.upload_folder(repo_id=name, folder_path=folder, repo_type="model", commit_message=message)
        except _hub_errors() as error:
            raise CheckpointError(
                f"Hub repository {name!r}: got {_error_text(error)}; want a repository that your token may write to"
            ) from error
    return str(commit.commit_url)


def _download(name: str, revision: str | None, fetch: dict[str, Any]) -> Path:
    from huggingface_hub import constants, snapshot_download

    wanted = "want the folder of a saved model or of a run, or owner/name on the Hub"
    if not _HUB_NAME.fullmatch(name):
        raise CheckpointError(f"model {name!r}: got no such folder; {wanted}")
    try:
        # Where the Hub cannot be reached its cache is asked at once, without retries.
        given = fetch if is_reachable(constants.ENDPOINT) else {"local_files_only": True} | fetch
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(FILES), **given))
    except _hub_errors() as error:
        raise CheckpointError(f"model {name!r}: got no such folder, and {_hub_answer(error)}; {wanted}") from error


def _hub_answer(error: BaseException) -> str:
    """Returns what the Hub said, where a name is no folder."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    match error:
        case GatedRepoError():
            return "on the Hub a repository that asks for your consent first"
        case RepositoryNotFoundError():
            return "no such repository on the Hub (or it is private, and needs a token)"
        case RevisionNotFoundError():
            return "no such revision of it on the Hub"
        case HfHubHTTPError():
            return f"the Hub refused it ({_error_text(error)})"
        case LocalEntryNotFoundError():
            return "the Hub could not be reached"
    return f"the Hub could not be reached ({type(error).__name__})"


def _hub_errors() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # The bases of its HTTP error are OSError and the error of the HTTP client, which differs between versions.
    return (HFValidationError, OSError, *HfHubHTTPError.__bases__)


def _error_text(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason given'}"
