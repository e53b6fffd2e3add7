"""12-in-1 as tensor functions: the trunk, and the rest once per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from motet.core import Answer, Batch, Label, Masked, Match, Prediction, Region, Target, Task
from motet.core.graphs import Graph, GraphRunner, SystemGraphs, TensorSpec
from motet.systems.twelve_in_one.answers import ScoredAnswers
from motet.systems.twelve_in_one.model import TwelveInOne
from motet.systems.twelve_in_one.regions import PaddedRegions
from motet.systems.twelve_in_one.targets import is_image_text_match

_IMAGE = ("features", "regions", "size_hw", "boxes", "region_valid")
_RELATIVE = "left, top, right, bottom, relative to the image"


class TwelveInOneGraphs(SystemGraphs):
    """Splits 12-in-1 into graphs: ``encode``, where it has a trunk, and ``scores.TASK``.

    Args:
        system: in eval mode.
    """

    system: TwelveInOne

    def __init__(self, system: TwelveInOne) -> None:
        self.system = system
        reason = "pre-training on masked words or regions, which nobody asks a trained model"
        self.left_out = {name: reason for name, task in system.tasks.items() if isinstance(task.target, Masked)}

    def graphs(self) -> Mapping[str, Graph]:
        graphs: dict[str, Graph] = {}
        trunk = self.system.region_extractor.trunk
        if trunk is not None:
            pixels = TensorSpec("pixels", "float32", ("b", 3, *trunk.pixels.size_hw), "normalised RGB of b images")
            dims = ("b", trunk.num_tokens, trunk.width)
            features = TensorSpec("features", "float32", dims, "the trunk's map, row by row")
            graphs["encode"] = Graph(lambda pixels: (self.system.encode(pixels),), (pixels,), (features,))
        for name, task in self.system.tasks.items():
            if name not in self.left_out:
                specs = (*self._image_specs(name), *self._value_specs(name))
                read = partial(self._scores, name, tuple(spec.name for spec in specs))
                graphs[f"scores.{name}"] = Graph(read, specs, self._output_specs(task))
        return graphs

    def predict(self, run: GraphRunner, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        inputs = dict(batch.inputs)
        if "valid" in inputs:
            inputs["region_valid"] = inputs.pop("valid")
        if "pixels" in inputs:
            (tokens,) = run("encode", inputs["pixels"].reshape(-1, *inputs["pixels"].shape[-3:]))
            inputs["features"] = tokens.reshape(*inputs["present"].shape, *tokens.shape[1:])
        elif "features" in inputs and inputs["features"].ndim == 3:
            inputs["features"] = inputs["features"][:, None]
        found: dict[str, Sequence[Prediction]] = {}
        for name, target in batch.targets.items():
            count = self._images_per_row(name)
            images = [inputs[spec.name][target.rows] for spec in self._image_specs(name)]
            images = images if isinstance(count, str) else [one[:, :count] for one in images]
            values = [target.value[spec.name] for spec in self._value_specs(name)]
            scores, *boxes = run(f"scores.{name}", *images, *values)
            answers = self.system.answers_for(name)
            assert isinstance(answers, ScoredAnswers)  # all but masked ones
            size_hw = inputs["size_hw"][target.rows, 0]
            found[name] = answers.predictions(scores, _regions(size_hw, boxes), target)
        return found

    def _images_per_row(self, name: str) -> int | str:
        if is_image_text_match(self.system.tasks[name]):
            return "m"
        return 2 if name in self.system.config.pairs else 1

    def _image_specs(self, name: str) -> tuple[TensorSpec, ...]:
        """Returns the images of a task's rows, as a batch has them: (r, m, ...)."""
        extractor, m = self.system.region_extractor, self._images_per_row(name)
        size = TensorSpec("size_hw", "float32", ("r", m, 2), "height and width of each image file in pixels")
        valid = TensorSpec("region_valid", "bool", ("r", m, "n"), "False at padding")
        boxes = TensorSpec("boxes", "float32", ("r", m, "n", 4), _RELATIVE)
        if extractor.trunk is None:
            regions = TensorSpec("regions", "float32", ("r", m, "n", extractor.width), "features of the regions")
            return regions, size, boxes, valid
        dims = ("r", m, extractor.trunk.num_tokens, extractor.trunk.width)
        features = TensorSpec("features", "float32", dims, "the trunk's maps")
        return (features, size) if self.system.config.box_source is None else (features, size, boxes, valid)

    def _value_specs(self, name: str) -> tuple[TensorSpec, ...]:
        """Returns the texts and candidates of a task's rows, as a target's value has them."""
        task = self.system.tasks[name]
        texts = "s" if is_image_text_match(task) else 1
        dims: tuple[int | str, ...] = ("r", texts, "t")
        specs = (
            TensorSpec("ids", "int64", dims, "token ids"),
            TensorSpec("types", "int64", dims, "0 in the first sentence, 1 in the second"),
            TensorSpec("attention_mask", "bool", dims, "False at padding"),
        )
        if is_image_text_match(task):
            pairs = (
                TensorSpec("text", "int64", ("r", "k"), "which of the row's texts a candidate has"),
                TensorSpec("image", "int64", ("r", "k"), "which of the row's images a candidate has"),
                TensorSpec("valid", "bool", ("r", "k"), "False at padding"),
            )
            return (*specs, *pairs)
        if not isinstance(task.target, Match):
            return specs
        boxes = TensorSpec("extra_boxes", "float32", ("r", "u", 4), "candidates: left, top, right, bottom in pixels")
        valid = TensorSpec("valid", "bool", ("r", "u"), "False at padding")
        if self.system.region_extractor.trunk is not None:
            return (*specs, boxes, valid)
        dims = ("r", "u", self.system.region_extractor.width)
        return (*specs, boxes, valid, TensorSpec("extra_features", "float32", dims, "features of the candidates"))

    def _scores(self, name: str, names: tuple[str, ...], *tensors: Tensor) -> tuple[Tensor, ...]:
        value = dict(zip(names, tensors, strict=True))
        inputs = {key: value.pop(key) for key in _IMAGE if key in value}
        if "region_valid" in inputs:
            inputs["valid"] = inputs.pop("region_valid")
        inputs["present"] = torch.ones_like(inputs["size_hw"][..., 0], dtype=torch.bool)
        target = Target(rows=torch.arange(len(value["ids"])), value=value)
        encoded = self.system.encode_task(name, target, self.system.region_extractor(inputs))
        answers = self.system.answers_for(name)
        assert isinstance(answers, ScoredAnswers)  # all but masked ones
        scores = answers.scores(encoded, target)
        if not isinstance(self.system.tasks[name].target, Region):
            return (scores,)
        return scores, encoded.regions.boxes_xyxy, encoded.regions.valid

    def _output_specs(self, task: Task) -> tuple[TensorSpec, ...]:
        match task.target:
            case Label(names) | Answer(names):
                about = "log-probabilities of the names, in order"
                return (TensorSpec("scores", "float32", ("r", len(names)), about),)
            case Region():
                count = self.system.region_extractor.max_regions
                return (
                    TensorSpec("scores", "float32", ("r", 1 + count), "of the whole image, then of each region"),
                    TensorSpec("region_boxes", "float32", ("r", count, 4), _RELATIVE),
                    TensorSpec("real", "bool", ("r", count), "False at padding"),
                )
        return (TensorSpec("scores", "float32", ("r", "k" if is_image_text_match(task) else "u"), "of candidates"),)


def _regions(size_hw: Tensor, boxes: Sequence[Tensor]) -> PaddedRegions:
    """Returns regions without features, for what is read of them after the scores."""
    none = torch.zeros(len(size_hw), 0, 4)
    boxes_xyxy, valid = boxes if boxes else (none, none[..., 0].bool())
    return PaddedRegions(none, boxes_xyxy, valid, size_hw, valid)
