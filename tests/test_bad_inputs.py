"""Ten things that go wrong for users: each is one clear line, and what was saved before stays whole."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import errno
import io
import json
import os
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
from PIL import Image, ImageFile
from tiny_runs import images_run, line_of, one_line, run_of, write_image
from toys import toy_run

from motet.cli import main
from motet.core import CheckpointError, MotetError
from motet.core.model_folder import steps_in
from motet.data.readers import CocoCaptions, ImageFolder, Table, Vqav2
from motet.data.source import Source
from motet.tasks import captioning, classification, question_answering
from motet.training import checkpoint, optimizer_state
from motet.training.errors import TrainingError
from motet.training.run import Run
from motet.training.run_training import run_training

RECIPE = """
import sys
from pathlib import Path

sys.path.insert(0, {tests!r})
from motet.training.run import Run
from tiny_runs import images_run


def run() -> Run:
    return images_run(Path({folder!r}))
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with two class folders of two JPEGs each."""
    for name, grey in (("dark", 20), ("light", 200)):
        for index in range(2):
            write_image(tmp_path / "kinds" / name / f"{index}.jpg", grey + index)
    return tmp_path


def typed(*arguments: object) -> str:
    """The one line on stderr of a command that fails with code 2; progress may stand on stdout before it."""
    error = io.StringIO()
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(error),
        pytest.raises(SystemExit) as left,
    ):
        main([str(argument) for argument in arguments])
    assert left.value.code == 2
    assert "Traceback" not in error.getvalue()
    return one_line(error.getvalue())


@pytest.fixture
def recipe(images: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`images_run` as a recipe file."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("MOTET_DEBUG", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = images / "grey_recipe.py"
    path.write_text(RECIPE.format(tests=str(Path(__file__).parent / "support"), folder=str(images)))
    modules = set(sys.modules)
    yield path
    for name in set(sys.modules) - modules:
        if "recipe" in name or name == "tiny_runs":
            del sys.modules[name]


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def cut_jpeg(path: Path) -> None:
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(whole, "JPEG")
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])


def png_of_a_header(path: Path, width: int = 40_000, height: int = 40_000) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0")), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def text_file(path: Path) -> None:
    path.write_text("no picture at all\n")


IMAGES = [
    (cut_jpeg, r"image: got image file is truncated \(\d+ bytes not processed\); want a complete image file"),
    (png_of_a_header, r"image: got 40000 x 40000 pixels; want at most 67,108,864 pixels"),
    (text_file, r"image: got 18 bytes that start with b'no picture a'; want a file in one of the formats JPEG, .*"),
]


@pytest.mark.parametrize(("spoil", "said"), IMAGES)
def test_an_image_that_is_none_stops_training_with_its_name(images, spoil, said):
    run_training(images_run(images), images / "run", device="cpu", show=False)
    before = bytes_in(images / "run/step-000002")
    for path in (images / "kinds").rglob("*.jpg"):
        spoil(path)
    where = rf"\({re.escape(str(images))}/kinds/\w+/\d\.jpg\)"
    assert re.fullmatch(
        rf"source 'train', row \d+: {said} {where}", line_of(lambda: images_run(images), images / "other")
    )
    with pytest.raises(MotetError, match=said):
        run_training(images_run(images), images / "run", device="cpu", resume=True, show=False)
    assert bytes_in(images / "run/step-000002") == before


@pytest.mark.parametrize(("spoil", "said"), IMAGES)
def test_an_image_that_is_none_is_one_line_on_the_command_line(images, recipe, spoil, said):
    for path in (images / "kinds").rglob("*.jpg"):
        spoil(path)
    assert re.fullmatch(
        rf"motet: source 'train', row \d+: {said} \({re.escape(str(images))}/kinds/\w+/\d\.jpg\)\n",
        typed("train", recipe, "--folder", images / "run"),
    )


def test_a_huge_image_is_refused_from_its_header(images, monkeypatch):
    made: list[object] = []
    for path in (images / "kinds").rglob("*.jpg"):
        png_of_a_header(path)
    # Pixels are allocated where a picture is loaded, and nowhere before.
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: made.append(image.size))
    line_of(lambda: images_run(images), images / "run")
    assert not made


def test_an_empty_caption(tmp_path):
    write_image(tmp_path / "images/1.jpg")
    file = tmp_path / "captions.json"
    captions = [{"id": 1, "image_id": 1, "caption": "a dog"}, {"id": 2, "image_id": 1, "caption": " "}]
    file.write_text(json.dumps({"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": captions}))

    def run() -> Run:
        return run_of(Source(name="coco", reader=CocoCaptions(file, tmp_path / "images"), tasks=(captioning("coco"),)))

    assert line_of(run, tmp_path / "run") == f"caption: got an empty text; want words ({file}, row 1)"


def test_nine_answers_where_vqav2_has_ten(tmp_path):
    write_image(tmp_path / "val2014/COCO_val2014_000000000009.jpg")
    questions, annotations = tmp_path / "questions.json", tmp_path / "annotations.json"
    asked = [{"image_id": 9, "question_id": 9000, "question": "What?"}]
    questions.write_text(json.dumps({"data_subtype": "val2014", "questions": asked}))
    given = {
        "question_id": 9000,
        "multiple_choice_answer": "dog",
        "answers": [{"answer": "dog", "answer_id": number} for number in range(1, 10)],
    }
    annotations.write_text(json.dumps({"annotations": [given]}))

    def run() -> Run:
        reader = Vqav2(questions, annotations, tmp_path / "val2014")
        return run_of(Source(name="vqa", reader=reader, tasks=(question_answering("vqa"),)))

    assert line_of(run, tmp_path / "run") == f"answers: got 9; want 10 ({annotations}, row 0)"


def test_a_field_that_no_recipe_has(recipe, tmp_path):
    said = typed("train", recipe, "--folder", tmp_path / "run", "--set", "train.stesp=5")
    assert said == "motet: --set train.stesp=5: got no field 'stesp' in TrainConfig; did you mean 'steps'?\n"
    assert not (tmp_path / "run").exists()


def test_a_label_that_is_none_of_the_names(tmp_path):
    file = tmp_path / "kinds.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([("image", "kind"), ("0.jpg", "dark"), ("1.jpg", "drak"), ("2.jpg", "light")])
    for index in range(3):
        write_image(tmp_path / f"{index}.jpg")

    def run() -> Run:
        reader = Table(file, image="image", labels={"class": "kind"}, names=("dark", "light"))
        return run_of(Source(name="kinds", reader=reader, tasks=(classification("kind", reader.names),)))

    said = f"class: got 'drak'; want one of the 2 names (did you mean 'dark'?) ({file}, row 1)"
    assert line_of(run, tmp_path / "run") == said


def test_a_class_folder_that_is_none_of_the_names(images):
    write_image(images / "kinds/drak/0.jpg")

    def run() -> Run:
        reader = ImageFolder(images / "kinds", classes=("dark", "light"))
        return run_of(Source(name="kinds", reader=reader, tasks=(classification("kind", reader.names),)))

    assert line_of(run, images / "run") == (
        "class folder: got 'drak'; want one of the given classes (did you mean 'dark'?) "
        f"({images / 'kinds/drak'})"
    )  # fmt: skip


def test_the_checkpoint_of_another_run(recipe, tmp_path):
    folder = tmp_path / "run"
    run_training(images_run(tmp_path), folder, device="cpu", show=False)
    before = bytes_in(folder)
    said = typed("train", recipe, "--folder", folder, "--resume", "--set", "train.lr=0.25")
    step = folder / "step-000002"
    got = images_run(tmp_path).train.lr
    assert said == f"motet: {step}: a checkpoint of another run: train.lr: got {got}; want 0.25\n"
    assert bytes_in(folder) == before


def test_the_checkpoint_of_another_recipe(images):
    run_training(toy_run(), images / "run", device="cpu", show=False)
    before = bytes_in(images / "run")
    with pytest.raises(CheckpointError) as raised:
        run_training(images_run(images), images / "run", device="cpu", resume=True, show=False)
    assert one_line(str(raised.value)) == (
        f"{images / 'run/step-000030'}: a checkpoint of another run: system: got 'toys:ToyConfig'; "
        "want 'motet.systems.lit_decoder.config:LiTDecoderConfig'"
    )
    assert bytes_in(images / "run") == before


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _on_sync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "fsync", no_space)


def _on_optimizer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(optimizer_state, "save_file", no_space)


def _on_weights(patch: pytest.MonkeyPatch) -> None:
    def half(state: object, path: Path, **_: object) -> None:
        del state
        Path(path).write_bytes(b"half of it")
        # The library's own error, which is no OSError.
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    patch.setattr(safetensors.torch, "save_file", half)


@pytest.mark.parametrize("fill", [_on_weights, _on_optimizer, _on_sync])
def test_a_disk_that_fills_up_in_the_middle_of_a_save(tmp_path, fill):
    folder, run = tmp_path / "run", toy_run()
    run = dataclasses.replace(run, train=dataclasses.replace(run.train, steps=4, save_every=2))
    straight = run_training(run, tmp_path / "straight", device="cpu", show=False)
    with pytest.MonkeyPatch.context() as patch:
        save = checkpoint.save

        def second(*given: Any, **named: Any) -> None:
            if given[1].step == 4:
                fill(patch)
            save(*given, **named)

        patch.setattr(checkpoint, "save", second)
        with pytest.raises(CheckpointError) as raised:
            run_training(run, folder, device="cpu", show=False)
    said = one_line(str(raised.value))
    assert said.startswith("checkpoint of step 4: got ")
    assert "No space left on device" in said
    assert said.endswith(f"; want a folder with room that can be written ({folder}); earlier checkpoints are whole")
    assert steps_in(folder) == (2,)
    assert not [path for path in folder.iterdir() if path.name.endswith((".unfinished", ".old"))]
    assert run_training(run, folder, device="cpu", resume=True, show=False).results == straight.results


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_run_folder_that_cannot_be_written(recipe, tmp_path, monkeypatch, number):
    folder, mkdir = tmp_path / "run", Path.mkdir

    def refused(path: Path, *given: Any, **named: Any) -> None:
        if path == folder:
            raise OSError(number, os.strerror(number), str(path))
        mkdir(path, *given, **named)

    monkeypatch.setattr(Path, "mkdir", refused)
    said = typed("train", recipe, "--folder", folder)
    assert (
        said == f"motet: run folder {folder}: got {os.strerror(number)}; want a folder with room that can be written\n"
    )


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_run_folder_that_can_no_longer_be_written(tmp_path, monkeypatch, number):
    folder, run = tmp_path / "run", toy_run()
    run_training(run, folder, device="cpu", show=False)
    before, whole = bytes_in(folder), Path.open

    def refused(path: Path, mode: str = "r", *given: Any, **named: Any) -> Any:
        if folder in path.parents and set(mode) & set("wax+"):
            raise OSError(number, os.strerror(number), str(path))
        return whole(path, mode, *given, **named)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(TrainingError) as raised:
        run_training(run, folder, device="cpu", resume=True, show=False)
    monkeypatch.undo()
    said = one_line(str(raised.value))
    assert said == f"log in {folder}: got {os.strerror(number)}; want a folder with room that can be written"
    assert bytes_in(folder) == before
