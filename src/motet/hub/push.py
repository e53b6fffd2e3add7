"""Models on the Hugging Face Hub, which holds the same files as a saved folder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.core import CheckpointError, Report, System, Task
from motet.core.hub_access import download_files, hub_error_text, hub_errors
from motet.core.model_folder import ASSETS, CONFIG, TASKS, WEIGHTS
from motet.hub.exported.layout import INDEX
from motet.hub.exported.layout import WEIGHTS as ONNX_WEIGHTS
from motet.hub.load import load_system, save_pretrained

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
FILES = (WEIGHTS, CONFIG, TASKS, f"{ASSETS}/*", f"{ASSETS}/**/*", "README.md", INDEX, ONNX_WEIGHTS, "*.onnx")
"""The only files that are downloaded from a repository: safetensors, JSON, assets and ONNX graphs. Never a pickle."""


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
    wanted = "want the folder of a saved model or of a run, or owner/name on the Hub"
    if not _HUB_NAME.fullmatch(str(name)):
        raise CheckpointError(f"model {str(name)!r}: got no such folder; {wanted}")
    folder = download_files(str(name), FILES, what="model", wanted=wanted, revision=revision, **fetch)
    return load_system(folder, tasks=tasks, trust=trust, parts=parts)


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
        except hub_errors() as error:
            raise CheckpointError(
                f"Hub repository {name!r}: got {hub_error_text(error)}; want a repository that your token may write to"
            ) from error
    return str(commit.commit_url)
