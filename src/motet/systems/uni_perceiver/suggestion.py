"""The recipe function that `motet init` writes for a Uni-Perceiver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from motet.systems.base.suggestion import FRAMES, FunctionText, PlannedTask, steps_for, train_config_lines

_BATCH_SIZE = 32
_TEXTS = frozenset({"captioning", "text reading"})
_ALONG = _TEXTS | {"classification", "question answering", "visual entailment", "sentences"}
_IMPORTS: Mapping[str, tuple[str, ...]] = {
    "motet.data.drawn_batches": ("DrawnBatches",),
    "motet.recipes.uni_perceiver": ("small as perceiver",),  # a UniT's is called small, too
    "motet.training.balancers": ("TaskMean",),
    "motet.training.config": ("TrainConfig",),
    "motet.training.lr_schedules": ("Cosine",),
    "motet.training.run": ("Features", "Run"),
}


@dataclass(frozen=True)
class UniPerceiverSuggestion:
    """A Uni-Perceiver answers tasks on videos, and takes others along where no two of them generate texts."""

    name: str = "uni_perceiver"
    about: str = "a Uni-Perceiver (videos)"
    own: frozenset[str] = frozenset({"video classification", "video captioning", "video retrieval"})
    closed: bool = False

    def takes_along(self, kinds: Sequence[str]) -> bool:
        """Returns whether it also answers these kinds; no token names a task, so one kind of text per image.

        Examples:
            >>> along = UniPerceiverSuggestion().takes_along
            >>> along(["classification", "captioning"]), along(["captioning", "captioning"])
            (True, False)
        """
        return set(kinds) <= _ALONG and sum(kind in _TEXTS for kind in kinds) <= 1

    def text(self, function: str, tasks: Sequence[PlannedTask], sources: str, about: str) -> FunctionText:
        """See `Suggestion`. Minutes to half an hour on a laptop."""
        rows = sum(task.rows for task in tasks)
        steps = steps_for(rows, epochs=25, batch_size=_BATCH_SIZE, least=200, most=2000)
        labels = any(task.kind in ("classification", "video classification") for task in tasks)
        lines = tuple(_lines(function, sources, about, steps, several=len(tasks) > 1, labels=labels))
        rates = {"motet.data.sampling_rates": ("Temperature",)} if len(tasks) > 1 else {}
        return FunctionText(lines, {**_IMPORTS, **rates})


def _lines(function: str, sources: str, about: str, steps: int, *, several: bool, labels: bool) -> Iterator[str]:
    yield f"def {function}() -> Run:"
    yield f'    """One Uni-Perceiver for {about}, on the features of a frozen encoder that comes with motet."""'
    yield "    return Run("
    yield "        system=perceiver("
    yield "            width=128,"
    yield "            image_size=128,  # of frames and pictures; larger ones show more, and take longer"
    yield f"            frames={FRAMES}.count,"
    yield "            pieces=4000,"
    yield "            max_tokens=48,"
    yield "            sampled_words=768,"
    if labels:
        yield "            linear=True,  # classes begin as a linear probe's"
    yield "        ),"
    yield f"        sources={sources},"
    yield "        schedule=DrawnBatches("
    if several:
        yield "            rates=Temperature(2.0),  # large sources more often than small ones, but not by their size"
    yield f"            batch_size={_BATCH_SIZE},"
    yield "        ),"
    yield from train_config_lines(steps, "7e-4", precision="", lr_schedule="Cosine(warmup=0.03)", weight_decay="0.05")
    yield "        balancer=TaskMean(),"
    yield '        features=Features(Path("runs/features")),  # the encoder reads each frame once'
    yield "    )"
