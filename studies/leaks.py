"""Published sets that share images: e-SNLI-VE and VQAv2 as test sets against Flickr8k, Multi30k and COCO as training.

As a recipe it feeds the command line:

    MOTET_DATA=... motet data leaks studies/leaks.py:run
    MOTET_DATA=... motet data deduplicate studies/leaks.py:run --out deduplicated
    MOTET_DATA=... motet data leaks clean/run.py

Run as a program it writes docs/results/leaks.md: the table before, after, and what the hashes find of copies that are
planted among images that are unrelated.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from motet.core import ConfigError, MemoryImage, rng_for
from motet.data.image_hashes import Hashes, hash_images
from motet.data.leakage import (
    DHASH_BITS,
    PHASH_BITS,
    TaskLeakage,
    held_out_role,
    image_files,
    leakage_by_task,
    near_duplicates,
    removals,
    without_removed,
)
from motet.data.readers import CocoCaptions, ESnliVe, Flickr8k, Multi30k, Vqav2
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.data.splits import split_by_image
from motet.preprocess.images import decode
from motet.recipes.lit_decoder import small
from motet.tasks.captioning import captioning
from motet.tasks.entailment import visual_entailment
from motet.tasks.questions import TEN_ANSWERS_METRICS, question_answering
from motet.training.config import TrainConfig
from motet.training.run import Run

PAGE = Path(__file__).parent.parent / "docs" / "results" / "leaks.md"


def run() -> Run:
    """Captioning on Flickr8k, Multi30k and COCO; entailment and questions whose images come from the same places.

    Entailment and questions have a quarter of their own images to train on, cut by image, so that their own
    training is clean from the start.
    """
    root = data_root()
    flickr, coco = root / "flickr8k", root / "coco"
    entail = split_by_image(
        ESnliVe(root / "esnlive/esnlive_dev.csv", root / "esnlive/flickr30k-images"), {"train": 0.25, "test": 0.75}
    )
    folder = root / "vqav2"
    vqa = split_by_image(
        Vqav2(
            folder / "v2_OpenEnded_mscoco_train2014_questions.json",
            folder / "v2_mscoco_train2014_annotations.json",
            folder / "train2014",
        ),
        {"train": 0.25, "test": 0.75},
    )
    requested = question_answering("vqav2", metrics=TEN_ANSWERS_METRICS)
    entails, german = visual_entailment("esnlive"), captioning("multi30k_de", label="captions_de")
    train = (
        Source(
            name="flickr8k/train",
            reader=Flickr8k(flickr / "captions.txt", flickr / "Images", split=flickr / "train_images.txt"),
            tasks=(captioning("flickr8k"),),
        ),
        Source(name="multi30k/train", reader=Multi30k(root / "multi30k", "train"), tasks=(german,)),
        Source(
            name="coco/train",
            reader=CocoCaptions(coco / "annotations/captions_train2017.json", coco / "train2017"),
            tasks=(captioning("coco"),),
        ),
        Source(name="esnlive/train", reader=entail["train"], tasks=(entails,)),
        Source(name="vqav2/train", reader=vqa["train"], tasks=(requested,)),
    )
    held = (
        Source(name="esnlive/test", reader=entail["test"], tasks=(entails,), role="test"),
        Source(name="vqav2/test", reader=vqa["test"], tasks=(requested,), role="test"),
    )
    return Run(system=small(), sources=train + held, schedule=Mixed(batch_size=32), train=TrainConfig(steps=300))


def data_root() -> Path:
    """The folder of the data sets, from the environment."""
    if "MOTET_DATA" not in os.environ:
        raise ConfigError("studies/leaks.py: MOTET_DATA: got nothing; want the folder of the data sets")
    return Path(os.environ["MOTET_DATA"])


def encoded(image: Image.Image, quality: int) -> bytes:
    """A JPEG."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def cut(image: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    """A window of so much of each side, anywhere."""
    width, height = (round(side * share) for side in image.size)
    x, y = int(rng.integers(image.width - width + 1)), int(rng.integers(image.height - height + 1))
    return image.crop((x, y, x + width, y + height))


def resized(image: Image.Image, share: float) -> Image.Image:
    """The whole at another size."""
    width, height = (max(1, round(side * share)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


COPIES: dict[str, Callable[[Image.Image, np.random.Generator], bytes]] = {
    "re-encoded, JPEG quality 30": lambda rgb, _: encoded(rgb, 30),
    "half the size": lambda rgb, _: encoded(resized(rgb, 0.5), 85),
    "twice the size": lambda rgb, _: encoded(resized(rgb, 2.0), 85),
    "cropped to 95 % of each side": lambda rgb, rng: encoded(cut(rgb, 0.95, rng), 85),
    "cropped to 90 % of each side": lambda rgb, rng: encoded(cut(rgb, 0.9, rng), 85),
    "cropped to 80 % of each side": lambda rgb, rng: encoded(cut(rgb, 0.8, rng), 85),
}


@dataclass(frozen=True)
class Found:
    """What the hashes find of one kind of copy: half of the images have one, among copies of the other half."""

    kind: str
    planted: int
    right: int
    wrong: int

    def row(self) -> str:
        """Of the table."""
        pairs = self.right + self.wrong
        precision = f"{self.right / pairs:.1%}" if pairs else "-"
        return f"| {self.kind} | {self.planted} | {self.right / self.planted:.1%} | {precision} | {self.wrong} |"


def measured(all_images: dict[str, Image.Image], originals: Hashes) -> list[Found]:
    """Copies of every image of the second half, and which of all images they are taken for."""
    planted = list(all_images)[1::2]
    found = []
    for kind, copy in COPIES.items():
        made = {name: copy(all_images[name], rng_for("planted", kind, name)) for name in planted}
        images = {f"copy of {name}": MemoryImage(name, data) for name, data in made.items()}
        pairs = {
            (pair.test_id, pair.train_id) for pair in near_duplicates(hash_images(images, decode, workers=0), originals)
        }
        right = sum((f"copy of {name}", name) in pairs for name in planted)
        found.append(Found(kind, len(planted), right, len(pairs) - right))
    return found


def table(shares: Sequence[TaskLeakage]) -> str:
    """Markdown: a row a test set, a column what is trained on."""
    others = list(dict.fromkeys(one.other for one in shares))
    lines = [f"| test images of | images | {' | '.join(others)} |", "|---|--:|" + "--:|" * len(others)]
    for task in dict.fromkeys(one.task for one in shares):
        own = [one for one in shares if one.task == task]
        cells = [f"{one.share:.1%}" + (f" (+{one.alike})" if one.alike else "") for one in own]
        lines.append(f"| {task} | {own[0].images} | {' | '.join(cells)} |")
    return "\n".join(lines)


def written() -> str:
    """The page."""
    sources = run().sources
    role = held_out_role(sources)
    files = [image_files([s for s in sources if (s.role == role) is held]) for held in (True, False)]
    start = time.perf_counter()
    every = hash_images(files[0] | files[1], decode)
    seconds = time.perf_counter() - start
    alike = near_duplicates(every.of(tuple(files[0])), every.of(tuple(files[1])))
    lists = removals(sources)
    after = without_removed(sources, {one.source: one for one in lists})
    images = {name: decode(image) for name, image in (files[0] | files[1]).items()}
    found = measured(images, every)
    unrelated = near_duplicates(every, every)
    count = len(images)
    gone = "\n".join(
        f"| {one.source} | {one.images} | {len(one.same)} | {one.rows} | {one.rows_left} |" for one in lists
    )
    by_name = {source.name: source for source in after}
    if any(one.rows_left != len(by_name[one.source].reader) for one in lists):
        raise ConfigError("studies/leaks.py: the cleaned sources do not have the rows that their lists say")
    return PAGE_TEXT.format(
        before=table(leakage_by_task(sources, alike)),
        after=table(leakage_by_task(after, alike)),
        gone=gone,
        found="\n".join(one.row() for one in found),
        count=count,
        pairs=count * (count - 1) // 2,
        unrelated=len(unrelated) // 2,
        ms=1000 * seconds / count,
        max_phash_bits=PHASH_BITS,
        max_dhash_bits=DHASH_BITS,
    )


PAGE_TEXT = """# Images of test sets in training

