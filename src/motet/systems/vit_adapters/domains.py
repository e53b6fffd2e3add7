"""Domain adaptation to images without annotations: one discriminator per task separates its outputs on two domains.

One optimiser trains both sides. The loss that fools a discriminator passes through it with its weights frozen, and the
loss that trains it reads detached outputs of the model, so every parameter gets the gradient of its own side only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import assert_never

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from motet.core import ConfigError, Dense, Loss, Task, nearest
from motet.nn.parameter_names import parameter_name

FOOL, SOURCE, TARGET = "fool", "told_source", "told_target"


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """The options of output-level adversarial training between labelled source rows and unlabelled target rows.

    Source: ViT adapters, section 4, "Unsupervised Domain Adaptation", which names the method and no numbers; the
    numbers are those of astra-vision/DenseMTL `training/da_train.py`.

    Args:
        tasks: names of the tasks whose outputs are aligned; empty for every `Dense` task.
        weight: of the loss that fools the discriminators, a mean over tasks.
        width: channels of a discriminator's first layer; every later layer has twice as many.
        layers: convolutions of a discriminator, each of which halves the map.
        spectral: whether every convolution is divided by its largest singular value.
        hflip: whether half of a discriminator's maps are mirrored in training.
        depth_range_m: the depths that become 0 and 1. The official code takes the extremes of each batch's
            labels; we fix them, since a range that changes with every batch and process makes the discriminator's
            inputs incomparable.
        lr_scale: the discriminators' multiple of the run's learning rate.

    Raises:
        ConfigError: a number outside its range.
    """

    tasks: tuple[str, ...] = ()
    weight: float = 0.005
    width: int = 64
    layers: int = 5
    spectral: bool = True
    hflip: bool = True
    depth_range_m: tuple[float, float] = (0.0, 80.0)
    lr_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ConfigError(f"Adaptation.weight: got {self.weight}; want 0 or more")
        if not self.lr_scale > 0:
            raise ConfigError(f"Adaptation.lr_scale: got {self.lr_scale}; want a positive number")
        if self.width < 1 or self.layers < 2:
            raise ConfigError(
                f"Adaptation: got width {self.width} and {self.layers} layers; want a width of at "
                "least 1 and at least 2 layers"
            )
        if not self.depth_range_m[0] < self.depth_range_m[1]:
            raise ConfigError(
                f"Adaptation.depth_range_m: got {self.depth_range_m}; want two depths in metres, the nearest first"
            )


class SpectralConv2d(nn.Conv2d):
    """A halving convolution whose weight is divided by an estimate of its largest singular value.

        y = (W / (u^T W v)) * x,    u, v from one step of power iteration for each call of `refresh`

    Source: Miyato et al., "Spectral Normalization for GANs", ICLR 2018, algorithm 1. PyTorch's parametrisation iterates
    in every forward pass; here it is done once per update, so that micro-batches, a second pass and several
    processes all use the same weight.
    """

    u: Tensor
    v: Tensor

    def __init__(self, inputs: int, outputs: int, *, spectral: bool) -> None:
        super().__init__(inputs, outputs, 4, stride=2, padding=1)
        self.spectral = spectral
        matrix = self.weight.detach().flatten(1)
        self.register_buffer("u", F.normalize(torch.randn(matrix.shape[0]), dim=0))
        self.register_buffer("v", F.normalize(matrix.T @ self.u, dim=0))
        for _ in range(15 if spectral else 0):
            self.refresh()

    @torch.no_grad()
    def refresh(self) -> None:
        """Does one step of power iteration."""
        if self.spectral:
            matrix = self.weight.flatten(1)
            self.u.copy_(F.normalize(matrix @ self.v, dim=0))
            self.v.copy_(F.normalize(matrix.T @ self.u, dim=0))

    def forward(self, maps: Float[Tensor, "r c h w"]) -> Float[Tensor, "r d i j"]:
        weight = self.weight
        if self.spectral:
            weight = weight / torch.dot(self.u, weight.flatten(1) @ self.v)
        return F.conv2d(maps, weight, self.bias, self.stride, self.padding)


class Discriminator(nn.Sequential):
    """Classifies the domain of each patch of a map, 1 = target: halving convolutions with LeakyReLU 0.2 between them.

    Source: ADVENT (Vu et al., CVPR 2019) `get_fc_discriminator`, with DenseMTL's spectral norm.

    Args:
        channels: of the maps.
        options: widths and number of layers.
    """

    def __init__(self, channels: int, options: Adaptation) -> None:
        widths = [channels, *(options.width * 2**layer for layer in range(options.layers - 1)), 1]
        parts: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            parts += [SpectralConv2d(inputs, outputs, spectral=options.spectral), nn.LeakyReLU(0.2)]
        super().__init__(*parts[:-1])


class Discriminators(nn.Module):
    """One discriminator per adapted task.

    Its parameters are trained by terms of the tasks' losses (`terms`); put them in a parameter group of their own, with
    `options.lr_scale` and without decay, and call `refresh` once per update, in `System.refresh`.

    Args:
        tasks: of the system.
        options: the adapted tasks, and sizes.
        size_hw: of the maps that the system's decoders predict.

    Raises:
        ConfigError: a name that is no dense task, no dense task at all, or maps too small for the layers.
    """

    def __init__(self, tasks: Sequence[Task], options: Adaptation, *, size_hw: tuple[int, int]) -> None:
        super().__init__()
        dense = {task.name: task for task in tasks if isinstance(task.target, Dense)}
        for name in options.tasks:
            if name not in dense:
                raise ConfigError(f"Adaptation.tasks: got {name!r}, which is no dense task; {nearest(name, dense)}")
        if not dense:
            raise ConfigError("Adaptation: got no dense task; want at least one, whose maps the discriminators read")
        if min(size_hw) < 2**options.layers:
            raise ConfigError(
                f"Adaptation.layers: got {options.layers}, each halving a map of {size_hw[0]} x {size_hw[1]}; want "
                "fewer, or larger maps"
            )
        self.options = options
        self.specs = {name: _dense(dense[name]) for name in options.tasks or dense}
        self.of_task = nn.ModuleDict(
            {parameter_name(name): Discriminator(_channels(spec), options) for name, spec in self.specs.items()}
        )

    @property
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the loss terms by task, in the form of `System.loss_terms`."""
        return dict.fromkeys(self.specs, (FOOL, SOURCE, TARGET))

    def refresh(self) -> None:
        """Does one step of every spectral norm's estimate; called once per update on every rank."""
        for module in self.modules():
            if isinstance(module, SpectralConv2d):
                module.refresh()

    def forward(self, task: str, scores: Float[Tensor, "r c h w"], *, frozen: bool = False) -> Float[Tensor, "r 1 i j"]:
        """Returns the logits of one task's discriminator.

        Args:
            task: its name.
            scores: the output of the task's decoder.
            frozen: whether only the scores get a gradient, and the discriminator none.
        """
        net = self.of_task[parameter_name(task)]
        maps = discriminator_input(scores.float(), self.specs[task], self.options.depth_range_m)
        if self.training and self.options.hflip:
            maps = _mirrored(maps, self.specs[task])
        if not frozen:
            out: Tensor = net(maps)
            return out
        logits: Tensor = functional_call(net, {name: p.detach() for name, p in net.named_parameters()}, (maps,))
        return logits


