"""motet: one model for many vision, language and vision-and-language tasks, and whether that was worth it.

    import motet
    report = motet.train(motet.suggest(motet.from_folder("pets")), "runs/pets")
    motet.load("runs/pets")("kind", image="photo.jpg")

Everything here is imported when it is first used: `import motet` costs nothing.
"""

import importlib as _importlib
import typing as _typing

if _typing.TYPE_CHECKING:
    from motet import data as data
    from motet import tasks as tasks
    from motet.data.source import Source as Source
    from motet.experiments.api import compare as compare
    from motet.experiments.api import evaluate as evaluate
    from motet.experiments.api import train as train
    from motet.hub import from_pretrained as from_pretrained
    from motet.hub import load_system as load_system
    from motet.hub import push_to_hub as push_to_hub
    from motet.hub import save_pretrained as save_pretrained
    from motet.hub.predict import load as load
    from motet.nn.wrapped import wrap as wrap
    from motet.scaffold.from_folder import from_folder as from_folder
    from motet.scaffold.from_frame import from_frame as from_frame
    from motet.scaffold.from_hf import from_hf as from_hf
    from motet.scaffold.from_torch import from_torch as from_torch
    from motet.scaffold.suggest import suggest as suggest
    from motet.systems.own.config import wrap_model as wrap_model
    from motet.training.config import TrainConfig as TrainConfig
    from motet.training.run import Run as Run

    __version__: str

_HOME = {
    "Run": "motet.training.run",
    "Source": "motet.data.source",
    "TrainConfig": "motet.training.config",
    "compare": "motet.experiments.api",
    "evaluate": "motet.experiments.api",
    "from_folder": "motet.scaffold.from_folder",
    "from_frame": "motet.scaffold.from_frame",
    "from_hf": "motet.scaffold.from_hf",
    "from_pretrained": "motet.hub",
    "from_torch": "motet.scaffold.from_torch",
    "load": "motet.hub.predict",
    "load_system": "motet.hub",
    "push_to_hub": "motet.hub",
    "save_pretrained": "motet.hub",
    "suggest": "motet.scaffold.suggest",
    "train": "motet.experiments.api",
    "wrap": "motet.nn.wrapped",
    "wrap_model": "motet.systems.own.config",
}

__all__ = [
    "Run",
    "Source",
    "TrainConfig",
    "__version__",
    "compare",
    "data",
    "evaluate",
    "from_folder",
    "from_frame",
    "from_hf",
    "from_pretrained",
    "from_torch",
    "load",
    "load_system",
    "push_to_hub",
    "save_pretrained",
    "suggest",
    "tasks",
    "train",
    "wrap",
    "wrap_model",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("motet")
    if name in ("data", "tasks"):
        return _importlib.import_module(f"motet.{name}")
    if name in _HOME:
        return getattr(_importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'motet' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