Written by `python studies/leaks.py` (it needs `MOTET_DATA`). Small published parts of the sets stand for the whole: the
shares are those of these parts.

## Before

Share of each task's test images that stand in what each task trains on, by image id; in brackets how many more look
like one that does. e-SNLI-VE is made of Flickr30k's photographs, as are Multi30k and a part of Flickr8k; VQAv2 of
COCO's, whose 2014 and 2017 releases have one numbering.

{before}

## After `motet data deduplicate`

{after}

What was left out of training (test sets stay as they are):

| source | images | in a test set | rows | rows left |
|---|--:|--:|--:|--:|
{gone}

## What the hashes find

Copies of half of the {count} images, compared with all of them. A copy counts as found when it is paired with its
original; every other pair is wrong. pHash may differ in {frequencies} of 64 bits and dHash in {differences}; each of
seven windows of an image is compared with the whole of the other, both ways.

| copy | planted | recall | precision | wrong pairs |
|---|--:|--:|--:|--:|
{found}

Among the {count} different images themselves, {pairs:,} pairs, {unrelated} look alike. Reading and hashing an image
of these sizes took {ms:.1f} ms here, on a busy machine.
"""


def main() -> None:
    """Writes the page."""
    PAGE.write_text(written(), encoding="utf-8")
    sys.stdout.write(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
