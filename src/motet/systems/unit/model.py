"""UniT: an image encoder, a text encoder, one decoder, and one head per task (section 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.core import (
    Batch,
    Boxes,
    ConfigError,
    DataError,
    Example,
    Label,
    Loss,
    Losses,
    Prediction,
    System,
    Target,
    Task,
    TextStore,
)
from motet.core.system import optimizer_groups
from motet.nn.heads import BertHead
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import Frozen, digest_of
from motet.preprocess.images import ImageTransform, Whole
from motet.systems.base import pretrained_text_vectors, trained_blocks
from motet.systems.base.text_vectors import TextVectors
from motet.systems.unit.answers import ClassAnswers, TaskAnswers, build_answers, build_head, reads_cls_only
from motet.systems.unit.build import build_decoder, build_text, build_vision, num_queries
from motet.systems.unit.config import TEXT_FILE, WORDS_FILE, UniTConfig
from motet.systems.unit.criterion import loss_term_names
from motet.systems.unit.image_inputs import UniTImageInputs
from motet.systems.unit.options import FixedSize
from motet.systems.unit.processor import UniTProcessor
from motet.systems.unit.targets import check_supported
from motet.systems.unit.text import TextMemory
from motet.systems.unit.vision import VisionEncoder, downsample_mask

Trunk = tuple[Float[Tensor, "b n c"], tuple[int, int], Bool[Tensor, "b i j"] | None]


class UniT(System):
    """One transformer for detection, visual questions, visual entailment and text classification.

    Source: Hu and Singh, "UniT: Multimodal Multitask Learning with a Unified Transformer", ICCV 2021, section 3.

    Args:
        config: its options.
        tasks: in order.
        texts: returns the texts of the run, to train a tokeniser on.
        assets: files of a saved model; with them nothing pretrained is fetched.

    Raises:
        UnsupportedTask: a task of a kind that it does not support.
        ConfigError: options that contradict each other or the tasks.
    """

    mixes: ClassVar[bool] = False
    config: UniTConfig
    processor: UniTProcessor

    def __init__(
        self,
        config: UniTConfig,
        tasks: Sequence[Task],
        *,
        texts: Callable[[], Iterable[str]],
        assets: Mapping[str, bytes] | None = None,
    ) -> None:
        super().__init__()
        for task in tasks:
            check_supported(task)
        _check_names(config, tasks)
        self.config, self.tasks = config, {task.name: task for task in tasks}
        self.loss_terms = {
            task.name: loss_term_names(config.detection, attributes=bool(task.target.attributes))
            for task in tasks
            if isinstance(task.target, Boxes)
        }
        self.vision = build_vision(config, tasks, fetch=assets is None)
        self.sentences, self.text = build_text(config, tasks, texts, assets)
        decoders = [build_decoder(config) for _ in range(1 if config.shared else len(tasks))]
        self.decoder = decoders[0] if config.shared else None
        self.decoders = nn.ModuleDict(
            {} if config.shared else dict(zip(map(parameter_name, self.tasks), decoders, strict=True))
        )
        self.queries = nn.ParameterDict(
            {parameter_name(task.name): torch.randn(num_queries(config, task), config.width) for task in tasks}
        )
        self.heads = nn.ModuleDict({parameter_name(task.name): build_head(task, config) for task in tasks})
        self.linear = nn.ModuleDict(self._build_linear_heads())
        self.processor = UniTProcessor(
            self._build_image_inputs(),
            self.sentences,
            config.text_limits,
            config.detection.max_attributes,
            separate=frozenset(name for name in self.linear_heads() if "text" in self.tasks[name].inputs),
        )
        self._freeze()
        self.train()

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """Returns the features of the trunk alone, the part whose outputs can be stored."""
        features, _ = self._require_vision().features(pixels)
        return features

    def losses(self, batch: Batch) -> Losses:
        """Returns one loss per task over its rows of the batch; `Boxes` have terms, each with a count of its own."""
        trunk = self._trunk_features(batch)
        tasks: dict[str, Loss] = {}
        terms: dict[tuple[str, str], Loss] = {}
        for name, target in batch.targets.items():
            states, vectors = self._read(name, target, trunk)
            tasks[name], parts = self.answers_for(name, vectors).losses(states, target)
            terms |= {(name, part): value for part, value in parts.items()}
        return Losses(tasks, terms=terms)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """Returns one `ClassPrediction` per row, or one `BoxSet` in pixels of the image file."""
        trunk = self._trunk_features(batch)
        found: dict[str, Sequence[Prediction]] = {}
        for name, target in batch.targets.items():
            found[name] = self.answers_for(name).predictions(self.outputs(name, target, trunk), target)
        return found

    def outputs(self, name: str, target: Target, trunk: Trunk | None) -> tuple[Tensor, ...]:
        """Returns the tensors that the predictions of a task are made of; the arguments are those of `states`."""
        states, vectors = self._read(name, target, trunk)
        return self.answers_for(name, vectors).outputs(states)

    def states(self, name: str, target: Target, trunk: Trunk | None) -> Float[Tensor, "l r q d"]:
        """Returns the decoder's states of all layers and queries, for the rows of one task.

        Args:
            name: the task.
            target: its rows and texts.
            trunk: features of the whole batch: the map row by row, its rows and columns, and its padding mask.

        Raises:
            DataError: a batch without the images or texts that the task reads.
        """
        return self._read(name, target, trunk)[0]

    def _read(
        self, name: str, target: Target, trunk: Trunk | None
    ) -> tuple[Float[Tensor, "l r q d"], Float[Tensor, "r c"] | None]:
        """Returns the states and the vectors that the task's linear classifier reads; None without one."""
        task = self.tasks[name]
        linear, vectors = parameter_name(name) in self.linear, None
        memories: list[tuple[Tensor, Tensor, Tensor | None]] = []
        if "image" in task.inputs:
            if trunk is None:
                raise DataError(f"task {name!r}: got a batch without images; want pixels or features in its inputs")
            features, grid_hw, valid = trunk
            valid_rows = None if valid is None else valid[target.rows]
            memories.append(self._require_vision().layers(features[target.rows], grid_hw, valid_rows, name))
            vectors = features[target.rows].float().mean(dim=1) if linear else None
        if "text" in task.inputs:
            if self.text is None or "ids" not in target.value:
                raise DataError(f"task {name!r}: got a batch without texts; want token ids in the task's target")
            value = target.value
            ids, types, known = value["ids"], value["types"], value["attention_mask"]
            if linear:
                sentences, vectors = _read_sentences(self.text, value)
                memories.append(sentences)
            else:
                memories.append(self.text(ids, types, known, name, cls_only=reads_cls_only(task, self.config)))
        memory, positions, valid_memory = _join_memories(memories)
        decoder = self.decoder if self.decoder is not None else self.decoders[parameter_name(name)]
        states: Tensor = decoder(self.queries[parameter_name(name)], memory, positions, valid_memory)
        return states, vectors

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Returns three groups: trunk and text encoder at their learning rates, and the rest; all of them decay.

        Source: the official configurations decay all parameters, norms and biases too.
        """
        scales = {"rest": 1.0}
        if self.vision is not None:
            scales["trunk"] = self.vision.trunk.lr_scale
        if self.text is not None:
            scales["text"] = self.text.tower.lr_scale
        return optimizer_groups(self, _part_of, scales, lambda *_: True)

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Returns the trained parameters of trunk, encoder layers and decoder layers that at least two tasks use."""
        inputs = [task.inputs for task in self.tasks.values()]
        blocks: dict[str, Sequence[nn.Module]] = {}
        if self.vision is not None and sum("image" in kinds for kinds in inputs) > 1:
            blocks |= self.vision.blocks()
        if self.text is not None and sum("text" in kinds for kinds in inputs) > 1:
            blocks |= self.text.blocks()
        if self.decoder is not None and len(inputs) > 1:
            blocks |= self.decoder.blocks()
        return trained_blocks(blocks)

    def assets(self) -> Mapping[str, bytes]:
        if self.text is None or self.sentences is None:
            return {}
        return {WORDS_FILE: self.sentences.to_bytes(), TEXT_FILE: self.text.tower.encoder.description()}

    def asset_weights(self) -> tuple[str, ...]:
        return () if self.text is None else ("text.tower.encoder.model.embeddings.word_embeddings",)

    def answer_weights(self, task: str) -> tuple[str, ...]:
        return (f"heads.{parameter_name(task)}.", f"linear.{parameter_name(task)}.")

    def encoder_key(self) -> str | None:
        if self.vision is None or not isinstance(self.config.views, FixedSize):
            return None
        return self.vision.trunk.key()

    def pretrained_encoder(self) -> Callable[[Tensor], Tensor] | None:
        if self.vision is None or not isinstance(self.config.views, FixedSize):
            return None
        return self.vision.trunk.pretrained()

    def pretrained_text_vectors(self) -> Callable[[Sequence[str]], Tensor] | None:
        if self.text is None or self.sentences is None:
            return None
        config, device = self.config, self.text.out.weight.device
        if isinstance(config.text_mode, Frozen) and config.text.trains_words is None:
            tokens = config.text_limits.max_tokens
            return TextVectors(self.text.tower.encoder, self.sentences, tokens, self.processor.texts)
        return pretrained_text_vectors(
            config.text, config.text_mode, self.sentences, config.text_limits.max_tokens, device
        )

    def text_key(self) -> str | None:
        if not self.stored_text_tasks() or self.text is None or self.sentences is None:
            return None
        encoder = self.text.tower.encoder
        return digest_of([encoder.description().decode(), self.sentences.to_bytes().decode()], encoder)

    def stored_text_tasks(self) -> frozenset[str]:
        # Elsewhere the text encoder reads a task token that is trained before the words, so its states change.
        return self.processor.separate if isinstance(self.config.text_mode, Frozen) else frozenset()

    def text_ids(self, example: Example, task: Task) -> tuple[tuple[int, ...], ...]:
        return self.processor.sentence_ids(example, task)

    def encode_texts(self, ids: Int[Tensor, "b t"]) -> Float[Tensor, "b t d"]:
        if self.text is None:
            raise ConfigError("UniT: got texts to encode; want a task with texts")
        ids = ids.to(self.text.out.weight.device)
        states: Tensor = self.text.tower(ids, torch.zeros_like(ids), torch.ones_like(ids, dtype=torch.bool))
        return states

    def read_texts(self, store: TextStore | None) -> None:
        self.processor = replace(self.processor, texts=store)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for module in self._frozen_modules():
            module.eval()
        return self

    def _freeze(self) -> None:
        for module in self._frozen_modules():
            module.requires_grad_(False)

    def _frozen_modules(self) -> list[nn.Module]:
        frozen: list[nn.Module] = []
        if "vision" in self.config.frozen and self.vision is not None:
            layers = self.vision.layers
            frozen += [self.vision.trunk.encoder, layers.input, layers.layers, layers.norm]
        if "text" in self.config.frozen and self.text is not None:
            frozen.append(self.text.tower.encoder)
        if "decoder" in self.config.frozen:
            frozen.append(self.decoders if self.decoder is None else self.decoder)
        return frozen

    def _trunk_features(self, batch: Batch) -> Trunk | None:
        if "features" in batch.inputs:
            trunk = self._require_vision().trunk
            weight = self._require_vision().layers.input.weight
            return batch.inputs["features"].to(weight.dtype), trunk.grid_hw, None
        if "pixels" not in batch.inputs:
            return None
        features, grid_hw = self._require_vision().features(batch.inputs["pixels"])
        valid = downsample_mask(batch.inputs["valid"], grid_hw) if "valid" in batch.inputs else None
        return features, grid_hw, valid

    def answers_for(self, name: str, vectors: Float[Tensor, "r c"] | None = None) -> TaskAnswers:
        """Returns what makes losses and predictions of a task.

        Args:
            name: the task.
            vectors: what its linear classifier reads; None without one, or where no scores are computed.
        """
        answers = build_answers(self.tasks[name], self.heads[parameter_name(name)], self.config)
        if vectors is None or not isinstance(answers, ClassAnswers):
            return answers
        with torch.autocast(vectors.device.type, enabled=False):  # it starts as a probe that was fitted in 64 bits
            return replace(answers, linear=self.linear[parameter_name(name)](vectors.float()))

    def linear_heads(self) -> Mapping[str, nn.Linear]:
        heads = {name: self.linear[parameter_name(name)] for name in self.tasks if parameter_name(name) in self.linear}
        return {name: head for name, head in heads.items() if isinstance(head, nn.Linear)}

    def _build_linear_heads(self) -> dict[str, nn.Linear]:
        """Returns a linear classifier per `Label` of images or of texts alone, and starts the task's own head at 0."""
        heads: dict[str, nn.Linear] = {}
        for name, task in self.tasks.items():
            head = self.heads[parameter_name(name)]
            if not self.config.linear or not isinstance(task.target, Label) or not isinstance(head, BertHead):
                continue
            width = 0
            if task.inputs == {"image"} and isinstance(self.config.views, FixedSize):
                width = self._require_vision().trunk.width
            elif task.inputs == {"text"} and self.text is not None:
                width = 4 * self.text.tower.width  # of a sentence the first quarter
            if width:
                heads[parameter_name(name)] = nn.Linear(width, len(task.target.names))
                for layer in (heads[parameter_name(name)], head.out):
                    nn.init.zeros_(layer.weight)
                    nn.init.zeros_(layer.bias)
        return heads

    def _require_vision(self) -> VisionEncoder:
        if self.vision is None:
            raise DataError("batch: got images; want none, since no task of this model has images")
        return self.vision

    def _build_image_inputs(self) -> UniTImageInputs | None:
        if self.vision is None:
            return None
        config, pixels = self.config, self.vision.trunk.pixels
        crop = config.views.crop if isinstance(config.views, FixedSize) else Whole()
        transform = ImageTransform(pixels.size_hw, pixels.mean, pixels.std, crop, config.hflip, config.antialias)
        return UniTImageInputs(transform=transform, views=config.views, stride=self.vision.trunk.stride)


