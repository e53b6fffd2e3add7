"""Uni-Perceiver-MoE's runs on sixteen sets, every value as published, with notes where paper and official code differ.

The paper's appendix with its training details is not at hand. What section 4.1 leaves open (how often each set is
drawn, rows of a batch, processes, steps, warm-up, weights of losses) is taken from the official configurations,
`16tasks_training_basemoe_stage1_56gpu.yaml` and its neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from motet.core import Reader, Task
from motet.data.drawn_batches import DrawnBatches
from motet.data.formats.text_file import read_lines
from motet.data.formats.video_rows import Frames
from motet.data.readers import CocoCaptions, ImageFolder, Kinetics, Table, TextLines, VideoList, WebDataset
from motet.data.sampling_rates import FixedRates
from motet.data.source import Source
from motet.preprocess.crops import InceptionCrop
from motet.preprocess.tokenizers import HfTokenizer
from motet.recipes.data.photos import data_root
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.uni_perceiver.options import BASE, LARGE, EncoderSize, Experts, LossConfig, Patches, Where
from motet.tasks import captioning, classification, masked_words, retrieval, video_classification
from motet.training.balancers import BatchMean
from motet.training.config import TrainConfig
from motet.training.lr_schedules import Cosine
from motet.training.optim import AdamW
from motet.training.run import From, Run

PAIRS: Mapping[str, float] = {
    "yfcc": 0.584, "cc12m": 0.5057, "cc3m": 0.26295, "visual_genome": 0.1766, "coco": 0.1144, "sbu": 0.1383,
}  # fmt: skip
"""Sampling weights of the data sets of image-text pairs, which serve both captioning and retrieval."""

SIXTEEN: Mapping[str, tuple[float, int]] = {
    "imagenet22k": (2.486, 720),
    "kinetics700": (0.76, 64),
    "moments": (0.44, 112),
    "bookswiki": (2.75, 512),
    **{f"{name}_caption": (rate, 300) for name, rate in PAIRS.items()},
    **{f"{name}_retrieval": (rate, 512) for name, rate in PAIRS.items()},
}
"""How often each is drawn, and rows of a batch, by source. Source: the official base configuration."""

PROCESSES = 56
"""GPUs of the official base configuration, each of which samples its own task."""

WEIGHTS: Mapping[str, float] = {"bookswiki": 0.5, "kinetics700": 0.1, "moments": 0.1}
"""What losses are multiplied with, where it is not 1 (retrieval has half for each direction). Source: the same."""

FIRST_STAGE = From(Path("runs/uni_perceiver-released_base"), made_by="motet train uni_perceiver:released_base")
"""Where `motet train uni_perceiver:released_base` leaves its run."""


def published_model(
    sizes: EncoderSize = BASE, *, image_size: int = 224, position_scale: float = 1.0
) -> UniPerceiverConfig:
    """The model itself: experts by attributes in every other layer, or in every one of the tiny model."""
    where: Where = "every other" if sizes in (BASE, LARGE) else "all"
    return UniPerceiverConfig(
        sizes=sizes,
        blocks=Experts(where=where),
        tokenizer=HfTokenizer("openai/clip-vit-base-patch32"),
        patches=Patches(size=image_size, position_scale=position_scale),
        crop=InceptionCrop(),
        loss=LossConfig(mixup_tasks=("imagenet22k",), weights=WEIGHTS),
    )


def published(sizes: EncoderSize) -> Run:
    """Section 4.1: 224 pixels; AdamW, 5e-4, decay 0.05, second moments' decay 0.98, clipped at 0.5.

    Steps and warm-up are those of the released first stage.
    """
    plan = TrainConfig(
        steps=230_000,
        lr=5e-4,
        optimizer=AdamW(betas=(0.9, 0.98), eps=1e-6),
        lr_schedule=Cosine(warmup=10_000),
        weight_decay=0.05,
        grad_clip=0.5,
        precision="bfloat16",
        workers=8,
        save_every=5000,
    )
    return _run(published_model(sizes), plan)


def released(sizes: EncoderSize, *, second: bool = False) -> Run:
    """The official configuration: 160 pixels, then 224 with positions scaled to fit.

    First stage: learning rate 1e-3, decay 0.2, clipped at 0.1, 230,000 steps; second: 2e-5, 0.05, 50,000 steps.
    """
    least = 1e-6  # below which the rate does not fall
    lr, decay, steps = (2e-5, 0.05, 50_000) if second else (1e-3, 0.2, 230_000)
    plan = TrainConfig(
        steps=steps,
        lr=lr,
        optimizer=AdamW(betas=(0.9, 0.95), eps=1e-6),
        lr_schedule=Cosine(warmup=0 if second else 10_000, min_factor=least / lr),
        weight_decay=decay,
        grad_clip=0.1,
        precision="bfloat16",
        workers=8,
        save_every=5000,
    )
    if second:
        return _run(published_model(sizes, position_scale=160 / 224), plan, start=FIRST_STAGE)
    return _run(published_model(sizes, image_size=160), plan)


def _run(system: UniPerceiverConfig, plan: TrainConfig, start: From | None = None) -> Run:
    return Run(
        system=system,
        sources=_sources(data_root(), system.frames),
        schedule=DrawnBatches(
            rates=FixedRates({name: rate for name, (rate, _) in SIXTEEN.items()}),
            batches=PROCESSES,
            batch_sizes={name: rows for name, (_, rows) in SIXTEEN.items()},
        ),
        train=plan,
        balancer=BatchMean(),
        start=start,
    )


def _sources(root: Path, frames: int) -> tuple[Source, ...]:
    """All are trained on; the test set is COCO's val2017, where the paper takes 5,000 images of val2014.

    ImageNet-1k, Kinetics-400, Flickr30k, MSVD and GLUE are evaluated afterwards, with or without tuning: see
    `motet.recipes.uni_perceiver_transfer`.
    """
    images = _named(root / "imagenet22k")
    read = Frames(frames)
    acts = Kinetics(root / "kinetics700", "train", frames=read)
    moments = VideoList(root / "moments" / "training.csv", root / "moments" / "training", frames=read)
    found = [
        _train(classification("imagenet22k", images.names), images),
        _train(video_classification("kinetics700", acts.names), acts),
        _train(video_classification("moments", moments.names), moments),
        _train(masked_words("bookswiki", label="text"), TextLines(root / "bookswiki" / "train.txt.gz")),
    ]
    readers = {name: _pairs(root, name) for name in PAIRS}
    found += [_train(captioning(f"{name}_caption"), reader) for name, reader in readers.items()]
    found += [_train(retrieval(f"{name}_retrieval", crop=True), reader) for name, reader in readers.items()]
    evaluated = _coco(root, "val")
    found += [
        Source(name="coco_caption/test", reader=evaluated, tasks=(captioning("coco_caption"),), role="test"),
        Source(
            name="coco_retrieval/test", reader=evaluated, tasks=(retrieval("coco_retrieval", crop=True),), role="test"
        ),
    ]
    return tuple(found)


def _named(folder: Path) -> ImageFolder:
    """ImageNet-22k: class folders by synset, and the words of each in `words.txt`; a word of several bears its synset.

    The model compares images with the words of a class, so numbers would carry no meaning.
    """
    lines = (line.partition("\t") for line in read_lines(folder / "words.txt"))
    words = {synset: text.split(",")[0].strip() for synset, _, text in lines}
    plain = ImageFolder(folder / "train", name="imagenet22k/train")
    uses = Counter(words.get(name, name) for name in plain.names)
    rename = {s: words[s] if uses[words[s]] == 1 else f"{words[s]} ({s})" for s in plain.names if words.get(s)}
    return ImageFolder(folder / "train", classes=plain.names, rename=rename, name="imagenet22k/train")


def _pairs(root: Path, name: str) -> Reader:
    match name:
        case "coco":
            return _coco(root, "train")
        case "visual_genome":
            # One line per image: the descriptions of its regions, joined from `region_descriptions.json`.
            folder = root / name
            labels = {"captions": "captions"}
            return Table(folder / "captions.jsonl", image="image", labels=labels, image_root=folder, image_id="vg/{id}")
        case _:
            # As img2dataset writes them: plain tars of 00000.jpg and 00000.txt.
            return WebDataset(root / name, image="jpg", labels={"captions": "txt"}, name=name)


def _coco(root: Path, part: str) -> Reader:
    folder = root / "coco"
    return CocoCaptions(folder / "annotations" / f"captions_{part}2017.json", folder / f"{part}2017")


def _train(task: Task, reader: Reader) -> Source:
    return Source(name=task.name, reader=reader, tasks=(task,))
