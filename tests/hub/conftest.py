"""A small system with a head a task, for saving and restoring."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from motet.core import ConfigError, System
from motet.tasks import captioning, classification, question_answering


@dataclass(frozen=True)
class HeadsConfig:
    width: int = 3

    def build(self, tasks, *, texts, assets=None):
        if assets is None:
            return Heads(self, tasks, {"words.txt": "\n".join(texts()).encode()})
        if "words.txt" not in assets:
            list(texts())
            raise ConfigError("a tokeniser was trained where one was to be restored")
        return Heads(self, tasks, assets)


class Heads(System):
    def __init__(self, config, tasks, assets):
        super().__init__()
        self.config, self.tasks, self.words = config, {task.name: task for task in tasks}, assets
        self.trunk = nn.Linear(config.width, config.width)
        self.heads = nn.ModuleDict({name: nn.Linear(config.width, 2) for name in self.tasks})

    def assets(self):
        return self.words

    def losses(self, batch):
        raise NotImplementedError

    def predict(self, batch):
        raise NotImplementedError

    def shared_blocks(self):
        return {"trunk": list(self.trunk.parameters())}


@pytest.fixture
def trust():
    return (HeadsConfig.__module__,)


@pytest.fixture
def make():
    """Makes a system for tasks given by name."""

    def made(*names: str, width: int = 3):
        torch.manual_seed(len(names))
        return HeadsConfig(width).build(tasks_of(*names), texts=lambda: ["a cat", "a dog"])

    return made


def tasks_of(*names: str):
    known = {
        "animal": classification("animal", names=("cat", "dog")),
        "kind": classification("kind", names=("red | blue", "green")),
        "caption": captioning("caption"),
        "vqa": question_answering("vqa"),
    }
    return [known[name] for name in names]


@pytest.fixture
def tasks():
    return tasks_of
