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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
from PIL import Image, ImageFile

from motet.cli import main
from motet.core import CheckpointError, MotetError
from motet.core.saved import steps_in
from motet.data.readers import CocoCaptions, ImageFolder, Table, Vqav2
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.nn.encoders import PlainViT
from motet.prep.words import TrainedWords
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.tasks import captioning, classification, question_answering
from motet.train import checkpoint, optimizer_state
from motet.train.execute import execute
from motet.train.plan import Plan
from motet.train.run import Run
from toys import toy_run

RECIPE = """
import sys
from pathlib import Path

sys.path.insert(0, {tests!r})
from motet.train.run import Run
from test_bad_inputs import pictures_run


def run() -> Run:
    return pictures_run(Path({folder!r}))
"""


def run_of(*sources: Source, **plan: Any) -> Run:
    """A LiT decoder of a few thousand parameters."""
    return Run(
        system=LiTDecoderConfig(
            encoder=PlainViT(size=32, width=16, depth=1, heads=1),
            depth=1,
            width=16,
            heads=1,
            max_tokens=32,
            words=TrainedWords(size=300),
        ),
        sources=sources,
        schedule=Mixed(batch_size=4),
        plan=Plan(**{"steps": 2} | plan),
    )


def pictures_run(folder: Path) -> Run:
    """Kinds of grey, from class folders."""
    reader = ImageFolder(folder / "kinds")
    task = classification("kind", reader.names)
    return run_of(*(Source(name=role, reader=reader, tasks=(task,), role=role) for role in ("train", "val")))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with two class folders of two JPEGs each."""
    for name, grey in (("dark", 20), ("light", 200)):
        for index in range(2):
            picture(tmp_path / "kinds" / name / f"{index}.jpg", grey + index)
    return tmp_path


def picture(path: Path, grey: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (24, 24), (grey, grey, grey)).save(path)
    return path


def line_of(run: Callable[[], Run], folder: Path) -> str:
    """What a run says when it fails, which must be one line."""
    with pytest.raises(MotetError) as raised:
        execute(run(), folder, device="cpu", show=False)
    return one_line(str(raised.value))


def one_line(text: str) -> str:
    assert len(text.splitlines()) == 1
    return text


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
def recipe(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """`pictures_run` as a recipe file."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("MOTET_DEBUG", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = pictures / "grey_recipe.py"
    path.write_text(RECIPE.format(tests=str(Path(__file__).parent), folder=str(pictures)))
    modules = set(sys.modules)
    yield path
    for name in set(sys.modules) - modules:
        if "recipe" in name or name == "test_bad_inputs":
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


PICTURES = [
    (cut_jpeg, r"image: got image file is truncated \(\d+ bytes not processed\); want a whole picture"),
    (png_of_a_header, r"image: got 40000 x 40000 pixels; want at most 178,956,970 pixels"),
    (text_file, r"image: got 18 bytes that start with b'no picture a'; want a picture"),
]


@pytest.mark.parametrize(("spoil", "said"), PICTURES)
def test_a_picture_that_is_none_stops_training_with_its_name(pictures, spoil, said):
    execute(pictures_run(pictures), pictures / "run", device="cpu", show=False)
    before = bytes_in(pictures / "run/step-000002")
    for path in (pictures / "kinds").rglob("*.jpg"):
        spoil(path)
    where = rf"\({re.escape(str(pictures))}/kinds/\w+/\d\.jpg\)"
    assert re.fullmatch(f"{said} {where}", line_of(lambda: pictures_run(pictures), pictures / "other"))
    with pytest.raises(MotetError, match=said):
        execute(pictures_run(pictures), pictures / "run", device="cpu", resume=True, show=False)
    assert bytes_in(pictures / "run/step-000002") == before


@pytest.mark.parametrize(("spoil", "said"), PICTURES)
def test_a_picture_that_is_none_is_one_line_on_the_command_line(pictures, recipe, spoil, said):
    for path in (pictures / "kinds").rglob("*.jpg"):
        spoil(path)
    assert re.fullmatch(
        rf"motet: {said} \({re.escape(str(pictures))}/kinds/\w+/\d\.jpg\)\n",
        typed("train", recipe, "--folder", pictures / "run"),
    )


def test_a_huge_picture_is_refused_from_its_header(pictures, monkeypatch):
    made: list[object] = []
    for path in (pictures / "kinds").rglob("*.jpg"):
        png_of_a_header(path)
    # Pixels are allocated where a picture is loaded, and nowhere before.
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: made.append(image.size))
    line_of(lambda: pictures_run(pictures), pictures / "run")
    assert not made


def test_an_empty_caption(tmp_path):
    picture(tmp_path / "images/1.jpg")
    file = tmp_path / "captions.json"
    captions = [{"id": 1, "image_id": 1, "caption": "a dog"}, {"id": 2, "image_id": 1, "caption": " "}]
    file.write_text(json.dumps({"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": captions}))

    def run() -> Run:
        return run_of(Source(name="coco", reader=CocoCaptions(file, tmp_path / "images"), tasks=(captioning("coco"),)))

    assert line_of(run, tmp_path / "run") == f"caption: got an empty text; want words ({file}, row 1)"


