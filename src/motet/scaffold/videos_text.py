"""The function of a written recipe that trains a Uni-Perceiver on videos, as Python text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

VIDEOS = frozenset({"video classification", "video captioning", "video retrieval"})
"""Kinds of task that look at a video."""
VIDEOS_IMPORTS: Mapping[str, tuple[str, ...]] = {
    "motet.data.drawn_batches": ("DrawnBatches",),
    "motet.recipes.uni_perceiver": ("small as perceiver",),  # a UniT's is called small, too
    "motet.training.balancers": ("TaskMean",),
    "motet.training.config": ("TrainConfig",),
    "motet.training.lr_schedules": ("Cosine",),
    "motet.training.run": ("Features", "Run"),
}
"""What the function needs: module -> names."""
FRAMES = "FRAMES"
"""The recipe's name for which frames are read of each video."""
FRAMES_LINE = f"{FRAMES} = Frames(4, short_side=256)  # of each video: how many, and their shorter side in pixels"
"""What it is."""
_ALONG = frozenset(
    {"classification", "question answering", "visual entailment", "sentences", "captioning", "text reading"}
)
_SAID = frozenset({"captioning", "text reading"})
_BATCH = 32


def takes_along(kinds: Iterable[str]) -> bool:
    """Whether a Uni-Perceiver answers these too: no token names a task, so one kind of text is said of a picture.

    Examples:
        >>> takes_along(["classification", "captioning"]), takes_along(["captioning", "captioning"])
        (True, False)
    """
    found = list(kinds)
    return set(found) <= _ALONG and sum(kind in _SAID for kind in found) <= 1


def videos_lines(name: str, sources: str, what: str, steps: int, *, several: bool) -> Iterator[str]:
    """The lines of the function.

    Args:
        name: what it is called.
        sources: the expression of its sources.
        what: its tasks, for people.
        steps: iterations.
        several: whether it has more than one task.
    """
    yield f"def {name}() -> Run:"
    yield f'    """One Uni-Perceiver for {what}, on the features of a frozen encoder that comes with motet."""'
    yield "    return Run("
    yield "        system=perceiver("
    yield "            width=128,"
    yield "            image_size=128,  # of frames and pictures; larger ones show more, and take longer"
    yield f"            frames={FRAMES}.count,"
    yield "            pieces=4000,"
    yield "            max_tokens=48,"
    yield "            sampled_words=768,"
    yield "        ),"
    yield f"        sources={sources},"
    yield "        schedule=DrawnBatches("
    if several:
        yield "            rates=Temperature(2.0),  # large sources more often than small ones, but not by their size"
    yield f"            batch_size={_BATCH},"
    yield "        ),"
    yield "        train=TrainConfig("
    yield f"            steps={steps},"
    yield "            lr=7e-4,"
    yield "            lr_schedule=Cosine(warmup=0.03),"
    yield "            weight_decay=0.05,"
    yield f"            evaluate_every={steps // 4},"
    yield f"            save_every={steps // 4},"
    yield "        ),"
    yield "        balancer=TaskMean(),"
    yield '        features=Features(Path("runs/features")),  # the encoder reads each frame once'
    yield "    )"


def videos_steps_for(rows: int) -> int:
    """Steps of a Uni-Perceiver for so many training rows of all its tasks: minutes to half an hour on a laptop.

    Examples:
        >>> videos_steps_for(100), videos_steps_for(1_000), videos_steps_for(10**6)
        (200, 800, 2000)
    """
    return int(min(2000, max(200, round(25 * rows / _BATCH, -2))))
