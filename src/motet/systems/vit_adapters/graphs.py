"""ViT adapters as tensor functions: the trunk up to the first adapter, and the rest once per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from motet.core import Batch, Dense, Label, Prediction, Task
from motet.core.graphs import Graph, GraphRunner, SystemGraphs, TensorSpec
from motet.systems.vit_adapters.answers import predictions
from motet.systems.vit_adapters.model import ViTAdapters

_UNITS = {
    "class": "logits of the classes, in order",
    "metre": "metres",
    "unit vector": "x, y, z of a normal, of any length",
    "probability": "logits: one of yes, or of no and yes",
}


class ViTAdaptersGraphs(SystemGraphs):
    """Splits ViT adapters into graphs: ``encode``, ``scores.TASK``.

    Args:
        system: in eval mode.
    """

    system: ViTAdapters

    def __init__(self, system: ViTAdapters) -> None:
        self.system = system
        self.left_out: Mapping[str, str] = {}
        with torch.no_grad():
            packed = system.encode(torch.zeros(1, 3, *system.trunk.pixels.size_hw))
        about = "maps of the trunk, packed"
        self.features = TensorSpec("features", "float32", ("b", *packed.shape[1:]), about)

    def graphs(self) -> Mapping[str, Graph]:
        size_hw = self.system.trunk.pixels.size_hw
        pixels = TensorSpec("pixels", "float32", ("b", 3, *size_hw), "normalised RGB of b images")
        return {"encode": Graph(lambda pixels: (self.system.encode(pixels),), (pixels,), (self.features,))} | {
            f"scores.{name}": Graph(partial(self._scores, name), (self.features,), (self._output(task),))
            for name, task in self.system.tasks.items()
        }

    def predict(self, run: GraphRunner, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        stored = batch.inputs.get("features")
        (features,) = run("encode", batch.inputs["pixels"]) if stored is None else (stored,)
        found: dict[str, Sequence[Prediction]] = {}
        for name, target in batch.targets.items():
            (scores,) = run(f"scores.{name}", features[target.rows])
            task, scale_depth = self.system.tasks[name], self.system.config.scale_depth
            found[name] = predictions(task, scores, target, scale_depth=scale_depth)
        return found

    def _scores(self, name: str, features: Tensor) -> tuple[Tensor]:
        return (self.system.scores(name, self.system.encoder.unpack(features)),)

    def _output(self, task: Task) -> TensorSpec:
        match task.target:
            case Label(names):
                return TensorSpec("scores", "float32", ("b", len(names)), "logits of the classes, in order")
            case Dense(channels, unit=unit):
                size_hw = self.system.trunk.pixels.size_hw
                return TensorSpec("scores", "float32", ("b", channels, *size_hw), _UNITS[unit])
        raise TypeError(task)  # `check_supported`
