"""Uni-Perceiver: one encoder for inputs and targets, and how alike what it makes of them is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.core import (
    Answer,
    Batch,
    ConfigError,
    DataError,
    Label,
    Loss,
    Losses,
    Masked,
    Match,
    Prediction,
    Side,
    System,
    Target,
    Task,
)
from motet.core.ranks import gather, rank, world
from motet.nn.names import parameter_name
from motet.prep.words import EOS, PAD
from motet.systems.uni_perceiver import answers
from motet.systems.uni_perceiver.attributes import of_picture, of_target, of_text
from motet.systems.uni_perceiver.building import (
    build_class_scores,
    build_embedding,
    build_pictures,
    build_reader,
    build_trunk,
    check_options,
    freeze_for,
    initialise,
)
from motet.systems.uni_perceiver.config import WORDS_FILE, UniPerceiverConfig
from motet.systems.uni_perceiver.encoder import Encoded, Encoder
from motet.systems.uni_perceiver.groups import shared_blocks
from motet.systems.uni_perceiver.lines import Kind, Line, Span, saying_mask
from motet.systems.uni_perceiver.mixing import mixed
from motet.systems.uni_perceiver.options import BY_DATA, Experts
from motet.systems.uni_perceiver.processor import UniPerceiverProcessor
from motet.systems.uni_perceiver.retrieval import Pairs, in_batch
from motet.systems.uni_perceiver.saying import say
from motet.systems.uni_perceiver.similarity import Similarity
from motet.systems.uni_perceiver.targets import KeptTargets
from motet.systems.uni_perceiver.truths import check, family_of, is_said, is_visual, reads

_AT_ONCE = 2048  # targets encoded together where no gradient is asked for


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
        self.encoder = Encoder(
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
        self.processor = UniPerceiverProcessor(build_pictures(config, tasks, self.trunk), self.reader)
        self._names = {
            t.name: self.reader.names(t) for t in tasks if isinstance(t.target, Label | Answer) and t.target.names
        }
        self._kept, self._gathers = KeptTargets(self), False
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
            loss, parts = self._losses_of(self.tasks[name], batch, target)
            tasks[name] = loss
            terms |= {(name, part): value for part, value in parts.items()}
        return Losses(tasks, terms=terms)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """A Choice of names or candidates; Words that are said, or texts whose hidden words are told."""
        return {name: self._predict(self.tasks[name], batch, target) for name, target in batch.targets.items()}

    @torch.inference_mode()
    def side(self, batch: Batch, task: str, of: Side) -> Mapping[str, Tensor]:
        """Features of pictures or of texts, each of which is encoded without the other.

        Raises:
            ConfigError: a task that is no `Match`.
        """
        matched = self._matched(task)
        if of == "images":
            every = torch.arange(len(batch), device=self.device)
            return {"features": self._pictures(matched, batch, every)}
        return {"features": self._texts(batch.inputs["ids"], self._target_kind(matched))}

    @torch.inference_mode()
    def score(self, task: str, images: Mapping[str, Tensor], texts: Mapping[str, Tensor]) -> Float[Tensor, "i t"]:
        """Their cosines, scaled."""
        self._matched(task)
        return self.similarity.scores(images["features"], texts["features"], "fit")

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
        return {name: self.config.learning.weights.get(name, 1.0) for name in self.tasks}

    def refresh(self, batches: Sequence[Batch], step: int) -> None:
        """Asks whether all ranks hold the same tasks in the same order: only then may they wait for one another."""
        del step
        if not self.config.learning.gather or world() == 1:
            return
        held = gather(tuple(tuple(batch.targets) for batch in batches))
        self._gathers = all(each == held[0] for each in held)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        return self

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.embedding.text_type.device

    def _terms(self, task: Task) -> tuple[str, ...]:
        words = is_said(task) or isinstance(task.target, Masked)
        blocks = self.config.blocks
        balanced = isinstance(blocks, Experts) and blocks.balance > 0
        return (*((answers.WORD,) if words else ()), *((answers.BALANCE,) if balanced else ()))

    # Inputs ----------------------------------------------------------------------------------------------------------

    def _given(self, task: Task, batch: Batch, target: Target) -> Line:
        """The special token, then the pictures, then the text: what is asked of a task's rows."""
        rows, value = target.rows, target.value
        parts = [self.embedding.start(len(rows))]
        valid: Bool[Tensor, "b n"] | None = None
        spans: list[Span] = []
        if is_visual(task):
            parts.append(self._seen(batch, rows))
            spans.append(Span(1 + parts[1].shape[1], self._picture_kind(task)))
        if "ids" in value and not isinstance(task.target, Match):
            ids = value["ids"][:, 0]
            before = 1 if not spans else 0
            parts.append(self.embedding.text(ids))
            spans.append(Span(before + ids.shape[1], self._text_kind(task)))
            real = ids != PAD
            valid = torch.cat([real.new_ones(len(ids), sum(p.shape[1] for p in parts[:-1])), real], 1)
        if not spans:
            spans.append(Span(1, self._text_kind(task)))
        return Line(torch.cat(parts, 1), tuple(spans), valid)

    def _seen(self, batch: Batch, rows: Int[Tensor, "r"]) -> Float[Tensor, "r n d"]:
        inputs = batch.inputs
        for name in ("features", "frame_features", "pixels", "frames"):
            if name in inputs:
                values = inputs[name][rows]
                values = values if name.startswith("frame") else values[:, None]
                return self._embedded(values, stored=name.endswith("features"))
        raise DataError("batch: got no pictures; want some, for tasks that see them")

    def _embedded(self, values: Float[Tensor, "r f *v"], *, stored: bool) -> Float[Tensor, "r n d"]:
        if self.trunk is not None and not stored:
            tokens = self.encode(values.flatten(0, 1))
            values, stored = tokens.view(*values.shape[:2], *tokens.shape[1:]), True
        return self.embedding.pictures(values, features=stored)

    def _picture_kind(self, task: Task) -> Kind:
        return Kind(task.name, of_picture(text_inputs=reads(task)))

    def _text_kind(self, task: Task, *, causal: bool = False) -> Kind:
        return Kind(task.name, of_text(visual_inputs=is_visual(task), causal=causal))

    def _target_kind(self, task: Task) -> Kind:
        return Kind(task.name, of_target(text_inputs=reads(task)))

    def _pictures(self, task: Task, batch: Batch, rows: Int[Tensor, "r"]) -> Float[Tensor, "r d"]:
        """Features of first pictures, or of videos, alone."""
        return self._of_pictures(task, self._seen(batch, rows))[0]

    def _of_pictures(self, task: Task, seen: Float[Tensor, "r n d"]) -> tuple[Float[Tensor, "r d"], Encoded]:
        x = torch.cat([self.embedding.start(len(seen)), seen], 1)
        encoded = self.encoder(Line(x, (Span(x.shape[1], self._picture_kind(task)),)))
        return self.similarity.features(encoded.states[:, 0]), encoded

    # Targets ---------------------------------------------------------------------------------------------------------

    def _texts(self, ids: Int[Tensor, "k t"], kind: Kind) -> Float[Tensor, "k d"]:
        """Features of texts, each encoded behind the special token."""
        if len(ids) > _AT_ONCE and not torch.is_grad_enabled():
            return torch.cat([self._texts(part, kind) for part in torch.split(ids, _AT_ONCE)])
        x = torch.cat([self.embedding.start(len(ids)), self.embedding.text(ids)], 1)
        valid = torch.cat([ids.new_ones(len(ids), 1, dtype=torch.bool), ids != PAD], 1)
        encoded = self.encoder(Line(x, (Span(x.shape[1], kind),), None if bool(valid.all()) else valid))
        return self.similarity.features(encoded.states[:, 0])

    def _name_features(self, task: Task) -> Float[Tensor, "k d"]:
        kind = self._target_kind(task)
        return self._kept.get((task.name, kind), lambda: self._texts(self._names[task.name].to(self.device), kind))

    def _word_features(self, task: Task) -> Float[Tensor, "v d"]:
        """Every piece that a text may be made of, each as a target of its own; piece i stands at i - 1."""
        kind = self._target_kind(task)
        by_task = isinstance(self.config.blocks, Experts) and self.config.blocks.routing != "task"
        key = ("words", kind.attributes) if by_task or self.config.blocks is None else ("words", kind)
        return self._kept.get(key, lambda: self._texts(self._pieces(), kind))

    def _pieces(self) -> Int[Tensor, "v 1"]:
        return torch.arange(EOS, self.reader.num_words + EOS, device=self.device)[:, None]

    def _compared_words(self, task: Task, wanted: Int[Tensor, "w"]) -> tuple[Float[Tensor, "v d"], Int[Tensor, "w"]]:
        """Targets that words are told from, and the place of each wanted one: all, or in training a sample."""
        most = self.config.learning.sampled_words
        if most is None or not self.training or most >= self.reader.num_words:
            return self._word_features(task), wanted - EOS
        own = torch.unique(wanted)
        others = torch.randperm(self.reader.num_words, device=own.device) + EOS
        others = others[~torch.isin(others, own)][: max(0, most - len(own))]
        pieces = torch.cat([own, others])
        return self._texts(pieces[:, None], self._target_kind(task)), torch.searchsorted(own, wanted)

    # Answers ---------------------------------------------------------------------------------------------------------

    def _losses_of(self, task: Task, batch: Batch, target: Target) -> tuple[Loss, dict[str, Loss]]:
        match task.target:
            case Match():
                return self._match_loss(task, batch, target)
            case Masked():
                states, encoded, told = self._told(task, batch, target)
                loss = self._words_loss(task, states, target.value["told"][told])
            case _ if is_said(task):
                states, encoded, words = self._said(task, batch, target)
                loss = self._words_loss(task, states, words)
            case _:
                if self.training and task.name in self.config.learning.mixed:
                    batch, target = mixed(batch, target, len(self._names[task.name]), self.config.learning.mixup)
                scores, encoded, value = self._name_scores(task, batch, target)
                return self._name_loss(task, scores, value), self._balance(encoded, len(target.rows))
        nothing = answers.of_rows(len(target.rows), states)
        return nothing, {answers.WORD: loss} | self._balance(encoded, len(target.rows))

    def _predict(self, task: Task, batch: Batch, target: Target) -> list[Prediction]:
        match task.target:
            case Match():
                value = target.value
                scores = self._candidate_scores(task, batch, target)[0]
                return answers.candidates(scores, value["real"], value.get("names", ()))
            case Masked():
                states, _, hidden = self._told(task, batch, target)
                scores = self.similarity.scores(self.similarity.features(states), self._word_features(task), "word")
                return answers.told(target.value["ids"][:, 0], hidden, scores, self.reader.words.decode)
            case _ if is_said(task):
                return say(self, task, self._given(task, batch, target))
            case _:
                return answers.named(task, self._name_scores(task, batch, target)[0])

    def _name_scores(
        self, task: Task, batch: Batch, target: Target
    ) -> tuple[Float[Tensor, "r k"], Encoded, Mapping[str, Any]]:
        """Of every name, the encoded inputs, and the target, which mixing pictures changes."""
        line, value = self._given(task, batch, target), target.value
        encoded = self.encoder(line)
        place = torch.zeros(len(target.rows), dtype=torch.long, device=self.device)
        if "text" in task.sees:
            # The answer stands at the special piece behind the text, the last real token.
            assert line.valid is not None
            place = line.valid.sum(1) - 1
        state = encoded.states[torch.arange(len(place), device=self.device), place]
        scores = self.similarity.scores(self.similarity.features(state), self._name_features(task), family_of(task))
        own = parameter_name(task.name)
        if own in self.class_scores:
            scores = self.similarity_weights[own] * scores + self.class_scores[own](self.similarity.norm(state))
        return scores, encoded, value

    def _name_loss(self, task: Task, scores: Float[Tensor, "r k"], value: Mapping[str, Any]) -> Loss:
        wanted = value["label" if isinstance(task.target, Label) else "answers"]
        if task.loss is not None:
            return task.loss(scores, wanted)
        if isinstance(task.target, Answer) or wanted.is_floating_point():
            return answers.soft_targets(scores, wanted)
        smoothing = self.config.learning.smoothing if family_of(task) in ("picture", "video") else 0.0
        return answers.smoothed(scores, wanted, smoothing)

    def _told(
        self, task: Task, batch: Batch, target: Target
    ) -> tuple[Float[Tensor, "w d"], Encoded, Bool[Tensor, "r t"]]:
        """States of the words that are to be told, and where they stand in their texts."""
        encoded = self.encoder(self._given(task, batch, target))
        told = target.value["told"] >= 0
        return encoded.states[:, -told.shape[1] :][told], encoded, told

    def _said(self, task: Task, batch: Batch, target: Target) -> tuple[Float[Tensor, "w d"], Encoded, Int[Tensor, "w"]]:
        """States of the places that predict the words of a text that is said, and the words."""
        given, words = self._given(task, batch, target), target.value["said"]
        real = words != PAD
        encoded = self.encoder(self.saying_line(task, given, words))
        return encoded.states[:, -words.shape[1] :][real], encoded, words[real]

    def saying_line(self, task: Task, given: Line, words: Int[Tensor, "b t"]) -> Line:
        """What is given, then the words of a text, then as many special tokens, each of which says one word."""
        b, t = words.shape
        first, real = self.first_position(given), words != PAD
        places = self.embedding.text(torch.full_like(words, self.reader.special), first)
        x = torch.cat([given.x, self.embedding.text(words, first), places], 1)
        valid = real.new_ones(b, given.x.shape[1]) if given.valid is None else given.valid
        count = given.x.shape[1]
        spans = (*given.spans, Span(2 * t, self._text_kind(task, causal=True)))
        readable = saying_mask(count, t).to(x.device)
        return Line(x, spans, torch.cat([valid, real, real], 1), readable, count)

    def first_position(self, given: Line) -> Int[Tensor, "b"] | None:
        """The position of the first word that is said: behind a question, where there is one."""
        if given.valid is None:
            return None
        asked = given.spans[-1].count - (len(given.spans) == 1)
        return given.valid[:, -asked:].sum(1)

    def _words_loss(self, task: Task, states: Float[Tensor, "w d"], wanted: Int[Tensor, "w"]) -> Loss:
        targets, index = self._compared_words(task, wanted)
        scores = self.similarity.scores(self.similarity.features(states), targets, family_of(task))
        return answers.words_loss(scores, index)

    def _match_loss(self, task: Task, batch: Batch, target: Target) -> tuple[Loss, dict[str, Loss]]:
        value = target.value
        if "right" in value:
            scores, encoded = self._candidate_scores(task, batch, target)
            scores = scores.masked_fill(~value["real"], -torch.inf)
            return answers.one_of_candidates(scores, value["right"]), self._balance(encoded, len(target.rows))
        images, encoded = self._of_pictures(task, self._seen(batch, target.rows))
        own = Pairs.of(images, self._texts(value["ids"][:, 0], self._target_kind(task)), value)
        among, first = own, 0
        if self._gathers and self.training:
            first = sum(gather(len(images))[: rank()])
            among = own.gathered()
        loss = in_batch(own, among, first, self.similarity.scale("fit"), self.config.learning.smoothing)
        return loss, self._balance(encoded, len(target.rows))

    def _candidate_scores(self, task: Task, batch: Batch, target: Target) -> tuple[Float[Tensor, "r c"], Encoded]:
        """Of each row's candidates, pairs of one of its texts and one of its pictures."""
        value, rows = target.value, target.rows
        images, encoded = self._of_pictures(task, self._seen(batch, rows))
        every = images[:, None]
        if "others" in value:
            more = value["others"]
            stored = more.ndim == 4
            seen = self._embedded(more.flatten(0, 1)[:, None], stored=stored)
            every = torch.cat([every, self._of_pictures(task, seen)[0].view(*more.shape[:2], -1)], 1)
        ids = value["ids"]
        different, back = torch.unique(ids.flatten(0, 1), dim=0, return_inverse=True)
        texts = self._texts(different, self._target_kind(task))[back].view(*ids.shape[:2], -1)
        at = torch.arange(len(rows), device=self.device)[:, None]
        chosen, shown = texts[at, value["text"]], every[at, value["picture"]]
        return self.similarity.scale("fit") * (chosen * shown).sum(-1), encoded

    def _balance(self, encoded: Encoded, rows: int) -> dict[str, Loss]:
        blocks = self.config.blocks
        if not isinstance(blocks, Experts) or not blocks.balance or blocks.routing not in BY_DATA:
            return {}
        assert encoded.uneven is not None  # such a routing tells
        count = torch.tensor(float(rows), device=self.device)
        return {answers.BALANCE: Loss(blocks.balance * encoded.uneven * count, count)}

    def word_log_probs(self, task: Task, states: Float[Tensor, "m d"]) -> Float[Tensor, "m v"]:
        """Of the next word, from the states of the special tokens that predict it."""
        features = self.similarity.features(states)
        return self.similarity.scores(features, self._word_features(task), "said").log_softmax(-1)

    def kinds_of(self, task: Task) -> tuple[Kind, ...]:
        """Every kind of token that a task has, of inputs and of targets."""
        kinds = [self._picture_kind(task)] if is_visual(task) else []
        if reads(task) and ("text" in task.sees or isinstance(task.target, Masked) or not is_visual(task)):
            kinds.append(self._text_kind(task))
        if is_said(task):
            kinds.append(self.causal_kind(task))
        return (*kinds, self._target_kind(task))

    def causal_kind(self, task: Task) -> Kind:
        """Of the words of a text that is said."""
        return self._text_kind(task, causal=True)

    def _matched(self, task: str) -> Task:
        if task not in self.tasks or not isinstance(self.tasks[task].target, Match):
            raise ConfigError(f"score: got task {task!r}; want a Match of texts and images")
        return self.tasks[task]
