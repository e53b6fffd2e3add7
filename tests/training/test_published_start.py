"""`Run.start = Published(...)`: encoders of releases begin the training of a run, and its record and report say so."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import call
from PIL import Image
from published_names import arrays, bert, big_vision_vit, detr, tensors

from motet.core import CheckpointError, ConfigError
from motet.core.codec import from_json, to_json
from motet.core.model_folder import read_weights
from motet.data.readers import ImageFolder
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.nn.encoders import PlainViT
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import Finetune, FromScratch
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.unit import UniTConfig
from motet.tasks import classification
from motet.training.config import TrainConfig
from motet.training.initial_weights import initial_system
from motet.training.run import Published, Run
from motet.training.run_training import run_training
from motet.training.saved_names import saved_names

SMALL = {"patch": 4, "places": 4, "width": 16, "depth": 2, "heads": 2, "hidden": 32}


@pytest.fixture
def run(tmp_path) -> Run:
    for name, value in (("dark", 20), ("light", 200)):
        (tmp_path / "kinds" / name).mkdir(parents=True)
        for i in range(2):
            Image.new("RGB", (8, 8), (value + i,) * 3).save(tmp_path / "kinds" / name / f"{i}.png")
    reader = ImageFolder(tmp_path / "kinds")
    task = classification("kind", reader.names)
    sources = (
        Source(name="a", reader=reader, tasks=(task,)),
        Source(name="b", reader=reader, tasks=(task,), role="test"),
    )
    system = LiTDecoderConfig(
        encoder=PlainViT(8, 4, 16, 2, 2, 2.0), mode=Finetune(0.0001), depth=1, width=16, heads=2,
        tokenizer=TrainedTokenizer(size=300),
    )  # fmt: skip
    return Run(system=system, sources=sources, schedule=Mixed(batch_size=2), train=TrainConfig(steps=1))


@pytest.fixture
def siglip(tmp_path) -> Path:
    found = arrays(big_vision_vit(**SMALL, scanned=True))
    named = {f"params/img/{name}": value for name, value in found.items()}
    np.savez(tmp_path / "siglip.npz", **named, **{"params/txt/Embed_0/embedding": np.zeros((3, 16), np.float32)})
    return tmp_path / "siglip.npz"


def test_a_run_trains_from_a_published_encoder_and_says_what_was_left(run, siglip, tmp_path) -> None:
    started = replace(run, start=Published(siglip))
    report = run_training(started, tmp_path / "run", device="cpu", baselines=False, show=False)
    notes = [note for note in report.notes if note.startswith("started from published weights")]
    assert any("16 unused, not in this system: params/img/MAPHead_0/" in note for note in notes)
    record = json.loads((tmp_path / "run" / "run.json").read_text())["started_from"]
    assert "tower.encoder.model.patches.weight" in record["matched"]
    assert "params/txt/Embed_0/embedding" in record["unused"]
    kernel = torch.from_numpy(np.load(siglip)["params/img/embedding/kernel"]).permute(3, 2, 0, 1)
    torch.testing.assert_close(
        read_weights(tmp_path / "run")["tower.encoder.model.patches.weight"], kernel, atol=1e-3, rtol=0
    )


def test_it_is_saved_with_the_run(siglip) -> None:
    start = Published(siglip, heads={"kind": "head"}, names={"head": Path("names.txt")}, revision="main")
    assert from_json(to_json(start), saved_names()) == start


def test_a_wrong_file_or_system_is_one_line(run, siglip, tmp_path) -> None:
    with pytest.raises(CheckpointError, match=r"nothing\.npz': got no such file"):
        initial_system(replace(run, start=Published(tmp_path / "nothing.npz")), torch.device("cpu"))
    torch.save(tensors(detr({}, channels=8, width=8, depth=1, hidden=8, queries=2, classes=3)), tmp_path / "detr.pth")
    with pytest.raises(ConfigError, match=r"got weights of DETR; want ViT of big_vision, .* for a LiT decoder"):
        initial_system(replace(run, start=Published(tmp_path / "detr.pth")), torch.device("cpu"))
    with pytest.raises(ConfigError, match=r"heads: got tasks \['other'\]; want some of \['kind'\]"):
        initial_system(replace(run, start=Published(siglip, heads={"other": "head"})), torch.device("cpu"))
    other = replace(run, system=replace(run.system, encoder=PlainViT(8, 4, 16, 3, 2, 2.0)))
    with pytest.raises(CheckpointError, match="weights: got 52 arrays without 'Transformer/encoderblock_2"):
        initial_system(replace(other, start=Published(siglip)), torch.device("cpu"))


def test_a_bert_begins_the_texts_of_a_unit(run, tmp_path) -> None:
    from motet.tasks import sentence

    task = sentence("mood", ("bad", "good"))
    source = replace(run.sources[0], tasks=(task,))
    text = TinyBert(width=16, depth=1, heads=2, words=300)
    unit = UniTConfig(text=text, text_mode=FromScratch(), width=16, depth=1, heads=2, hidden=16, image_depth=0)
    started = replace(run, system=unit, sources=(source,))
    plain, _ = initial_system(started, torch.device("cpu"))
    words = len(plain.text.tower.encoder.model.embeddings.word_embeddings.weight)
    weights = tensors(bert("bert.", width=16, depth=1, hidden=64, words=words, places=128))
    torch.save(weights | {"cls.predictions.bias": torch.zeros(words)}, tmp_path / "pytorch_model.bin")
    system, matched = initial_system(
        replace(started, start=Published(tmp_path / "pytorch_model.bin")), torch.device("cpu")
    )
    own = system.state_dict()
    at = "text.tower.encoder.model.encoder.layer.0.output.dense.weight"
    assert torch.equal(own[at], weights["bert.encoder.layer.0.output.dense.weight"])
    assert at in matched.matched
    assert set(matched.unused) == {
        "bert.pooler.dense.weight", "bert.pooler.dense.bias", "cls.predictions.bias"
    }  # fmt: skip


def test_the_command_fills_the_system_of_a_recipe(siglip, tmp_path) -> None:
    recipe = tmp_path / "started_recipe.py"
    recipe.write_text(
        "from motet.recipes.lit_decoder import tiny\n"
        "from motet.nn.encoders import PlainViT\n"
        "from dataclasses import replace\n\n\n"
        "def run():\n"
        '    """The bundled scenes with a ViT of our own."""\n'
        "    found = tiny()\n"
        "    return replace(found, system=replace(found.system, encoder=PlainViT(8, 4, 16, 2, 2, 2.0)))\n"
    )
    ran = call("import", siglip, "--into", f"{recipe}:run", "--out", tmp_path / "model")
    assert (ran.code, ran.err) == (0, "")
    assert "loaded: 33 weights of SigLIP of big_vision (Apache-2.0)" in ran.out
    again = call("import", siglip, "--out", tmp_path / "model")
    assert again.code == 2
    assert "got one that is not empty; want a new folder" in again.err
