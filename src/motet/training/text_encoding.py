"""A stand-in for stored states of texts, for the estimate of a run: it encodes texts and measures the time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from motet.core import StoresTexts
from motet.data.text_states import TEXT_BATCH
from motet.training.run import Run


class TextEncoding:
    """A replacement for `TextStates`: encodes each text when it is read, and measures the time that a store saves.

    Args:
        system: encodes the texts.
    """

    def __init__(self, system: StoresTexts) -> None:
        self.system = system
        self.seconds, self.texts, self.tokens, self.bytes = 0.0, 0, 0, 0

    def read(self, ids: Sequence[int]) -> np.ndarray:
        """Returns the states of a text, encoded now."""
        started = time.perf_counter()
        with torch.no_grad():
            states: np.ndarray = self.system.encode_texts(torch.tensor([list(ids)]))[0].half().cpu().numpy()
        self.seconds += time.perf_counter() - started
        self.texts, self.tokens, self.bytes = self.texts + 1, self.tokens + len(ids), self.bytes + states.nbytes
        return states

    def to_store(self, run: Run) -> tuple[int, float]:
        """Returns the bytes and the seconds that storing a run's texts takes at most, as long as those read so far.

        Texts that several rows share, and those that are stored already, are counted too: only reading every row would
        find them.
        """
        if not self.texts:
            return 0, 0.0
        stored = self.system.stored_text_tasks()
        texts = 0
        for source in run.sources:
            tasks = [task for task in source.tasks if task.name in stored]
            if tasks and source.compose is None and len(source.reader):
                example: Any = source.reader[0]
                texts += len(source.reader) * sum(len(self.system.text_ids(example, task)) for task in tasks)
        batch = torch.ones(TEXT_BATCH, max(1, round(self.tokens / self.texts)), dtype=torch.long)
        with torch.no_grad():
            self.system.encode_texts(batch[:1])
            started = time.perf_counter()
            self.system.encode_texts(batch).float().sum().item()  # waits for a GPU
        return texts * self.bytes // self.texts, texts * (time.perf_counter() - started) / TEXT_BATCH


def encode_texts_aside(run: Run, system: object) -> TextEncoding | None:
    """Lets a system read its texts through a `TextEncoding` where the run stores their states; else returns None."""
    if run.features is None or not isinstance(system, StoresTexts) or not system.stored_text_tasks():
        return None
    encoding = TextEncoding(system)
    system.read_texts(encoding)
    return encoding
