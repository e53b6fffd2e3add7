"""Access to the Hugging Face Hub: where it cannot be reached, its cache is used at once, without minutes of retries."""

from __future__ import annotations

import contextlib
import functools
import socket
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from motet.core.errors import CheckpointError, ConfigError

TIMEOUT_S = 5.0


@contextlib.contextmanager
def hub_access(name: str, bundled: str, *, source: str = "") -> Iterator[None]:
    """Loads something that may come from the Hub: from its cache alone where the Hub cannot be reached.

    Args:
        name: of the model, for the error.
        bundled: the alternatives that need no Hub, for the error.
        source: the place that the model is loaded from; a folder needs no Hub.

    Raises:
        ConfigError: the Hub cannot be reached, and its cache does not have all files.
    """
    from huggingface_hub import constants

    is_local = source.startswith("local-dir:") or (source != "" and Path(source).is_dir())
    if is_local or constants.HF_HUB_OFFLINE or is_reachable(constants.ENDPOINT):
        yield
        return
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    constants.HF_HUB_OFFLINE = True
    try:
        yield
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        raise ConfigError(
            f"{name}: got no copy in the Hub's cache, and {urlsplit(constants.ENDPOINT).hostname} cannot be reached; "
            f"want a network, or what is bundled: {bundled}"
        ) from error
    finally:
        constants.HF_HUB_OFFLINE = False


@functools.cache
def is_reachable(endpoint: str, timeout: float = TIMEOUT_S) -> bool:
    """Returns True where a connection to the endpoint, or to the proxy for it, opens in time; asks once per process."""
    target = urlsplit(endpoint)
    proxies = urllib.request.getproxies()
    if target.scheme in proxies and not urllib.request.proxy_bypass(target.hostname or ""):
        target = urlsplit(proxies[target.scheme])
    port = target.port or (80 if target.scheme == "http" else 443)
    try:
        with socket.create_connection((target.hostname or "", port), timeout):
            return True
    except OSError:
        return False


def download_files(
    name: str, patterns: Sequence[str], *, what: str, wanted: str, revision: str | None = None, **fetch: Any
) -> Path:
    """Downloads files of a repository of the Hub; where the Hub cannot be reached, its cache is asked at once.

    Args:
        name: ``owner/name``.
        patterns: of the files, such as ``"*.json"``.
        what: the kind of thing that is asked for, for the error.
        wanted: the end of the error.
        revision: a branch, tag or commit.
        fetch: passed on to `huggingface_hub.snapshot_download` (``token``, ``cache_dir``, ``local_files_only``).

    Returns:
        The folder with the files.

    Raises:
        CheckpointError: no such repository, or the Hub cannot be reached and its cache has none of it.
    """
    from huggingface_hub import constants, snapshot_download

    try:
        given = fetch if is_reachable(constants.ENDPOINT) else {"local_files_only": True} | fetch
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns), **given))
    except hub_errors() as error:
        raise CheckpointError(f"{what} {name!r}: got no such folder, and {_hub_answer(error)}; {wanted}") from error


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
            return f"the Hub refused it ({hub_error_text(error)})"
        case LocalEntryNotFoundError():
            return "the Hub could not be reached"
    return f"the Hub could not be reached ({type(error).__name__})"


def hub_errors() -> tuple[type[Exception], ...]:
    """Returns the errors that a call of the Hub may raise."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # The bases of its HTTP error are OSError and the error of the HTTP client, which differs between versions.
    return (HFValidationError, OSError, *HfHubHTTPError.__bases__)


def hub_error_text(error: BaseException) -> str:
    """Returns the first line of an error, with its kind."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason given'}"
