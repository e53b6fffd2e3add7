"""A task's rows answered: what inputs and targets it compares, and what becomes of the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import Answer, Batch, Label, Loss, Masked, Match, Prediction, Target, Task
from motet.core.ranks import gather, rank
from motet.nn.parameter_names import parameter_name
from motet.preprocess.tokenizers import PAD
from motet.systems.uni_perceiver import answers
from motet.systems.uni_perceiver.encoder import Encoded
from motet.systems.uni_perceiver.generation import generate_texts
from motet.systems.uni_perceiver.inputs import embedded, given_line, image_features, saying_line, seen
from motet.systems.uni_perceiver.kinds import target_kind
from motet.systems.uni_perceiver.mixing import mixed
from motet.systems.uni_perceiver.options import BY_DATA, Experts
from motet.systems.uni_perceiver.retrieval import MatchedPairs, in_batch
from motet.systems.uni_perceiver.targets import family_of, is_said

if TYPE_CHECKING:
    from motet.systems.uni_perceiver.model import UniPerceiver


def losses_of(system: UniPerceiver, task: Task, batch: Batch, target: Target) -> tuple[Loss, dict[str, Loss]]:
    """A task's own over its rows, and its terms."""
    match task.target:
        case Match():
            return _match_loss(system, task, batch, target)
        case Masked():
            states, encoded, told = told_states(system, task, batch, target)
            loss = _words_loss(system, task, states, target.value["told"][told])
        case _ if is_said(task):
            states, encoded, words = said_states(system, task, batch, target)
            loss = _words_loss(system, task, states, words)
        case _:
            learning = system.config.loss
            if system.training and task.name in learning.mixed:
                batch, target = mixed(batch, target, len(system.targets.ids[task.name]), learning.mixup)
            scores, encoded = name_scores(system, task, batch, target)
            return _name_loss(system, task, scores, target.value), _balance(system, encoded, len(target.rows))
    nothing = answers.of_rows(len(target.rows), states)
    return nothing, {answers.WORD: loss} | _balance(system, encoded, len(target.rows))


def predictions_of(system: UniPerceiver, task: Task, batch: Batch, target: Target) -> list[Prediction]:
    """A task's answers for its rows."""
    match task.target:
        case Match():
            value = target.value
            scores = _candidate_scores(system, task, batch, target)[0]
            return answers.candidates(scores, value["real"], value.get("names", ()))
        case Masked():
            states, _, hidden = told_states(system, task, batch, target)
            features = system.similarity.features(states)
            scores = system.similarity.scores(features, system.targets.words(task), "word")
            return answers.told(target.value["ids"][:, 0], hidden, scores, system.reader.words.decode)
        case _ if is_said(task):
            return generate_texts(system, task, given_line(system, task, batch, target))
        case _:
            return answers.named(task, name_scores(system, task, batch, target)[0])


def name_scores(system: UniPerceiver, task: Task, batch: Batch, target: Target) -> tuple[Float[Tensor, "r k"], Encoded]:
    """Of every name, and the encoded inputs."""
    line = given_line(system, task, batch, target)
    encoded = system.encoder(line)
    place = torch.zeros(len(target.rows), dtype=torch.long, device=system.device)
    if "text" in task.inputs:
        # The answer stands at the special piece behind the text, the last real token.
        assert line.valid is not None
        place = line.valid.sum(1) - 1
    state = encoded.states[torch.arange(len(place), device=system.device), place]
    features = system.similarity.features(state)
    scores = system.similarity.scores(features, system.targets.names(task), family_of(task))
    own = parameter_name(task.name)
    if own in system.class_scores:
        extra = system.class_scores[own](system.similarity.norm(state))
        scores = system.similarity_weights[own] * scores + extra
    return scores, encoded


def told_states(
    system: UniPerceiver, task: Task, batch: Batch, target: Target
) -> tuple[Float[Tensor, "w d"], Encoded, Bool[Tensor, "r t"]]:
    """States of the words that are to be told, and where they stand in their texts."""
    encoded = system.encoder(given_line(system, task, batch, target))
    told = target.value["told"] >= 0
    return encoded.states[:, -told.shape[1] :][told], encoded, told


