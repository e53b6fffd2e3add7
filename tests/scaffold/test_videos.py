"""Recipes written for videos: a Uni-Perceiver that trains and answers, with what it takes along and without."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import published_videos as published
import pytest
from PIL import Image

from motet.config.recipe_files import load_recipe
from motet.core import ClassPrediction, DataError, Label, TextPrediction
from motet.data.check import problems
from motet.data.detect import DetectedDataset
from motet.data.detect.dataset import Kind
from motet.data.drawn_batches import DrawnBatches
from motet.hub.predict import load
from motet.nn.encoders import PlainViT
from motet.preprocess.images import decode
from motet.scaffold.assign import assign
from motet.scaffold.init import sources_in, write_recipe
from motet.scaffold.task_plan import TaskPlan
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.uni_perceiver.options import EncoderSize
from motet.training.estimate import estimate
from motet.training.run import Run
from motet.training.run_training import run_training


def described(root: Path, count: int = 10) -> None:
    """Videos of one's own with captions in MSVD's form."""
    for number in range(count):
        published.video(root / "films" / f"film{number}.mp4", num_frames=3 + number % 3)
    lines = (f"film{number} a {'dark' if number % 2 else 'light'} film\n" for number in range(count))
    published.text(root / "captions.txt", "".join(lines))


def smaller(run: Run, folder: Path) -> Run:
    """The written run with an encoder and layers of a test's size, for two steps."""
    assert isinstance(run.system, UniPerceiverConfig)
    assert isinstance(run.schedule, DrawnBatches)
    assert run.features is not None
    return dataclasses.replace(
        run,
        system=dataclasses.replace(
            run.system,
            sizes=EncoderSize(width=16, depth=2, heads=1, hidden=16),
            encoder=PlainViT(size=32, width=16, depth=1, heads=1),
        ),
        schedule=dataclasses.replace(run.schedule, batch_size=4),
        train=dataclasses.replace(run.train, steps=2, evaluate_every=0, save_every=0),
        features=dataclasses.replace(run.features, folder=folder / "features"),
    )


def test_a_folder_of_clips_becomes_a_run_that_trains_and_answers(tmp_path: Path) -> None:
    root = tmp_path / "clips"
    published.write_classes(root / "actions" / "train", count=5)
    published.write_classes(root / "actions" / "test", count=2)
    described(root / "films")
    written = write_recipe(root, root / "recipe_of_clips.py")
    assert written.runs == ("run",)
    told = "video_kind: 10 rows (train): class folders of videos: 2 classes (jump, run)"
    assert told in written.lines
    assert any(line.startswith("video_retrieve: 10 rows: videos and their captions") for line in written.lines)
    assert max(map(len, written.path.read_text().splitlines())) <= 120
    run = load_recipe(f"{written.path}:run")
    tasks = {"video_kind", "video_caption", "video_retrieve"}
    assert {task.name for task in run.tasks} == tasks
    assert {len(source.reader[0].images) for source in run.sources} == {4}
    assert all(problem is None for source in run.sources for problem in problems(source, decode=decode))
    small = smaller(run, tmp_path)
    assert {seen.source for seen in estimate(small, timed_steps=1).samples} == {
        "video_kind",
        "video_caption",
        "video_retrieve",
    }
    report = run_training(small, tmp_path / "run", device="cpu", show=False)
    assert (report.step, report.role) == (2, "test")
    assert {result.task for result in report.results} == tasks
    assert report.trivial_baselines["video_kind"].keys() >= {"majority", "nearest neighbour"}
    predictor = load(tmp_path / "run")
    frames = [Image.new("RGB", (48, 32), (shade, shade, shade)) for shade in (20, 90, 160, 230)]
    kind, said = (predictor(name, image=frames) for name in ("video_kind", "video_caption"))
    assert isinstance(kind, ClassPrediction)
    assert kind.name in ("jump", "run")
    assert isinstance(said, TextPrediction)


