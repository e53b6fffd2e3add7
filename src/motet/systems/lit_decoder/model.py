"""The LiT decoder: a usually frozen image encoder, and one decoder that generates every task's answer (section 4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, assert_never

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import (
    Batch,
    ConfigError,
    DataError,
    Label,
    Loss,
    Losses,
    Panoptic,
    Prediction,
    System,
    Target,
    Task,
    Text,
    seed_for,
)
from motet.core.system import optimizer_groups
from motet.nn.heads import MapHead
from motet.nn.optim_groups import kernels
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import Tower
from motet.preprocess.images import ImageTransform
from motet.preprocess.tokenizers import Tokenizer
from motet.systems.base import ImageInputs, class_predictions
from motet.systems.lit_decoder.answers import TaskPrompts, answer
from motet.systems.lit_decoder.config import TOKENIZER_FILE, LiTDecoderConfig
from motet.systems.lit_decoder.decoder import (
    DecoderState,
    StateDecoder,
    TextDecoder,
    TokenEmbeddings,
    row_means,
    shift_right,
    token_loss,
)
from motet.systems.lit_decoder.decoding import Decoding, decoding_by_task
from motet.systems.lit_decoder.name_check import check_names
from motet.systems.lit_decoder.options import ByTaskPositions, LinearProjection, MapPooling, ScoredClasses
from motet.systems.lit_decoder.panoptic import PanopticTasks
from motet.systems.lit_decoder.processor import LiTDecoderProcessor
from motet.systems.lit_decoder.scoring import NameTrie
from motet.systems.lit_decoder.sequence import Sequences
from motet.systems.lit_decoder.targets import check_supported


class LiTDecoder(System):
    """One decoder for all tasks, on the tokens of an image encoder.

    Source: Beyer et al., "A Study of Autoregressive Decoders for Multi-Tasking in Computer Vision" (2023), section 4.

    Args:
        config: its options.
        tasks: in order.
        tokenizer: without special pieces.
        fetch: whether pretrained encoder weights are fetched; a restored model brings its own.

    Attributes:
        decoding: strategy of each task whose classes are not scored.

    Raises:
        UnsupportedTask: a task whose answer is not text.
        ConfigError: options that do not fit each other, or the tasks; class names that can never be an answer.
    """

    mixes: ClassVar[bool] = True
    config: LiTDecoderConfig
    processor: LiTDecoderProcessor

    def __init__(
        self, config: LiTDecoderConfig, tasks: Sequence[Task], tokenizer: Tokenizer, *, fetch: bool = True
    ) -> None:
        super().__init__()
        for task in tasks:
            check_supported(task)
        unknown = sorted(set(config.texts) - {task.name for task in tasks if isinstance(task.target, Text)})
        if unknown:
            raise ConfigError(f"LiTDecoderConfig.texts: got {unknown}; want names of tasks with a Text target")
        self.config, self.tokenizer = config, tokenizer
        self.tasks = {task.name: task for task in tasks}
        self.tower = Tower(config.encoder, config.mode, fetch=fetch)
        self.sequences = Sequences(
            tokenizer,
            tasks,
            config.conditioning,
            config.classes,
            separator=config.separator,
            question_separator=config.question_separator,
            max_tokens=config.max_tokens,
            answer_room=config.answer_room,
            num_codes=0 if config.panoptic is None else config.panoptic.autoencoder.num_codes,
        )
        self.masks = PanopticTasks(config.panoptic, tasks, self.sequences)
        pixels = self.tower.pixels
        transform = ImageTransform(
            pixels.size_hw, pixels.mean, pixels.std, config.crop, config.hflip, config.antialias, config.draft
        )
        self.processor = LiTDecoderProcessor(
            ImageInputs(transform=transform),
            self.sequences,
            texts=config.texts,
            answers=config.answers,
            loss_on_prefix=config.loss_on_prefix,
            pad_to_longest=config.pad_to_longest,
            codes=config.panoptic if len(self.masks) else None,
        )
        self.bottleneck, memory_width = _bottleneck(config, self.tower.width)
        # A learned token that replaces the image in rows without one.
        always_image = all("image" in task.inputs for task in tasks)
        self.nothing = None if always_image else nn.Parameter(torch.randn(memory_width) / memory_width**0.5)
        by_position = isinstance(config.conditioning, ByTaskPositions)
        self.decoder = TextDecoder(
            _token_embeddings(self.sequences, config),
            config.width,
            config.depth,
            config.heads,
            round(config.width * config.mlp_ratio),
            memory_width=memory_width,
            max_tokens=config.max_tokens,
            dropout=config.dropout,
            input_dropout=config.input_dropout,
            position_tables=tuple(self.tasks) if by_position else (),
            add_tables=isinstance(config.conditioning, ByTaskPositions) and config.conditioning.add,
        )
        self.linear = nn.ModuleDict(_linear_heads(config, tasks, self.tower.width))
        self.decoding = self._decodings(config)
        for name, decoding in self.decoding.items():
            check_names(self.sequences, self.tasks[name], decoding)
        self._tries: dict[tuple[str, int], NameTrie] = {}

    def decode_with(self, decoding: Mapping[str, Decoding]) -> None:
        """Changes how the answers of some tasks are made; a model that is saved afterwards keeps it.

        Raises:
            ConfigError: a name that is no task whose answer is generated; scoring for a task without names.
        """
        config = replace(self.config, decoding={**self.config.decoding, **decoding})
        self.decoding = self._decodings(config)
        self.config = config

    def _decodings(self, config: LiTDecoderConfig) -> Mapping[str, Decoding]:
        scored = self.sequences.scored
        generated = [t for t in self.tasks.values() if t.name not in scored and not isinstance(t.target, Panoptic)]
        return decoding_by_task(config.decoding, generated)

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        tokens: Tensor = self.tower(pixels)
        return tokens

    def image_tokens(self, batch: Batch) -> Float[Tensor, "b n d"] | None:
        """Returns the encoder's tokens of the images, stored or encoded now; None for a batch without images."""
        if "features" in batch.inputs:
            return batch.inputs["features"].to(self.decoder.norm.weight.dtype)
        return self.encode(batch.inputs["pixels"]) if "pixels" in batch.inputs else None

    def memory(self, batch: Batch) -> Float[Tensor, "b n d"]:
        """Returns the tokens that the decoder attends to: the image's after the bottleneck, or the learned token."""
        return self._memory(batch, self.image_tokens(batch))

    def _memory(self, batch: Batch, tokens: Float[Tensor, "b n d"] | None) -> Float[Tensor, "b n d"]:
        if tokens is None:
            return self._nothing().expand(len(batch), 1, -1)
        memory: Tensor = self.bottleneck(tokens)
        if "has_image" in batch.inputs:
            # n copies of one token are equal to one: the softmax over equal keys returns their value.
            memory = torch.where(batch.inputs["has_image"][:, None, None], memory, self._nothing().to(memory.dtype))
        return memory

    def losses(self, batch: Batch) -> Losses:
        """Returns each task's sum over rows of the mean over the row's tokens: every row has the same weight."""
        learned = self.masks.losses(batch)
        targets = {n: self.masks.with_codes(n, t, batch) for n, t in batch.targets.items() if n not in learned}
        if not targets:
            return Losses(learned)
        image = self.image_tokens(batch)
        memory = self._memory(batch, image)
        rows = torch.cat([target.rows for target in targets.values()])
        tokens = torch.cat([target.value["tokens"] for target in targets.values()])
        counted = torch.cat([self._generated(name, target) for name, target in targets.items()])
        state = self.decoder.start(memory[rows], self._tables(targets))
        features, _ = self.decoder.read(state, shift_right(tokens))
        # Logits over the vocabulary cost most: only those of counted places are computed.
        logits = self.decoder.logits(features[counted])
        by_token = token_loss(logits, tokens[counted], label_smoothing=self.config.label_smoothing)
        by_row = row_means(by_token, counted)
        counts = [len(target.rows) for target in targets.values()]
        parts = dict(zip(targets, torch.split(by_row, counts), strict=True))
        states = dict(zip(targets, torch.split(features, counts), strict=True))
        for name in set(targets) & set(self.sequences.scored):
            target = targets[name]
            at, place = target.value["prefix"], torch.arange(len(target.rows), device=target.rows.device)
            scores = self.class_scores(name, states[name][place, at], image, target)
            classes = target.value["tokens"][place, at] - self._first_class(name)
            smoothing = self.config.label_smoothing
            parts[name] = parts[name] + F.cross_entropy(scores, classes, reduction="none", label_smoothing=smoothing)
        by_task = {
            name: Loss(part.sum(), torch.tensor(float(len(part)), device=part.device)) for name, part in parts.items()
        }
        return Losses({name: {**learned, **by_task}[name] for name in batch.targets})

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """Returns a `TextPrediction` per row, or a `ClassPrediction` where classes are scored."""
        image = self.image_tokens(batch)
        memory = self._memory(batch, image)
        return self.answers(
            batch,
            self.decoder,
            lambda target, tables: self.decoder.start(memory[target.rows], tables),
            lambda name, features, target: self.class_scores(name, features, image, target),
        )

    def answers(
        self,
        batch: Batch,
        decoder: StateDecoder,
        start: Callable[[Target, Int[Tensor, "r"] | None], DecoderState],
        class_scores: Callable[[str, Float[Tensor, "r d"], Target], Float[Tensor, "r k"]],
    ) -> Mapping[str, Sequence[Prediction]]:
        """Returns the predictions of a batch; reads no weight itself.

        Args:
            batch: with targets of the tasks.
            decoder: the model's, in any engine.
            start: a target, and the position tables of its rows, to the state before any token.
            class_scores: a task, features and its target to the logits of scored classes.
        """
        answers: dict[str, Sequence[Prediction]] = {}
        for name, target in batch.targets.items():
            state = start(target, self._tables({name: target}))
            value, spec = target.value, self.tasks[name].target
            if isinstance(spec, Panoptic):
                answers[name] = self.masks.predict(name, target, batch, self.decoder, state)
                continue
            if name in self.sequences.scored and isinstance(spec, Label):
                features, _ = decoder.prefill(state, value["tokens"], value["prefix"])
                answers[name] = class_predictions(class_scores(name, features, target).log_softmax(-1), spec.names)
                continue
            prompts = TaskPrompts(self.tasks[name], value["tokens"], value["prefix"], value["answer_start"])
            seed = seed_for("decode", name, *(batch.ids[row] for row in target.rows.tolist()))
            answers[name] = answer(decoder, state, self.sequences, prompts, self.decoding[name], seed, self._tries)
        return answers

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Returns encoder and decoder, each split into kernels, which decay, and the rest, which does not.

        Source: big_vision decays only parameters called "kernel".
        """
        decaying = {id(kernel) for kernel in (*kernels(self), *self.decoder.pieces.kernels())}
        return optimizer_groups(
            self,
            lambda name: "encoder" if name.startswith("tower.") else "decoder",
            {"encoder": self.tower.lr_scale, "decoder": 1.0},
            lambda _, parameter: id(parameter) in decaying,
        )

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Returns encoder (if trained), bottleneck, embeddings, decoder layers, output; prompts are not shared."""
        pieces = self.decoder.pieces
        blocks: dict[str, list[nn.Parameter]] = {
            "encoder": [p for p in self.tower.parameters() if p.requires_grad],
            "bottleneck": list(self.bottleneck.parameters()),
            "embedding": [pieces.embedding, *([] if self.decoder.positions is None else [self.decoder.positions])],
        }
        blocks |= {f"layer{i}": list(block.parameters()) for i, block in enumerate(self.decoder.blocks)}
        blocks["output"] = [*self.decoder.norm.parameters(), pieces.kernel, pieces.bias]
        return {name: parameters for name, parameters in blocks.items() if parameters}

    def assets(self) -> Mapping[str, bytes]:
        return {TOKENIZER_FILE: self.tokenizer.to_bytes()}

    def asset_weights(self) -> tuple[str, ...]:
        return tuple(f"decoder.pieces.{name}" for name in ("embedding", "kernel", "bias"))

    def answer_weights(self, task: str) -> tuple[str, ...]:
        """Returns the names of its class tokens' weights; class strings have none, they are the tokeniser's pieces."""
        block = parameter_name(f"classes of {task}")
        tokens = tuple(f"decoder.pieces.special_{name}.{block}" for name in ("embedding", "kernel", "bias"))
        return (*tokens, f"linear.{parameter_name(task)}.")

    def linear_heads(self) -> Mapping[str, nn.Linear]:
        heads = {name: self._linear_head(name) for name in self.tasks}
        return {name: head for name, head in heads.items() if head is not None}

    def encoder_key(self) -> str | None:
        return self.tower.key()

    def pretrained_encoder(self) -> Callable[[Tensor], Tensor] | None:
        return self.tower.pretrained()

    def _nothing(self) -> Float[Tensor, "d"]:
        if self.nothing is None:
            raise DataError(
                "batch: got rows without an image; want one in every row, since every task has an image as input"
            )
        return self.nothing

    def _linear_head(self, name: str) -> nn.Linear | None:
        head = dict(self.linear.items()).get(parameter_name(name))
        return head if isinstance(head, nn.Linear) else None

    def _generated(self, name: str, target: Target) -> Bool[Tensor, "r t"]:
        """Returns the places of the loss over all tokens: those of a scored class are not among them."""
        counted: Tensor = target.value["counted"]
        if name not in self.sequences.scored:
            return counted
        place = torch.arange(counted.shape[1], device=counted.device)
        others: Tensor = place != target.value["prefix"][:, None]
        return counted & others

    def class_scores(
        self, name: str, features: Float[Tensor, "r d"], image: Float[Tensor, "b n c"] | None, target: Target
    ) -> Float[Tensor, "r k"]:
        """Returns the logits of a scored task's classes, from the decoder's features where the class is predicted."""
        return self.scores_of_rows(name, features, None if image is None else image[target.rows])

    def scores_of_rows(
        self, name: str, features: Float[Tensor, "r d"], image: Float[Tensor, "r n c"] | None
    ) -> Float[Tensor, "r k"]:
        """Returns what `class_scores` does, with the images of the task's rows alone."""
        scores = self.decoder.pieces.block_logits(f"classes of {name}", features).float()
        head = self._linear_head(name)
        if head is None or image is None:
            return scores
        # In 32 bits, since the head starts as a probe that was fitted in 64.
        with torch.autocast(image.device.type, enabled=False):
            linear: Tensor = head(image.float().mean(dim=1))
        return scores + linear

    def _first_class(self, name: str) -> int:
        """Returns the id of a scored task's first class."""
        spec = self.tasks[name].target
        assert isinstance(spec, Label)  # only those are scored
        return self.sequences.answer(self.tasks[name], spec.names[0])[0]

    def _tables(self, targets: Mapping[str, Target]) -> Int[Tensor, "r"] | None:
        if not isinstance(self.config.conditioning, ByTaskPositions):
            return None
        order = list(self.tasks)
        return torch.cat([torch.full_like(target.rows, order.index(name)) for name, target in targets.items()])


