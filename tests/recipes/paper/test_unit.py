"""UniT's published run: the numbers of its appendix, the size of its model, and what each data set gives."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from published_sizes import bert_assets, millions, names, on_meta
from unit_paper_data import write_unit_paper_data

from motet.core import Answer, Boxes, DataError, Label, Task
from motet.data.source import Source
from motet.recipes.paper.unit import RATES, SENTENCES, published, published_model
from motet.systems.unit.model import UniT
from motet.tasks import detection, glue, question_answering, visual_entailment
from motet.training.run import Run

TASKS: tuple[Task, ...] = (
    detection("coco", names(80)),
    detection("visual_genome", names(1600), attributes=names(400)),
    question_answering("vqav2", answers=names(3129)),
    visual_entailment("snli_ve"),
    *(glue(name) for name in SENTENCES),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("unit")
    write_unit_paper_data(root)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MOTET_DATA", str(root))
        return published()


@pytest.fixture(scope="module")
def model() -> UniT:
    built = on_meta(published_model(), TASKS, bert_assets())
    assert isinstance(built, UniT)
    return built


def test_the_shared_model_has_201_million_parameters(model: UniT) -> None:
    """Section 4.2: "Our final UniT model in Table 3 line 5 has 201M parameters"."""
    assert round(millions(model)) == 201
    attention, feed_forward, norm = 4 * (768 * 768 + 768), 768 * 2048 + 2048 + 2048 * 768 + 768, 2 * 768
    assert model.decoder is not None
    assert millions(model.decoder) * 1e6 == pytest.approx(6 * (2 * attention + feed_forward + 3 * norm) + norm)


def test_rates_of_learning_are_1e_5_for_the_trunk_and_5e_5_for_the_rest(run: Run, model: UniT) -> None:
    rates = {group["name"]: group["lr_scale"] * run.train.lr for group in model.parameter_groups()}
    assert rates == pytest.approx({"trunk": 1e-5, "text": 5e-5, "rest": 5e-5})
    assert all(group["decay"] for group in model.parameter_groups())  # all of them, as the code has it


def test_stem_and_first_stage_are_frozen_and_all_norms_of_the_trunk(model: UniT) -> None:
    assert model.vision is not None
    trunk = model.vision.trunk
    learned = {
        name.removeprefix("encoder.model.").split(".")[0] for name, p in trunk.named_parameters() if p.requires_grad
    }
    assert learned == {"layer2", "layer3", "layer4"}
    assert not any(p.requires_grad for name, p in trunk.named_parameters() if ".bn" in name or "downsample.1" in name)


def test_queries_and_heads_are_those_of_table_a_1_and_section_3(model: UniT) -> None:
    assert {name: tuple(query.shape) for name, query in model.queries.items()} == {
        task.name: (100 if isinstance(task.target, Boxes) else 25, 768) for task in TASKS
    }
    assert model.heads["coco"].classes.out_features == 81  # background too
    assert model.heads["coco"].attributes is None
    assert model.heads["visual_genome"].attributes.out.out_features == 400
    assert {name: model.heads[name].out.out_features for name in ("vqav2", "snli_ve", "mnli", "sst2")} == {
        "vqav2": 3129, "snli_ve": 3, "mnli": 3, "sst2": 2,
    }  # fmt: skip


def test_table_a_2_is_drawn_by_iteration(run: Run) -> None:
    drawn = run.schedule.bind(run.of_role("train"), seed=0)
    want = {
        "coco": 0.20, "visual_genome": 0.07, "vqav2": 0.26, "snli_ve": 0.12, "qnli": 0.10, "mnli": 0.10, "qqp": 0.10,
        "sst2": 0.05,
    }  # fmt: skip
    assert drawn.probabilities == pytest.approx(want)
    assert pytest.approx(want) == RATES
    for index in range(5):
        (batches,) = drawn.step(index, 1).batches
        ((_, rows),) = batches[0].items()
        assert rows == 64


def test_the_rate_falls_from_5e_5_to_0_by_a_cosine_after_2000_iterations(run: Run) -> None:
    factor = run.train.lr_schedule.factor
    assert [factor(step, 500_000) for step in (0, 1000, 2000)] == pytest.approx([0, 0.5, 1])
    assert factor(251_000, 500_000) == pytest.approx(0.5)
    assert factor(500_000, 500_000) == pytest.approx(0, abs=1e-9)


def by_name(run: Run) -> Mapping[str, Source]:
    return {source.name: source for source in run.sources}


def test_every_data_set_is_trained_on_and_evaluated_and_no_model_is_chosen(run: Run) -> None:
    assert list(by_name(run)) == [name for task in RATES for name in (task, f"{task}/test")]
    assert run.of_role("val") == ()
    assert all(source.reader[0].id for source in run.sources)


def test_questions_of_visual_genome_join_those_of_vqav2(run: Run) -> None:
    questions = by_name(run)
    assert len(questions["vqav2"].reader) == 20 + 20 - 2 + 1  # train and val without what is in val2017, and one more
    assert questions["vqav2"].reader.keys(38) == ("vg/4",)
    (task,) = questions["vqav2"].tasks
    assert task.target == Answer(("square",))  # an answer of at least nine questions of the training set
    assert task.main_metric == "vqa_accuracy"


def images(source: Source) -> set[str]:
    return {key for row in range(len(source.reader)) for key in source.reader.keys(row)}


def test_no_image_of_val2017_is_trained_on_and_all_are_evaluated(run: Run) -> None:
    """Section 4.1, "Removing overlap": VQAv2 and Visual Genome are cut by COCO's splits of 2017."""
    held = {"coco/1", "coco/21"}
    for name in ("coco", "visual_genome", "vqav2"):
        assert not images(by_name(run)[name]) & held, name
        assert images(by_name(run)[f"{name}/test"]) <= held, name
    assert images(by_name(run)["vqav2/test"]) == held
    trained = {key for source in run.of_role("train") for key in images(source)}
    evaluated = {key for name in ("coco", "visual_genome", "vqav2") for key in images(by_name(run)[f"{name}/test"])}
    assert not trained & evaluated


def test_the_answers_are_preprocessed_and_of_train_and_val(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_unit_paper_data(tmp_path)
    for part in ("train", "val"):
        path = tmp_path / "vqav2" / f"v2_mscoco_{part}2014_annotations.json"
        data = json.loads(path.read_text())
        for number, each in enumerate(data["annotations"]):
            if number < 5:  # ten in both parts together, and nine are wanted
                each["multiple_choice_answer"] = ("T-shirt", "a t shirt")[number % 2]
        path.write_text(json.dumps(data))
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    (task,) = by_name(published())["vqav2"].tasks
    assert task.target == Answer(("square", "t shirt"))


def test_mnli_is_evaluated_on_its_mismatched_part(run: Run) -> None:
    reader = by_name(run)["mnli/test"].reader
    assert "mismatched" in repr(reader)
    assert isinstance(by_name(run)["mnli"].tasks[0].target, Label)


def test_a_data_set_that_is_not_there_is_named_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTET_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"coco/annotations/instances_train2017\.json"):
        published()