def adversarial_losses(
    discriminators: Discriminators, scores: Mapping[str, Float[Tensor, "b c h w"]], domain: Bool[Tensor, "b"]
) -> dict[tuple[str, str], Loss]:
    """Returns the terms of every adapted task, for `Losses.terms`; each counts the rows of its domain.

        fool          weight / tasks * BCE(D(output on target), source)    trains the model, D is frozen
        told_source   BCE(D(output on source), source)                     trains D, the output is detached
        told_target   BCE(D(output on target), target)

    BCE is the mean over a row's patches. A domain without rows in the batch adds no term. The official code also
    averages the discriminators' own losses over tasks, which has no effect under Adam, whose steps have no scale.

    Args:
        discriminators: of the system.
        scores: by adapted task, of all rows of the batch, labelled or not.
        domain: True on unlabelled rows of the target domain.
    """
    sides = {False: (~domain).nonzero()[:, 0], True: domain.nonzero()[:, 0]}
    weight = discriminators.options.weight / len(discriminators.specs)
    terms: dict[tuple[str, str], Loss] = {}
    for task in discriminators.specs:
        for is_target, rows in sides.items():
            if len(rows) == 0:
                continue
            of_side = scores[task][rows]
            trained = domain_loss(discriminators(task, of_side.detach()), is_target=is_target)
            terms[task, TARGET if is_target else SOURCE] = trained
            if is_target:
                fooled = domain_loss(discriminators(task, of_side, frozen=True), is_target=False)
                terms[task, FOOL] = Loss(weight * fooled.total, fooled.weight)
    return terms


