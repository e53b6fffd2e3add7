"""Pre-training on a row: its words and regions are masked once, for all of its tasks (sections 3.1 and 8.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motet.core import Example, Label, Masked, Task, rng_for
from motet.systems.base import annotation_of_row, text_to_mask
from motet.systems.twelve_in_one.options import RegionMasking
from motet.systems.twelve_in_one.text_inputs import TextRow, TwelveInOneTextInputs


@dataclass(frozen=True)
class MaskedInputs:
    """The masked inputs of a row, the same for all tasks of pre-training.

    Args:
        text: with masked words.
        arrays: ``draws``, the random numbers of the regions' masks, and ``in_loss``, False if the row's masks are
            not learned.
    """

    text: TextRow
    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Pretraining:
    """Masks rows for the tasks of pre-training: `Masked` ones, and `RegionMasking.alignment_task` beside them.

    Args:
        masking: probabilities, and the task of alignment.
        text_inputs: tokenises and masks texts.
        max_regions: of an image.
    """

    masking: RegionMasking
    text_inputs: TwelveInOneTextInputs
    max_regions: int

    def tasks_of(self, tasks: Sequence[Task]) -> list[Task]:
        """Returns the tasks of pre-training; alignment is one of them only beside others, else nothing is masked."""
        masked = [task for task in tasks if isinstance(task.target, Masked)]
        return [*masked, *(task for task in tasks if task.name == self.masking.alignment_task)] if masked else []

    def mask(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> dict[str, MaskedInputs]:
        """Returns the masked inputs of a row by task; in evaluation alignment has no masks.

        Args:
            example: the row.
            tasks: all that the row carries; none of them may be of pre-training.
            rng: draws the masks; None for those that the row always has in evaluation.
        """
        together = self.tasks_of(tasks)
        masked = [task for task in together if isinstance(task.target, Masked)]
        if not masked:
            return {}
        own = rng_for("hidden", example.id) if rng is None else rng
        words = next((task for task in masked if task.target == Masked("words")), None)
        text = self.text_inputs.encode(text_to_mask(example, words or masked[0], rng), words or masked[0])
        if words is not None:
            at_least_one = self.masking.at_least_one and rng is None
            text = self.text_inputs.mask_words(text, self.masking.word_probability, own, at_least_one=at_least_one)
        draws = own.random(self.max_regions).astype(np.float32)
        if masked == [words]:
            draws = np.ones_like(draws)  # no task on regions, so none is masked
        in_loss = self.masking.mismatched == "learned" or _is_aligned(example, together, evaluation=rng is None)
        inputs = MaskedInputs(text, {"draws": draws, "in_loss": np.array(in_loss)})
        return {task.name: inputs for task in (masked if rng is None else together)}


def _is_aligned(example: Example, tasks: Sequence[Task], *, evaluation: bool) -> bool:
    """Returns whether text and image belong together, as far as the task of alignment knows."""
    alignment = [task for task in tasks if isinstance(task.target, Label)]
    return all(annotation_of_row(example, task, evaluation=evaluation)[1] in (None, 0) for task in alignment)
