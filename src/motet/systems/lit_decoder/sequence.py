"""Prompt, question and answer as one sequence of tokens (sections 3, 4.2 and 5.6 of the paper)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from motet.core import ConfigError, Label, Panoptic, Task
from motet.preprocess.tokenizers import Tokenizer, append_eos
from motet.systems.lit_decoder.options import (
    ByCategory,
    ByTask,
    ByTaskPositions,
    Classes,
    ClassStrings,
    Conditioning,
    ScoredClasses,
    Unconditioned,
)

SEPARATOR = "separator"


class Sequences:
    """The layout ``[prompt, separator, question..., separator, answer..., EOS]`` of every task's sequences.

    Source: the paper writes ``coco: a caption``, one prompt token and one separator. It does not say where a question
    goes; here it follows, and a second separator marks the start of the answer.

    Args:
        tokenizer: without special pieces.
        tasks: in order.
        conditioning: how the decoder is told the task.
        classes: class names as text, one token per class, or scored tokens.
        separator: whether a separator follows the prompt.
        question_separator: whether a separator follows the question.
        max_tokens: longest sequence, including EOS.
        answer_room: tokens that a long question must leave for the answer.
        num_codes: of every `Panoptic` task, each a token of its own.

    Attributes:
        scored: the tasks whose classes are scored; their answers have no EOS.

    Raises:
        ConfigError: a task without a category where the category is the prompt; a prompt for a task that is not there;
            no room.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        tasks: Sequence[Task],
        conditioning: Conditioning,
        classes: Classes,
        *,
        separator: bool,
        question_separator: bool,
        max_tokens: int,
        answer_room: int,
        num_codes: int = 0,
    ) -> None:
        if max_tokens < answer_room + 3 or answer_room < 2:
            raise ConfigError(
                f"max_tokens: got {max_tokens} with {answer_room} for the answer; want at least {answer_room + 3}, for "
                "prompt and separators too"
            )
        self.max_tokens, self.answer_room, self.question_separator = max_tokens, answer_room, question_separator
        self.prompts = {task.name: _prompt(task, conditioning) for task in tasks}
        if isinstance(conditioning, ByTask) and not set(conditioning.prompts) <= set(self.prompts):
            extra = sorted(set(conditioning.prompts) - set(self.prompts))
            raise ConfigError(f"ByTask.prompts: got {extra}; want names of tasks: {', '.join(self.prompts)}")
        self.separator = separator
        self.blocks: dict[str, tuple[str, ...]] = {}
        labels = {task.name: task.target.names for task in tasks if isinstance(task.target, Label)}
        if not isinstance(classes, ClassStrings):
            self.blocks |= {f"classes of {name}": names for name, names in labels.items()}
        self.scored = tuple(labels) if isinstance(classes, ScoredClasses) else ()
        mapped = [task.name for task in tasks if isinstance(task.target, Panoptic)]
        self.blocks |= {codes_block(name): tuple(map(str, range(num_codes))) for name in mapped}
        self._class_names = [name for names in self.blocks.values() for name in names]
        for prompt in dict.fromkeys(prompt for prompt in self.prompts.values() if prompt is not None):
            self.blocks[f"prompt {prompt}"] = (prompt,)
        if separator or question_separator:
            self.blocks[SEPARATOR] = (":",)
        self.tokenizer = tokenizer.with_specials(
            [f"{block}: {name}" for block, names in self.blocks.items() for name in names]
        )

    @property
    def num_answers(self) -> int:
        """The number of ids that can be generated, which are the first ones: the tokeniser's and the class tokens."""
        return self.tokenizer.num_text_ids + len(self._class_names)

    def prefix(self, task: Task, question: str, start: Sequence[int] = ()) -> list[int]:
        """Returns the tokens before the answer: prompt, separators and question.

        Args:
            task: the one whose prompt it is.
            question: "" for none; a long one is truncated.
            start: first tokens of the answer that belong to the prompt too (`SplitCap`).
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
        return head + self.tokenizer.encode(question)[: max(room, 0)] + tail

    def room(self, task: Task) -> int:
        """Returns the places that every row of a task leaves for its answer, its end included."""
        return self.answer_room if "text" in task.inputs else self.max_tokens - len(self.prefix(task, ""))

    def answer(self, task: Task, text: str) -> list[int]:
        """Returns an answer's tokens without EOS; class tokens are single ones."""
        block = f"classes of {task.name}"
        return [self._id(block, text)] if block in self.blocks else self.tokenizer.encode(text)

    def close(self, prefix: Sequence[int], answer: Sequence[int]) -> list[int]:
        """Returns the answer's tokens with EOS, truncated so that the whole sequence fits."""
        return append_eos(answer, self.max_tokens - len(prefix))

    def first_code(self, task: Task) -> int:
        """Returns the token of code 0 of a `Panoptic` task; those of the other codes follow it."""
        return self._id(codes_block(task.name), "0")

    def text(self, ids: Iterable[int]) -> str:
        """Returns the text of an answer's tokens up to EOS; class tokens read as class names, prompts are skipped."""
        answer = [i for i in ids if i < self.num_answers]
        for place, i in enumerate(answer):
            if i >= self.tokenizer.num_text_ids:
                before = self.tokenizer.decode(answer[:place])
                return " ".join(part for part in (before, self._class_names[i - self.tokenizer.num_text_ids]) if part)
        return self.tokenizer.decode(answer)

    def _id(self, block: str, name: str) -> int:
        return self.tokenizer.special_id(f"{block}: {name}")


def codes_block(task: str) -> str:
    """Returns the name of the block of a task's codes."""
    return f"codes of {task}"


def _prompt(task: Task, conditioning: Conditioning) -> str | None:
    match conditioning:
        case ByTask(prompts):
            return prompts.get(task.name, task.name)
        case ByCategory():
            if not task.category:
                raise ConfigError(
                    f"Task {task.name!r}: category: got none; want one, since ByCategory uses it as the prompt"
                )
            return task.category
        case Unconditioned() | ByTaskPositions():
            return None
        case other:
            assert_never(other)
