"""Real data under $MOTET_DATA for Uni-Perceiver: classes, masked words, captions, retrieval, sentences, videos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from motet.core import Reader, Task
from motet.data.formats.video_rows import Frames
from motet.data.readers import Glue, Idx, ImageFolder, Multi30k, TextLines, VideoList
from motet.data.source import Source
from motet.data.splits import Subset, split_by_image
from motet.recipes.data.photos import ROLES, data_root, flickr8k
from motet.recipes.data.twelve_in_one import PHOTOGRAPHS
from motet.tasks import captioning, classification, glue, masked_words, retrieval, video_classification
from motet.tasks.class_names import FASHION

REAL_RATES: Mapping[str, float] = {
    "cifar10": 0.2,
    "fashion": 0.15,
    "words": 0.15,
    "flickr8k_caption": 0.2,
    "flickr8k": 0.2,
    "sst2": 0.1,
}
"""Sampling weight of each source."""


def assembled() -> tuple[Source, ...]:
    """Returns CIFAR-10, Fashion-MNIST, Multi30k's sentences, captions and retrieval on Flickr8k, and SST-2.

    Flickr8k is split by photograph, the same for both of its tasks. Multi30k's sentences describe photographs too:
    those of val and test photographs are left out of training, those of training photographs out of val and test.
    """
    root = data_root()
    cifar = ImageFolder(root / "cifar10" / "train", name="cifar10")
    garments, photographs = _garments(root, "train"), flickr8k(root / "flickr8k")
    cut = split_by_image(photographs, PHOTOGRAPHS)
    return (
        *_sources(
            classification("cifar10", cifar.names), split_by_image(cifar, {"train": 0.8, "val": 0.1, "test": 0.1})
        ),
        *_sources(
            classification("fashion", FASHION),
            {
                "train": Subset(garments, tuple(range(4000))),
                "val": Subset(garments, tuple(range(4000, 4500))),
                "test": Subset(_garments(root, "t10k"), tuple(range(1000))),
            },
        ),
        *_sources(masked_words(label="text"), _sentences(root / "multi30k", cut)),
        *_sources(captioning("flickr8k_caption"), cut),
        *_sources(retrieval("flickr8k"), cut),
        *_sources(glue("sst2"), _reviews(root / "glue")),
    )


def fights() -> tuple[Source, ...]:
    """Returns clips of two seconds of a camera, with a fight or without; too few to support a claim.

    The official lists are split by video, but val has 14 clips only. So the test set is the last third of each class in
    the list of train: clips of one video are consecutive in it, and at most one video per class is split.
    """
    root = data_root() / "surv_fight"
    clips = VideoList(root / "train.csv", frames=Frames(4))
    chosen_by = VideoList(root / "val.csv", frames=Frames(4), names=clips.names)
    cut: dict[str, list[int]] = {"train": [], "test": []}
    for kind in range(len(clips.names)):
        rows = [row for row in range(len(clips)) if clips[row].labels["class"] == kind]
        end = 2 * len(rows) // 3
        cut["train"] += rows[:end]
        cut["test"] += rows[end:]
    parts: dict[str, Reader] = {
        "val": chosen_by,
        **{role: Subset(clips, tuple(sorted(rows))) for role, rows in cut.items()},
    }
    return _sources(video_classification("fight", ("fight", "no fight"), crop=False), parts)


def _garments(root: Path, part: str) -> Idx:
    folder = root / "fashion_mnist"
    return Idx(folder / f"{part}-images-idx3-ubyte.gz", folder / f"{part}-labels-idx1-ubyte.gz", names=FASHION)


def _sentences(folder: Path, photographs: Mapping[str, Subset]) -> Mapping[str, Reader]:
    """Returns lines of English per split, without those that describe a photograph of another split."""
    of: dict[str, set[str]] = {}
    for role in ROLES:
        _collect(photographs[role], "captions", of)
    for part in ("train", "val"):
        _collect(Multi30k(folder, part, ("en",), task=1), "captions_en", of)
        _collect(Multi30k(folder, part, ("en",), task=2), "captions_en", of)
    known = {role: _texts_of(_ids(photographs[role]), of) for role in ROLES}
    lines = TextLines(folder / "text_only_full" / "train.en.gz", name="multi30k/train.en")
    evaluated = TextLines(folder / "text_only_full" / "val.en.gz", name="multi30k/val.en")
    chosen = Subset(lines, tuple(range(0, len(lines), 100)))
    rest = Subset(lines, tuple(row for row in range(len(lines)) if row % 100))
    return {
        "train": without_texts(rest, known["val"] | known["test"]),
        "val": without_texts(chosen, known["train"] | known["test"]),
        "test": without_texts(evaluated, known["train"] | known["val"]),
    }


def without_texts(lines: Reader, texts: Iterable[str]) -> Subset:
    """Returns the rows whose text is none of the given ones; case, spaces and punctuation are ignored."""
    held = {letters(text) for text in texts}
    return Subset(lines, tuple(row for row in range(len(lines)) if letters(str(lines[row].text)) not in held))


def letters(text: str) -> str:
    """Returns the letters and digits of a text, in lower case.

    Examples:
        >>> letters("A black dog , running .") == letters("A black dog, running")
        True
    """
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _collect(reader: Reader, label: str, of: dict[str, set[str]]) -> None:
    """Adds the texts of a reader to those of each photograph."""
    for row in range(len(reader)):
        for photograph in reader.keys(row):
            of.setdefault(photograph, set()).update(reader[row].labels[label])


def _ids(part: Reader) -> set[str]:
    return {photograph for row in range(len(part)) for photograph in part.keys(row)}


def _texts_of(photographs: Iterable[str], of: Mapping[str, set[str]]) -> set[str]:
    return {text for photograph in photographs for text in of.get(photograph, ())}


def _reviews(folder: Path) -> Mapping[str, Reader]:
    """Returns SST-2: GLUE's test labels are secret, so dev is the test set, and val is a twentieth of train."""
    train, dev = Glue(folder, "sst2", "train"), Glue(folder, "sst2", "dev")
    return {
        "train": Subset(train, tuple(row for row in range(len(train)) if row % 20)),
        "val": Subset(train, tuple(range(0, len(train), 20))),
        "test": dev,
    }


def _sources(task: Task, parts: Mapping[str, Reader]) -> tuple[Source, ...]:
    return tuple(
        Source(
            name=task.name if role == "train" else f"{task.name}/{role}", reader=parts[role], tasks=(task,), role=role
        )
        for role in ROLES
    )
