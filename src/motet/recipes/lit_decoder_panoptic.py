"""Panoptic maps of scenes by the LiT decoder: first codes, then the decoder that writes them (section 5.10).

motet train lit_decoder_panoptic:codes      the autoencoder of maps, some eight minutes on two cores
motet train lit_decoder_panoptic:tiny       the decoder, which starts from it
motet plan lit_decoder_panoptic:coco        COCO's files under $MOTET_DATA, UViM's sizes
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from motet.core import Task
from motet.data.readers import CocoPanoptic
from motet.data.schedules import Mixed
from motet.data.source import Role, Source
from motet.nn.encoders import TimmEncoder
from motet.nn.vqvae import VQVAEConfig
from motet.preprocess.tokenizers import HfTokenizer
from motet.recipes.data.photos import data_root
from motet.recipes.lit_decoder import small, stored
from motet.scenes import CREDIT, Scenes
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.options import ClassStrings, PanopticCodes
from motet.tasks.panoptic import panoptic
from motet.training.config import TrainConfig
from motet.training.optim import Adafactor, AdamW, Cosine
from motet.training.run import From, Run

KINDS = 4
COUNTS: dict[Role, int] = {"train": 2000, "val": 50, "test": 200}
SMALL = VQVAEConfig(
    size=64, patch=8, code_length=16, num_codes=128, code_width=32, width=96, heads=3, hidden=192, encoder_depth=2,
    decoder_depth=2, context=False, code_dropout=False,
)  # fmt: skip
CODES = From(Path("runs/lit_decoder_panoptic-codes"), made_by="motet train lit_decoder_panoptic:codes")


def codes() -> Run:
    """The autoencoder alone, on scenes: its panoptic quality is the most that the decoder can have."""
    return _run(replace(_options(), learn="codes"), TrainConfig(steps=1500, lr=2e-3, optimizer=AdamW(), seed=0))


def tiny() -> Run:
    """The decoder on the codes of `codes`, on the features of the bundled frozen encoder."""
    run = _run(_options(), TrainConfig(steps=2500, lr=1e-3, optimizer=AdamW(), precision="bfloat16", seed=0))
    return replace(run, start=CODES, features=stored())


def coco() -> Run:
    """The autoencoder of UViM's sizes on COCO's panoptic files, beside the paper's encoder and decoder.

    Batches, learning rate, decay and clipping are those of UViM's configuration. It also mirrors and crops its maps,
    which this run does not; and the paper learns its codes on Objects365 with labels of another model, which were not
    released.
    """
    folder, parts = data_root() / "coco", {"train": "train", "test": "val"}
    readers = {
        role: CocoPanoptic(folder / "annotations" / f"panoptic_{part}2017.json", folder / f"{part}2017")
        for role, part in parts.items()
    }
    task = panoptic("coco_panoptic", readers["train"].names, readers["train"].things)
    roles: tuple[tuple[str, Role], ...] = (("train", "train"), ("test", "test"))
    sources = tuple(Source(name=f"coco/{key}", reader=readers[key], tasks=(task,), role=role) for key, role in roles)
    options = PanopticCodes(learn="codes")
    return Run(
        system=LiTDecoderConfig(
            encoder=TimmEncoder("vit_base_patch16_siglip_224.webli"),
            tokenizer=HfTokenizer("google/mt5-base"),
            panoptic=options,
            max_tokens=options.autoencoder.code_length + 4,
        ),
        sources=sources,
        schedule=Mixed(batch_size=1024),
        train=TrainConfig(
            steps=115_000,
            lr=4e-4,
            optimizer=Adafactor(beta2_cap=0.95),
            lr_schedule=Cosine(warmup=4000),
            weight_decay=4e-5,
            grad_clip=1.0,
            workers=8,
            save_every=2000,
        ),
    )


def _options() -> PanopticCodes:
    return PanopticCodes(SMALL, instances=8, min_fraction=0.002)


def _run(options: PanopticCodes, train: TrainConfig) -> Run:
    task = _task()
    return Run(
        system=_system(options),
        sources=tuple(Source(name=f"scenes/{role}", reader=_scenes(role), tasks=(task,), role=role) for role in COUNTS),
        schedule=Mixed(batch_size=32),
        train=train,
        credit=(CREDIT,),
    )


def _system(options: PanopticCodes) -> LiTDecoderConfig:
    return replace(small(width=192, image_size=128), classes=ClassStrings(), separator=False, panoptic=options)


def _scenes(role: Role) -> Scenes:
    return Scenes(part=role, count=COUNTS[role], kinds=KINDS, num_things=(1, 3), size_hw=(64, 64))


def _task() -> Task:
    names = _scenes("train").names
    return panoptic("segments", ("ground", *names), (False, *([True] * len(names))))
