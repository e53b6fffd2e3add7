"""UniT's run on eight data sets, every value as published, with notes where paper and official code differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from motet.core import Task
from motet.core.reader import Reader
from motet.data.readers import CocoInstances, Glue, SnliVe, VisualGenomeObjects, VisualGenomeQA, Vqav2
from motet.data.readers.glue import GlueTask
from motet.data.sampling_rates import FixedRates
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.data.splits import ConcatRows, OnlyImages, WithoutImages, answers_from
from motet.metrics.vqa_words import vocabulary_answer
from motet.nn.feature_maps import TimmMap
from motet.nn.text_encoders import HfBert
from motet.nn.tower import Finetune
from motet.recipes.data.photos import data_root
from motet.systems.unit.config import UniTConfig
from motet.systems.unit.options import ShortestSide
from motet.tasks import TEN_ANSWERS_METRICS, detection, glue, question_answering, visual_entailment
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.optim import Cosine, HfAdamW, SkipUnusedAdamW
from motet.training.run import Run

RATES: Mapping[str, float] = {
    "coco": 0.20, "visual_genome": 0.07, "vqav2": 0.26, "snli_ve": 0.12, "qnli": 0.10, "mnli": 0.10, "qqp": 0.10,
    "sst2": 0.05,
}  # fmt: skip
"""Appendix A, table A.2, line 2: the share of the iterations that each data set feeds."""

DETECTION_AND_VQA_RATES: Mapping[str, float] = {"coco": 0.33, "visual_genome": 0.33, "vqav2": 0.33}
"""Line 1."""

ABLATION_RATES: Mapping[str, float] = {"coco": 0.30, "snli_ve": 0.50, "mnli": 0.20}
"""Line 3."""

SENTENCES: tuple[GlueTask, ...] = ("qnli", "mnli", "qqp", "sst2")


def published_model() -> UniTConfig:
    """The model itself: a ResNet-50 with a dilated last stage and BERT before six layers of 768 channels to decode."""
    return UniTConfig(
        trunk=TimmMap("resnet50", output_stride=16, frozen_norms=True, frozen_stages=2),
        mode=Finetune(0.2),  # 1e-5 against 5e-5, as in the code
        views=ShortestSide(),
        text=HfBert("bert-base-uncased"),
        text_mode=Finetune(1.0),
    )


def published() -> Run:
    """The shared model of section 4.2: 500,000 iterations of 64 rows on eight data sets.

    The ResNet-50 with a dilated last stage starts from ImageNet here. The paper starts image encoder, decoder and
    COCO's heads from its own COCO model: train that one first and give it as ``start=From(folder)``, or fill the
    image encoder from a published DETR, ``start=Published("facebook/detr-resnet-50-dc5")``. Plain AdamW, as the
    released configuration of this run has it; the paper's footnote 2 wants `SkipUnusedAdamW` for shared decoders.
    Clipping at 0.1 is in the code only.
    """
    return Run(
        system=published_model(),
        sources=_sources(data_root()),
        schedule=Mixed(rates=FixedRates(RATES), batch_size=64, whole_batches=True),
        train=TrainConfig(
            steps=500_000,
            lr=5e-5,
            optimizer=HfAdamW(),
            lr_schedule=Cosine(warmup=2000),
            weight_decay=1e-4,
            grad_clip=0.1,
            workers=4,
            save_every=10_000,
        ),
        balancer=TaskMean(),
    )


def published_detection_and_vqa() -> Run:
    """The shared model of section 4.1 on three data sets: 450,000 iterations; unused parameters are skipped."""
    return _some(DETECTION_AND_VQA_RATES, steps=450_000, optimizer=SkipUnusedAdamW())


def published_ablation() -> Run:
    """The model of section 4.2's ablations on three data sets: 500,000 iterations."""
    return _some(ABLATION_RATES, steps=500_000, optimizer=HfAdamW())


def _some(rates: Mapping[str, float], *, steps: int, optimizer: HfAdamW | SkipUnusedAdamW) -> Run:
    run = published()
    return replace(
        run,
        sources=tuple(source for source in run.sources if source.name.removesuffix("/test") in rates),
        schedule=Mixed(rates=FixedRates(rates), batch_size=64, whole_batches=True),
        train=replace(run.train, steps=steps, optimizer=optimizer),
    )


def _sources(root: Path) -> tuple[Source, ...]:
    coco, genome, vqa, entail = root / "coco", root / "visual_genome", root / "vqav2", root / "snli_ve"
    boxes = {
        part: CocoInstances(coco / "annotations" / f"instances_{part}2017.json", coco / f"{part}2017", clip=True)
        for part in ("train", "val")
    }
    # Section 4.1, "Removing overlap": what is on COCO's val2017 is evaluated on and never trained on. COCO's train2017
    # holds most of val2014, so VQAv2 and Visual Genome are cut by val2017 and not by their own splits.
    held = frozenset(key for row in range(len(boxes["val"])) for key in boxes["val"].keys(row))
    things = VisualGenomeObjects(
        genome / "objects.json",
        genome,
        genome / "attributes.json",
        genome / "objects_vocab.txt",
        genome / "attributes_vocab.txt",
        image_data=genome / "image_data.json",
    )
    questions = ConcatRows(
        tuple(
            Vqav2(
                vqa / f"v2_OpenEnded_mscoco_{part}2014_questions.json",
                vqa / f"v2_mscoco_{part}2014_annotations.json",
                vqa / f"{part}2014",
            )
            for part in ("train", "val")
        )
    )
    more = VisualGenomeQA(genome / "question_answers.json", genome, image_data=genome / "image_data.json")
    # MMF's 3,129 answers: of train and val, preprocessed, given at least nine times.
    answers = answers_from(questions, 9, prepare=vocabulary_answer)
    vqa_task = question_answering("vqav2", answers=answers, metrics=TEN_ANSWERS_METRICS)
    premises = {
        part: SnliVe(entail / f"snli_ve_{part}.jsonl", entail / "flickr30k-images") for part in ("train", "dev")
    }
    found: list[Source] = [
        *_pair(detection("coco", boxes["train"].names), boxes["train"], boxes["val"]),
        *_pair(
            detection("visual_genome", things.names, attributes=things.attribute_names),
            WithoutImages(things, held),
            OnlyImages(things, held),
        ),
        *_pair(vqa_task, WithoutImages(ConcatRows((questions, more)), held), OnlyImages(questions, held)),
        *_pair(visual_entailment("snli_ve", premises["train"].names), premises["train"], premises["dev"]),
    ]
    for name in SENTENCES:
        dev = "dev_mismatched" if name == "mnli" else "dev"  # the paper reports MNLI mismatched
        found += _pair(glue(name), Glue(root / "glue", name, "train"), Glue(root / "glue", name, dev))
    return tuple(found)


def _pair(task: Task, train: Reader, test: Reader) -> list[Source]:
    """Returns train and test sources; no "val", since the paper reports the last iteration."""
    return [
        Source(name=task.name, reader=train, tasks=(task,)),
        Source(name=f"{task.name}/test", reader=test, tasks=(task,), role="test"),
    ]
