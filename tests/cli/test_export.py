"""`motet export --merge-experts`: experts become one dense model per task with the same predictions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from toy_uni_perceiver import row, system_of

from motet.core import ClassPrediction, Report, Result, System
from motet.hub import load_system, save_pretrained
from motet.nn.experts import ConditionalLinear
from motet.systems.uni_perceiver import Experts


def saved(folder: Path, routing: str) -> System:
    """A model of three tasks whose experts differ."""
    torch.manual_seed(0)
    system = system_of("class", "vqa", "caption", blocks=Experts(routing, num_experts=3))
    with torch.no_grad():
        for module in system.modules():
            if isinstance(module, ConditionalLinear):
                module.weight += 0.2 * torch.randn_like(module.weight)
    save_pretrained(system, folder)
    return system.eval()


def answers(system: System, name: str) -> object:
    """The predictions for three rows."""
    task = system.tasks[name]
    rows = [system.processor.row(row(index, text="is it a cat"), [task], None) for index in range(3)]
    return system.predict(system.processor.collate(rows, keep_annotations=False))[name]


@pytest.mark.parametrize("routing", ["attribute", "task", "modality"])
def test_each_task_gets_a_dense_model_that_answers_the_same(motet, tmp_path: Path, routing: str) -> None:
    whole = saved(tmp_path / "model", routing)
    ran = motet("export", tmp_path / "model", "--merge-experts", tmp_path / "out")
    assert (ran.code, ran.err) == (0, "")
    for name in ("class", "vqa", "caption"):
        dense = load_system(tmp_path / "out" / name)
        assert list(dense.tasks) == [name]
        assert not any(isinstance(module, ConditionalLinear) for module in dense.modules())
        assert not any("_gate." in parameter for parameter, _ in dense.named_parameters())
        assert f"for {name} alone" in ran.out
        for one, other in zip(answers(dense, name), answers(whole, name), strict=True):
            if isinstance(one, ClassPrediction):
                assert one.index == other.index
                assert one.scores == pytest.approx(other.scores, abs=1e-4)
            else:
                assert one.text == other.text
                assert one.log_prob == pytest.approx(other.log_prob, abs=1e-3)


def test_one_task_as_json(motet, tmp_path: Path) -> None:
    whole = saved(tmp_path / "model", "task")
    ran = motet("export", tmp_path / "model", "--merge-experts", tmp_path / "out", "--task", "class", "--json")
    told = json.loads(ran.out)
    (merged,) = told["merged"]
    assert (merged["task"], merged["folder"]) == ("class", str(tmp_path / "out" / "class"))
    assert merged["parameters"] < told["parameters"] == sum(p.numel() for p in whole.parameters())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["class"]


def test_what_cannot_be_merged_is_said_in_one_line(motet, tmp_path: Path) -> None:
    saved(tmp_path / "tokens", "token")
    ran = motet("export", tmp_path / "tokens", "--merge-experts", tmp_path / "out")
    assert (ran.code, ran.out) == (2, "")
    assert "merge_experts: got 'token' routing; want experts chosen by modality, task or attribute" in ran.err
    saved(tmp_path / "model", "task")
    ran = motet("export", tmp_path / "model", "--merge-experts", tmp_path / "out", "--task", "clas")
    assert "--task: got 'clas'; did you mean 'class'?" in ran.err
    ran = motet("export", tmp_path / "nowhere", "--merge-experts", tmp_path / "out")
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_model_without_experts_is_said_in_one_line(motet, trained, tmp_path: Path) -> None:
    _, folder, _ = trained
    ran = motet("export", folder, "--merge-experts", tmp_path / "out")
    assert "export --merge-experts: got a LiTDecoder; want a system with experts" in ran.err


def test_a_run_gives_its_numbers_and_licences_to_the_cards(motet, tmp_path: Path) -> None:
    saved(tmp_path / "run" / "step-000004", "task")
    numbers = [
        Result(task=name, source=name, metric="accuracy", value=value, unit="%", higher_is_better=True, count=9)
        for name, value in (("class", 61.2), ("vqa", 33.4))
    ]
    (tmp_path / "run" / "report.json").write_text(json.dumps(Report(results=tuple(numbers)).to_dict()))
    (tmp_path / "run" / "run.json").write_text(json.dumps({"credit": ["Noise: nobody's"]}))
    ran = motet("export", tmp_path / "run", "--merge-experts", tmp_path / "out", "--task", "class")
    assert ran.err == ""
    card = (tmp_path / "out" / "class" / "README.md").read_text()
    assert "61.2" in card
    assert "33.4" not in card
    assert "Noise: nobody's" in card


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((), "export: got nothing to write; want --onnx OUT, --torch-export OUT or --merge-experts OUT"),
        (("--torch-export", "out", "--int8"), "export --int8: got no --onnx; want it"),
        (("--onnx", "out", "--task", "class"), "export --task: got no --merge-experts; want it"),
    ],
)
def test_options_that_do_not_fit_are_one_line(tmp_path, motet, given, wanted) -> None:
    ran = motet("export", tmp_path / "model", *given)
    assert ran.code == 2
    assert wanted in ran.err
