"""Builders of the parts of a Uni-Perceiver, and the checks of its options against its tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import isqrt

import torch
from torch import Tensor, nn

from motet.core import Answer, ConfigError, Label, Task
from motet.nn.experts import ConditionalLinear
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import Tower
from motet.preprocess.images import ImageTransform
from motet.preprocess.tokenizers import Tokenizer
from motet.systems.uni_perceiver.config import TOKENIZER_FILE, UniPerceiverConfig
from motet.systems.uni_perceiver.embedding import Embedding
from motet.systems.uni_perceiver.image_inputs import UniPerceiverImageInputs
from motet.systems.uni_perceiver.options import MergedExperts
from motet.systems.uni_perceiver.targets import is_visual
from motet.systems.uni_perceiver.text_inputs import SPECIAL, UniPerceiverTextInputs

_TUNED = ("special_bias", "norm", "_prompts", "class_scores.", "linear.", "similarity_weights.")


def check_options(config: UniPerceiverConfig, tasks: Sequence[Task]) -> None:
    """Raises ConfigError where options name no task, or do not fit the tasks."""
    names = {task.name for task in tasks}
    for field, named in (
        ("loss.weights", config.loss.weights),
        ("loss.mixup_tasks", config.loss.mixup_tasks),
        ("max_tokens_of", config.max_tokens_of),
        ("crop_of", config.crop_of),
        ("augment_of", config.augment_of),
        ("frames_of", config.frames_of),
    ):
        if unknown := sorted(set(named) - names):
            raise ConfigError(f"UniPerceiverConfig.{field}: got {unknown}; want names of tasks, {sorted(names)}")
    for task in tasks:
        if task.name in config.loss.mixup_tasks and not (isinstance(task.target, Label) and is_visual(task)):
            raise ConfigError(
                f"UniPerceiverConfig.loss.mixup_tasks: got {task.name!r}; want a Label on images or videos"
            )
    if isinstance(config.blocks, MergedExperts) and len(names) > 1:
        raise ConfigError(
            f"UniPerceiverConfig.blocks: got MergedExperts for {sorted(names)}; want the one task that they were "
            "merged for"
        )


def build_text_inputs(
    config: UniPerceiverConfig, texts: Callable[[], Iterable[str]], assets: Mapping[str, bytes] | None
) -> UniPerceiverTextInputs:
    """Builds the tokeniser of the options, or restores that of a saved model."""
    plain = Tokenizer.from_bytes(assets[TOKENIZER_FILE]) if assets is not None else config.tokenizer.build(texts())
    tokenizer = plain.with_specials([SPECIAL])
    return UniPerceiverTextInputs(
        tokenizer, config.max_tokens, config.max_generated, config.masking.probability, dict(config.max_tokens_of)
    )


def build_trunk(config: UniPerceiverConfig, tasks: Sequence[Task], *, fetch: bool) -> Tower | None:
    """Builds the encoder whose features replace patches of pixels; None: none configured, or no task has images."""
    if config.encoder is None or not any(is_visual(task) for task in tasks):
        return None
    return Tower(config.encoder, config.mode, fetch=fetch)


def build_embedding(
    config: UniPerceiverConfig, tasks: Sequence[Task], text_inputs: UniPerceiverTextInputs, trunk: Tower | None
) -> Embedding:
    """Builds the embedding of tokens."""
    width, patches = config.sizes.width, config.patches
    layer: nn.Conv2d | nn.Linear | None = None
    grid = (patches.size // patches.patch, patches.size // patches.patch)
    if trunk is not None:
        layer, grid = nn.Linear(trunk.width, width), _grid_of(trunk.num_tokens)
    elif any(is_visual(task) for task in tasks):
        layer = nn.Conv2d(3, width, patches.patch, patches.patch)
    return Embedding(
        width,
        text_inputs.tokenizer.vocab_size,
        text_inputs.special,
        config.max_tokens,
        patches=layer,
        grid_hw=grid,
        position_scale=patches.position_scale if trunk is None else 1.0,
        max_frames=config.max_frames,
        special_bias=config.tuning is not None,
    )


def build_image_inputs(
    config: UniPerceiverConfig, tasks: Sequence[Task], trunk: Tower | None
) -> UniPerceiverImageInputs | None:
    """Builds the preprocessing of images; None: no task has any."""
    if not any(is_visual(task) for task in tasks):
        return None
    of = config.patches if trunk is None else trunk.pixels
    transform = ImageTransform(of.size_hw, of.mean, of.std, config.crop, config.hflip, config.antialias)
    own = {
        name: replace(transform, crop=config.crop_of.get(name, config.crop), augment=config.augment_of.get(name))
        for name in {**config.crop_of, **config.augment_of}
    }
    return UniPerceiverImageInputs(
        transform=transform, num_frames=config.frames, frames_of=dict(config.frames_of), transform_of=own
    )


def build_linear_heads(config: UniPerceiverConfig, tasks: Sequence[Task], trunk: Tower | None) -> nn.ModuleDict:
    """Builds linear scores on the trunk's mean features, zero at the start, per `Label` of images or videos alone."""
    layers = nn.ModuleDict()
    for task in tasks if config.linear and trunk is not None else ():
        if isinstance(task.target, Label) and task.inputs in ({"image"}, {"video"}):
            assert trunk is not None
            layers[parameter_name(task.name)] = _zero_linear(trunk.width, len(task.target.names))
    return layers


