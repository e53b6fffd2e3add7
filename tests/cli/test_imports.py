"""The heavy packages that each command imports: each takes a second or more, and a refusal should come at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from motet.hub import save_pretrained
from motet.nn.encoders import BundledLite0, EncoderConfig, PlainViT
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems import build_system
from motet.systems.lit_decoder import LiTDecoderConfig
from motet.tasks import TASKS

HEAVY = (
    "torch",
    "torchvision",
    "torch._dynamo",
    "timm",
    "transformers",
    "scipy",
    "matplotlib",
    "tensorboard",
    "datasets",
    "pyarrow",
)
VIT, LITE0 = PlainViT(size=16, patch=8, width=8, depth=1, heads=1), BundledLite0(size=32)
SCRIPT = f"""
import json, sys
from motet.cli.main import main
try:
    main()
except SystemExit as ended:
    found = [name for name in {HEAVY} if name in sys.modules]
    print(json.dumps([ended.code, found]), file=sys.stderr)
"""


def imported(*words: str | Path, code: int = 0) -> set[str]:
    """Runs one command in a process of its own; returns the heavy packages that it imported."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT, *map(str, words)], capture_output=True, text=True, check=False)
    got, found = json.loads(ran.stderr.splitlines()[-1])
    assert got == code, ran.stderr
    return set(found)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory):
    """Saves a small LiT decoder with this encoder; returns its folder and an image."""
    folder = tmp_path_factory.mktemp("models")
    Image.new("RGB", (20, 20), "red").save(folder / "red.png")

    def saved(encoder: EncoderConfig) -> tuple[Path, Path]:
        place = folder / type(encoder).__name__
        if not place.is_dir():
            config = LiTDecoderConfig(encoder=encoder, depth=1, width=8, heads=1, tokenizer=TrainedTokenizer(size=300))
            texts = ["a red square", "a dog"]
            save_pretrained(build_system(config, [TASKS["cifar10"]], texts=lambda: texts), place)
        return place, folder / "red.png"

    return saved


@pytest.mark.parametrize(
    ("words", "code", "may"),
    [
        (("--help",), 0, set()),
        (("list",), 0, set()),
        (("train", "lit_decodr:tiny"), 2, set()),
        (("train", "lit_decoder:tiny", "--set", "train.stps=5"), 2, {"torch"}),
        (("plan", "unit:tiny", "--set", "system.widht=5"), 2, {"torch"}),
        (("train", "vit_adapters:tiny", "--set", "train.lr=fast"), 2, {"torch"}),
        (("data", "stats", "no_such_folder"), 2, {"torch"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_before_a_model_is_built_no_command_waits_for_what_models_need(words, code, may):
    assert imported(*words, code=code) <= may


def test_a_misspelt_task_is_refused_before_the_model_is_built(model):
    folder, image = model(LITE0)
    assert imported("predict", folder, "--task", "cifar100", "--image", image, code=2) <= {"torch"}


def test_a_prediction_imports_what_its_own_system_needs(model):
    folder, image = model(VIT)
    assert imported("predict", folder, "--image", image) == {"torch"}
    folder, image = model(LITE0)
    assert imported("predict", folder, "--image", image) <= {"torch", "torchvision", "torch._dynamo", "timm"}
