"""What stands on top of the two streams, and which tasks share it (section 3.2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import Answer, ConfigError, Label, Masked, Match, Region, Task, UnsupportedTask
from motet.systems.twelve_in_one.layers import NORM_EPS

if TYPE_CHECKING:
    from motet.systems.twelve_in_one.config import TwelveInOneConfig

Kind = Literal["answer", "label", "pair", "fit", "place", "words", "classes", "features"]


class AnswerHead(nn.Module):
    """Scores of names: W norm(gelu(V x)).

    Source: 12-in-1, equations 1 and 4; the official code, `SimpleClassifier`, whose dropout is not used.

    Args:
        width: channels in.
        hidden: channels between.
        num_names: scores out.
    """

    def __init__(self, width: int, hidden: int, num_names: int) -> None:
        super().__init__()
        self.hidden, self.norm = nn.Linear(width, hidden), nn.LayerNorm(hidden, NORM_EPS)
        self.out = nn.Linear(hidden, num_names)

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b k"]:
        scores: Tensor = self.out(self.norm(F.gelu(self.hidden(x))))
        return scores


class LinearScores(nn.Module):
    """Scores of one matrix: of how well a text fits an image, of a region, of names where a task asks for no more.

    Source: 12-in-1, equations 2 and 3.

    Args:
        width: channels in.
        num_scores: out.
    """

    def __init__(self, width: int, num_scores: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, num_scores)

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b k"]:
        scores: Tensor = self.out(x)
        return scores


class MaskedRegionHead(nn.Module):
    """What a hidden region is: W norm(gelu(V x)), V square.

    Source: the official code, `BertImagePredictionHead`.

    Args:
        width: channels in.
        num_scores: out.
    """

    def __init__(self, width: int, num_scores: int) -> None:
        super().__init__()
        self.hidden, self.norm = nn.Linear(width, width), nn.LayerNorm(width, NORM_EPS)
        self.out = nn.Linear(width, num_scores)

    def forward(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b k"]:
        scores: Tensor = self.out(self.norm(F.gelu(self.hidden(x))))
        return scores


class MaskedWordHead(nn.Module):
    """What a hidden word is: E norm(gelu(V x)) + bias, E the table of words itself.

    Source: Devlin et al., NAACL 2019; the official code, `BertLMPredictionHead`.

    Args:
        width: channels in.
        num_pieces: rows of the table.
    """

    def __init__(self, width: int, num_pieces: int) -> None:
        super().__init__()
        self.hidden, self.norm = nn.Linear(width, width), nn.LayerNorm(width, NORM_EPS)
        self.bias = nn.Parameter(torch.zeros(num_pieces))

    def forward(self, x: Float[Tensor, "*b d"], table: Float[Tensor, "v d"]) -> Float[Tensor, "*b v"]:
        scores: Tensor = F.linear(self.norm(F.gelu(self.hidden(x))), table, self.bias)
        return scores


@dataclass(frozen=True)
class HeadKind:
    """What a head is, apart from its weights: tasks share one only where this is the same.

    Args:
        kind: of head.
        names: that it scores; none for kinds that score no names.
        linear: one matrix instead of two layers.
    """

    kind: Kind
    names: tuple[str, ...] = ()
    linear: bool = False

    def usual_name(self) -> str:
        """What a head is called that nobody names: by its kind, and by its names in their order.

        Examples:
            >>> HeadKind("fit").usual_name()
            'fit'
            >>> HeadKind("answer", ("yes", "no")).usual_name() == HeadKind("answer", ("no", "yes")).usual_name()
            False
        """
        if not self.names:
            return self.kind
        data = json.dumps([self.names, self.linear]).encode()
        return f"{self.kind}_{hashlib.blake2b(data, digest_size=4).hexdigest()}"


def head_kinds(config: TwelveInOneConfig, tasks: Sequence[Task]) -> dict[str, HeadKind]:
    """The kind of head of each task."""
    return {task.name: _kind(config, task) for task in tasks}


def head_names(config: TwelveInOneConfig, kinds: Mapping[str, HeadKind]) -> dict[str, str]:
    """The name of each task's head: the one that the configuration says, else that of its kind.

    So questions with the same list of answers share a head, as VQA and Visual Genome QA do in the paper; so do all
    retrievals, and all referring expressions.

    Raises:
        ConfigError: one name for heads of two kinds.
    """
    names = {task: config.head.get(task, kind.usual_name()) for task, kind in kinds.items()}
    of_head: dict[str, tuple[str, HeadKind]] = {}
    for task, name in names.items():
        first, kind = of_head.setdefault(name, (task, kinds[task]))
        if kind != kinds[task]:
            raise ConfigError(
                f"TwelveInOneConfig.head: got {name!r} for tasks {first!r} and {task!r}, which want other heads; want "
                "one name only for the same kind and the same names"
            )
    return names


def _kind(config: TwelveInOneConfig, task: Task) -> HeadKind:
    match task.target:
        case Answer(names):
            return HeadKind("answer", names)
        case Label(names):
            return HeadKind("pair" if task.name in config.pairs else "label", names, task.name in config.linear)
        case Match("regions") | Region():
            return HeadKind("place")
        case Match():
            return HeadKind("fit")
        case Masked("words"):
            return HeadKind("words")
        case Masked():
            return HeadKind(config.hiding.target)
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want one that was checked")


def build_head(
    kind: HeadKind, config: TwelveInOneConfig, *, text_width: int, num_pieces: int, region_width: int, num_classes: int
) -> nn.Module:
    """A fresh head.

    Args:
        kind: of it.
        config: sizes.
        text_width: channels of words.
        num_pieces: rows of the table of words.
        region_width: numbers of a region's feature.
        num_classes: classes of the detector.
    """
    co = 2 * config.co_width if kind.kind == "pair" else config.co_width
    match kind.kind:
        case "answer" | "label" | "pair":
            names = len(kind.names)
            return LinearScores(co, names) if kind.linear else AnswerHead(co, 2 * config.co_width, names)
        case "fit":
            return LinearScores(co, 1)
        case "place":
            return LinearScores(config.image_width, 1)
        case "words":
            return MaskedWordHead(text_width, num_pieces)
        case "classes":
            return MaskedRegionHead(config.image_width, num_classes)
        case "features":
            return MaskedRegionHead(config.image_width, region_width)
