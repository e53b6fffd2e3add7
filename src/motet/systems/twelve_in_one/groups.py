"""Which parameters share a learning rate, and which the tasks compete for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, assert_never

from torch import nn

from motet.core import ConfigError, System
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import EncoderMode, Finetune, FromScratch, Frozen
from motet.systems.twelve_in_one.heads import AnswerHead
from motet.systems.twelve_in_one.layers import CoLayer

if TYPE_CHECKING:
    from motet.systems.twelve_in_one.model import TwelveInOne

_TEXT = ("body.words.", "body.streams.text.")


def parameter_groups(system: System) -> Sequence[Mapping[str, Any]]:
    """Trunk, words, heads, and the rest; each in two groups where some of it decays and some does not.

    Heads learn faster, but not those of regions and of pre-training, which the official code calls otherwise than the
    heads that it has in mind ("vil_"). No bias decays and no norm, but for norms that the code's list misses: see
    `TwelveInOneConfig.decay_co_norms`.

    Source: the official code, `train_tasks.py`; 12-in-1, table 8.

    Raises:
        ConfigError: another system than 12-in-1.
    """
    from motet.systems.twelve_in_one.model import TwelveInOne

    if not isinstance(system, TwelveInOne):
        raise ConfigError(f"parameter_groups: got a {type(system).__name__}; want a TwelveInOne")
    scales = {
        "trunk": 0.0 if system.seeing.trunk is None else system.seeing.trunk.lr_scale,
        "text": _scale(system.config.text_mode),
        "heads": system.config.head_lr_scale,
        "rest": 1.0,
    }
    fast = _fast_heads(system)
    plain = _plain(system)
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in system.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("seeing."):
            part = "trunk"
        elif name.startswith(_TEXT):
            part = "text"
        else:
            part = "heads" if name.startswith(fast) else "rest"
        groups.setdefault((part, id(parameter) not in plain), []).append(parameter)
    return [
        {
            "name": part if decay else f"{part}_plain",
            "params": parameters,
            "lr_scale": scales[part],
            "decay": decay,
        }
        for (part, decay), parameters in groups.items()
    ]


def _fast_heads(system: TwelveInOne) -> tuple[str, ...]:
    slow = ("place", "words", "classes", "features")
    return tuple(f"heads.{parameter_name(name)}." for name, kind in system.head_kinds.items() if kind.kind not in slow)


def _plain(system: TwelveInOne) -> set[int]:
    """The parameters that do not decay."""
    missed: set[int] = set()
    if system.config.decay_co_norms:
        layers = [layer for layer in system.body.streams.co if isinstance(layer, CoLayer)]
        missed = {id(added.norm.weight) for layer in layers for added in (layer.text_added, layer.image_added)}
        missed |= {id(head.norm.weight) for head in system.heads.values() if isinstance(head, AnswerHead)}
    return {id(parameter) for name, parameter in system.named_parameters() if _is_plain(name, parameter)} - missed


def _is_plain(name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim < 2 and not name.startswith("tokens.")


def _scale(mode: EncoderMode) -> float:
    match mode:
        case Frozen():
            return 0.0
        case Finetune(lr_scale):
            return lr_scale
        case FromScratch():
            return 1.0
        case other:
            assert_never(other)


def shared_blocks(system: TwelveInOne) -> Mapping[str, Sequence[nn.Parameter]]:
    """Trunk, inputs, then layers and co-attentions in the order they run in, then poolers; where they are trained."""
    if len(system.tasks) < 2:
        return {}
    body, streams = system.body, system.body.streams
    blocks: dict[str, Sequence[nn.Module]] = {}
    if system.seeing.trunk is not None:
        blocks["trunk"] = [system.seeing.trunk]
    blocks |= {"words": [body.words], "regions": [body.regions]}
    starts = [(0, 0), *streams.connections]
    ends = [*streams.connections, (len(streams.image), len(streams.text))]
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if index:
            blocks[f"co_layer{index - 1}"] = [streams.co[index - 1]]
        blocks |= {f"text_layer{i}": [streams.text[i]] for i in range(start[1], end[1])}
        blocks |= {f"image_layer{i}": [streams.image[i]] for i in range(start[0], end[0])}
    blocks["poolers"] = [body.text_pooler, body.image_pooler]
    found = {
        name: [p for module in modules for p in module.parameters() if p.requires_grad]
        for name, modules in blocks.items()
    }
    return {name: parameters for name, parameters in found.items() if parameters}
