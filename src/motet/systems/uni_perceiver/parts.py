"""The parts of a Uni-Perceiver, and what its options and tasks must agree on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isqrt

import torch
from torch import nn

from motet.core import Answer, ConfigError, Label, Task
from motet.nn.experts import ConditionalLinear
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import Tower
from motet.preprocess.images import ImageTransform
from motet.preprocess.tokenizers import Tokenizer
from motet.systems.uni_perceiver.config import WORDS_FILE, UniPerceiverConfig
from motet.systems.uni_perceiver.embedding import Embedding
from motet.systems.uni_perceiver.image_inputs import ImageInputs
from motet.systems.uni_perceiver.options import MergedExperts, PromptTuning
from motet.systems.uni_perceiver.targets import is_visual
from motet.systems.uni_perceiver.text_inputs import SPECIAL, TextInputs

TUNED = ("special_bias", "norm", "_prompts", "class_scores.", "similarity_weights.")


def check_options(config: UniPerceiverConfig, tasks: Sequence[Task]) -> None:
    """Raises ConfigError where options name what no task is, or cannot hold for them."""
    names = {task.name for task in tasks}
    for field, given in (("weights", config.loss.weights), ("mixed", config.loss.mixed)):
        if unknown := sorted(set(given) - names):
            raise ConfigError(
                f"UniPerceiverConfig.learning.{field}: got {unknown}; want names of tasks, {sorted(names)}"
            )
    for task in tasks:
        if task.name in config.loss.mixed and not (isinstance(task.target, Label) and is_visual(task)):
            raise ConfigError(f"UniPerceiverConfig.learning.mixed: got {task.name!r}; want a Label on images or videos")
    if isinstance(config.blocks, MergedExperts) and len(names) > 1:
        raise ConfigError(
            f"UniPerceiverConfig.blocks: got Folded for {sorted(names)}; want one task, which it is made for"
        )


def build_reader(
    config: UniPerceiverConfig, texts: Callable[[], Iterable[str]], assets: Mapping[str, bytes] | None
) -> TextInputs:
    """The tokeniser: a saved model's, or the one that the options name."""
    plain = Tokenizer.from_bytes(assets[WORDS_FILE]) if assets is not None else config.tokenizer.build(texts())
    return TextInputs(plain.with_specials([SPECIAL]), config.max_tokens, config.max_generated, config.masking.words)


def build_trunk(config: UniPerceiverConfig, tasks: Sequence[Task], *, fetch: bool) -> Tower | None:
    """The encoder whose features stand for pictures; None where there is none, or no task sees one."""
    if config.encoder is None or not any(is_visual(task) for task in tasks):
        return None
    return Tower(config.encoder, config.mode, fetch=fetch)


def build_embedding(
    config: UniPerceiverConfig, tasks: Sequence[Task], reader: TextInputs, trunk: Tower | None
) -> Embedding:
    """What makes tokens."""
    width, patches = config.sizes.width, config.patches
    layer: nn.Conv2d | nn.Linear | None = None
    grid = (patches.size // patches.patch, patches.size // patches.patch)
    if trunk is not None:
        layer, grid = nn.Linear(trunk.width, width), _grid_of(trunk.num_tokens)
    elif any(is_visual(task) for task in tasks):
        layer = nn.Conv2d(3, width, patches.patch, patches.patch)
    return Embedding(
        width,
        reader.words.vocab_size,
        reader.special,
        config.max_tokens,
        patches=layer,
        grid_hw=grid,
        position_scale=patches.position_scale if trunk is None else 1.0,
        max_frames=config.max_frames,
        special_bias=config.tuning is not None,
    )


def build_images(config: UniPerceiverConfig, tasks: Sequence[Task], trunk: Tower | None) -> ImageInputs | None:
    """How pictures are read; None where no task sees any."""
    if not any(is_visual(task) for task in tasks):
        return None
    if trunk is None:
        of = config.patches
        transform = ImageTransform((of.size, of.size), of.mean, of.std, config.crop, config.hflip, config.antialias)
    else:
        pixels = trunk.pixels
        transform = ImageTransform(pixels.size_hw, pixels.mean, pixels.std, config.crop, config.hflip, config.antialias)
    return ImageInputs(transform, config.frames)


def build_class_scores(config: UniPerceiverConfig, tasks: Sequence[Task]) -> nn.ModuleDict:
    """Of each task of names its own linear scores, zero at the start; none but for prompt tuning."""
    if config.tuning is None or not config.tuning.classes:
        return nn.ModuleDict()
    found = nn.ModuleDict()
    for task in tasks:
        if isinstance(task.target, Label | Answer) and task.target.names:
            layer = nn.Linear(config.sizes.width, len(task.target.names))
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
            found[parameter_name(task.name)] = layer
    return found


def initialise(parts: Iterable[nn.Module], std: float | None) -> None:
    """Normal matrices and tables, no biases; all experts of a layer alike."""
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


def freeze_for(tuning: PromptTuning, system: nn.Module) -> None:
    """Leaves trainable what prompt tuning trains: see `is_tuned`."""
    del tuning
    for name, parameter in system.named_parameters():
        parameter.requires_grad_(is_tuned(name))


def is_tuned(name: str) -> bool:
    """Whether prompt tuning trains a parameter of this name.

    Source: the official configurations; there gates have no norm by name.

    Examples:
        >>> is_tuned("encoder.blocks.0.norm1.weight"), is_tuned("encoder.blocks.0.mlp_gate.rule.norm.weight")
        (True, False)
    """
    return any(part in name for part in TUNED) and "_gate." not in name and not name.startswith("trunk.")


def _grid_of(num_tokens: int) -> tuple[int, int]:
    """A square where the tokens fill one, else a line."""
    side = isqrt(num_tokens)
    return (side, side) if side * side == num_tokens else (1, num_tokens)
