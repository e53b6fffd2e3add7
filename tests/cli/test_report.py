"""The command `motet report`, on run folders that are as training leaves them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from motet.cli.main import main
from motet.core import Report, Result


def write_run(folder: Path, values: dict[str, float]) -> Path:
    folder.mkdir(parents=True)
    results = tuple(
        Result(
            task=task, source=f"{task}/val", metric="accuracy", value=value, unit="%", higher_is_better=True,
            count=300, num_images=300,
        )
        for task, value in values.items()
    )  # fmt: skip
    run = {"tasks": list(values), "seed": 0, "data": {}}
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "report.json").write_text(json.dumps(Report(role="val", results=results).to_dict()))
    (folder / "log.jsonl").write_text("")
    return folder


def typed(*words: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["report", *map(str, words)])
    return int(left.value.code or 0)


def test_several_runs_become_one_page_beside_them(tmp_path, capsys) -> None:
    runs = [write_run(tmp_path / "a", {"pets": 50.0, "look": 40.0}), write_run(tmp_path / "b", {"pets": 60.0})]
    assert typed(*runs) == 0
    page = (tmp_path / "runs.html").read_text()
    assert "<h2>Scores</h2>" in page
    said = capsys.readouterr().out
    assert "no comparison with single-task models" in said  # look has none
    assert "runs.html: 2 runs" in said.replace("\n", "")
    assert typed(*runs, "--out", tmp_path / "deep" / "page.html") == 0
    assert (tmp_path / "deep" / "page.html").read_text() == page


def test_two_runs_of_one_seed_are_no_seeds_of_each_other(tmp_path, capsys) -> None:
    tasks = {"pets": 50.0, "look": 40.0}
    multi = [write_run(tmp_path / name, tasks) for name in "ab"]
    single = [write_run(tmp_path / "a-single" / task, {task: 30.0}) for task in tasks]
    assert typed(*multi, *single) == 0
    page = (tmp_path / "runs.html").read_text()
    assert "One multi-task model for 2 tasks against one single-task model per task, 1 seed." in page
    assert "b has the tasks and the seed of a" in " ".join(capsys.readouterr().out.split())
    assert "<h1>a and 3 more runs</h1>" in page
    assert "a-single/pets" in page


def test_a_folder_of_runs_becomes_a_site_without_those_that_are_not_finished(tmp_path, capsys) -> None:
    write_run(tmp_path / "runs" / "a", {"pets": 50.0})
    (tmp_path / "runs" / "a" / "report.html").write_text("its own page")
    write_run(tmp_path / "runs" / "b", {"pets": 50.0})
    (write_run(tmp_path / "runs" / "c", {"pets": 50.0}) / "report.json").unlink()
    assert typed(tmp_path / "runs", "--site", tmp_path / "site") == 0
    assert (tmp_path / "site" / "runs" / "a.html").read_text() == "its own page"
    assert "<h2>Verdict</h2>" in (tmp_path / "site" / "runs" / "b.html").read_text()
    assert not (tmp_path / "runs" / "b" / "report.html").exists()  # a site changes no run
    assert not (tmp_path / "site" / "runs" / "c.html").exists()
    said = " ".join(capsys.readouterr().out.split())
    assert "c is not finished: it is left out" in said
    assert "c is not finished" in (tmp_path / "site" / "index.html").read_text()


def test_one_run_gets_its_page_again(tmp_path, capsys) -> None:
    run = write_run(tmp_path / "a", {"pets": 50.0})
    assert typed(run, "--out", tmp_path / "copy.html") == 0
    assert (run / "report.html").read_text() == (tmp_path / "copy.html").read_text()
    assert "the page has no images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("{runs}", "--site", "{runs}/s", "--out", "{runs}/o"), "want one of them"),
        (("{runs}/c",), "report.json: got No such file"),
        (("{runs}/nowhere",), "want a run folder"),
    ],
)
def test_wrong_words_are_one_line(tmp_path, capsys, words, line) -> None:
    (write_run(tmp_path / "c", {"pets": 50.0}) / "report.json").unlink()
    assert typed(*(word.format(runs=tmp_path) for word in words)) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


def test_a_folder_without_a_finished_run_is_one_line(tmp_path, capsys) -> None:
    (write_run(tmp_path / "c", {"pets": 50.0}) / "report.json").unlink()
    assert typed(tmp_path) == 2
    assert "got no finished run" in capsys.readouterr().err
