"""The recipe function that a LiT decoder suggests: it runs, and its numbers follow from the rows."""

import pytest
from suggested import LONGEST, Planned, run_of, written
from toys import toy_sources

from motet.data.sampling_rates import ConcatImages
from motet.data.schedules import Mixed
from motet.nn.encoders import BundledLite0
from motet.nn.tower import Frozen
from motet.systems.lit_decoder import LiTDecoderConfig
from motet.systems.lit_decoder.suggestion import LiTDecoderSuggestion

CAPTIONS = Planned("captions", "captioning", rows=3000)


def test_the_written_function_runs_on_stored_features_of_a_frozen_encoder() -> None:
    run = run_of(LiTDecoderSuggestion(), [CAPTIONS], toy_sources(8))
    config = run.system
    assert isinstance(config, LiTDecoderConfig)
    assert config.encoder == BundledLite0(size=128, stage=(-2, -1))
    assert config.mode == Frozen()
    assert run.features is not None
    # What is stored is one view of an image, so that nothing may be cropped or mirrored.
    assert not config.hflip
    assert (config.dropout, config.label_smoothing) == (0.0, 0.0)
    assert run.schedule == Mixed(rates=ConcatImages(), batch_size=64)
    assert (run.train.lr, run.train.precision) == (1e-3, "bfloat16")


@pytest.mark.parametrize(("rows", "steps"), [(10, 200), (1000, 500), (3000, 1400), (100_000, 1500)])
def test_rows_are_seen_thirty_times_between_two_limits(rows: int, steps: int) -> None:
    half = [Planned(name, "captioning", rows=rows // 2) for name in ("a", "b")]
    run = run_of(LiTDecoderSuggestion(), half, toy_sources(8, 8))
    assert run.train.steps == steps
    assert run.train.evaluate_every == run.train.save_every == steps // 4


def test_the_text_names_its_tasks_and_imports_what_it_uses() -> None:
    text = written(LiTDecoderSuggestion(), [CAPTIONS])
    body = "\n".join(text.lines)
    assert "for all of it" in text.lines[1]
    assert all(name in body for names in text.imports.values() for name in names)
    assert max(map(len, text.lines)) <= LONGEST


def test_classes_and_questions_come_along_and_what_needs_boxes_or_pairs_does_not() -> None:
    along = LiTDecoderSuggestion().takes_along
    assert along(["classification", "question answering", "classification"])
    for kind in ("detection", "sentences", "visual entailment", "referring", "segmentation", "video classification"):
        assert not along(["classification", kind])
