"""The trivial baseline "linear probe" of maps: a linear model on a pretrained feature map, place by place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, assert_never

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from motet.core import Dense, DenseMap, Example, System, Task, rng_for
from motet.evaluation.trivial.constant_answers import AnnotatedRows
from motet.evaluation.trivial.linear_fit import LinearModel, fit_linear

MAX_PLACES = 12_000
"""Places that a probe is fitted to at most: some ten seconds for a dozen classes on one core of a laptop."""

_FOLDS = 2
_LEAST_KNOWN = 0.5  # share of a place's pixels that are annotated

MapFeatures = Callable[[Tensor], Tensor]
"""Pixels (b, 3, h, w) to features (b, i, j, c)."""


@dataclass(frozen=True)
class LinearMapProbe:
    """A linear model of what a place of a feature map shows; its scores are stretched over the image.

    For classes it is a logistic regression to the shares of the classes among a place's pixels, for a probability one
    to the mean probability, for metres and directions a ridge regression to their mean. The strength of the penalty is
    chosen on images that a fit has not seen.

    Args:
        system: whose processor reads the images, in eval mode.
        task: a `Dense` task.
        model: one output per class or per number, for a probability its logit.
        about: one line on the features, the model and the rows.
        batch_size: images per batch.
    """

    MAX_IMAGES: ClassVar[int] = 400  # of more, some

    system: System
    task: Task
    model: LinearModel
    about: str
    batch_size: int

    @classmethod
    def fit(
        cls, system: System, task: Task, train: AnnotatedRows, *, seed: int = 0, batch_size: int = 16
    ) -> Self | None:
        """Fits a probe to some places of training images; returns None without a pretrained map, or with one image."""
        encode, spec = system.pretrained_map(), task.target
        if encode is None or not isinstance(spec, Dense) or len(train) < _FOLDS:
            return None
        rng = rng_for("map probe", seed, task.name)
        images = sorted(rng.permutation(len(train))[: cls.MAX_IMAGES].tolist())
        each = -(-MAX_PLACES // len(images))
        features, targets, folds = list[np.ndarray](), list[np.ndarray](), list[int]()
        for start in range(0, len(images), batch_size):
            part = images[start : start + batch_size]
            x, known, value = _read(system, task, encode, [train[place][0] for place in part])
            shares, y = _place_targets(value, known, spec, (x.shape[1], x.shape[2]))
            for row in range(len(part)):
                places = np.flatnonzero(shares[row].flatten().numpy() >= _LEAST_KNOWN)
                chosen = rng.permutation(places)[:each]
                features.append(x[row].flatten(0, 1)[chosen].numpy())
                targets.append(y[row].flatten(0, 1)[chosen].numpy())
                folds += [(start + row) % _FOLDS] * len(chosen)
        if not folds or len(set(folds)) < _FOLDS:
            return None
        model = _fitted(np.concatenate(features), np.concatenate(targets), np.array(folds), spec)
        kind = "logistic" if spec.unit in ("class", "probability") else "ridge"
        about = (
            f"linear probe of {task.name}: {kind} regression on {len(model.mean)} features of {len(folds)} places in "
            f"{len(images)} training images, strength {model.strength:g}"
        )
        return cls(system, task, model, about, batch_size)

    def predict(self, examples: Sequence[Example]) -> list[DenseMap]:
        """Returns a map per Example, of the size of its annotation."""
        encode, spec = self.system.pretrained_map(), self.task.target
        assert encode is not None  # it was fitted on it
        assert isinstance(spec, Dense)
        maps: list[DenseMap] = []
        for start in range(0, len(examples), self.batch_size):
            part = examples[start : start + self.batch_size]
            x, *_ = _read(self.system, self.task, encode, part)
            scores = torch.from_numpy(self.model.scores(x.numpy())).permute(0, 3, 1, 2)
            for one, example in zip(scores, part, strict=True):
                size = np.shape(self.task.annotation_of(example))[:2]
                maps.append(_as_map(functional.interpolate(one[None], size, mode="bilinear")[0], spec))
        return maps


def _read(
    system: System, task: Task, encode: MapFeatures, examples: Sequence[Example]
) -> tuple[Float[Tensor, "b i j c"], Bool[Tensor, "b h w"], Tensor]:
    """Returns the features of images, and where their maps are known, with the maps, as the system's targets."""
    processor = system.processor
    batch = processor.collate([processor.row(example, (task,), None) for example in examples], keep_annotations=True)
    pixels = batch.inputs["pixels"].to(next(system.parameters()).device)
    with torch.no_grad():
        features = encode(pixels).float().cpu()
    value = batch.targets[task.name].value
    return features, value["valid"], value["map"]


def _place_targets(
    value: Tensor, known: Bool[Tensor, "b h w"], spec: Dense, grid_hw: tuple[int, int]
) -> tuple[Float[Tensor, "b i j"], Float[Tensor, "b i j k"]]:
    """Returns the share of known pixels at each place, and the mean of what they show: of classes their shares."""
    if spec.unit == "class":
        shown = functional.one_hot(value.long().clamp(min=0), spec.channels).permute(0, 3, 1, 2).float()
    else:
        shown = value.float()
    shown = torch.where(known[:, None], shown, 0.0)
    if spec.unit == "probability":
        shown = shown[:, :1]
    shares = functional.adaptive_avg_pool2d(known[:, None].float(), grid_hw)
    means = functional.adaptive_avg_pool2d(shown, grid_hw) / shares.clamp(min=1e-6)
    return shares[:, 0], means.permute(0, 2, 3, 1)


def _fitted(
    x: Float[np.ndarray, "n c"], y: Float[np.ndarray, "n k"], folds: Int[np.ndarray, "n"], spec: Dense
) -> LinearModel:
    """Fits the outputs: of classes together, of numbers one by one."""
    if spec.unit == "class":
        return fit_linear(x, y, folds, "logistic")
    if spec.unit == "probability":
        both = fit_linear(x, np.concatenate([1 - y, y], axis=1), folds, "logistic")
        weights, bias = both.weights[:, 1:] - both.weights[:, :1], both.bias[1:] - both.bias[:1]
        return LinearModel(both.mean, both.scale, weights, bias, both.strength)
    each = [fit_linear(x, y[:, [column]], folds, "squared") for column in range(y.shape[1])]
    return LinearModel(
        each[0].mean,
        each[0].scale,
        np.concatenate([one.weights for one in each], axis=1),
        np.concatenate([one.bias for one in each]),
        each[0].strength,
    )


def _as_map(scores: Float[Tensor, "k h w"], spec: Dense) -> DenseMap:
    match spec.unit:
        case "class":
            values = scores.argmax(0)
        case "metre":
            values = scores[0].clamp(min=0)
        case "unit vector":
            values = functional.normalize(scores.permute(1, 2, 0), dim=-1)
        case "probability":
            values = scores[0].sigmoid()
        case other:
            assert_never(other)
    return DenseMap(values.numpy())
