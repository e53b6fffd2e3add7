"""Access to the Hugging Face Hub: where it cannot be reached, its cache is used at once, without minutes of retries."""

from __future__ import annotations

import contextlib
import functools
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from motet.core.errors import ConfigError

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
