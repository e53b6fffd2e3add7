"""Recipes written for boxes and sentences: which model answers what, and that it trains and answers."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from motet.config.recipe_files import functions_in, load_recipe
from motet.core import Answer, Boxes, BoxSet, ClassPrediction, Label
from motet.data.check import problems
from motet.data.schedules import Mixed
from motet.data.stats import stats
from motet.hub.predict import load
from motet.nn.encoders import PlainViT
from motet.nn.feature_maps import GridOf
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import FromScratch
from motet.scaffold.init import sources_in, write_recipe
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.systems.twelve_in_one.config import TwelveInOneConfig
from motet.systems.unit.config import UniTConfig
from motet.training.run import Run
from motet.training.run_training import run_training

SIZE_HW = (20, 24)


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """Every test has a file of the same name: what one has imported must not be another's."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("motet_recipe", None)
    yield
    sys.modules.pop("motet_recipe", None)


def picture(path: Path, index: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE_HW[::-1], (20 * index, 0, 99)).save(path)


def coco(root: Path, count: int = 12) -> None:
    """Boxes of cats and dogs in COCO's form; the sixth picture has seven of them."""
    images = [{"id": index, "file_name": f"{index}.png"} for index in range(count)]
    for index in range(count):
        picture(root / "pictures" / f"{index}.png", index)
    boxes = [
        {"image_id": index, "category_id": 1 + index % 2, "bbox": [2 + again, 2, 8, 9]}
        for index in range(count)
        for again in range(7 if index == 5 else 1)
    ]
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    (root / "boxes.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))


def voc(root: Path, count: int = 12) -> None:
    (root / "Annotations").mkdir(parents=True)
    for index in range(count):
        picture(root / "JPEGImages" / f"{index}.jpg", index)
        thing = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>8</xmax><ymax>20</ymax></bndbox>"
        (root / "Annotations" / f"{index}.xml").write_text(
            f"<annotation><filename>{index}.jpg</filename><object><name>cell</name>{thing}</object></annotation>"
        )


def glue(root: Path, count: int = 30) -> None:
    (root / "MRPC").mkdir(parents=True)
    (root / "SST-2").mkdir()
    for part in ("train", "dev"):
        pairs = [f"{row % 2}\t1\t2\tdog {row} runs\tdog {row} {('sleeps', 'runs')[row % 2]}" for row in range(count)]
        head = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String"
        (root / "MRPC" / f"{part}.tsv").write_text("\n".join([head, *pairs]) + "\n")
        said = [f"{('bad', 'good')[row % 2]} film {row}\t{row % 2}" for row in range(count)]
        (root / "SST-2" / f"{part}.tsv").write_text("\n".join(["sentence\tlabel", *said]) + "\n")


def questions(root: Path, count: int = 12) -> None:
    rows = [f"pictures/{index}.png,how many ?,{index % 3}" for index in range(count)]
    (root / "questions.csv").write_text("\n".join(["image,question,answer", *rows]) + "\n")


def captions(root: Path, count: int = 12) -> None:
    images = [{"id": index, "file_name": f"{index}.png"} for index in range(count)]
    notes = [{"id": index, "image_id": index, "caption": f"picture number {index}"} for index in range(count)]
    (root / "captions.json").write_text(json.dumps({"images": images, "annotations": notes}))


def smaller(run: Run, folder: Path) -> Run:
    """The written run with encoders and layers of a test's size, for two steps."""
    assert isinstance(run.system, UniTConfig)
    system = dataclasses.replace(
        run.system,
        trunk=GridOf(PlainViT(size=32, width=16, depth=1, heads=1)),
        image_width=16,
        image_depth=1,
        text=TinyBert(width=16, depth=1, heads=1, dropout=0.0),
        text_mode=FromScratch(),
        width=16,
        depth=1,
        hidden=16,
    )
    plan = dataclasses.replace(run.train, steps=2, evaluate_every=0, save_every=0, precision="float32")
    features = None if run.features is None else dataclasses.replace(run.features, folder=folder / "features")
    assert isinstance(run.schedule, Mixed)
    schedule = dataclasses.replace(run.schedule, batch_size=4)
    return dataclasses.replace(run, system=system, train=plan, features=features, schedule=schedule)


@pytest.mark.parametrize(
    ("make", "tasks"),
    [((coco,), {"boxes"}), ((voc,), {"boxes"}), ((glue,), {"mrpc", "sst2"}), ((coco, questions, glue), None)],
    ids=["coco", "voc", "glue", "all"],
)
def test_a_written_recipe_trains_and_answers(tmp_path, make, tasks):
    root = tmp_path / "data"
    root.mkdir()
    for one in make:
        one(root)
    tasks = tasks or {"boxes", "vqa", "mrpc", "sst2"}
    written = write_recipe(root, root / "motet_recipe.py")
    assert written.runs == ("run",)
    compile(written.path.read_text(), "r.py", "exec")
    assert max(map(len, written.path.read_text().splitlines())) <= 120
    run = load_recipe(f"{written.path}:run")
    assert {source.tasks[0].name for source in run.sources} == tasks
    assert all(problem is None for source in run.sources for problem in problems(source))
    report = run_training(smaller(run, tmp_path), tmp_path / "run", device="cpu", baselines=False)
    assert (report.role, {result.task for result in report.results}) == ("test", tasks)
    predictor = load(tmp_path / "run")
    for name, task in predictor.tasks.items():
        image = Image.new("RGB", SIZE_HW[::-1]) if "image" in task.inputs else None
        text = ("a dog", "a cat")[: 2 if name == "mrpc" else 1] if "text" in task.inputs else None
        answer = predictor(name, image=image, text=text)
        match task.target:
            case Boxes(names=names):
                assert isinstance(answer, BoxSet)
                assert set(answer.labels) <= set(range(len(names)))
                assert answer.boxes_xyxy.shape == (len(answer.labels), 4)
            case Label(names=names) | Answer(names=names):
                assert isinstance(answer, ClassPrediction)
                assert 0 <= answer.index < len(names)


def test_a_unit_is_given_boxes_for_the_fullest_image_and_half_of_its_steps_to_find_them(tmp_path):
    coco(tmp_path)
    questions(tmp_path)
    glue(tmp_path)
    write_recipe(tmp_path, tmp_path / "motet_recipe.py")
    run = load_recipe(f"{tmp_path}/motet_recipe.py:run")
    assert isinstance(run.system, UniTConfig)
    assert run.system.box_queries == 20  # seven were seen; one and a half times as many, in tens
    rates = run.schedule.bind(run.of_role("train"), seed=0).state_dict()["probabilities"]
    assert rates == pytest.approx({"boxes": 1 / 2, "vqa": 1 / 6, "mrpc": 1 / 6, "sst2": 1 / 6})
    (vqa,) = {source.tasks[0] for source in run.sources if source.tasks[0].name == "vqa"}
    seen = {run.of_role("train")[i].name: run.of_role("train")[i].reader for i in range(4)}["vqa"]
    assert set(vqa.target.names) == {seen[row].labels["answer"] for row in range(len(seen))}


def test_glue_is_evaluated_by_its_dev_parts_and_chosen_by_a_cut_of_train(tmp_path):
    glue(tmp_path)
    rows = {source.name: (source.role, len(source.reader)) for source in sources_in(tmp_path)}
    assert rows["mrpc/test"] == ("test", 30)
    assert rows["mrpc"][1] + rows["mrpc/val"][1] == 30
    assert {source.tasks[0].main_metric for source in sources_in(tmp_path)} == {"f1", "accuracy"}


def test_words_of_ones_own_and_boxes_are_two_models_and_data_check_sees_both(tmp_path):
    coco(tmp_path)
    captions(tmp_path)
    questions(tmp_path)
    written = write_recipe(tmp_path, tmp_path / "motet_recipe.py")
    assert written.runs == ("run", "unit")
    assert any(line.startswith("2 models") and "vqa" in line and "boxes" in line for line in written.lines)
    assert max(map(len, written.path.read_text().splitlines())) <= 120
    assert list(functions_in(written.path, "Run")) == ["run", "unit"]
    asked = {
        name: {source.tasks[0].name for source in load_recipe(f"{written.path}:{name}").sources}
        for name in written.runs
    }
    assert asked == {"run": {"caption", "vqa"}, "unit": {"boxes"}}
    seen = sources_in(tmp_path)
    assert {source.tasks[0].name for source in seen} == {"caption", "vqa", "boxes"}
    assert sum(n for source in seen for task in stats(source).tasks for _, n in task.boxes) == 18


def test_the_same_task_of_glue_twice_has_two_names(tmp_path):
    glue(tmp_path / "old")
    glue(tmp_path / "new")
    sources = sources_in(tmp_path)
    names = {source.tasks[0].name for source in sources if source.tasks[0].main_metric == "f1"}
    assert len(names) == 2
    assert all(name.startswith("mrpc_") for name in names)


def test_parts_of_coco_share_the_training_parts_classes(tmp_path):
    coco(tmp_path / "train")
    coco(tmp_path / "val")
    path = tmp_path / "val" / "boxes.json"
    data = json.loads(path.read_text())
    data["categories"].reverse()
    for place, entry in enumerate(data["categories"]):
        entry["id"] = place + 1
    path.write_text(json.dumps(data))
    sources = {source.name: source for source in sources_in(tmp_path)}
    assert sources["boxes/val"].reader.names == ("cat", "dog")
    assert sources["boxes/val"].reader[0].labels["boxes"].labels.tolist() == [1]


def test_a_broken_line_of_sentences_is_told_by_data_check_and_does_not_stop_the_cut(tmp_path):
    glue(tmp_path)
    path = tmp_path / "MRPC" / "train.tsv"
    path.write_text(path.read_text().replace("\tdog 4 runs\t", " dog 4 runs\t"))
    told = [problem for source in sources_in(tmp_path) for problem in problems(source) if problem is not None]
    assert ["columns: got 4; want 5" in problem.text for problem in told] == [True]


def test_three_models_in_one_recipe_do_not_take_each_others_names(tmp_path):
    coco(tmp_path)
    captions(tmp_path)
    photos = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jpg"))
    names = photos or sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    rows = [
        {"image": name.rpartition("/")[2], "caption": "it is left", "label": 1, "relation": "left"} for name in names
    ]
    (tmp_path / "spatial.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    written = write_recipe(tmp_path, tmp_path / "three_models.py")
    assert written.runs == ("run", "unit", "twelve_in_one")
    assert max(map(len, written.path.read_text().splitlines())) <= 120
    systems = [type(load_recipe(f"{written.path}:{name}").system) for name in written.runs]
    assert systems == [LiTDecoderConfig, UniTConfig, TwelveInOneConfig]
    assert any("verify" in line and "a 12-in-1" in line for line in written.lines)
