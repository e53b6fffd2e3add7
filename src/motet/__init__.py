"""motet: one model for many vision, language and vision-and-language tasks.

    import motet
    motet.load("runs/demo")("caption", image="photo.jpg")

Everything here is imported when it is first used: `import motet` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from motet.hub import from_pretrained as from_pretrained
    from motet.hub import load_system as load_system
    from motet.hub import push_to_hub as push_to_hub
    from motet.hub import save_pretrained as save_pretrained
    from motet.hub.predict import load as load

    __version__: str

_HOME = {
    "load": "motet.hub.predict",
    "load_system": "motet.hub",
    "from_pretrained": "motet.hub",
    "push_to_hub": "motet.hub",
    "save_pretrained": "motet.hub",
}

__all__ = ["__version__", "from_pretrained", "load", "push_to_hub", "load_system", "save_pretrained"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("motet")
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'motet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, "__version__"])
