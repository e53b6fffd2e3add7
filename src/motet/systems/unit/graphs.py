"""UniT as tensor functions: the trunk, and the rest once per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from motet.core import Answer, Batch, Boxes, DataError, Label, Prediction, Region, Target, Task
from motet.core.graphs import Graph, GraphRunner, SystemGraphs, TensorSpec
from motet.nn.parameter_names import parameter_name
from motet.systems.unit.model import UniT
from motet.systems.unit.options import FixedSize
from motet.systems.unit.text import sentence_sides
from motet.systems.unit.vision import downsample_mask

_BOX = "centre x, centre y, width, height, relative to the view"
_VALID = "False at padding"


class UniTGraphs(SystemGraphs):
    """Splits UniT into graphs: ``encode``, ``predict.TASK``.

    A task whose texts are encoded sentence by sentence has ``predict_pair.TASK`` for two sentences too.

    Args:
        system: in eval mode.
    """

    system: UniT

    def __init__(self, system: UniT) -> None:
        self.system = system
        self.left_out: Mapping[str, str] = {}
        self.fixed = isinstance(system.config.views, FixedSize)

    def graphs(self) -> Mapping[str, Graph]:
        graphs: dict[str, Graph] = {}
        if self.system.vision is not None:
            graphs["encode"] = self._encode_graph()
        for name, task in self.system.tasks.items():
            for pair in (False, True) if self._reads_sentences(name) else (False,):
                specs = (*self._image_specs(task), *self._text_specs(name, pair=pair))
                read = partial(self._outputs, name, tuple(spec.name for spec in specs))
                graphs[_graph(name, pair=pair)] = Graph(read, specs, self._output_specs(task))
        return graphs

    def predict(self, run: GraphRunner, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        features: Tensor | None = None
        if "features" in batch.inputs:
            features = batch.inputs["features"].float()
        elif "pixels" in batch.inputs:
            (features,) = run("encode", batch.inputs["pixels"])
        found: dict[str, Sequence[Prediction]] = {}
        for name, target in batch.targets.items():
            images: list[Tensor] = []
            if "image" in self.system.tasks[name].inputs:
                if features is None:
                    raise DataError(f"task {name!r}: got a batch without images; want pixels or features in its inputs")
                images = [features[target.rows]]
                if not self.fixed:
                    images.append(_valid_cells(batch, features)[target.rows])
            texts = self._texts(name, target)
            outputs = run(_graph(name, pair=len(texts) == 4), *images, *texts)
            found[name] = self.system.answers_for(name).predictions(outputs, target)
        return found

    def _reads_sentences(self, name: str) -> bool:
        return name in self.system.processor.separate

    def _texts(self, name: str, target: Target) -> list[Tensor]:
        if "text" not in self.system.tasks[name].inputs:
            return []
        texts = [target.value[key] for key in ("ids", "types", "attention_mask")]
        if not self._reads_sentences(name):
            return texts
        return [part for side in sentence_sides(*texts) for part in side]

    def _encode_graph(self) -> Graph:
        assert self.system.vision is not None  # a graph of a system with images
        trunk = self.system.vision.trunk
        size_hw: tuple[int | str, ...] = trunk.pixels.size_hw if self.fixed else ("h", "w")
        pixels = TensorSpec("pixels", "float32", ("b", 3, *size_hw), "normalised RGB of b images")
        return Graph(self._encode, (pixels,), (self._features(),))

    def _features(self) -> TensorSpec:
        assert self.system.vision is not None  # a graph of a system with images
        trunk = self.system.vision.trunk
        dims: tuple[int | str, ...] = (trunk.num_tokens,) if self.fixed else ("i", "j")
        return TensorSpec("features", "float32", ("b", *dims, trunk.width), "the trunk's map")

    def _encode(self, pixels: Tensor) -> tuple[Tensor]:
        assert self.system.vision is not None  # a graph of a system with images
        features, (i, j) = self.system.vision.features(pixels)
        return (features if self.fixed else features.view(len(features), i, j, -1),)

    def _image_specs(self, task: Task) -> tuple[TensorSpec, ...]:
        if "image" not in task.inputs:
            return ()
        if self.fixed:
            return (self._features(),)
        return self._features(), TensorSpec("valid", "bool", ("b", "i", "j"), _VALID)

    def _text_specs(self, name: str, *, pair: bool) -> tuple[TensorSpec, ...]:
        if "text" not in self.system.tasks[name].inputs:
            return ()
        ids = TensorSpec("ids", "int64", ("b", "t"), "token ids")
        mask = TensorSpec("attention_mask", "bool", ("b", "t"), _VALID)
        if not self._reads_sentences(name):
            return ids, TensorSpec("types", "int64", ("b", "t"), "0 in the first sentence, 1 in the second"), mask
        second = TensorSpec("second_ids", "int64", ("b", "u"), "token ids of the second sentence")
        second_mask = TensorSpec("second_attention_mask", "bool", ("b", "u"), _VALID)
        return (ids, mask, second, second_mask) if pair else (ids, mask)

    def _outputs(self, name: str, names: tuple[str, ...], *tensors: Tensor) -> tuple[Tensor, ...]:
        value = dict(zip(names, tensors, strict=True))
        features, valid = value.pop("features", None), value.pop("valid", None)
        trunk = None
        if features is not None:
            assert self.system.vision is not None  # a graph of a system with images
            grid_hw = self.system.vision.trunk.grid_hw if valid is None else (features.shape[1], features.shape[2])
            trunk = (features if valid is None else features.flatten(1, 2), grid_hw, valid)
        if self._reads_sentences(name):
            value |= self._sentence_states(value)
        rows = torch.arange(len(tensors[0]))
        return self.system.outputs(name, Target(rows=rows, value=value), trunk)

    def _sentence_states(self, value: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Returns the states of sentences as a store has them, so that nothing depends on the texts' lengths."""
        assert self.system.text is not None  # a task with texts
        states: dict[str, Tensor] = {"types": torch.zeros_like(value["ids"])}
        for side in ("", "second_") if "second_ids" in value else ("",):
            ids, mask = value[f"{side}ids"], value[f"{side}attention_mask"]
            states[f"{side}states"] = self.system.text.tower(ids, torch.zeros_like(ids), mask)
            states[f"{side}states_mask"] = mask
        return states

    def _output_specs(self, task: Task) -> tuple[TensorSpec, ...]:
        match task.target:
            case Label(names) | Answer(names):
                about = "log-probabilities of the names, in order"
                return (TensorSpec("scores", "float32", ("b", len(names)), about),)
            case Boxes(_, attributes):
                queries = len(self.system.queries[parameter_name(task.name)])
                specs = (
                    TensorSpec("scores", "float32", ("b", queries), "probability of the label"),
                    TensorSpec("labels", "int64", ("b", queries), "index of the most likely class"),
                    TensorSpec("boxes", "float32", ("b", queries, 4), _BOX),
                )
                likely = TensorSpec("attributes", "float32", ("b", queries, len(attributes)), "probabilities")
                return (*specs, likely) if attributes else specs
            case Region():
                return (TensorSpec("boxes", "float32", ("b", 1, 4), _BOX),)
        raise TypeError(task)  # `check_supported`


def _graph(name: str, *, pair: bool) -> str:
    return f"predict{'_pair' if pair else ''}.{name}"


def _valid_cells(batch: Batch, features: Tensor) -> Tensor:
    """Returns True at the cells of the trunk's map that are not padding."""
    grid_hw = (features.shape[1], features.shape[2])
    if "valid" in batch.inputs:
        return downsample_mask(batch.inputs["valid"], grid_hw)
    return torch.ones(len(features), *grid_hw, dtype=torch.bool)
