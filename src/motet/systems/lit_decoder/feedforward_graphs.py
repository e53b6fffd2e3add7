"""The feed-forward baselines as tensor functions: the encoder, and one classifier per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor

from motet.core import Batch, Prediction
from motet.core.graphs import Graph, GraphRunner, SystemGraphs, TensorSpec
from motet.nn.parameter_names import parameter_name
from motet.systems.base import class_predictions
from motet.systems.lit_decoder.decoding import answer_names
from motet.systems.lit_decoder.feedforward import Feedforward


class FeedforwardGraphs(SystemGraphs):
    """Splits a feed-forward baseline into graphs: ``encode``, ``scores.TASK``.

    Args:
        system: in eval mode.
    """

    system: Feedforward

    def __init__(self, system: Feedforward) -> None:
        self.system = system
        self.left_out: Mapping[str, str] = {}

    def graphs(self) -> Mapping[str, Graph]:
        tower = self.system.tower
        pixels = TensorSpec("pixels", "float32", ("b", 3, *tower.pixels.size_hw), "normalised RGB of b images")
        tokens = TensorSpec("tokens", "float32", ("b", tower.num_tokens, tower.width), "the encoder's tokens")
        graphs = {"encode": Graph(lambda pixels: (self.system.encode(pixels),), (pixels,), (tokens,))}
        for name, task in self.system.tasks.items():
            about = "log-probabilities of the names, in order"
            scores = TensorSpec("scores", "float32", ("b", len(answer_names(task))), about)
            graphs[f"scores.{name}"] = Graph(partial(self._scores, name), (tokens,), (scores,))
        return graphs

    def predict(self, run: GraphRunner, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        stored = batch.inputs.get("features")
        (tokens,) = run("encode", batch.inputs["pixels"]) if stored is None else (stored.float(),)
        return {
            name: class_predictions(
                run(f"scores.{name}", tokens[target.rows])[0], answer_names(self.system.tasks[name])
            )
            for name, target in batch.targets.items()
        }

    def _scores(self, name: str, tokens: Tensor) -> tuple[Tensor]:
        return (self.system.heads[parameter_name(name)](tokens).float().log_softmax(dim=-1),)
