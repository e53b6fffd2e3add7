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
from motet.data.formats.video_rows import Frames, RandomFrames
from motet.data.joined_lines import JoinedLines
from motet.data.readers import CocoCaptions, ImageFolder, Kinetics, Table, TextLines, VideoList, WebDataset
from motet.data.sampling_rates import FixedRates
from motet.data.source import Compose, Source
from motet.metrics import WordAccuracy
from motet.preprocess.augment import RandAugment
from motet.preprocess.crops import InceptionCrop, SquareCrop
from motet.preprocess.tokenizers import HfTokenizer
from motet.recipes.data.photos import data_root
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.uni_perceiver.options import BASE, LARGE, EncoderSize, Experts, LossConfig, Patches, Where
from motet.tasks import captioning, classification, masked_words, retrieval, video_classification
from motet.tasks.captioning import CAPTION_METRICS
from motet.tasks.masked_language import WORD_METRICS
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
"""How often each is drawn, and rows of a batch, by source. Source: the first stage's file of the base model."""

SECOND: Mapping[str, tuple[float, int]] = {
    "imagenet22k": (2.486, 440),
    "kinetics700": (1.0, 12),
    "moments": (0.2, 68),
    "bookswiki": (2.75, 512),
    **{f"{name}_caption": (rate, 200) for name, rate in PAIRS.items()},
    **{f"{name}_retrieval": (rate, 320) for name, rate in PAIRS.items()},
}
"""The same of the second stage, `16tasks_training_basemoe_stage2_56gpu.yaml`."""

FRAMES: Mapping[str, int] = {"kinetics700": 4, "moments": 3}
SECOND_FRAMES: Mapping[str, int] = {"kinetics700": 8, "moments": 3}
STRIDE = 32
"""Frames of a clip in either stage, and their distance at 30 frames per second."""

LENGTHS: Mapping[str, int] = {
    "bookswiki": 128,
    **{f"{name}_{kind}": 30 if name == "visual_genome" else 50 for name in PAIRS for kind in ("caption", "retrieval")},
}
"""Longest texts (MAX_SEQ_LEN), by task. Lines of books are joined up to theirs."""

PROCESSES = 56
"""GPUs of the official base configuration, each of which samples its own task."""

WEIGHTS: Mapping[str, float] = {"bookswiki": 0.5, "kinetics700": 0.1, "moments": 0.1}
"""What losses are multiplied with, where it is not 1 (retrieval has half for each direction). Source: the same."""

FIRST_STAGE = From(Path("runs/uni_perceiver-released_base"), made_by="motet train uni_perceiver:released_base")
"""Where `motet train uni_perceiver:released_base` leaves its run."""


def published_model(
    sizes: EncoderSize = BASE, *, image_size: int = 224, position_scale: float = 1.0, second: bool = False
) -> UniPerceiverConfig:
    """The model itself: experts by attributes in every other layer, or in every one of the tiny model.

    Images of pairs are cropped to a square, those of videos to 224 of 256 to 320 pixels; the official code also mirrors
    images of pairs, whose captions contain "left" and "right". Classes of images have RandAugment, and in the first
    stage mixup or cutmix.
    """
    where: Where = "every other" if sizes in (BASE, LARGE) else "all"
    pairs = {f"{name}_{kind}": SquareCrop() for name in PAIRS for kind in ("caption", "retrieval")}
    videos = dict.fromkeys(FRAMES, SquareCrop((224 / 320, 224 / 256)))
    return UniPerceiverConfig(
        sizes=sizes,
        blocks=Experts(where=where),
        tokenizer=HfTokenizer("openai/clip-vit-base-patch32"),
        max_tokens_of=LENGTHS,
        patches=Patches(size=image_size, position_scale=position_scale),
        crop=InceptionCrop(min_area=0.08, aspect=(3 / 4, 4 / 3)),
        crop_of={**pairs, **videos},
        augment_of={"imagenet22k": RandAugment()},
        frames_of=SECOND_FRAMES if second else FRAMES,
        loss=LossConfig(
            smoothing=0.1,
            mixup_alpha=0.8,
            cutmix_alpha=1.0,
            mixup_tasks=() if second else ("imagenet22k",),
            weights=WEIGHTS,
        ),
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

    First stage: learning rate 1e-3, decay 0.2, clipped at 0.1, 230,000 steps, warm-up 10,000; second: 2e-5, 0.05,
    50,000 steps, warm-up 5,000.
    """
    least = 1e-6  # below which the rate does not fall
    lr, decay, steps = (2e-5, 0.05, 50_000) if second else (1e-3, 0.2, 230_000)
    plan = TrainConfig(
        steps=steps,
        lr=lr,
        optimizer=AdamW(betas=(0.9, 0.95), eps=1e-6),
        lr_schedule=Cosine(warmup=5000 if second else 10_000, min_factor=least / lr),
        weight_decay=decay,
        grad_clip=0.1,
        precision="bfloat16",
        workers=8,
        save_every=5000,
    )
    if second:
        return _run(published_model(sizes, position_scale=160 / 224, second=True), plan, SECOND, start=FIRST_STAGE)
    return _run(published_model(sizes, image_size=160), plan)


def _run(
    system: UniPerceiverConfig,
    plan: TrainConfig,
    drawn: Mapping[str, tuple[float, int]] = SIXTEEN,
    start: From | None = None,
) -> Run:
    return Run(
        system=system,
        sources=_sources(data_root(), system.frames_of),
        schedule=DrawnBatches(
            rates=FixedRates({name: rate for name, (rate, _) in drawn.items()}),
            batches=PROCESSES,
            batch_sizes={name: rows for name, (_, rows) in drawn.items()},
        ),
        train=plan,
        balancer=BatchMean(),
        start=start,
    )


def _sources(root: Path, frames: Mapping[str, int]) -> tuple[Source, ...]:
    """All are trained on; the test set is COCO's val2017, where the paper takes 5,000 images of val2014.

    ImageNet-1k, Kinetics-400, Flickr30k, MSVD and GLUE are evaluated afterwards, with or without tuning: see
    `motet.recipes.uni_perceiver_transfer`.
    """
    images = _named(root / "imagenet22k")
    acts = Kinetics(root / "kinetics700", "train", frames=Frames(frames["kinetics700"], stride=STRIDE))
    moments = VideoList(
        root / "moments" / "training.csv",
        root / "moments" / "training",
        frames=Frames(frames["moments"], stride=STRIDE),
    )
    lines = JoinedLines(TextLines(root / "bookswiki" / "train.txt.gz"), words=LENGTHS["bookswiki"])
    found = [
        _train(classification("imagenet22k", images.names), images),
        _train(video_classification("kinetics700", acts.names), acts, RandomFrames()),
        _train(video_classification("moments", moments.names), moments, RandomFrames()),
        _train(masked_words("bookswiki", label="text", metrics=WORD_METRICS), lines),
    ]
    readers = {name: _pairs(root, name) for name in PAIRS}
    found += [_train(_captions(name), reader) for name, reader in readers.items()]
    found += [_train(retrieval(f"{name}_retrieval", crop=True), reader) for name, reader in readers.items()]
    evaluated = _coco(root, "val")
    found += [
        Source(name="coco_caption/test", reader=evaluated, tasks=(_captions("coco"),), role="test"),
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


def _captions(name: str) -> Task:
    return captioning(f"{name}_caption", metrics=(*CAPTION_METRICS, WordAccuracy))


def _train(task: Task, reader: Reader, compose: Compose | None = None) -> Source:
    return Source(name=task.name, reader=reader, tasks=(task,), compose=compose)