def said_states(
    system: UniPerceiver, task: Task, batch: Batch, target: Target
) -> tuple[Float[Tensor, "w d"], Encoded, Int[Tensor, "w"]]:
    """States of the places that predict the words of a text that is said, and the words."""
    given, words = given_line(system, task, batch, target), target.value["said"]
    real = words != PAD
    encoded = system.encoder(saying_line(system, task, given, words))
    return encoded.states[:, -words.shape[1] :][real], encoded, words[real]


def _name_loss(system: UniPerceiver, task: Task, scores: Float[Tensor, "r k"], value: Mapping[str, Any]) -> Loss:
    wanted = value["label" if isinstance(task.target, Label) else "answers"]
    if task.loss is not None:
        return task.loss(scores, wanted)
    if isinstance(task.target, Answer) or wanted.is_floating_point():
        return answers.soft_targets(scores, wanted)
    smoothing = system.config.loss.smoothing if family_of(task) in ("picture", "video") else 0.0
    return answers.smoothed(scores, wanted, smoothing)


def _words_loss(system: UniPerceiver, task: Task, states: Float[Tensor, "w d"], wanted: Int[Tensor, "w"]) -> Loss:
    targets, index = system.targets.words_with(task, wanted)
    scores = system.similarity.scores(system.similarity.features(states), targets, family_of(task))
    return answers.words_loss(scores, index)


def _match_loss(system: UniPerceiver, task: Task, batch: Batch, target: Target) -> tuple[Loss, dict[str, Loss]]:
    value = target.value
    if "right" in value:
        scores, encoded = _candidate_scores(system, task, batch, target)
        scores = scores.masked_fill(~value["real"], -torch.inf)
        return answers.one_of_candidates(scores, value["right"]), _balance(system, encoded, len(target.rows))
    images, encoded = image_features(system, task, seen(system, batch, target.rows))
    own = MatchedPairs.of(images, system.targets.texts(value["ids"][:, 0], target_kind(task)), value)
    among, first = own, 0
    if system.gathers and system.training:
        first = sum(gather(len(images))[: rank()])
        among = own.gathered()
    loss = in_batch(own, among, first, system.similarity.scale("fit"), system.config.loss.smoothing)
    return loss, _balance(system, encoded, len(target.rows))


def _candidate_scores(
    system: UniPerceiver, task: Task, batch: Batch, target: Target
) -> tuple[Float[Tensor, "r c"], Encoded]:
    """Of each row's candidates, pairs of one of its texts and one of its pictures."""
    value, rows = target.value, target.rows
    images, encoded = image_features(system, task, seen(system, batch, rows))
    every = images[:, None]
    if "others" in value:
        more = value["others"]
        others = embedded(system, more.flatten(0, 1)[:, None], stored=more.ndim == 4)
        every = torch.cat([every, image_features(system, task, others)[0].view(*more.shape[:2], -1)], 1)
    ids = value["ids"]
    different, back = torch.unique(ids.flatten(0, 1), dim=0, return_inverse=True)
    texts = system.targets.texts(different, target_kind(task))[back].view(*ids.shape[:2], -1)
    at = torch.arange(len(rows), device=system.device)[:, None]
    chosen, shown = texts[at, value["text"]], every[at, value["picture"]]
    return system.similarity.scale("fit") * (chosen * shown).sum(-1), encoded


def _balance(system: UniPerceiver, encoded: Encoded, rows: int) -> dict[str, Loss]:
    blocks = system.config.blocks
    if not isinstance(blocks, Experts) or not blocks.balance or blocks.routing not in BY_DATA:
        return {}
    assert encoded.uneven is not None  # such a routing tells
    count = torch.tensor(float(rows), device=system.device)
    return {answers.BALANCE: Loss(blocks.balance * encoded.uneven * count, count)}
