"""Heads on the two streams, and the tasks that share them (section 3.2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import Answer, ConfigError, Label, Masked, Match, Region, Task, UnsupportedTask
from motet.nn.heads import BERT_NORM_EPS, BertHead
from motet.systems.twelve_in_one.config import TwelveInOneConfig

Kind = Literal["answer", "label", "pair", "fit", "place", "words", "classes", "features"]


class LinearScores(nn.Module):
    """Scores from one matrix: of a pair of text and image, of a region, or of names with a linear head.

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


class MaskedWordHead(nn.Module):
    """Token scores of a masked word: E norm(gelu(V x)) + bias, with the word embeddings E themselves.

    Source: Devlin et al., NAACL 2019; the official code, `BertLMPredictionHead`.

    Args:
        width: channels in.
        num_pieces: rows of the table.
    """

    def __init__(self, width: int, num_pieces: int) -> None:
        super().__init__()
        self.hidden, self.norm = nn.Linear(width, width), nn.LayerNorm(width, BERT_NORM_EPS)
        self.bias = nn.Parameter(torch.zeros(num_pieces))

    def forward(self, x: Float[Tensor, "*b d"], table: Float[Tensor, "v d"]) -> Float[Tensor, "*b v"]:
        scores: Tensor = F.linear(self.norm(F.gelu(self.hidden(x))), table, self.bias)
        return scores


@dataclass(frozen=True)
class HeadKind:
    """The form of a head; only tasks with equal forms can share a head.

    Args:
        kind: of head.
        names: classes that it scores; empty for kinds without classes.
        linear: one matrix instead of two layers.
    """

    kind: Kind
    names: tuple[str, ...] = ()
    linear: bool = False

    @property
    def learns_faster(self) -> bool:
        """True for heads with a learning rate of their own, not for those of regions and of pre-training."""
        return self.kind not in ("place", "words", "classes", "features")

    def default_name(self) -> str:
        """Returns the name of a head without a configured one, from its kind and its names in their order.

        Examples:
            >>> HeadKind("fit").default_name()
            'fit'
            >>> HeadKind("answer", ("yes", "no")).default_name() == HeadKind("answer", ("no", "yes")).default_name()
            False
        """
        if not self.names:
            return self.kind
        data = json.dumps([self.names, self.linear]).encode()
        return f"{self.kind}_{hashlib.blake2b(data, digest_size=4).hexdigest()}"


def head_kinds(config: TwelveInOneConfig, tasks: Sequence[Task]) -> dict[str, HeadKind]:
    """Returns the kind of head of each task."""
    return {task.name: _kind(config, task) for task in tasks}


def head_names(config: TwelveInOneConfig, kinds: Mapping[str, HeadKind]) -> dict[str, str]:
    """Returns the name of each task's head: the configured one, else the default name of its kind.

    So tasks with the same list of answers share a head, as VQA and Visual Genome QA do in the paper; so do all
    retrieval tasks, and all referring expressions.

    Raises:
        ConfigError: one name for heads of two kinds.
    """
    names = {task: config.head.get(task, kind.default_name()) for task, kind in kinds.items()}
    of_head: dict[str, tuple[str, HeadKind]] = {}
    for task, name in names.items():
        first, kind = of_head.setdefault(name, (task, kinds[task]))
        if kind != kinds[task]:
            raise ConfigError(
                f"TwelveInOneConfig.head: got {name!r} for tasks {first!r} and {task!r}, whose heads differ; want one "
                "name only for tasks of the same kind with the same names"
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
            return HeadKind(config.masking.target)
        case other:
            raise UnsupportedTask(
                f"task {task.name!r}: got {type(other).__name__}; want Label, Answer, Region, Match or Masked"
            )


def build_head(
    kind: HeadKind, config: TwelveInOneConfig, *, text_width: int, num_pieces: int, region_width: int, num_classes: int
) -> nn.Module:
    """Returns a new head.

    Args:
        kind: its form.
        config: sizes.
        text_width: channels of the text stream.
        num_pieces: rows of the word embeddings.
        region_width: channels of a region feature.
        num_classes: of the detector.
    """
    co = 2 * config.co_width if kind.kind == "pair" else config.co_width
    match kind.kind:
        case "answer" | "label" | "pair":
            names = len(kind.names)
            # Equations 1 and 4; the dropout of the official `SimpleClassifier` is not used.
            return LinearScores(co, names) if kind.linear else BertHead(co, names, hidden=2 * config.co_width)
        case "fit":
            return LinearScores(co, 1)
        case "place":
            return LinearScores(config.image_width, 1)
        case "words":
            return MaskedWordHead(text_width, num_pieces)
        case "classes":
            return BertHead(config.image_width, num_classes)
        case "features":
            return BertHead(config.image_width, region_width)