def _linear_heads(config: LiTDecoderConfig, tasks: Sequence[Task], width: int) -> dict[str, nn.Linear]:
    """Returns a linear classifier of the image, which is 0 at the start, per task whose only input is the image."""
    if not isinstance(config.classes, ScoredClasses) or not config.classes.linear:
        return {}
    heads: dict[str, nn.Linear] = {}
    for task in tasks:
        if isinstance(task.target, Label) and task.inputs == {"image"}:
            head = heads[parameter_name(task.name)] = nn.Linear(width, len(task.target.names))
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
    return heads


def _bottleneck(config: LiTDecoderConfig, width: int) -> tuple[nn.Module, int]:
    match config.bottleneck:
        case None:
            return nn.Identity(), width
        case MapPooling(heads):
            return OneToken(MapHead(width, heads)), width
        case LinearProjection(factor):
            if width % factor:
                raise ConfigError(
                    f"LinearProjection.factor: got {factor}; want a divisor of the encoder's width, {width}"
                )
            return nn.Linear(width, width // factor), width // factor
        case other:
            assert_never(other)


class OneToken(nn.Module):
    """Attention pooling whose result is a sequence of one token.

    Args:
        pool: (b, n, d) to (b, d).
    """

    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b 1 d"]:
        pooled: Tensor = self.pool(tokens)
        return pooled[:, None]


def _token_embeddings(sequences: Sequences, config: LiTDecoderConfig) -> TokenEmbeddings:
    num_answers = sequences.tokenizer.vocab_size if config.loss_on_prefix else sequences.num_answers
    blocks = {name: len(names) for name, names in sequences.blocks.items()}
    return TokenEmbeddings(sequences.tokenizer.num_text_ids, blocks, num_answers, config.width)
