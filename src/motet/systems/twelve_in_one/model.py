"""12-in-1: two streams with co-attention, and one head per kind of task (section 3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import (
    AttentionMaps,
    Batch,
    ConfigError,
    Loss,
    Losses,
    Masked,
    Match,
    Prediction,
    Region,
    Side,
    System,
    Target,
    Task,
)
from motet.core.system import optimizer_groups
from motet.nn.heads import BertHead
from motet.nn.lora import LoRA, add_adapters
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import FromScratch, Frozen, lr_scale_of
from motet.preprocess.crops import Whole
from motet.preprocess.images import ImageTransform
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.systems.base import pretrained_text_vectors, trained_blocks
from motet.systems.twelve_in_one.answers import EncodedPairs, PairAnswers
from motet.systems.twelve_in_one.attention import attention_maps
from motet.systems.twelve_in_one.body import UnimodalStates, build_body
from motet.systems.twelve_in_one.build_answers import build_answers
from motet.systems.twelve_in_one.checks import check_classes, check_names, check_tokens
from motet.systems.twelve_in_one.config import TEXT_FILE, WORDS_FILE, TwelveInOneConfig
from motet.systems.twelve_in_one.heads import MaskedWordHead, build_head, head_kinds, head_names
from motet.systems.twelve_in_one.image_inputs import TwelveInOneImageInputs
from motet.systems.twelve_in_one.masked_answers import loss_term_names
from motet.systems.twelve_in_one.masking import mask_regions
from motet.systems.twelve_in_one.pretraining import Pretraining
from motet.systems.twelve_in_one.processor import TwelveInOneProcessor
from motet.systems.twelve_in_one.region_extractor import BatchImages, RegionExtractor
from motet.systems.twelve_in_one.region_inputs import DetectedRegionInputs, RegionReader
from motet.systems.twelve_in_one.regions import PaddedRegions, RegionMask, prepend_image_region
from motet.systems.twelve_in_one.retrieval import score_pairs
from motet.systems.twelve_in_one.targets import check_supported, is_image_text_match
from motet.systems.twelve_in_one.text_inputs import TwelveInOneTextInputs, build_text_inputs
from motet.systems.twelve_in_one.weights import load_bert

_TEXT = ("body.words.", "body.streams.text.")


class TwelveInOne(System):
    """One model for visual questions, retrieval, referring expressions and verification.

    Source: Lu et al., "12-in-1: Multi-Task Vision and Language Representation Learning", CVPR 2020, section 3.

    Args:
        config: its options.
        tasks: in order.
        texts: returns the texts of the run, to train a tokeniser on.
        assets: files of a saved model; with them nothing pretrained is fetched.

    Attributes:
        head_of: the name of each task's head.
        head_kinds: the kind of each head, by its name.
        token_of: the name of each task's token; tasks of pre-training have none.

    Raises:
        UnsupportedTask: a task of a kind that it does not support.
        ConfigError: options that contradict each other or the tasks.
    """

    mixes: ClassVar[bool] = False
    config: TwelveInOneConfig
    processor: TwelveInOneProcessor

    def __init__(
        self,
        config: TwelveInOneConfig,
        tasks: Sequence[Task],
        *,
        texts: Callable[[], Iterable[str]],
        assets: Mapping[str, bytes] | None = None,
    ) -> None:
        super().__init__()
        for task in tasks:
            check_supported(task)
        check_names(config, tasks)
        self.config, self.tasks = config, {task.name: task for task in tasks}
        kinds = head_kinds(config, tasks)
        self.head_of = head_names(config, kinds)
        self.head_kinds = {name: kinds[task] for task, name in self.head_of.items()}
        self.token_of = {name: owner for name in self.tasks if (owner := self._token_owner(name)) is not None}
        self.loss_terms = {task.name: terms for task in tasks if (terms := loss_term_names(task))}
        self.region_extractor = RegionExtractor(config, fetch=assets is None)
        check_classes(config, tasks, self.region_extractor.num_classes)
        saved = None if assets is None else (SentenceTokenizer.from_bytes(assets[WORDS_FILE]), assets[TEXT_FILE])
        self.sentences, mask_id, encoder = build_text_inputs(config.text, config.text_mode, saved, texts)
        self._description = encoder.description()
        check_tokens(config, encoder.max_tokens)
        self.body = build_body(config, encoder.model.config, encoder.max_tokens, self.region_extractor.width)
        owners = dict.fromkeys(self.token_of.values())
        self.tokens = nn.ParameterDict({parameter_name(o): torch.zeros(encoder.width) for o in owners})
        self.heads = nn.ModuleDict(
            {
                parameter_name(name): build_head(
                    kind,
                    config,
                    text_width=encoder.width,
                    num_pieces=encoder.model.config.vocab_size,
                    region_width=self.region_extractor.width,
                    num_classes=self.region_extractor.num_classes,
                )
                for name, kind in self.head_kinds.items()
            }
        )
        self._init_weights()
        if assets is None and not isinstance(config.text_mode, FromScratch):
            load_bert(self.body, encoder.model.state_dict())
        text_inputs = TwelveInOneTextInputs(self.sentences, mask_id, config.max_tokens, dict(config.max_tokens_of))
        self.processor = TwelveInOneProcessor(
            self._build_image_inputs(),
            text_inputs,
            Pretraining(config.masking, text_inputs, self.region_extractor.max_regions),
            frozenset(config.pairs),
            config.referring,
        )
        if isinstance(config.text_mode, Frozen):
            for module in self._frozen_text():
                module.requires_grad_(False)
        elif isinstance(config.text_mode, LoRA):
            self.body.words.requires_grad_(False)
            add_adapters(self.body.streams.text, config.text_mode)
        self.train()

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """Returns the trunk's map, row by row, from which regions are pooled."""
        return self.region_extractor.encode(pixels)

    def losses(self, batch: Batch) -> Losses:
        """Returns one loss per task over its rows; masked words and regions have terms, means over what was masked."""
        tasks: dict[str, Loss] = {}
        terms: dict[tuple[str, str], Loss] = {}
        for name, encoded in self._encode_tasks(batch):
            tasks[name], parts = self.answers_for(name).losses(encoded, batch.targets[name])
            terms |= {(name, part): loss for part, loss in parts.items()}
        return Losses(tasks, terms=terms)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """Returns one prediction per row.

        A `ClassPrediction`; for a `Region` a `BoxSet` of one box; for `Masked` words a `TextPrediction`, for `Masked`
        regions a `ScalarPrediction`.
        """
        return {
            name: self.answers_for(name).predict(encoded, batch.targets[name])
            for name, encoded in self._encode_tasks(batch)
        }

    @torch.inference_mode()
    def side(self, batch: Batch, task: str, of: Side) -> Mapping[str, Tensor]:
        """Returns the states of texts or images at the first co-attention; before it they do not depend on each other.

        Raises:
            ConfigError: a task that is no `Match` of texts and images.
        """
        self._check_match(task)
        if of == "images":
            rows = torch.arange(len(batch), device=self.device)
            return self._encode_images(self.region_extractor(batch.inputs).of_rows(rows)).to_dict()
        ids, types, valid = (batch.inputs[name][:, 0] for name in ("ids", "types", "attention_mask"))
        return self.body.encode_texts(ids, types, valid, self.token(task)).to_dict()

    @torch.inference_mode()
    def score(self, task: str, images: Mapping[str, Tensor], texts: Mapping[str, Tensor]) -> Float[Tensor, "i t"]:
        """Scores every pair of image and text (equation 2): i x t pairs, from the first co-attention on."""
        self._check_match(task)
        return score_pairs(
            self.body, self.head(task), UnimodalStates.from_dict(images), UnimodalStates.from_dict(texts)
        )

    def attention_layers(self, task: str) -> int:
        """Returns the number of co-attentions for a task with one text and one image per row, else 0."""
        one_pair = not is_image_text_match(self.tasks[task]) and task not in self.config.pairs
        return len(self.body.streams.co) if one_pair else 0

    @torch.inference_mode()
    def attention(self, batch: Batch, task: str, layers: Collection[int]) -> Sequence[AttentionMaps]:
        """Returns the attention maps of some co-attentions, words to regions and regions to words, per row of a task.

        Args:
            batch: with targets of the task; call in eval mode.
            task: with one image and one text per row.
            layers: indices of co-attentions, from the front.

        Raises:
            ConfigError: no such layer, or a task of another form.
        """
        if not (count := self.attention_layers(task)):
            raise ConfigError(
                f"attention: task {task!r}: got several pairs per row; want a task with one text and one image per row"
            )
        if bad := [layer for layer in layers if not 0 <= layer < count]:
            raise ConfigError(f"attention: layers: got {bad}; want co-attentions from 0 to {count - 1}")
        target = batch.targets[task]
        encoded = self.encode_task(task, target, self.region_extractor(batch.inputs), attention_layers=layers)
        return attention_maps(encoded, target, self.processor.text_inputs, token=task in self.token_of)

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Returns groups of trunk, text stream, heads and the rest, each split by weight decay.

        Heads learn faster, but not those of regions and of pre-training, whose names in the official code lack the
        "vil_" of its list. Biases and norms do not decay, except norms that the code's list misses: see
        `TwelveInOneConfig.decay_co_norms`.

        Source: the official code, `train_tasks.py`; 12-in-1, table 8.
        """
        trunk = self.region_extractor.trunk
        scales = {
            "trunk": 0.0 if trunk is None else trunk.lr_scale,
            "text": lr_scale_of(self.config.text_mode),
            "heads": self.config.head_lr_scale,
            "rest": 1.0,
        }
        fast = tuple(f"heads.{parameter_name(name)}." for name, kind in self.head_kinds.items() if kind.learns_faster)
        decayed_norms = self._decayed_norms()

        def part_of(name: str) -> str:
            if name.startswith("region_extractor."):
                return "trunk"
            if name.startswith(_TEXT):
                return "text"
            return "heads" if name.startswith(fast) else "rest"

        def decays(name: str, parameter: nn.Parameter) -> bool:
            return parameter.ndim > 1 or name.startswith("tokens.") or id(parameter) in decayed_norms

        return optimizer_groups(self, part_of, scales, decays)

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Returns the trained parameters of trunk, inputs, layers, co-attentions and poolers, in the order they run."""
        if len(self.tasks) < 2:
            return {}
        trunk = self.region_extractor.trunk
        blocks = ({} if trunk is None else {"trunk": [trunk]}) | self.body.blocks()
        return trained_blocks(blocks)

    def head(self, task: str) -> nn.Module:
        """Returns the head of a task; tasks may share it.

        Raises:
            ConfigError: no such task.
        """
        if task not in self.tasks:
            raise ConfigError(f"TwelveInOne.head: task: got {task!r}; want one of {sorted(self.tasks)}")
        return self.heads[parameter_name(self.head_of[task])]

    def token(self, task: str) -> Float[Tensor, "d"] | None:
        """Returns the token of a task; None for a task without one."""
        return self.tokens[parameter_name(self.token_of[task])] if task in self.token_of else None

    def answer_weights(self, task: str) -> tuple[str, ...]:
        if isinstance(self.tasks[task].target, Match | Masked | Region):
            return ()  # these targets have no names
        return (f"heads.{parameter_name(self.head_of[task])}.out.",)

    def assets(self) -> Mapping[str, bytes]:
        return {WORDS_FILE: self.sentences.to_bytes(), TEXT_FILE: self._description}

    def asset_weights(self) -> tuple[str, ...]:
        words = [name for name, head in self.heads.items() if isinstance(head, MaskedWordHead)]
        return ("body.words.words", *(f"heads.{name}.bias" for name in words))

    def encoder_key(self) -> str | None:
        return None if self.region_extractor.trunk is None else self.region_extractor.trunk.key()

    def pretrained_encoder(self) -> Callable[[Tensor], Tensor] | None:
        return None if self.region_extractor.trunk is None else self.region_extractor.trunk.pretrained()

    def pretrained_text_vectors(self) -> Callable[[Sequence[str]], Tensor] | None:
        return pretrained_text_vectors(
            self.config.text, self.config.text_mode, self.sentences, self.config.max_tokens, self.device
        )

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if isinstance(self.config.text_mode, Frozen):
            for module in self._frozen_text():
                module.eval()
        return self

    @property
    def device(self) -> torch.device:
        """The device of its parameters."""
        return self.body.regions.features.weight.device

    def _frozen_text(self) -> tuple[nn.Module, nn.Module]:
        return self.body.words, self.body.streams.text

    def _decayed_norms(self) -> set[int]:
        """Returns the ids of the norm weights that decay although norms do not."""
        if not self.config.decay_co_norms:
            return set()
        classifiers = [self.heads[parameter_name(n)] for n, kind in self.head_kinds.items() if kind.learns_faster]
        norms = [head.norm for head in classifiers if isinstance(head, BertHead)] + self.body.co_attention_norms()
        return {id(norm.weight) for norm in norms}

    def _token_owner(self, task: str) -> str | None:
        """Returns the name of a task's token; pre-training has none, as in the official code."""
        if isinstance(self.tasks[task].target, Masked) or task == self.config.masking.alignment_task:
            return None
        match self.config.task_token:
            case "task":
                return task
            case "head":
                return self.head_of[task]
            case "none":
                return None

    def _init_weights(self) -> None:
        """Draws matrices and tables from a normal distribution and zeroes biases; the trunk stays as it is."""
        for part in (self.body, self.heads, self.tokens):
            for name, parameter in part.named_parameters():
                if parameter.ndim > 1 or part is self.tokens:
                    std = self.config.initial_std
                    nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5 if std is None else std)
                elif name.endswith("bias"):
                    nn.init.zeros_(parameter)

    def answers_for(self, name: str) -> PairAnswers:
        """Returns what makes losses and predictions of a task."""
        return build_answers(self.tasks[name], self.config, self.head(name), self.body, self.processor.text_inputs)

    def _encode_tasks(self, batch: Batch) -> Iterable[tuple[str, EncodedPairs]]:
        """Runs each task's rows through the streams; tasks with the same masked rows share one pass."""
        images = self.region_extractor(batch.inputs)
        masked, first = None, ""
        for name, target in batch.targets.items():
            if "draws" not in target.value:
                yield name, self.encode_task(name, target, images)
                continue
            if masked is None or not torch.equal(batch.targets[first].rows, target.rows):
                masked, first = self.encode_task(name, target, images), name
            yield name, masked

    def encode_task(
        self, name: str, target: Target, batch_images: BatchImages, *, attention_layers: Collection[int] = ()
    ) -> EncodedPairs:
        """Returns the encoded pairs of a task's rows.

        Args:
            name: the task.
            target: its rows and texts.
            batch_images: of the whole batch.
            attention_layers: indices of the co-attentions whose maps are returned.
        """
        task, value, rows = self.tasks[name], target.value, target.rows
        ids, types, valid = (value[key].flatten(0, 1) for key in ("ids", "types", "attention_mask"))
        texts = self.body.encode_texts(ids, types, valid, self.token(name))
        mask: RegionMask | None = None
        order = torch.arange(len(rows), device=rows.device)
        if is_image_text_match(task):
            per_row = batch_images.images_per_row
            regions = batch_images.first_of_rows(rows, per_row)
            texts = texts.rows((order[:, None] * value["ids"].shape[1] + value["text"]).flatten())
            images = self._encode_images(regions).rows((order[:, None] * per_row + value["image"]).flatten())
        elif name in self.config.pairs:
            regions = batch_images.first_of_rows(rows, 2)
            texts, images = texts.rows(order.repeat_interleave(2)), self._encode_images(regions)
        else:
            has_extra = "extra_boxes" in value
            regions = batch_images.with_extra_boxes(rows, value) if has_extra else batch_images.of_rows(rows)
            mask = mask_regions(regions, value["draws"], self.config.masking) if "draws" in value else None
            images = self._encode_images(regions, mask)
        states = self.body.join(texts, images, attention_layers=attention_layers)
        return EncodedPairs(states, self.body.fuse(states), regions, mask)

    def _encode_images(self, regions: PaddedRegions, mask: RegionMask | None = None) -> UnimodalStates:
        return self.body.encode_images(*prepend_image_region(regions, mask))

    def _check_match(self, task: str) -> None:
        if task not in self.tasks or not is_image_text_match(self.tasks[task]):
            raise ConfigError(f"score: got task {task!r}; want a task with a Match of texts and images")

    def _build_image_inputs(self) -> RegionReader:
        config = self.config
        if config.source is not None:
            return DetectedRegionInputs(
                source=config.source, by_task=dict(config.source_of), max_regions=config.max_regions
            )
        assert self.region_extractor.trunk is not None  # it has one without a source
        pixels = self.region_extractor.trunk.pixels
        transform = ImageTransform(pixels.size_hw, pixels.mean, pixels.std, Whole(), config.hflip, config.antialias)
        return TwelveInOneImageInputs(transform=transform, box_source=config.box_source, max_regions=config.max_regions)
