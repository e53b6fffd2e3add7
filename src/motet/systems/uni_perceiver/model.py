"""Uni-Perceiver: one encoder for inputs and targets, whose similarity is the likelihood of a target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import Batch, ConfigError, Loss, Losses, Masked, Match, Prediction, Side, System, Task, nearest
from motet.core.ranks import gather, world
from motet.core.system import optimizer_groups
from motet.nn.parameter_names import parameter_name
from motet.systems.base import trained_blocks
from motet.systems.uni_perceiver.answers import BALANCE, WORD, no_row_loss
from motet.systems.uni_perceiver.classification import NamePredictor
from motet.systems.uni_perceiver.config import TOKENIZER_FILE, UniPerceiverConfig
from motet.systems.uni_perceiver.encoder import UnifiedEncoder
from motet.systems.uni_perceiver.generation import TextGenerator
from motet.systems.uni_perceiver.inputs import InputSequences
from motet.systems.uni_perceiver.masked_words import MaskedWordPredictor
from motet.systems.uni_perceiver.matching import Matcher
from motet.systems.uni_perceiver.merge_experts import merged_blocks, merged_weights
from motet.systems.uni_perceiver.options import is_task_specific, load_balance_weight
from motet.systems.uni_perceiver.parts import (
    build_class_scores,
    build_embedding,
    build_image_inputs,
    build_linear_heads,
    build_text_inputs,
    build_trunk,
    check_options,
    decays,
    initialise,
    is_tuned,
    name_ids,
)
from motet.systems.uni_perceiver.processor import UniPerceiverProcessor
from motet.systems.uni_perceiver.similarity import Similarity
from motet.systems.uni_perceiver.target_features import TargetFeatures
from motet.systems.uni_perceiver.targets import check_supported, family_of, has_word_loss, is_generated, is_visual
from motet.systems.uni_perceiver.vocabulary import Vocabulary


class UniPerceiver(System):
    """Formulates every task as finding the most likely target of an input, both encoded by one transformer.

    Source: Zhu et al., "Uni-Perceiver-MoE: Learning Sparse Generalist Models with Conditional MoEs", NeurIPS 2022.

    Args:
        config: its options.
        tasks: in order.
        texts: of the run, for a tokeniser that is trained on them.
        assets: of a saved model; then nothing pretrained is fetched.

    Raises:
        UnsupportedTask: a task whose answer or inputs it does not support.
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
            check_supported(task)
        check_options(config, tasks)
        self.config, self.tasks = config, {task.name: task for task in tasks}
        self.loss_terms = {task.name: terms for task in tasks if (terms := self._loss_terms(task))}
        self.text_inputs = build_text_inputs(config, texts, assets)
        self.trunk = build_trunk(config, tasks, fetch=assets is None)
        self.embedding = build_embedding(config, tasks, self.text_inputs, self.trunk)
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
        self.linear = build_linear_heads(config, tasks, self.trunk)
        # Beside a probe the similarities count from 0 on.
        weights = {**dict.fromkeys(self.class_scores, 1.0), **dict.fromkeys(self.linear, 0.0)}
        self.similarity_weights = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor(value)) for name, value in weights.items()}
        )
        self.processor = UniPerceiverProcessor(build_image_inputs(config, tasks, self.trunk), self.text_inputs)
        self._compose()
        if config.tuning is not None:
            for name, parameter in self.named_parameters():
                parameter.requires_grad_(is_tuned(name))
        self.train()

    def _compose(self) -> None:
        """Hands each kind of answer the parts that it uses; none of these objects has weights of its own."""
        config, tokenizer = self.config, self.text_inputs.tokenizer
        self.targets = TargetFeatures(
            self.embedding,
            self.encoder,
            self.similarity,
            names=name_ids(self.text_inputs, list(self.tasks.values())),
            num_words=self.text_inputs.num_words,
            per_task=is_task_specific(config.blocks),
            word_end=config.word_targets == "with end",
            sampled_words=config.loss.sampled_words,
        )
        inputs = InputSequences(self.embedding, self.trunk)
        vocabulary = Vocabulary(self.similarity, self.targets)
        self.classifier = NamePredictor(
            inputs,
            self.encoder,
            self.similarity,
            self.targets,
            self.class_scores,
            self.linear,
            self.similarity_weights,
            config.loss,
        )
        self.masked_words = MaskedWordPredictor(inputs, self.encoder, vocabulary, tokenizer)
        self.generator = TextGenerator(
            inputs, self.encoder, vocabulary, tokenizer, config.max_generated, config.generation
        )
        self.matcher = Matcher(inputs, self.encoder, self.similarity, self.targets, config.loss.smoothing)

    def train(self, mode: bool = True) -> Self:
        """Sets training or evaluation; features of targets are not kept through training."""
        if mode:
            self.targets.clear()
        return super().train(mode)

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """Returns the features of the encoder of images, where there is one."""
        if self.trunk is None:
            raise ConfigError("UniPerceiverConfig.encoder: got None; want an encoder, to store its features")
        features: Tensor = self.trunk(pixels)
        return features

    def losses(self, batch: Batch) -> Losses:
        """Returns each task's loss over its rows; words that are generated or masked have terms, means over words."""
        tasks: dict[str, Loss] = {}
        terms: dict[tuple[str, str], Loss] = {}
        for name, target in batch.targets.items():
            task, count = self.tasks[name], len(target.rows)
            loss, encoded = self._predictor(task).loss(task, batch, target)
            if has_word_loss(task):
                terms[name, WORD] = loss
                loss = no_row_loss(count, self.device)
            tasks[name] = loss
            if balance := load_balance_weight(self.config.blocks):
                assert encoded.load_balance is not None  # only such a routing has a weight
                rows = torch.tensor(float(count), device=self.device)
                terms[name, BALANCE] = Loss(balance * encoded.load_balance * rows, rows)
        return Losses(tasks, terms=terms)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """Returns a ClassPrediction of names or candidates, or a TextPrediction of generated texts or masked words."""
        tasks = {name: self.tasks[name] for name in batch.targets}
        return {name: self._predictor(task).predict(task, batch, batch.targets[name]) for name, task in tasks.items()}

    def _predictor(self, task: Task) -> Matcher | MaskedWordPredictor | TextGenerator | NamePredictor:
        match task.target:
            case Match():
                return self.matcher
            case Masked():
                return self.masked_words
            case _ if is_generated(task):
                return self.generator
            case _:
                return self.classifier

    @torch.inference_mode()
    def side(self, batch: Batch, task: str, of: Side) -> Mapping[str, Tensor]:
        """Returns features of images or of texts, each encoded without the other.

        Raises:
            ConfigError: a task that is no `Match`.
        """
        matched = self._matched(task)
        if of == "images":
            return {"features": self.matcher.image_features(matched, batch)}
        return {"features": self.matcher.text_features(matched, batch.inputs["ids"])}

    @torch.inference_mode()
    def score(self, task: str, images: Mapping[str, Tensor], texts: Mapping[str, Tensor]) -> Float[Tensor, "i t"]:
        """Returns the scaled cosine of every image and every text."""
        self._matched(task)
        return self.matcher.scores(images["features"], texts["features"])

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Returns groups of the trunk and of the rest, each with and without weight decay (see `decays`)."""
        lr_scales = {"rest": 1.0, "trunk": 1.0 if self.trunk is None else self.trunk.lr_scale}
        return optimizer_groups(self, lambda name: "trunk" if name.startswith("trunk.") else "rest", lr_scales, decays)

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Returns the parameters that several tasks use: inputs, both parts of each layer, and the similarity."""
        if len(self.tasks) < 2:
            return {}
        embedding = self.embedding
        blocks: dict[str, Sequence[nn.Module | nn.Parameter | None]] = {}
        if sum(is_visual(task) for task in self.tasks.values()) > 1:
            blocks |= {"trunk": [self.trunk], "images": [embedding.patches, embedding.frames]}
        blocks["texts"] = [embedding.words, embedding.positions, embedding.text_type, embedding.norm]
        for i, layer in enumerate(self.encoder.blocks):
            blocks[f"attention{i}"] = [layer.norm1, layer.attention_gate, layer.qkv, layer.out, layer.scale1]
            blocks[f"mlp{i}"] = [layer.norm2, layer.mlp_gate, layer.up, layer.down, layer.scale2]
        blocks["similarity"] = [self.similarity.norm, self.similarity.project]
        return trained_blocks(blocks)

    @torch.no_grad()
    def merge_experts(self, task: str) -> UniPerceiver:
        """Returns a Uni-Perceiver for one task, without experts and gates, with the predictions of this one.

        All tokens of one kind (the task's images, its texts, generated words, its targets) always go to the same
        experts, whose weighted sum is one matrix. Kinds with the same experts share it: with routing by task all do,
        and the result is a plain Uni-Perceiver.

        Source: Uni-Perceiver-MoE, section 3.3, "reparameterization".

        Raises:
            ConfigError: no such task, no experts, or experts chosen by each token's state.
        """
        if task not in self.tasks:
            raise ConfigError(f"merge_experts: got task {task!r}; {nearest(task, self.tasks)}")
        blocks = self.config.blocks
        config = replace(self.config.restrict((task,), ()), blocks=merged_blocks(blocks, self.tasks[task]))
        merged = UniPerceiver(config, [self.tasks[task]], texts=tuple, assets=self.assets())
        own = self.state_dict()
        state = {name: own[name] for name in merged.state_dict() if name in own}
        was_training = self.training
        self.eval()  # no noise on the choice of experts
        state |= merged_weights(self.encoder, blocks, self.tasks[task])
        self.train(was_training)
        merged.load_state_dict(state, strict=True)
        return merged.to(self.device).eval()

    def assets(self) -> Mapping[str, bytes]:
        return {TOKENIZER_FILE: self.text_inputs.tokenizer.to_bytes()}

    def asset_weights(self) -> tuple[str, ...]:
        return ("embedding.words",)

    def answer_weights(self, task: str) -> tuple[str, ...]:
        name = parameter_name(task)
        layers = {"class_scores": self.class_scores, "linear": self.linear}
        return tuple(f"{layer}.{name}." for layer, heads in layers.items() if name in heads)

    def linear_heads(self) -> Mapping[str, nn.Linear]:
        heads = dict(self.linear.items())
        found = {name: heads.get(parameter_name(name)) for name in self.tasks}
        return {name: head for name, head in found.items() if isinstance(head, nn.Linear)}

    def encoder_key(self) -> str | None:
        return None if self.trunk is None else self.trunk.key()

    def pretrained_encoder(self) -> Callable[[Tensor], Tensor] | None:
        return None if self.trunk is None else self.trunk.pretrained()

    def task_weights(self) -> Mapping[str, float]:
        return {name: self.config.loss.weights.get(name, 1.0) for name in self.tasks}

    def refresh(self, batches: Sequence[Batch], step: int) -> None:
        """Gathers pairs over ranks in the next losses if all ranks have the same tasks in the same order.

        Otherwise a rank would wait for one that computes something else.
        """
        del step
        if not self.config.loss.gather or world() == 1:
            return
        tasks_of_ranks = gather(tuple(tuple(batch.targets) for batch in batches))
        self.matcher = replace(self.matcher, all_ranks=all(tasks == tasks_of_ranks[0] for tasks in tasks_of_ranks))

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.embedding.device

    def _loss_terms(self, task: Task) -> tuple[str, ...]:
        words = (WORD,) if has_word_loss(task) else ()
        return (*words, *((BALANCE,) if load_balance_weight(self.config.blocks) else ()))

    def _matched(self, task: str) -> Task:
        if task not in self.tasks or not isinstance(self.tasks[task].target, Match):
            raise ConfigError(f"score: got task {task!r}; want a Match of texts and images")
        return self.tasks[task]