def build_class_scores(config: UniPerceiverConfig, tasks: Sequence[Task]) -> nn.ModuleDict:
    """Builds linear scores per task with names, zero at the start, for prompt tuning; none without it."""
    if config.tuning is None or not config.tuning.classes:
        return nn.ModuleDict()
    layers = nn.ModuleDict()
    for task in tasks:
        if isinstance(task.target, Label | Answer) and task.target.names:
            layers[parameter_name(task.name)] = _zero_linear(config.sizes.width, len(task.target.names))
    return layers


def _zero_linear(width: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(width, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def name_ids(text_inputs: UniPerceiverTextInputs, tasks: Sequence[Task]) -> dict[str, Tensor]:
    """Returns the token ids of each task's names, for tasks that have names."""
    named = [task for task in tasks if isinstance(task.target, Label | Answer) and task.target.names]
    return {task.name: text_inputs.encode_names(task) for task in named}


def initialise(parts: Iterable[nn.Module], std: float | None) -> None:
    """Fills matrices and tables with normal numbers, biases with zeros; all experts of a layer start alike."""
    for module in (module for part in parts for module in part.modules()):
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            inputs = module.weight[0].numel()
            nn.init.normal_(module.weight, std=inputs**-0.5 if std is None else std)
            if not isinstance(module, nn.Embedding) and module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, ConditionalLinear):
            first = torch.empty_like(module.weight[0])
            nn.init.normal_(first, std=first.shape[1] ** -0.5 if std is None else std)
            module.weight.data.copy_(first.expand_as(module.weight))
            nn.init.zeros_(module.bias)


def is_tuned(name: str) -> bool:
    """Returns true for the name of a parameter that prompt tuning trains.

    Source: the official configurations; there gates have no norm by name.

    Examples:
        >>> is_tuned("encoder.blocks.0.norm1.weight"), is_tuned("encoder.blocks.0.mlp_gate.rule.norm.weight")
        (True, False)
    """
    return any(part in name for part in _TUNED) and "_gate." not in name and not name.startswith("trunk.")


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Returns true for a parameter with weight decay: norms, biases, embeddings, scales and gates have none.

    Source: the official configurations.
    """
    table = name.startswith(("embedding.words", "embedding.positions", "embedding.frames"))
    return parameter.ndim > 1 and not name.endswith((".bias", "_prompts")) and "_gate." not in name and not table


def _grid_of(num_tokens: int) -> tuple[int, int]:
    """Returns a square grid where the tokens fill one, else a grid of one row."""
    side = isqrt(num_tokens)
    return (side, side) if side * side == num_tokens else (1, num_tokens)
