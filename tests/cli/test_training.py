"""`train`, `evaluate` and `predict`: a recipe to a run folder that can be asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_vlms import folder as tiny_vlm

from motet.cli.options import folder_of, origin_of
from motet.cli.training import predict_command
from motet.core import Report
from motet.experiments.api import evaluate
from motet.tasks import classification, matching, question_answering, sentence


def test_training_leaves_a_whole_folder_and_says_what_to_do_next(trained):
    _, folder, ran = trained
    assert ran.code == 0
    for name in ("run.json", "log.jsonl", "report.json", "report.html", "predictions.jsonl", "step-000004/README.md"):
        assert (folder / name).exists(), name
    assert "kind" in ran.out
    assert f"motet predict {folder}" in ran.out
    assert "Greys: nobody's" in (folder / "step-000004/README.md").read_text()


def test_the_page_shows_predictions_with_images(trained):
    _, folder, _ = trained
    page = (folder / "report.html").read_text()
    assert page.count("<figure") >= 2
    assert "is it dark ?" in page


def test_the_run_says_where_it_came_from(trained):
    recipe, folder, _ = trained
    assert json.loads((folder / "run.json").read_text())["origin"] == {"recipe": str(recipe.resolve()), "settings": []}


def test_a_folder_that_is_not_empty_needs_resume(motet, trained):
    recipe, folder, _ = trained
    ran = motet("train", recipe, "--folder", folder)
    assert ran.code == 2
    assert "--resume to go on" in ran.err.splitlines()[-1]


def test_resume_of_a_finished_run_judges_it_again(motet, trained):
    recipe, folder, _ = trained
    before = json.loads((folder / "report.json").read_text())
    ran = motet("train", recipe, "--folder", folder, "--resume", "--json")
    assert ran.code == 0
    told = json.loads(ran.out)
    assert told["finished"]
    assert told["results"] == before["results"]


def test_check_is_code_1_when_a_result_is_below_what_is_expected(motet, trained):
    recipe, folder, _ = trained
    high = "expect={('kind', 'accuracy'): (200.0, 1.0)}"
    ran = motet("train", recipe, "--folder", folder, "--resume", "--check", "--set", high)
    assert ran.code == 1
    assert "want 200, at most 1 worse" in ran.out


def test_evaluate_gives_the_numbers_that_training_gave(motet, trained):
    _, folder, _ = trained
    told = json.loads(motet("evaluate", folder, "--json").out)
    before = json.loads((folder / "report.json").read_text())
    values = {(result["task"], result["metric"]): result["value"] for result in told["results"]}
    assert values == {(result["task"], result["metric"]): result["value"] for result in before["results"]}
    assert told["role"] == "test"


def test_evaluate_can_look_at_val_one_task_and_write_files(motet, trained, tmp_path):
    _, folder, _ = trained
    ran = motet("evaluate", folder, "--role", "val", "--task", "vqa", "--result-files", tmp_path, "--json")
    told = json.loads(ran.out)
    assert {result["task"] for result in told["results"]} == {"vqa"}
    assert told["role"] == "val"
    (answers,) = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert set(answers[0]) == {"question_id", "answer"}


def test_a_pretrained_model_is_evaluated_without_training(motet, trained):
    recipe, _, _ = trained
    model = f"vlm:{tiny_vlm('llava')}"
    told = json.loads(motet("evaluate", model, "--recipe", recipe, "--task", "kind", "--json").out)
    assert {result["task"] for result in told["results"]} == {"kind"}
    ran = motet("evaluate", model)
    assert ran.code == 2
    assert "got a model without a run; want its tasks: --recipe RECIPE" in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "vqb"], "--task: got 'vqb'; did you mean 'vqa'?"),
        (["--recipe", "lit_decodr:tiny"], "did you mean 'lit_decoder'?"),
    ],
)
def test_evaluate_says_what_does_not_fit(motet, trained, arguments, said):
    ran = motet("evaluate", trained[1], *arguments)
    assert ran.code == 2
    assert said in ran.err


def test_a_folder_that_is_no_run_is_one_line(motet, tmp_path):
    ran = motet("evaluate", tmp_path)
    assert ran.code == 2
    assert "got no run.json; want a folder that `motet train` made" in ran.err


def test_predict_answers_a_person_and_a_program(motet, trained):
    recipe, folder, _ = trained
    image = recipe.parent / "kinds/dark/0.png"
    ran = motet("predict", folder, "--task", "vqa", "--image", image, "--text", "is it dark ?")
    assert ran.code == 0
    assert ran.out.count("\n") == 1
    told = json.loads(motet("predict", folder, "--task", "vqa", "--image", image, "--text", "why ?", "--json").out)
    assert told["task"] == "vqa"
    assert told["text"] == "why ?"
    assert set(told["answer"]) == {"text", "log_prob"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--image", "x.png"], "--task: got none; want one of the model's tasks: kind, vqa"),
        (["--task", "knid", "--image", "x.png"], "got 'knid'; did you mean 'kind'?"),
        (["--task", "vqa", "--image", "x.png"], "task 'vqa' needs a text: got none; want text=..."),
        (["--task", "kind"], "task 'kind' needs an image: got none; want image=..."),
        (["--task", "kind", "--image", "no/such.png"], "No such file"),
    ],
)
def test_predict_says_what_is_missing(motet, trained, arguments, said):
    ran = motet("predict", trained[1], *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.slow
def test_two_processes_by_torchrun_leave_one_folder(recipe, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["-m", "motet.cli", "train", str(recipe), "--folder", str(tmp_path / "run"), "--json"]
    ran = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert json.loads(ran.stdout)["finished"]
    assert json.loads((tmp_path / "run/run.json").read_text())["ranks"] == 2
    assert (tmp_path / "run/report.html").exists()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("lit_decoder:tiny", "lit_decoder-tiny"),
        ("a/b/motet_recipe.py:run", "b"),
        ("a/b/motet_recipe.py", "b"),
        ("a/b/motet_recipe.py:boxes", "b-boxes"),
        ("own.py:large", "own-large"),
    ],
)
def test_a_run_has_a_folder_by_the_name_of_its_recipe(name, folder):
    assert folder_of(name) == Path("runs") / folder


def test_a_recipe_in_a_file_is_found_again_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert origin_of("r.py:run", ["a=1"]) == {"recipe": f"{tmp_path}/r.py:run", "settings": ["a=1"]}
    assert origin_of("lit_decoder:tiny", None) == {"recipe": "lit_decoder:tiny", "settings": []}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_training_with_its_code_and_one_line_that_goes_on(recipe, tmp_path, number, code):
    folder = tmp_path / "run"
    typed = ["train", str(recipe), "--folder", str(folder), "--set", "train.steps=4000"]
    command = [sys.executable, "-m", "motet.cli", *typed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and (not (log := folder / "log.jsonl").exists() or log.stat().st_size < 1000):
            time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
    assert process.returncode == code
    lines = [line for line in err.splitlines() if "stop" in line]
    assert lines == [f"motet: stopped by {number.name}; continue with: motet {' '.join(typed)} --resume"]
    (step,) = folder.glob("step-*")
    assert 0 < int(step.name.removeprefix("step-")) < 4000


@pytest.mark.slow
def test_under_torchrun_one_process_says_it_and_all_save(recipe, tmp_path):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["-m", "motet.cli", "train", str(recipe), "--folder", str(folder), "--set", "train.steps=4000"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as run:
        while run.poll() is None and (not (log := folder / "log.jsonl").exists() or log.stat().st_size < 1000):
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        _, err = run.communicate(timeout=120)
    assert [line for line in err.splitlines() if line.startswith("motet: ")] == [
        f"motet: stopped by SIGTERM; continue with: motet train {recipe} --folder {folder} "
        "--set train.steps=4000 --resume"
    ]
    assert len(list(folder.glob("step-*"))) == 1


def test_a_run_is_evaluated_and_compared_without_its_recipe_to_the_same_numbers(motet, alone, tmp_path):
    before = json.loads((alone / "report.json").read_text())
    told = json.loads(motet("evaluate", alone, "--json").out)
    assert [result["value"] for result in told["results"]] == [result["value"] for result in before["results"]]
    assert evaluate(alone).results == Report.from_dict(told).results
    ran = motet("baseline", alone, "--folder", tmp_path / "single", "--lr", "1e-3")
    assert ran.code == 0, ran.err
    ran = motet("compare", alone, tmp_path / "single")
    assert ran.code == 0, ran.err
    assert "the page has no images" not in ran.out
    assert (alone / "report.html").read_text().count("<figure") >= 2
    assert "recipe_that_is_gone" not in sys.modules


def test_data_that_moved_are_named(motet, alone):
    moved = alone.parent.rename(alone.parent.with_name("moved"))
    ran = motet("evaluate", moved / "run")
    assert ran.code == 2
    assert "where data lie elsewhere now: --data OLD=NEW" in ran.err
    told = motet("evaluate", moved / "run", "--data", f"{alone.parent}={moved}", "--json")
    before = json.loads((moved / "run/report.json").read_text())
    assert [r["value"] for r in json.loads(told.out)["results"]] == [r["value"] for r in before["results"]]


EVIL = """
from pathlib import Path
Path(__file__).with_suffix(".ran").write_text("")
from dataclasses import dataclass
from motet.data.readers import ImageFolder

