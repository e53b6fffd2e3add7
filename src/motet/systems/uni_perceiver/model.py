"""Uni-Perceiver: one encoder for inputs and targets, and how alike what it makes of them is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import (
    Answer,
    Batch,
    ConfigError,
    Label,
    Loss,
    Losses,
    Masked,
    Match,
    Prediction,
    Side,
    System,
    Task,
)
from motet.core.ranks import gather, world
from motet.nn.parameter_names import parameter_name
from motet.systems.uni_perceiver import answers
from motet.systems.uni_perceiver.answering import losses_of, predictions_of
from motet.systems.uni_perceiver.candidate_targets import Targets
from motet.systems.uni_perceiver.config import WORDS_FILE, UniPerceiverConfig
from motet.systems.uni_perceiver.encoder import UnifiedEncoder
from motet.systems.uni_perceiver.groups import parameter_groups, shared_blocks
from motet.systems.uni_perceiver.inputs import image_features, seen
from motet.systems.uni_perceiver.kinds import target_kind
from motet.systems.uni_perceiver.options import Experts
from motet.systems.uni_perceiver.parts import (
    build_class_scores,
    build_embedding,
    build_images,
    build_reader,
    build_trunk,
    check_options,
    freeze_for,
    initialise,
)
from motet.systems.uni_perceiver.processor import UniPerceiverProcessor
from motet.systems.uni_perceiver.similarity import Similarity
from motet.systems.uni_perceiver.targets import check, family_of, is_said


class UniPerceiver(System):
    """Every task as finding the likeliest target of an input, both encoded by one transformer.

    Source: Zhu et al., "Uni-Perceiver-MoE: Learning Sparse Generalist Models with Conditional MoEs", NeurIPS 2022.

    Args:
        config: its options.
        tasks: in order.
        texts: of the run, for words that are trained on them.
        assets: of a saved model; then nothing pretrained is fetched.

    Raises:
        UnsupportedTask: a task that it cannot answer.
        ConfigError: options that do not fit each other, or the tasks.
    """

    mixes: ClassVar[bool] = False
    config: UniPerceiverConfig
    processor: UniPerceiverProcessor

    def __init__(
        self,
        config: UniPerceiverConfig,
        tasks: Sequence[Task],
        *,
        texts: Callable[[], Iterable[str]],
        assets: Mapping[str, bytes] | None = None,
    ) -> None:
        super().__init__()
        for task in tasks:
            check(task)
        check_options(config, tasks)
        self.config, self.tasks = config, {task.name: task for task in tasks}
        self.loss_terms = {task.name: terms for task in tasks if (terms := self._terms(task))}
        self.reader = build_reader(config, texts, assets)
        self.trunk = build_trunk(config, tasks, fetch=assets is None)
        self.embedding = build_embedding(config, tasks, self.reader, self.trunk)
        self.encoder = UnifiedEncoder(
            config.sizes,
            config.blocks,
            list(self.tasks),
            layer_scale=config.layer_scale,
            drop_path=config.drop_path,
            prompts=0 if config.tuning is None else config.tuning.length,
        )
        self.similarity = Similarity(config.sizes.width, dict.fromkeys(family_of(task) for task in tasks))
        initialise([self.embedding, self.encoder, self.similarity], config.initial_std)
        self.class_scores = build_class_scores(config, tasks)
        self.similarity_weights = nn.ParameterDict({name: nn.Parameter(torch.ones(())) for name in self.class_scores})
        self.processor = UniPerceiverProcessor(build_images(config, tasks, self.trunk), self.reader)
        named = [task for task in tasks if isinstance(task.target, Label | Answer) and task.target.names]
        self.targets = Targets(self, {task.name: self.reader.names(task) for task in named})
        self.gathers = False  # whether the next losses are over the pairs of all ranks, see `refresh`
        if config.tuning is not None:
            freeze_for(config.tuning, self)
        self.train()

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """The frozen encoder of pictures, where there is one."""
        if self.trunk is None:
            raise ConfigError("UniPerceiverConfig.encoder: got None; want an encoder, for features that are stored")
        features: Tensor = self.trunk(pixels)
        return features

    def losses(self, batch: Batch) -> Losses:
        """Each task's own, over its rows; words that are said or told have terms, means over words."""
        tasks: dict[str, Loss] = {}
        terms: dict[tuple[str, str], Loss] = {}
        for name, target in batch.targets.items():
            loss, parts = losses_of(self, self.tasks[name], batch, target)
            tasks[name] = loss
            terms |= {(name, part): value for part, value in parts.items()}
        return Losses(tasks, terms=terms)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """A Choice of names or candidates; Words that are said, or texts whose hidden words are told."""
        return {name: predictions_of(self, self.tasks[name], batch, target) for name, target in batch.targets.items()}

    @torch.inference_mode()
    def side(self, batch: Batch, task: str, of: Side) -> Mapping[str, Tensor]:
        """Features of pictures or of texts, each of which is encoded without the other.

        Raises:
            ConfigError: a task that is no `Match`.
        """
        matched = self._matched(task)
        if of == "images":
            every = torch.arange(len(batch), device=self.device)
            return {"features": image_features(self, matched, seen(self, batch, every))[0]}
        return {"features": self.targets.texts(batch.inputs["ids"], target_kind(matched))}

    @torch.inference_mode()
    def score(self, task: str, images: Mapping[str, Tensor], texts: Mapping[str, Tensor]) -> Float[Tensor, "i t"]:
        """Their cosines, scaled."""
        self._matched(task)
        return self.similarity.scores(images["features"], texts["features"], "fit")

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """See `groups.parameter_groups`."""
        return parameter_groups(self)

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Inputs, attention and feed-forward part of each layer, and what is compared: what tasks compete for."""
        return shared_blocks(self)

    def assets(self) -> Mapping[str, bytes]:
        return {WORDS_FILE: self.reader.words.to_bytes()}

    def asset_weights(self) -> tuple[str, ...]:
        return ("embedding.words",)

    def answer_weights(self, task: str) -> tuple[str, ...]:
        name = parameter_name(task)
        return (f"class_scores.{name}.",) if name in self.class_scores else ()

    def encoder_key(self) -> str | None:
        return None if self.trunk is None else self.trunk.key()

    def task_weights(self) -> Mapping[str, float]:
        return {name: self.config.loss.weights.get(name, 1.0) for name in self.tasks}

    def refresh(self, batches: Sequence[Batch], step: int) -> None:
        """Asks whether all ranks hold the same tasks in the same order: only then may they wait for one another."""
        del step
        if not self.config.loss.gather or world() == 1:
            return
        held = gather(tuple(tuple(batch.targets) for batch in batches))
        self.gathers = all(each == held[0] for each in held)

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.embedding.text_type.device

    def _terms(self, task: Task) -> tuple[str, ...]:
        words = is_said(task) or isinstance(task.target, Masked)
        blocks = self.config.blocks
        balanced = isinstance(blocks, Experts) and blocks.balance > 0
        return (*((answers.WORD,) if words else ()), *((answers.BALANCE,) if balanced else ()))

    def _matched(self, task: str) -> Task:
        if task not in self.tasks or not isinstance(self.tasks[task].target, Match):
            raise ConfigError(f"score: got task {task!r}; want a Match of texts and images")
        return self.tasks[task]
