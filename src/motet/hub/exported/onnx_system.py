"""A system whose tensors come from onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from motet.core import Batch, ConfigError, Losses, Prediction, System
from motet.core.graphs import Graph, SystemGraphs


class OnnxSystem(System):
    """Predicts as the system that was exported, with its Processor and its decoding, without its weights.

    Args:
        built: the exported system, built anew; its weights are dropped, so that none of them can be read by mistake.
        graphs: of that system.
        sessions: of onnxruntime, by graph.
    """

    mixes: ClassVar[bool] = True

    def __init__(self, built: System, graphs: SystemGraphs, sessions: Mapping[str, Any]) -> None:
        super().__init__()
        self.tasks = {name: task for name, task in built.tasks.items() if name not in graphs.left_out}
        self.config, self.processor = built.config, built.processor
        self.left_out = dict(graphs.left_out)
        built.to("meta")
        self._graphs, self._run = graphs, SessionRunner(graphs.graphs(), sessions)

    def losses(self, batch: Batch) -> Losses:
        """Raises ConfigError: an exported model cannot be trained."""
        del batch
        raise ConfigError("losses: got an exported model; want the run that it was exported from")

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        return self._graphs.predict(self._run, batch)

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {}


class SessionRunner:
    """Runs graphs by sessions of onnxruntime.

    Args:
        graphs: by name.
        sessions: by name.
    """

    def __init__(self, graphs: Mapping[str, Graph], sessions: Mapping[str, Any]) -> None:
        self._specs = {name: graph.inputs for name, graph in graphs.items()}
        self._sessions = sessions
        # The exporter drops inputs that a graph does not read.
        self._read = {name: {one.name for one in session.get_inputs()} for name, session in sessions.items()}

    def __call__(self, name: str, /, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs of a graph."""
        known, specs = self._read[name], self._specs[name]
        feed = {
            spec.name: np.ascontiguousarray(value.to(spec.dtype).numpy())
            for spec, value in zip(specs, inputs, strict=True)
            if spec.name in known
        }
        return tuple(torch.from_numpy(value) for value in self._sessions[name].run(None, feed))