@dataclass(frozen=True)
class Mine:
    inner: ImageFolder

    def __len__(self):
        return len(self.inner)

    def keys(self, index):
        return self.inner.keys(index)

    def __getitem__(self, index):
        return self.inner[index]
"""


@pytest.mark.parametrize("command", ["evaluate", "baseline", "compare", "predict", "export"])
def test_nothing_that_a_run_folder_names_runs_unless_it_is_trusted(motet, trained, tmp_path, command):
    """A downloaded folder names a recipe, and a reader in a file of its own: neither runs."""
    folder, evil = tmp_path / "run", tmp_path / "evil_parts.py"
    shutil.copytree(trained[1], folder)
    evil.write_text(EVIL + "\nraise SystemExit('it ran')\n")
    record = json.loads((folder / "run.json").read_text())
    for source in record["run"]["sources"]:
        source["reader"] = {"class": "evil_parts:Mine", "inner": source["reader"]}
    record |= {"origin": {"recipe": f"{evil}:run", "settings": []}, "code": {"evil_parts": str(evil)}}
    (folder / "run.json").write_text(json.dumps(record))
    image = trained[0].parent / "kinds/dark/0.png"
    typed = {
        "evaluate": [folder],
        "baseline": [folder, "--folder", tmp_path / "single"],
        "compare": [folder, trained[1].parent / "run-single"],
        "predict": [folder, "--task", "kind", "--image", image],
        "export": [folder, "--merge-experts", tmp_path / "dense"],
    }[command]
    ran = motet(command, *typed)
    assert not evil.with_suffix(".ran").exists()
    assert "evil_parts" not in sys.modules
    if command in ("evaluate", "baseline"):
        assert ran.code == 2
        assert f"got code outside motet, which would be imported and run: evil_parts:Mine ({evil})" in ran.err
        assert f"--trust {evil}" in ran.err
        assert ran.err.count("\n") == 1


def test_a_reader_of_ones_own_runs_once_it_is_trusted_or_by_its_recipe(motet, trained, tmp_path, forget):
    recipe, file = tmp_path / "recipe_of_mine.py", tmp_path / "recipe_parts_of_mine.py"
    file.write_text(EVIL)
    text = trained[0].read_text().replace("reader=part", "reader=Mine(part)")
    text = text.replace("DATA = ", "from recipe_parts_of_mine import Mine\nDATA = ")
    recipe.write_text(text.replace("Path(__file__).parent", f"Path({str(trained[0].parent)!r})"))
    assert motet("train", recipe, "--folder", tmp_path / "run").code == 0
    ran = motet("evaluate", tmp_path / "run")
    assert f"and run: recipe_parts_of_mine:Mine ({file}); want" in ran.err
    before = json.loads((tmp_path / "run/report.json").read_text())
    for allowed in (["--trust", file], ["--trust", "recipe_parts_of_mine"], ["--recipe", recipe]):
        told = json.loads(motet("evaluate", tmp_path / "run", *allowed, "--json").out)
        assert [r["value"] for r in told["results"]] == [r["value"] for r in before["results"]]


@pytest.mark.parametrize(
    ("task", "inputs"),
    [
        (classification("pets", ("cat", "dog")), "--image IMAGE"),
        (sentence("mood", ("bad", "good")), "--text TEXT"),
        (question_answering("vqa"), "--image IMAGE --text TEXT"),
        (matching("find"), "--image IMAGE --candidate TEXT --candidate TEXT"),
    ],
)
def test_the_command_to_predict_has_the_inputs_of_the_task(task, inputs):
    assert predict_command(Path("runs/a b"), task) == f"motet predict 'runs/a b' --task {task.name} {inputs}"


def test_evaluate_and_predict_decode_as_they_are_told(motet, trained):
    recipe, folder, _ = trained
    told = json.loads(
        motet("evaluate", folder, "--task", "vqa", "--decoding", "vqa=BeamSearch(num_beams=2)", "--json").out
    )
    assert any(note.startswith("decoding of vqa: BeamSearch(num_beams=2") for note in told["notes"])
    image = recipe.parent / "kinds/dark/0.png"
    ran = motet("predict", folder, "--task", "kind", "--image", image, "--decoding", "kind=Scoring()", "--json")
    assert json.loads(ran.out)["kind"] == "ClassPrediction", ran.err
    ran = motet("evaluate", folder, "--decoding", "vqa=Beams()")
    assert ran.code == 2
    assert "--decoding: vqa: got 'Beams'" in ran.err