def _check_names(config: UniTConfig, tasks: Sequence[Task]) -> None:
    names = {task.name for task in tasks}
    for field, option in (("queries", config.queries), ("text_limits.cls_only", config.text_limits.cls_only)):
        if unknown := sorted(set(option) - names):
            raise ConfigError(f"UniTConfig.{field}: got {unknown}; want names of tasks, of {sorted(names)}")


def _part_of(name: str) -> str:
    """Returns the group of a parameter: the trunk and the text encoder have learning rates of their own."""
    return {"vision.trunk": "trunk", "text.tower": "text"}.get(".".join(name.split(".")[:2]), "rest")


def _read_sentences(
    text: TextMemory, value: Mapping[str, Tensor]
) -> tuple[tuple[Float[Tensor, "b u d"], Float[Tensor, "1 u d"], Bool[Tensor, "b u"]], Float[Tensor, "b c"]]:
    """Returns `TextMemory.separate_sentences` of a task's texts, from stored states where the batch has some."""
    if "states" not in value:
        return text.separate_sentences(value["ids"], value["types"], value["attention_mask"])
    sides = ("", "second_") if "second_states" in value else ("",)
    return text.memory_of([value[f"{side}states"] for side in sides], [value[f"{side}states_mask"] for side in sides])


def _join_memories(
    memories: Sequence[tuple[Tensor, Tensor, Tensor | None]],
) -> tuple[Float[Tensor, "b n d"], Float[Tensor, "p n d"], Bool[Tensor, "b n"] | None]:
    """Returns the memories of image and text joined along the sequence; the mask is None where nothing is padding."""
    if len(memories) == 1:
        return memories[0]
    rows = len(memories[0][0])
    memory = torch.cat([part for part, _, _ in memories], dim=1)
    positions = torch.cat([part.expand(rows, -1, -1) for _, part, _ in memories], dim=1)
    if all(valid is None for _, _, valid in memories):
        return memory, positions, None
    masks = [
        torch.ones(part.shape[:2], dtype=torch.bool, device=part.device) if valid is None else valid
        for part, _, valid in memories
    ]
    return memory, positions, torch.cat(masks, dim=1)
