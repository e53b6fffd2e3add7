"""A task as one turn of a conversation: the prompt's tokens, with the image's placeholders, and the answer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from motet.core import ConfigError, Example, Task


@dataclass(frozen=True)
class Conversation:
    """Lays out prompts and answers as tokens by a model's processor and chat template.

    Args:
        processor: of transformers.
        image_token_id: the placeholder that an image's embeddings replace.
        image_tokens: number of placeholders per image.
        max_answer: longest answer in tokens, its end included.
        prompts: see `VlmConfig`.
    """

    processor: Any
    image_token_id: int
    image_tokens: int
    max_answer: int
    prompts: Mapping[str, str] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The token that ends an answer."""
        return int(self.processor.tokenizer.eos_token_id)

    def prompt(self, task: Task, example: Example) -> str:
        """Returns what the user says: the configured prompt, the row's question, or the task's name as words."""
        question = task.prompt_for(example)
        if task.name in self.prompts:
            return self.prompts[task.name].replace("{text}", question)
        return question or task.name.replace("_", " ").replace("/", " ")

    def prefix(self, prompt: str) -> tuple[int, ...]:
        """Returns the tokens before the answer.

        A model without a chat template (a base model) reads the image, the prompt and a line break.

        Raises:
            ConfigError: a template without the image.
        """
        processor = self.processor
        # Text that looks like a placeholder would be replaced by an image that is not there.
        prompt = prompt.replace(self._image_text, " ")
        if getattr(processor, "chat_template", None):
            content = [{"type": "image"}, {"type": "text", "text": prompt}]
            turns = [{"role": "user", "content": content}]
            text = processor.apply_chat_template(turns, add_generation_prompt=True)
        elif type(processor).__name__ == "PaliGemmaProcessor":  # it adds its own line break
            text = f"{self._image_text}{prompt}"
        else:
            text = f"{self._image_text}{prompt}\n"
        if self._image_text not in text:
            raise ConfigError(
                f"{type(processor).__name__}.chat_template: got {text!r:.200} without {self._image_text}; want a "
                "template that places the image"
            )
        # Only the number of placeholders depends on the image, and all images have the same.
        blank = Image.new("RGB", (32, 32))
        ids = processor(text=[text], images=[[blank]] if self._nests else [blank])["input_ids"][0]
        found = sum(int(token) == self.image_token_id for token in ids)
        if found != self.image_tokens:
            raise ConfigError(
                f"{type(processor).__name__}: got {found} image tokens in a prompt; want {self.image_tokens}, as many "
                "as the model's connector returns"
            )
        return tuple(int(token) for token in ids)

    def answer(self, text: str) -> tuple[int, ...]:
        """Returns an answer's tokens with its end; too long ones are cut before their end."""
        ids = self.processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        return (*ids[: self.max_answer - 1], self.end)

    def length(self, ids: Sequence[int]) -> int:
        """Returns the number of generated tokens, their end included."""
        return list(ids).index(self.end) + 1 if self.end in ids else len(ids)

    def text(self, ids: Sequence[int]) -> str:
        """Returns the text of generated tokens, up to their end."""
        kept = list(ids[: list(ids).index(self.end)] if self.end in ids else ids)
        return " ".join(self.processor.tokenizer.decode(kept, skip_special_tokens=True).split())

    @property
    def _image_text(self) -> str:
        token = self.processor.image_token
        return str(getattr(token, "content", token))

    @property
    def _nests(self) -> bool:
        return type(self.processor).__name__ in ("Idefics3Processor", "SmolVLMProcessor")
