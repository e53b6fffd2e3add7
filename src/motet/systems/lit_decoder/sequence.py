"""Task, question and answer as one sequence of tokens (sections 3, 4.2 and 5.6 of the paper)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from motet.core import ConfigError, Label, Task
from motet.preprocess.tokenizers import PAD, Tokenizer, append_eos
from motet.systems.lit_decoder.options import (
    ByCategory,
    ByTask,
    ByTaskPositions,
    Classes,
    ClassTokens,
    Conditioning,
    Unconditioned,
)

SEPARATOR = "separator"


class Sequences:
    """``[prompt, separator, question..., separator, answer..., EOS]`` for every task.

    Source: the paper writes ``coco: a caption``, one prompt token and one separator. How a question is put in is not
        said;
    here it follows, and a second separator tells where the answer starts.

    Args:
        words: the tokeniser, without special pieces.
        tasks: in order.
        conditioning: what tells the tasks apart.
        classes: names, or a token a class.
        separator: whether one stands after the prompt.
        question_separator: whether one stands after the question.
        max_tokens: longest sequence, EOS counted.
        answer_room: tokens a long question must leave for the answer.

    Raises:
        ConfigError: a task without a category where the category is the prompt; a prompt for a task that is not there;
            no room.
    """

    def __init__(
        self,
        words: Tokenizer,
        tasks: Sequence[Task],
        conditioning: Conditioning,
        classes: Classes,
        *,
        separator: bool,
        question_separator: bool,
        max_tokens: int,
        answer_room: int,
    ) -> None:
        if max_tokens < answer_room + 3 or answer_room < 1:
            raise ConfigError(
                f"max_tokens: got {max_tokens} with {answer_room} for the answer; want room for prompt and separators"
            )
        self.max_tokens, self.answer_room, self.question_separator = max_tokens, answer_room, question_separator
        self.prompts = {task.name: _prompt(task, conditioning) for task in tasks}
        if isinstance(conditioning, ByTask) and not set(conditioning.prompts) <= set(self.prompts):
            extra = sorted(set(conditioning.prompts) - set(self.prompts))
            raise ConfigError(f"ByTask.prompts: got {extra}; want names of tasks: {', '.join(self.prompts)}")
        self.separator = separator
        self.blocks: dict[str, tuple[str, ...]] = {}
        if isinstance(classes, ClassTokens):
            for task in tasks:
                if isinstance(task.target, Label):
                    self.blocks[f"classes of {task.name}"] = task.target.names
        self._class_names = [name for names in self.blocks.values() for name in names]
        for prompt in dict.fromkeys(prompt for prompt in self.prompts.values() if prompt is not None):
            self.blocks[f"prompt {prompt}"] = (prompt,)
        self.blocks[SEPARATOR] = (":",)
        self.words = words.with_specials([f"{block}: {name}" for block, names in self.blocks.items() for name in names])

    @property
    def num_answers(self) -> int:
        """Ids below this one may stand in an answer: all of the tokeniser's, and the class tokens."""
        return self.words.num_text_ids + len(self._class_names)

    def prefix(self, task: Task, question: str, start: Sequence[int] = ()) -> list[int]:
        """What stands before the answer, and is given.

        Args:
            task: whose prompt.
            question: "" for none; a long one loses its end.
            start: tokens of the answer that are given too (`SplitCap`).
        """
        head, tail = [], list(start)
        prompt = self.prompts[task.name]
        if prompt is not None:
            head.append(self._id(f"prompt {prompt}", prompt))
            if self.separator:
                head.append(self._id(SEPARATOR, ":"))
        if not question:
            return head + tail
        if self.question_separator:
            tail.insert(0, self._id(SEPARATOR, ":"))
        room = self.max_tokens - self.answer_room - len(head) - len(tail)
        return head + self.words.encode(question)[: max(room, 0)] + tail

    def answer(self, task: Task, text: str) -> list[int]:
        """An answer's tokens, without an end; one token for a class that has one."""
        block = f"classes of {task.name}"
        return [self._id(block, text)] if block in self.blocks else self.words.encode(text)

    def close(self, prefix: Sequence[int], answer: Sequence[int]) -> list[int]:
        """The answer's tokens with EOS, cut so that all fits."""
        return append_eos(answer, self.max_tokens - len(prefix))

    def text(self, ids: Iterable[int]) -> str:
        """An answer's tokens as text, up to EOS; class tokens as the names of their classes, prompts as nothing."""
        said = [i for i in ids if i < self.num_answers]
        for place, i in enumerate(said):
            if i >= self.words.num_text_ids:
                before = self.words.decode(said[:place])
                return " ".join(part for part in (before, self._class_names[i - self.words.num_text_ids]) if part)
        return self.words.decode(said)

    def _id(self, block: str, name: str) -> int:
        return self.words.special_id(f"{block}: {name}")


def _prompt(task: Task, conditioning: Conditioning) -> str | None:
    match conditioning:
        case ByTask(prompts):
            return prompts.get(task.name, task.name)
        case ByCategory():
            if not task.category:
                raise ConfigError(f"Task {task.name!r}: category: got none; want one, since ByCategory prompts with it")
            return task.category
        case Unconditioned() | ByTaskPositions():
            return None
        case other:
            assert_never(other)


def pad(rows: Sequence[Sequence[int]], length: int) -> list[list[int]]:
    """Rows of one length, PAD after each."""
    return [[*row, *[PAD] * (length - len(row))] for row in rows]
