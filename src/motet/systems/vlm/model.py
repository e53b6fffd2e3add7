"""The system: one vision-language model, its parts frozen, adapted or trained, for all tasks."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import (
    Answer,
    Batch,
    Boxes,
    Label,
    Loss,
    Losses,
    Prediction,
    Region,
    System,
    Target,
    Task,
    TextPrediction,
)
from motet.core.system import optimizer_groups
from motet.nn.tower import EncoderMode, Finetune, FromScratch, Frozen, apply_mode, digest_of, lr_scale_of
from motet.preprocess.images import ImageTransform
from motet.systems.base import candidate_predictions, class_predictions, trained_blocks
from motet.systems.vlm.answers import generate_greedy, score_answers
from motet.systems.vlm.config import VlmConfig
from motet.systems.vlm.conversation import Conversation
from motet.systems.vlm.images import VlmImages
from motet.systems.vlm.loading import Loaded
from motet.systems.vlm.processor import VlmProcessor, pad_candidates
from motet.systems.vlm.targets import NO_BOXES, check_supported, predicted_boxes

log = logging.getLogger("motet.vlm")


class Vlm(System):
    """A vision-language model of transformers for all tasks.

    Args:
        config: its options.
        tasks: in order.
        loaded: the model and its processor.

    Raises:
        UnsupportedTask: a task that it cannot answer as text.
        ConfigError: a processor that does not fit the model.
    """

    mixes: ClassVar[bool] = True
    tasks_per_row: ClassVar[Any] = "many"
    config: VlmConfig
    processor: VlmProcessor

    def __init__(self, config: VlmConfig, tasks: Sequence[Task], loaded: Loaded) -> None:
        super().__init__()
        for task in tasks:
            check_supported(task)
        self.config, self.tasks, self.family = config, {task.name: task for task in tasks}, loaded.family
        self.files, self.model = loaded.files, loaded.model
        self._start_vision()
        for name, mode in self._modes().items():
            apply_mode(self._part(name), mode)
        if not isinstance(config.language, Finetune):
            self._head.requires_grad_(False)
        images = VlmImages(
            processor=loaded.processor.image_processor,
            changes=ImageTransform((1, 1), crop=config.crop, hflip=config.hflip),
        )
        self.processor = VlmProcessor(images, self._conversation(loaded.processor, images), self.family.box_text)
        say = self.processor.conversation
        self._closed = {
            name: pad_candidates([[say.answer(text) for text in _names(task)]])[0]
            for name, task in self.tasks.items()
            if _names(task)
        }
        self.train()

    def _start_vision(self) -> None:
        if isinstance(self.config.mode, FromScratch):
            old: Any = self._part("vision")
            self.model.set_submodule(f"model.{self.family.vision}", type(old)._from_config(old.config))

    def _conversation(self, processor: Any, images: VlmImages) -> Conversation:
        pixels = torch.from_numpy(images.pixels(Image.new("RGB", (32, 32))))[None]
        with torch.no_grad():
            count = self.family.connect(self.model, self.family.encode(self.model, pixels)).shape[1]
        config: Any = self.model.config
        return Conversation(
            processor, int(config.image_token_id), count, self.config.max_generated, dict(self.config.prompts)
        )

    def _modes(self) -> dict[str, EncoderMode]:
        return {"vision": self.config.mode, "connector": self.config.connector, "language": self.config.language}

    def _part(self, name: str) -> nn.Module:
        return self.family.part(self.model, getattr(self.family, name))

    @property
    def _head(self) -> nn.Module:
        model: Any = self.model
        head: nn.Module = model.get_output_embeddings()
        return head

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for name, how in self._modes().items():
            if isinstance(how, Frozen):
                self._part(name).eval()
        return self

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """Returns the states of the vision encoder before the connector."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not isinstance(self.config.mode, Frozen)):
            return self.family.encode(self.model, pixels)

    def _image_embeddings(self, batch: Batch) -> Float[Tensor, "b m w"]:
        if "features" in batch.inputs:
            features = batch.inputs["features"].to(self._head.weight.dtype)  # type: ignore[arg-type]  # transformers gives it no type
        else:
            features = self.encode(batch.inputs["pixels"])
        return self.family.connect(self.model, features)

    def _embed(self, ids: Int[Tensor, "r t"]) -> Float[Tensor, "r t w"]:
        model: Any = self.model
        # A placeholder may lie behind the end of the table: PaliGemma's base models.
        table = model.get_input_embeddings()
        embeddings: Tensor = table(torch.where(ids < table.num_embeddings, ids, 0))
        return embeddings

    def _with_image(self, ids: Int[Tensor, "r t"], image: Float[Tensor, "r m w"]) -> Float[Tensor, "r t w"]:
        """Returns the embeddings of tokens, those of an image's placeholders replaced in order."""
        placeholder = ids == self.processor.conversation.image_token_id
        place = (placeholder.cumsum(1) - 1).clamp(min=0)
        image = image.gather(1, place[:, :, None].expand(-1, -1, image.shape[2]))
        return torch.where(placeholder[:, :, None], image, self._embed(ids))

    def _step(self, embeddings: Tensor, mask: Tensor, positions: Tensor, cache: Any, **more: Any) -> Any:
        model: Any = self.model
        return model(
            inputs_embeds=embeddings,
            attention_mask=mask.long(),
            position_ids=positions + self.family.first_position,
            past_key_values=cache,
            **more,
        )

    def _token_losses(self, image: Tensor, value: Mapping[str, Tensor]) -> Float[Tensor, "r t"]:
        """Returns the cross-entropy of each token but the first, 0 outside the answer."""
        ids, counted = value["tokens"], value["counted"]
        place = torch.arange(ids.shape[1], device=ids.device)
        real = counted | (place < value["prefix"][:, None])
        more = {"token_type_ids": (place >= value["prefix"][:, None]).long()} if self.family.full_prefix else {}
        embeddings = self._with_image(ids, image)
        logits = self._step(embeddings, real, place.expand_as(ids), None, use_cache=False, **more).logits.float()
        losses = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
        return losses.view(len(ids), -1).masked_fill(~counted[:, 1:], 0.0)

    def losses(self, batch: Batch) -> Losses:
        """Returns the mean cross-entropy over the tokens of each row's answer, its end included."""
        images, found = self._image_embeddings(batch), {}
        for name, target in batch.targets.items():
            counted = target.value["counted"].sum(1)
            per_row = self._token_losses(images[target.rows], target.value).sum(1) / counted.clamp(min=1)
            found[name] = Loss(per_row.sum(), (counted > 0).sum().to(per_row.dtype))
        return Losses(found)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """Returns generated texts and boxes, or a ClassPrediction of names or candidates that are scored."""
        images = self._image_embeddings(batch)
        return {
            name: self._answers(self.tasks[name], images[target.rows], target) for name, target in batch.targets.items()
        }

    def _answers(self, task: Task, image: Tensor, target: Target) -> Sequence[Prediction]:
        value = target.value
        lengths = value["prefix"]
        # Prompts end in one column, so that all answers begin in the next one.
        place = torch.arange(int(lengths.max()), device=lengths.device) - (lengths.max() - lengths)[:, None]
        mask, place = place >= 0, place.clamp(min=0)
        ids = value["tokens"].gather(1, place)
        embeddings = self._with_image(torch.where(mask, ids, self.processor.conversation.end), image)
        more = {"token_type_ids": torch.zeros_like(ids)} if self.family.full_prefix else {}
        start = self._step(embeddings, mask, place, None, use_cache=True, **more)
        if "candidates" in value:
            scores = score_answers(self._step, self._embed, start, mask, lengths, value["candidates"])
            return candidate_predictions(scores, value["candidates"][:, :, 0] >= 0, value["names"])
        if task.name in self._closed:
            names = self._closed[task.name].to(ids.device).expand(len(ids), -1, -1)
            scores = score_answers(self._step, self._embed, start, mask, lengths, names)
            return class_predictions(scores, _names(task))
        say = self.processor.conversation
        tokens, log_probs = generate_greedy(
            self._step, self._embed, start, mask, lengths, end=say.end, most=say.max_answer
        )
        texts = [say.text(ids) for ids in tokens]
        if isinstance(task.target, Boxes | Region):
            return self._boxes(task, texts, log_probs, tokens, value["size_hw"])
        return [TextPrediction(text, log_prob) for text, log_prob in zip(texts, log_probs, strict=True)]

    def _boxes(
        self, task: Task, texts: Sequence[str], log_probs: Sequence[float], tokens: Sequence[Any], sizes: Tensor
    ) -> list[Prediction]:
        """Returns the boxes of generated texts; a text of another form counts as no box, and is counted in the log."""
        read, say = self.family.box_text, self.processor.conversation
        found = [
            predicted_boxes(task, text, log_prob, say.length(ids), read, tuple(size))
            for text, log_prob, ids, size in zip(texts, log_probs, tokens, sizes.tolist(), strict=True)
        ]
        if bad := found.count(None):
            log.warning("task %s: %d of %d answers are no %s", task.name, bad, len(found), type(read).__name__)
        return [NO_BOXES if boxes is None else boxes for boxes in found]

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Returns the groups of vision encoder, connector and language model; in each, matrices decay."""
        scales = {name: lr_scale_of(mode) for name, mode in self._modes().items()}
        parts = {f"model.model.{getattr(self.family, name)}.": name for name in scales}

        def part_of(name: str) -> str:
            return next((part for start, part in parts.items() if name.startswith(start)), "language")

        return optimizer_groups(self, part_of, scales, lambda _, parameter: parameter.ndim > 1)

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Returns the trained parameters of the parts; all of them are shared."""
        parts: dict[str, list[nn.Module | nn.Parameter | None]] = {name: [self._part(name)] for name in self._modes()}
        tied = {id(parameter) for parameter in self._part("language").parameters()}
        parts["language"] += [each for each in self._head.parameters() if id(each) not in tied]
        return trained_blocks(parts)

    def assets(self) -> Mapping[str, bytes]:
        return self.files

    def encoder_key(self) -> str | None:
        if not isinstance(self.config.mode, Frozen):
            return None
        return digest_of((self.config.model, self.family.vision), self._part("vision"))


def _names(task: Task) -> tuple[str, ...]:
    return task.target.names if isinstance(task.target, Label | Answer) else ()
