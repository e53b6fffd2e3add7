"""The recipe function that UniT suggests: it runs, and its numbers follow from the tasks."""

from dataclasses import replace

import pytest
from suggested import LONGEST, Planned, run_of, written
from toys import toy_sources

from motet.data.sampling_rates import FixedRates, Temperature
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.nn.text_encoders import BundledMiniLM, TinyBert
from motet.nn.tower import Finetune, FromScratch, Frozen
from motet.preprocess.crops import InceptionCrop
from motet.systems.unit import UniTConfig
from motet.systems.unit.options import FixedSize
from motet.systems.unit.suggestion import UniTSuggestion
from motet.training.balancers import TaskMean
from motet.training.optim import SkipUnusedAdamW
from motet.training.run import Run

BOXES = Planned("boxes", "detection", rows=800, boxes=7)
QUESTIONS = Planned("vqa", "question answering", rows=300)
PAIRS = Planned("rte", "sentences", rows=2000)
CLASSES = Planned("pets", "classification", rows=400)


def made(*tasks: Planned) -> Run:
    """The suggested run over as many sources of made-up rows, called as the tasks."""
    whole = toy_sources(*[8] * len(tasks))
    named: tuple[Source, ...] = tuple(replace(s, name=t.name) for s, t in zip(whole, tasks, strict=True))
    return run_of(UniTSuggestion(), tasks, named)


def config(run: Run) -> UniTConfig:
    assert isinstance(run.system, UniTConfig)
    return run.system


@pytest.mark.parametrize("tasks", [(BOXES,), (PAIRS,), (BOXES, QUESTIONS), (QUESTIONS, PAIRS), (BOXES, PAIRS, CLASSES)])
def test_every_mixture_of_tasks_gives_a_function_that_runs(tasks: tuple[Planned, ...]) -> None:
    run = made(*tasks)
    assert run.train.optimizer == SkipUnusedAdamW()
    assert run.balancer == TaskMean()
    assert isinstance(run.schedule, Mixed)
    assert run.schedule.whole_batches
    assert run.train.evaluate_every * 4 == run.train.save_every * 4 == run.train.steps
    text = written(UniTSuggestion(), tasks)
    assert max(map(len, text.lines)) <= LONGEST
    # Nothing is imported in vain: an unused name is an error of every linter.
    body = "\n".join(text.lines)
    assert all(name in body for names in text.imports.values() for name in names)


@pytest.mark.parametrize(("most", "queries"), [(1, 10), (6, 10), (7, 20), (20, 30), (60, 90), (500, 100)])
def test_there_are_half_as_many_queries_again_as_boxes_in_tens(most: int, queries: int) -> None:
    assert config(made(replace(BOXES, boxes=most))).box_queries == queries
    fullest = made(replace(BOXES, name="few", boxes=1), replace(BOXES, boxes=most))
    assert config(fullest).box_queries == queries


def test_detection_has_half_of_the_steps() -> None:
    run = made(BOXES, QUESTIONS, PAIRS, CLASSES)
    assert isinstance(run.schedule, Mixed)
    assert run.schedule.rates == FixedRates({"boxes": 3.0, "vqa": 1.0, "rte": 1.0, "pets": 1.0})
    more = made(BOXES, replace(BOXES, name="cells"), QUESTIONS)
    assert isinstance(more.schedule, Mixed)
    assert more.schedule.rates == FixedRates({"boxes": 1.0, "cells": 1.0, "vqa": 1.0})  # never less than another


def test_without_boxes_sources_are_drawn_by_the_root_of_their_size() -> None:
    run = made(QUESTIONS, PAIRS)
    assert isinstance(run.schedule, Mixed)
    assert run.schedule.rates == Temperature(2.0)


def test_texts_are_read_by_the_bundled_encoder_and_images_are_stored_only_where_there_are_some() -> None:
    reading, looking = made(PAIRS), made(BOXES)
    assert config(reading).text == BundledMiniLM()
    assert config(reading).text_mode == Frozen()
    assert config(reading).linear
    assert config(made(QUESTIONS)).text_mode == Finetune(0.1)
    assert not config(made(QUESTIONS)).linear
    assert config(reading).text_limits.max_tokens == 64
    assert reading.features is not None  # of texts
    assert made(replace(PAIRS, rows=15_001)).features is None  # storing them would take longer than the training
    assert isinstance(config(looking).text, TinyBert)
    assert config(looking).text_mode == FromScratch()
    assert looking.features is not None


@pytest.mark.parametrize(("rows", "steps"), [(100, 600), (800, 1000), (2000, 2500), (100_000, 4000)])
def test_rows_are_seen_forty_times_between_two_limits(rows: int, steps: int) -> None:
    assert made(replace(QUESTIONS, rows=rows)).train.steps == steps


def test_free_texts_are_for_another_system() -> None:
    along = UniTSuggestion().takes_along
    assert along(["classification", "question answering", "sentences"])
    assert not along(["captioning"])
    assert not along(["classification", "text reading"])
    assert along([])


def test_boxes_alone_are_learned_from_stored_crops_that_hold_fewer_things() -> None:
    boxes, both = made(BOXES), made(BOXES, CLASSES)
    assert config(boxes).views == FixedSize(InceptionCrop(min_area=0.06))
    assert config(boxes).hflip
    assert boxes.features is not None
    assert boxes.features.views == 10  # 8,000 in all, and of few images 32 each
    few = made(replace(BOXES, rows=200)).features
    assert few is not None
    assert few.views == 32
    assert isinstance(boxes.schedule, Mixed)
    assert (boxes.schedule.batch_size, boxes.train.grad_clip) == (16, 0.1)
    # A class may not be in a small part of its image.
    assert config(both).views == FixedSize()
    assert both.features is not None
    assert both.features.views == 1