def test_lists_share_classes_and_frames_are_changed_in_one_place(tmp_path: Path) -> None:
    for part in ("train", "val"):
        published.write_list(tmp_path / part, part)
        more = published.write_classes(tmp_path / part, ("fight", "noFight"), count=4 if part == "train" else 1)
        lines = "".join(f"{file.parent.name}/{file.name},{file.parent.name}\n" for file in more)
        published.text(tmp_path / part / f"{part}.csv", lines)
    written = write_recipe(tmp_path, tmp_path / "recipe_of_lists.py")
    text = written.path.read_text()
    assert text.count("Frames(") == 1
    assert "names=video_kind_train.names" in text
    written.path.write_text(text.replace("Frames(4", "Frames(10"))
    run = load_recipe(f"{written.path}:run")
    assert isinstance(run.system, UniPerceiverConfig)
    assert (run.system.frames, len(run.sources[0].reader[0].images)) == (10, 10)
    assert {source.role: source.tasks[0].target for source in run.sources}["val"] == Label(("fight", "noFight"))


def test_a_broken_video_is_told_by_data_check_with_its_file(tmp_path: Path) -> None:
    files = published.write_classes(tmp_path, count=6)
    files[3].write_bytes(files[3].read_bytes()[:80])
    told = [
        problem for source in sources_in(tmp_path) for problem in problems(source, decode=decode) if problem is not None
    ]
    assert [str(files[3]) in problem.text for problem in told] == [True]


def test_a_folder_of_videos_alone_says_what_is_wanted(tmp_path: Path) -> None:
    for number in range(3):
        published.video(tmp_path / "clips" / f"{number}.mp4")
    with pytest.raises(DataError, match="got 3 videos without annotations; want a list"):
        write_recipe(tmp_path, tmp_path / "r.py")
    published.text(tmp_path / "train.csv", "")
    with pytest.raises(DataError, match="want one line per video"):
        sources_in(tmp_path)


def plan_of(kind: Kind) -> TaskPlan:
    return TaskPlan(kind, (DetectedDataset(reader="r", arguments={}, kind=kind, label="l", rows=10, evidence="w"),))


@pytest.mark.parametrize(
    ("kinds", "models"),
    [
        (("video classification",), {"run": "uni_perceiver"}),
        (("video captioning", "video retrieval", "classification", "question answering"), {"run": "uni_perceiver"}),
        (("video captioning", "sentences", "captioning"), {"run": "uni_perceiver"}),
        (
            ("video classification", "captioning", "text reading"),
            {"run": "lit_decoder", "uni_perceiver": "uni_perceiver"},
        ),
        (("video classification", "detection"), {"run": "unit", "uni_perceiver": "uni_perceiver"}),
        (("video classification", "depth"), {"run": "uni_perceiver", "vit_adapters": "vit_adapters"}),
        (("video classification", "pairs"), {"run": "twelve_in_one", "uni_perceiver": "uni_perceiver"}),
    ],
)
def test_videos_are_a_uni_perceiver_s_and_what_it_answers_goes_along(kinds, models) -> None:
    of = assign([plan_of(kind) for kind in kinds])
    assert {name: suggestion.name for name, (suggestion, _) in of.items()} == models
    assert sum(len(plans) for _, plans in of.values()) == len(kinds)
    assert not next(suggestion for suggestion, _ in of.values() if suggestion.name == "uni_perceiver").closed


def test_boxes_and_videos_are_two_models_told_by_their_names(tmp_path: Path) -> None:
    published.write_classes(tmp_path / "clips", count=5)
    (tmp_path / "labels").mkdir()
    for number in range(12):
        path = tmp_path / "images" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (20, 10), (number, 0, 0)).save(path)
        published.text(tmp_path / "labels" / f"{number}.txt", "0 0.5 0.5 0.2 0.2\n")
    published.text(tmp_path / "classes.txt", "cat\n")
    written = write_recipe(tmp_path, tmp_path / "recipe_of_both.py")
    assert written.runs == ("run", "uni_perceiver")
    (line,) = (line for line in written.lines if line.startswith("2 models"))
    assert "run, a UniT (boxes, and sentences as such), for boxes" in line
    assert "uni_perceiver, a Uni-Perceiver (videos), for video_kind" in line
    run = load_recipe(f"{written.path}:uni_perceiver")
    assert {task.name for task in run.tasks} == {"video_kind"}
    assert isinstance(run.system, UniPerceiverConfig)
