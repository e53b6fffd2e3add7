"""12-in-1: two streams that read each other, a head a kind of task (section 3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
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
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import FromScratch, Frozen
from motet.preprocess.crops import Whole
from motet.preprocess.images import ImageTransform
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.systems.twelve_in_one.answers import Answers, Choices, Fits, Places, Points, Read, is_fit
from motet.systems.twelve_in_one.attention import looks_of
from motet.systems.twelve_in_one.body import OneSide
from motet.systems.twelve_in_one.config import TEXT_FILE, WORDS_FILE, TwelveInOneConfig
from motet.systems.twelve_in_one.groups import parameter_groups, shared_blocks
from motet.systems.twelve_in_one.heads import MaskedWordHead, build_head, head_kinds, head_names
from motet.systems.twelve_in_one.hidden_answers import HiddenRegions, HiddenWords, terms_of
from motet.systems.twelve_in_one.image_inputs import ImageInputs as PictureReader
from motet.systems.twelve_in_one.parts import build_body, check_classes, check_names, check_tokens
from motet.systems.twelve_in_one.pretrain import hide_regions
from motet.systems.twelve_in_one.processor import TwelveInOneProcessor
from motet.systems.twelve_in_one.region_embedding import BatchImages, RegionEmbedding
from motet.systems.twelve_in_one.regions import Hidden, PaddedRegions, with_mean
from motet.systems.twelve_in_one.retrieval import scores_of_pairs
from motet.systems.twelve_in_one.targets import check
from motet.systems.twelve_in_one.text_inputs import TextInputs, build_reader
from motet.systems.twelve_in_one.weights import fill_text


class TwelveInOne(System):
    """One model for questions, retrieval, referring expressions and verification.

    Source: Lu et al., "12-in-1: Multi-Task Vision and Language Representation Learning", CVPR 2020, section 3.

    Args:
        config: its options.
        tasks: in order.
        texts: of the run, for words that are trained on them.
        assets: of a saved model; then nothing pretrained is fetched.

    Attributes:
        head_of: the name of each task's head.
        head_kinds: what kind each head is, by its name.
        token_of: by task, whose row stands behind [CLS]; tasks of pre-training have none.

    Raises:
        UnsupportedTask: a task that it cannot answer.
        ConfigError: options that do not fit each other, or the tasks.
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
            check(task)
        check_names(config, tasks)
        self.config, self.tasks = config, {task.name: task for task in tasks}
        kinds = head_kinds(config, tasks)
        self.head_of = head_names(config, kinds)
        self.head_kinds = {name: kinds[task] for task, name in self.head_of.items()}
        self.token_of = {name: owner for name in self.tasks if (owner := self._owner(name)) is not None}
        self.loss_terms = {task.name: terms for task in tasks if (terms := terms_of(task))}
        self.seeing = RegionEmbedding(config, fetch=assets is None)
        check_classes(config, tasks, self.seeing.num_classes)
        saved = None if assets is None else (SentenceTokenizer.from_bytes(assets[WORDS_FILE]), assets[TEXT_FILE])
        wanted = list(texts()) if saved is None and config.text.trains_words is not None else None
        self.sentences, mask, encoder = build_reader(config.text, config.text_mode, saved, wanted)
        self._description = encoder.description()
        check_tokens(config, encoder.max_tokens)
        self.body = build_body(config, encoder.model.config, encoder.max_tokens, self.seeing.width)
        owners = dict.fromkeys(self.token_of.values())
        self.tokens = nn.ParameterDict({parameter_name(o): torch.zeros(encoder.width) for o in owners})
        self.heads = nn.ModuleDict(
            {
                parameter_name(name): build_head(
                    kind,
                    config,
                    text_width=encoder.width,
                    num_pieces=encoder.model.config.vocab_size,
                    region_width=self.seeing.width,
                    num_classes=self.seeing.num_classes,
                )
                for name, kind in self.head_kinds.items()
            }
        )
        self._initialise()
        if assets is None and not isinstance(config.text_mode, FromScratch):
            fill_text(self.body, encoder.model.state_dict())
        self.processor = TwelveInOneProcessor(
            self._pictures(),
            TextInputs(self.sentences, mask, config.max_tokens, dict(config.max_tokens_of)),
            frozenset(config.pairs),
            config.referring,
            config.hiding,
            self.seeing.max_regions,
        )
        if isinstance(config.text_mode, Frozen):
            for module in self._frozen_text():
                module.requires_grad_(False)
        self.train()

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """The trunk's map, row by row, which boxes are read from."""
        return self.seeing.encode(pixels)

    def losses(self, batch: Batch) -> Losses:
        """Each task's own, over its rows; hidden words and regions have terms, means over what was hidden."""
        tasks: dict[str, Loss] = {}
        terms: dict[tuple[str, str], Loss] = {}
        for name, read in self._read_all(batch):
            tasks[name], parts = self._answers(name).losses(read, batch.targets[name])
            terms |= {(name, part): loss for part, loss in parts.items()}
        return Losses(tasks, terms=terms)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """A Choice; of a `Region` a BoxSet of one box; of `Masked` words Words, of regions a Real."""
        return {name: self._answers(name).predict(read, batch.targets[name]) for name, read in self._read_all(batch)}

    @torch.inference_mode()
    def side(self, batch: Batch, task: str, of: Side) -> Mapping[str, Tensor]:
        """Texts or pictures up to the first co-attention, where they know of one another.

        Raises:
            ConfigError: a task that is no `Match` of texts and images.
        """
        self._check_fit(task)
        if of == "images":
            rows = torch.arange(len(batch), device=self.device)
            return self._images(self.seeing(batch.inputs).of(rows)).plain()
        ids, types, read = (batch.inputs[name][:, 0] for name in ("ids", "types", "read"))
        return self.body.texts(ids, types, read, self._token(task)).plain()

    @torch.inference_mode()
    def score(self, task: str, images: Mapping[str, Tensor], texts: Mapping[str, Tensor]) -> Float[Tensor, "i t"]:
        """How well every picture fits every text (equation 2): i x t pairs, from the first co-attention on."""
        self._check_fit(task)
        head = self.heads[parameter_name(self.head_of[task])]
        return scores_of_pairs(self.body, head, OneSide.of(images), OneSide.of(texts))

    def attention_layers(self, task: str) -> int:
        """The co-attentions, for a task with one text and one picture a row."""
        one_pair = not is_fit(self.tasks[task]) and task not in self.config.pairs
        return len(self.body.streams.co) if one_pair else 0

    @torch.inference_mode()
    def attention(self, batch: Batch, task: str, layers: Collection[int]) -> Sequence[AttentionMaps]:
        """What words look at and what regions look at, in the co-attentions asked for, for each row of a task.

        Args:
            batch: with targets of the task; call in eval mode.
            task: one with one picture and one text a row.
            layers: co-attentions by their place from the front.

        Raises:
            ConfigError: no such layer, or a task of another form.
        """
        if not (count := self.attention_layers(task)):
            raise ConfigError(f"attention: task {task!r}: got one with several pairs a row; want one text, one image")
        if bad := [layer for layer in layers if not 0 <= layer < count]:
            raise ConfigError(f"attention: layers: got {bad}; want co-attentions from 0 to {count - 1}")
        read = self._read(task, batch.targets[task], self.seeing(batch.inputs), look_at=layers)
        return looks_of(read, batch.targets[task], self.processor.reader, token=self._token(task) is not None)

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """See `groups.parameter_groups`."""
        return parameter_groups(self)

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Inputs, layers and co-attentions in order of depth: what all tasks read."""
        return shared_blocks(self)

    def answer_weights(self, task: str) -> tuple[str, ...]:
        if isinstance(self.tasks[task].target, Match | Masked | Region):
            return ()  # no rows of names
        return (f"heads.{parameter_name(self.head_of[task])}.out.",)

    def assets(self) -> Mapping[str, bytes]:
        return {WORDS_FILE: self.sentences.to_bytes(), TEXT_FILE: self._description}

    def asset_weights(self) -> tuple[str, ...]:
        words = [name for name, head in self.heads.items() if isinstance(head, MaskedWordHead)]
        return ("body.words.words", *(f"heads.{name}.bias" for name in words))

    def encoder_key(self) -> str | None:
        return None if self.seeing.trunk is None else self.seeing.trunk.key()

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if isinstance(self.config.text_mode, Frozen):
            for module in self._frozen_text():
                module.eval()
        return self

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.body.regions.features.weight.device

    def _frozen_text(self) -> tuple[nn.Module, nn.Module]:
        return self.body.words, self.body.streams.text

    def _owner(self, task: str) -> str | None:
        """Whose row stands behind [CLS] for a task; pre-training has none, as in the official code."""
        if isinstance(self.tasks[task].target, Masked) or task == self.config.hiding.alignment:
            return None
        match self.config.task_token:
            case "task":
                return task
            case "head":
                return self.head_of[task]
            case "none":
                return None

    def _token(self, task: str) -> Float[Tensor, "d"] | None:
        return self.tokens[parameter_name(self.token_of[task])] if task in self.token_of else None

    def _initialise(self) -> None:
        """Normal matrices and tables, no biases; the trunk is left as it is."""
        for part in (self.body, self.heads, self.tokens):
            for name, parameter in part.named_parameters():
                if parameter.ndim > 1 or part is self.tokens:
                    std = self.config.initial_std
                    nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5 if std is None else std)
                elif name.endswith("bias"):
                    nn.init.zeros_(parameter)

    def _answers(self, name: str) -> Answers:
        task, config = self.tasks[name], self.config
        head, dropout = self.heads[parameter_name(self.head_of[name])], self.body.dropout
        match task.target:
            case Match("regions"):
                return Points(head, dropout)
            case Match():
                return Fits(head)
            case Region():
                return Places(head, dropout, config.referring.threshold, config.referring.border_px)
            case Masked("words"):
                return HiddenWords(partial(head, table=self.body.words.words.weight), self.processor.reader.words)
            case Masked():
                return HiddenRegions(head, config.hiding.target == "features")
            case _:
                return Choices(task, head, name in config.binary)

    def _read_all(self, batch: Batch) -> Iterable[tuple[str, Read]]:
        """Each task's rows through the streams; tasks that hide the same share one pass."""
        images = self.seeing(batch.inputs)
        hiding, hider = None, ""
        for name, target in batch.targets.items():
            if "draws" not in target.value:
                yield name, self._read(name, target, images)
                continue
            if hiding is None or not torch.equal(batch.targets[hider].rows, target.rows):
                hiding, hider = self._read(name, target, images), name
            yield name, hiding

    def _read(self, name: str, target: Target, pictures: BatchImages, *, look_at: Collection[int] = ()) -> Read:
        task, value, rows = self.tasks[name], target.value, target.rows
        ids, types, given = (value[key].flatten(0, 1) for key in ("ids", "types", "read"))
        texts = self.body.texts(ids, types, given, self._token(name))
        hidden: Hidden | None = None
        order = torch.arange(len(rows), device=rows.device)
        if is_fit(task):
            seen = pictures.all_of(rows, pictures.num_a_row)
            texts = texts.rows((order[:, None] * value["ids"].shape[1] + value["text"]).flatten())
            images = self._images(seen).rows((order[:, None] * pictures.num_a_row + value["picture"]).flatten())
        elif name in self.config.pairs:
            seen = pictures.all_of(rows, 2)
            texts, images = texts.rows(order.repeat_interleave(2)), self._images(seen)
        else:
            seen = pictures.with_given(rows, value) if "given" in value else pictures.of(rows)
            hidden = hide_regions(seen, value["draws"], self.config.hiding) if "draws" in value else None
            images = self._images(seen, hidden)
        states = self.body.join(texts, images, look_at=look_at)
        return Read(states, self.body.fused(states), seen, hidden)

    def _images(self, seen: PaddedRegions, hidden: Hidden | None = None) -> OneSide:
        return self.body.images(*with_mean(seen, hidden))

    def _check_fit(self, task: str) -> None:
        if task not in self.tasks or not is_fit(self.tasks[task]):
            raise ConfigError(f"score: got task {task!r}; want a Match of texts and images")

    def _pictures(self) -> PictureReader:
        config = self.config
        if self.seeing.trunk is None:
            return PictureReader(config.source, config.max_regions, None)
        pixels = self.seeing.trunk.pixels
        transform = ImageTransform(pixels.size_hw, pixels.mean, pixels.std, Whole(), config.hflip, config.antialias)
        return PictureReader(None, config.max_regions, transform, config.box_source)