def domain_loss(logits: Float[Tensor, "r 1 i j"], *, is_target: bool) -> Loss:
    """Returns the binary cross-entropy of every patch against one domain; a row counts 1.

    Examples:
        >>> loss = domain_loss(torch.zeros(2, 1, 3, 3), is_target=True)
        >>> round(float(loss.total / loss.weight), 4)
        0.6931
    """
    logits = logits.float()
    domain = torch.full_like(logits, float(is_target))
    by_patch = F.binary_cross_entropy_with_logits(logits, domain, reduction="none")
    return Loss(by_patch.flatten(1).mean(1).sum(), torch.tensor(float(len(logits)), device=logits.device))


def discriminator_input(
    scores: Float[Tensor, "r c h w"], spec: Dense, depth_range_m: tuple[float, float]
) -> Float[Tensor, "r k h w"]:
    """Returns a discriminator's input from a decoder's scores, by kind of map.

        classes          -p log2 p / log2 C of every class, p = softmax (weighted self-information)
        metres           (relu(d) - min) / (max - min), see `Adaptation.depth_range_m`
        unit vectors     n / |n|
        probabilities    the self-information of no and yes, 1 - p and p

    Source: ADVENT `prob_2_entropy`, DenseMTL `epsilon_map`; probabilities, as two classes, are ours.
    """
    match spec.unit:
        case "class":
            return self_information(scores.log_softmax(1))
        case "metre":
            nearest_m, farthest_m = depth_range_m
            return (scores.relu() - nearest_m) / (farthest_m - nearest_m)
        case "unit vector":
            return F.normalize(scores, dim=1)
        case "probability":
            # One channel is the logit of yes, as two channels with 0 for no.
            both = torch.cat([torch.zeros_like(scores), scores], dim=1) if scores.shape[1] == 1 else scores
            return self_information(both.log_softmax(1))
        case other:
            assert_never(other)


def self_information(log_probs: Float[Tensor, "r c h w"]) -> Float[Tensor, "r c h w"]:
    """Returns -p log2 p / log2 C of each class, from log-probabilities; 0 where p is 0.

    Source: ADVENT, equation 5. The official code adds 1e-30 inside the logarithm; log-probabilities need no constant.

    Examples:
        >>> self_information(torch.full((1, 2, 1, 1), 0.5).log()).flatten().tolist()
        [0.5, 0.5]
    """
    log_classes = torch.log(torch.tensor(float(max(2, log_probs.shape[1])), device=log_probs.device))
    return -log_probs.exp() * log_probs / log_classes


def _dense(task: Task) -> Dense:
    if not isinstance(task.target, Dense):
        raise ConfigError(f"task {task.name!r}: got {type(task.target).__name__}; want a Dense")
    return task.target


def _channels(spec: Dense) -> int:
    return 2 if spec.unit == "probability" else spec.channels


def _mirrored(maps: Float[Tensor, "r c h w"], spec: Dense) -> Float[Tensor, "r c h w"]:
    """Mirrors about half of the maps, by the global generator, which the loop seeds; normals get the opposite x."""
    flipped = maps.flip(-1)
    if spec.unit == "unit vector":
        flipped = torch.cat([-flipped[:, :1], flipped[:, 1:]], dim=1)
    chosen = torch.rand(len(maps), device=maps.device) < 0.5
    return torch.where(chosen[:, None, None, None], flipped, maps)
