"""Panoptic maps by the LiT decoder: codes of an autoencoder that is learned first, then written by the decoder."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motet.core import ConfigError, DataError, PanopticMap
from motet.core.codec import from_json, to_json
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.evaluation.predictions_io import prediction_to_json
from motet.hub import load_system
from motet.nn.encoders import PlainViT
from motet.nn.tower import FromScratch
from motet.nn.vqvae import VQVAEConfig
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.scenes import Scenes
from motet.systems import build_system
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.lit_decoder.options import PanopticCodes
from motet.tasks.captioning import captioning
from motet.tasks.panoptic import panoptic
from motet.training.config import TrainConfig
from motet.training.run import From, Run
from motet.training.run_training import run_training
from motet.training.saved_names import saved_names

SCENES = Scenes(part="train", count=8, kinds=3, size_hw=(32, 32))
NAMES = ("ground", *SCENES.names)
TASK = panoptic("segments", NAMES, (False, *([True] * len(SCENES.names))))
SIZES = VQVAEConfig(
    size=16, patch=4, code_length=4, num_codes=8, code_width=8, width=16, heads=2, hidden=32, encoder_depth=1,
    decoder_depth=1, context=False,
)  # fmt: skip
CODES = PanopticCodes(SIZES, instances=8)
CONFIG = LiTDecoderConfig(
    encoder=PlainViT(32, 8, 16, 1, 2), mode=FromScratch(), depth=1, width=16, heads=2, max_tokens=24,
    tokenizer=TrainedTokenizer(size=300), dropout=0.0, label_smoothing=0.0, panoptic=CODES,
)  # fmt: skip


def make(*tasks, **changes):
    torch.manual_seed(0)
    config = replace(CONFIG, **changes)
    return build_system(config, tasks or (TASK,), texts=lambda: ["a cat", "two dogs"]).eval()


def batch_of(system, count: int = 3, **options):
    tasks = list(system.tasks.values())
    rows = [system.processor.row(SCENES[i], tasks, None) for i in range(count)]
    return system.processor.collate(rows, keep_annotations=True, **options)


def test_the_decoder_is_trained_on_the_codes_of_the_annotations() -> None:
    system = make()
    codec = system.masks["segments"]
    batch = batch_of(system)
    target = batch.targets["segments"]
    codes = codec.codes(target.value, None)
    assert codes.shape == (3, SIZES.code_length)
    filled = system.masks.with_codes("segments", target, batch).value
    first = system.sequences.first_code(TASK)
    for row, prefix in enumerate(filled["prefix"].tolist()):
        assert torch.equal(filled["tokens"][row, prefix : prefix + 4] - first, codes[row])
        assert filled["counted"][row].nonzero()[:, 0].tolist() == list(range(prefix, prefix + 4))
    loss = system.losses(batch).tasks["segments"]
    # All output kernels begin at zero, so every token that can be generated is as likely.
    assert float((loss.total / loss.weight).detach()) == pytest.approx(np.log(system.sequences.num_answers), abs=1e-4)
    assert not any(parameter.requires_grad for parameter in codec.parameters())


def test_the_likeliest_codes_become_a_map_of_the_files_size() -> None:
    system = make()
    with torch.no_grad():
        for parameter in system.masks["segments"].parameters():
            torch.nn.init.normal_(parameter, 0, 0.5)
        system.decoder.pieces.special_kernel["codes of segments"].normal_()
    predicted = system.predict(batch_of(system))["segments"]
    assert all(isinstance(one, PanopticMap) and one.segments.shape == (32, 32) for one in predicted)
    described = prediction_to_json(predicted[0], TASK.target)
    assert described["size"] == [32, 32]
    assert all(segment["name"] in NAMES for segment in described["segments"])


def test_generated_codes_are_those_of_one_pass_over_all_tokens() -> None:
    """The cached steps choose at each place what the whole sequence, read at once, would choose."""
    from motet.systems.lit_decoder.panoptic import generate_codes

    system = make()
    with torch.no_grad():
        system.decoder.pieces.special_kernel["codes of segments"].normal_()
    batch = batch_of(system)
    value, memory = batch.targets["segments"].value, system.memory(batch)
    first = system.sequences.first_code(TASK)
    codes = generate_codes(system.decoder, system.decoder.start(memory), value, "codes of segments", first, 4)
    prefix = int(value["prefix"][0])
    tokens = torch.cat([value["tokens"][:, :prefix], first + codes], dim=1)
    with torch.no_grad():
        logits = system.decoder(tokens, memory)[:, prefix:, first : first + SIZES.num_codes]
    assert torch.equal(logits.argmax(-1), codes)


def test_other_tasks_go_beside_it() -> None:
    system = make(TASK, captioning("caption"))
    batch = batch_of(system)
    losses = system.losses(batch)
    assert list(losses.tasks) == list(batch.targets) == ["segments", "caption"]
    assert set(system.predict(batch)) == {"segments", "caption"}
    learning = make(TASK, captioning("caption"), panoptic=replace(CODES, learn="codes"))
    assert set(learning.losses(batch_of(learning)).tasks) == {"segments", "caption"}


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"panoptic: got none; want PanopticCodes\(\.\.\.\) for the task 'segments'"):
        make(panoptic=None)
    with pytest.raises(ConfigError, match=r"max_tokens: got 24; want at least 66, for the 64 codes"):
        make(panoptic=replace(CODES, autoencoder=replace(SIZES, code_length=64)))
    with pytest.raises(ConfigError, match="learn: got 'both'; want 'codes' or 'decoder'"):
        PanopticCodes(SIZES, learn="both")  # type: ignore[arg-type]
    system = make(panoptic=replace(CODES, autoencoder=replace(SIZES, context=True)))
    batch = batch_of(system)
    del batch.inputs["pixels"]
    with pytest.raises(ConfigError, match="context: got stored features; want pixels"):
        system.masks.with_codes("segments", batch.targets["segments"], batch)
    broken = replace(SCENES[0], labels={"panoptic": np.zeros((2, 2))})
    with pytest.raises(DataError, match="task 'segments': got a ndarray; want a PanopticMap"):
        system.processor.row(broken, [TASK], None)


def test_the_configuration_is_saved() -> None:
    names = saved_names()
    assert from_json(to_json((CONFIG, TASK)), names) == (CONFIG, TASK)


def test_two_runs_codes_then_decoder(tmp_path: Path) -> None:
    """The first run learns codes and reports how well they restore annotations; the second starts from it."""
    sources = tuple(
        Source(name=f"{role}", reader=SCENES, tasks=(TASK,), role=role)  # type: ignore[arg-type]
        for role in ("train", "test")
    )
    first = Run(
        system=replace(CONFIG, panoptic=replace(CODES, learn="codes")), sources=sources, schedule=Mixed(batch_size=4),
        train=TrainConfig(steps=3, lr=1e-2),
    )  # fmt: skip
    report = run_training(first, tmp_path / "codes", device="cpu", show=False)
    assert {result.metric for result in report.results} == {"pq", "sq", "rq"}
    second = replace(first, system=CONFIG, start=From(tmp_path / "codes"))
    run_training(second, tmp_path / "decoder", device="cpu", show=False, baselines=False)
    before, after = load_system(tmp_path / "codes"), load_system(tmp_path / "decoder")
    for name, value in before.masks.state_dict().items():
        assert torch.equal(value, after.masks.state_dict()[name]), name
    assert bool((before.masks["segments"].model.codebook.counts != 1).any())
    line = json.loads((tmp_path / "decoder" / "predictions.jsonl").read_text().splitlines()[0])
    assert "segments" in line["prediction"]
