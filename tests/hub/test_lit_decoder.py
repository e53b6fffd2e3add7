"""The LiT decoder comes back from a folder, and takes other tasks with the prompts it knows."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from motet.core.model_folder import read_weights
from motet.hub import load_system, load_system_with_match, save_pretrained
from motet.hub.predict import PredictionInput, Predictor
from motet.nn.encoders import PlainViT
from motet.nn.generate import BeamSearch, Sampling
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems import build_system
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.decoding import Scoring
from motet.systems.lit_decoder.options import ClassTokens, ScoredClasses

TEXTS = ["a cat", "a dog", "how many ?", "two red birds"]


def build(tasks, **given):
    torch.manual_seed(0)
    config = LiTDecoderConfig(
        encoder=PlainViT(size=32, width=16, depth=1, heads=1),
        depth=1,
        width=16,
        heads=1,
        max_tokens=32,
        tokenizer=TrainedTokenizer(size=300),
        **given,
    )
    system = build_system(config, tasks, texts=lambda: TEXTS)
    with torch.no_grad():  # heads start at zero, and would say the same whatever was saved
        for parameter in system.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return system


@pytest.fixture
def asks():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(3)]
    return [PredictionInput(image=image, text="how many ?") for image in images]


def test_it_answers_as_before(tasks, tmp_path, asks):
    system = build(tasks("animal", "caption", "vqa"))
    save_pretrained(system, tmp_path / "model")
    before, after = Predictor(system), Predictor(load_system(tmp_path / "model"))
    for task in ("animal", "caption", "vqa"):
        assert before.batch(task, asks) == after.batch(task, asks)


def test_an_answer_does_not_depend_on_the_rows_beside_it(tasks, asks):
    predictor = Predictor(build(tasks("animal", "vqa")))
    for task in ("animal", "vqa"):
        together = predictor.batch(task, asks)
        for ask, answer in zip(asks, together, strict=True):
            alone = predictor(task, ask.image, ask.text)
            assert getattr(alone, "text", alone) == getattr(answer, "text", answer)


@pytest.mark.parametrize(
    "options",
    [{}, {"classes": ClassTokens()}, {"classes": ScoredClasses()}],
    ids=["strings", "tokens", "scored"],
)
def test_other_tasks_keep_what_has_their_name(tasks, tmp_path, caplog, options):
    save_pretrained(build(tasks("animal", "caption"), **options), tmp_path / "model")
    saved = read_weights(tmp_path / "model")
    with caplog.at_level(logging.WARNING, logger="motet.hub"):
        system, matched = load_system_with_match(tmp_path / "model", tasks=tasks("kind", "caption"))
    own = system.state_dict()
    assert list(system.tasks) == ["kind", "caption"]
    for name in matched.matched:
        assert torch.equal(own[name], saved[name]), name
    assert any("caption" in name for name in matched.matched)
    assert all("animal" in name for name in matched.unused)
    assert all("kind" in name for name in matched.missing)
    assert matched.unused
    assert matched.missing


def test_the_decoding_is_saved_with_the_model(tasks, tmp_path):
    system = build(tasks("animal", "caption", "vqa"), decoding={"caption": BeamSearch(num_beams=2)})
    system.decode_with({"animal": Scoring(), "vqa": Sampling(temperature=0.5)})
    save_pretrained(system, tmp_path / "model")
    loaded = load_system(tmp_path / "model")
    assert loaded.decoding == system.decoding
    assert loaded.decoding["caption"] == BeamSearch(num_beams=2)
    assert loaded.decoding["animal"] == Scoring()