def test_nine_answers_where_vqav2_has_ten(tmp_path):
    picture(tmp_path / "val2014/COCO_val2014_000000000009.jpg")
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
    said = typed("train", recipe, "--folder", tmp_path / "run", "--set", "plan.stesp=5")
    assert said == "motet: --set plan.stesp=5: got no field 'stesp' in Plan; did you mean 'steps'?\n"
    assert not (tmp_path / "run").exists()


def test_a_label_that_is_none_of_the_names(tmp_path):
    file = tmp_path / "kinds.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([("image", "kind"), ("0.jpg", "dark"), ("1.jpg", "drak"), ("2.jpg", "light")])
    for index in range(3):
        picture(tmp_path / f"{index}.jpg")

    def run() -> Run:
        reader = Table(file, image="image", labels={"class": "kind"}, names=("dark", "light"))
        return run_of(Source(name="kinds", reader=reader, tasks=(classification("kind", reader.names),)))

    said = f"class: got 'drak'; want one of the 2 names (did you mean 'dark'?) ({file}, row 1)"
    assert line_of(run, tmp_path / "run") == said


def test_a_class_folder_that_is_none_of_the_names(pictures):
    picture(pictures / "kinds/drak/0.jpg")

    def run() -> Run:
        reader = ImageFolder(pictures / "kinds", classes=("dark", "light"))
        return run_of(Source(name="kinds", reader=reader, tasks=(classification("kind", reader.names),)))

    assert line_of(run, pictures / "run") == (
        "class folder: got 'drak'; want one of the given classes (did you mean 'dark'?) "
        f"({pictures / 'kinds/drak'})"
    )  # fmt: skip


def test_the_checkpoint_of_another_run(recipe, tmp_path):
    folder = tmp_path / "run"
    execute(pictures_run(tmp_path), folder, device="cpu", show=False)
    before = bytes_in(folder)
    said = typed("train", recipe, "--folder", folder, "--resume", "--set", "plan.lr=0.25")
    step = folder / "step-000002"
    got = pictures_run(tmp_path).plan.lr
    assert said == f"motet: {step}: a checkpoint of another run: plan.lr: got {got}; want 0.25\n"
    assert bytes_in(folder) == before


def test_the_checkpoint_of_another_recipe(pictures):
    execute(toy_run(), pictures / "run", device="cpu", show=False)
    before = bytes_in(pictures / "run")
    with pytest.raises(CheckpointError) as raised:
        execute(pictures_run(pictures), pictures / "run", device="cpu", resume=True, show=False)
    assert one_line(str(raised.value)) == (
        f"{pictures / 'run/step-000030'}: a checkpoint of another run: system: got 'toys:ToyConfig'; "
        "want 'motet.systems.lit_decoder.config:LiTDecoderConfig'"
    )
    assert bytes_in(pictures / "run") == before


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
    run = dataclasses.replace(run, plan=dataclasses.replace(run.plan, steps=4, save_every=2))
    straight = execute(run, tmp_path / "straight", device="cpu", show=False)
    with pytest.MonkeyPatch.context() as patch:
        save = checkpoint.save

        def second(*given: Any, **named: Any) -> None:
            if given[1].step == 4:
                fill(patch)
            save(*given, **named)

        patch.setattr(checkpoint, "save", second)
        with pytest.raises(CheckpointError) as raised:
            execute(run, folder, device="cpu", show=False)
    said = one_line(str(raised.value))
    assert said.startswith("checkpoint of step 4: got ")
    assert "No space left on device" in said
    assert said.endswith(f"; want a folder with room that can be written ({folder}); earlier checkpoints are whole")
    assert steps_in(folder) == (2,)
    assert not [path for path in folder.iterdir() if path.name.endswith((".unfinished", ".old"))]
    assert execute(run, folder, device="cpu", resume=True, show=False).results == straight.results


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_run_folder_that_cannot_be_written(recipe, tmp_path, monkeypatch, number):
    folder, mkdir = tmp_path / "run", Path.mkdir

    def refused(path: Path, *given: Any, **named: Any) -> None:
        if path == folder:
            raise OSError(number, os.strerror(number), str(path))
        mkdir(path, *given, **named)

    monkeypatch.setattr(Path, "mkdir", refused)
    said = typed("train", recipe, "--folder", folder)
    assert said == f"motet: run folder {folder}: got {os.strerror(number)}; want a folder that can be written\n"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_run_folder_that_can_no_longer_be_written(tmp_path, monkeypatch, number):
    folder, run = tmp_path / "run", toy_run()
    execute(run, folder, device="cpu", show=False)
    before, whole = bytes_in(folder), Path.open

    def refused(path: Path, mode: str = "r", *given: Any, **named: Any) -> Any:
        if folder in path.parents and set(mode) & set("wax+"):
            raise OSError(number, os.strerror(number), str(path))
        return whole(path, mode, *given, **named)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(CheckpointError) as raised:
        execute(run, folder, device="cpu", resume=True, show=False)
    monkeypatch.undo()
    said = one_line(str(raised.value))
    assert said == f"{folder / 'run.json'}: got {os.strerror(number)}; want a folder that can be written"
    assert bytes_in(folder) == before
