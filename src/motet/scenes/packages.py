"""The packages of the extra `demo`, which scenes are drawn from."""

from __future__ import annotations

import importlib
from typing import Any

from motet.core import ConfigError


def demo_package(name: str) -> Any:
    """Imports a package of the extra `demo`.

    Raises:
        ConfigError: it is not installed; the line says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise ConfigError(
            f"scenes: got no package {name}; want the extra motet[demo] (pip install 'motet[demo]')"
        ) from None
