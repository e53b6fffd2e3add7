import json
import os

import pytest

from motet.core import CheckpointError
from motet.report import read_log, read_run


def test_a_run_folder_is_read_whole(made_run, tmp_path) -> None:
    run = read_run(made_run(tmp_path / "joint", {"pets": 60.0, "cows": 50.0}, seed=3))
    assert (run.name, run.tasks, run.seed) == ("joint", ("pets", "cows"), 3)
    assert run.report.main("pets").value == 60.0
    assert run.log.losses["pets"][0][0] == 20
    assert run.log.scores["pets", "accuracy"][-1] == (200, 60.0)
    assert run.log.samples_seen == {"pets/train": 1280, "cows/train": 1280}
    assert run.log.seconds == 50.0
    assert run.log.notes == ("a remark of the log",)
    assert run.credit == ("Drawings: OpenMoji, CC BY-SA 4.0",)


def test_a_log_whose_last_line_was_cut_off_is_read_up_to_there(tmp_path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": {"pets": 2.0}, "seconds": 1.5}\n{"step": 2, "lo')
    assert read_log(path).losses == {"pets": ((1, 2.0),)}


def test_the_clock_of_a_run_that_went_on_after_a_stop_is_added_up(tmp_path) -> None:
    path = tmp_path / "log.jsonl"
    lines = [{"step": s, "loss": {}, "seconds": t} for s, t in ((1, 4.0), (2, 9.0), (3, 2.0), (4, 5.0))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_log(path).seconds == 14.0


def test_what_is_missing_or_damaged_is_told_with_its_file(made_run, tmp_path) -> None:
    with pytest.raises(CheckpointError, match=r"run\.json: got No such file"):
        read_run(tmp_path / "nowhere")
    run = made_run(tmp_path / "run", {"pets": 60.0})
    (run / "log.jsonl").write_text("no\n{}\n")
    with pytest.raises(CheckpointError, match=r"log\.jsonl: line 1: got .*, one object per line"):
        read_run(run)
    (run / "log.jsonl").write_text("")
    (run / "report.json").write_text('{"steps": 3}')
    with pytest.raises(CheckpointError, match=r"report\.json: got the keys \['steps'\]; want those of a motet report"):
        read_run(run)
    (run / "report.json").write_text("[]")
    with pytest.raises(CheckpointError, match=r"report\.json: got a JSON list; want a JSON object"):
        read_run(run)
    (run / "report.json").write_text("{}{")
    with pytest.raises(CheckpointError, match=r"report\.json: got .*; want a whole JSON value"):
        read_run(run)


@pytest.mark.parametrize("key", ["tasks", "seed", "data"])
def test_a_run_that_does_not_say_what_it_was_is_refused(made_run, tmp_path, key: str) -> None:
    run = made_run(tmp_path / "run", {"pets": 60.0})
    said = json.loads((run / "run.json").read_text())
    del said[key]
    (run / "run.json").write_text(json.dumps(said))
    with pytest.raises(CheckpointError, match=rf"run\.json: got the keys \[.*\]; want '{key}' among them"):
        read_run(run)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("run.json", {"seed": "x"}, r"run\.json: got seed: 'x'; want the file that `motet train` wrote"),
        ("run.json", {"tasks": 5}, r"run\.json: got .*; want the file that `motet train` wrote"),
        ("run.json", {"data": {"pets/val": 5}}, r"run\.json: got data: .*; want the file"),
        ("run.json", {"versions": []}, r"run\.json: got .*; want the file"),
        ("report.json", {"step": None}, r"report\.json: .*\(step: None\)"),
        ("report.json", {"results": [{"task": 5}]}, r"report\.json: .*\(task: 5\)"),
        ("report.json", {"notes": 5}, r"report\.json: got the keys"),
    ],
)
def test_a_field_of_another_type_is_one_line(made_run, tmp_path, name, change, message) -> None:
    run = made_run(tmp_path / "run", {"pets": 60.0})
    (run / name).write_text(json.dumps(json.loads((run / name).read_text()) | change))
    with pytest.raises(CheckpointError, match=message):
        read_run(run)


@pytest.mark.parametrize(
    "line",
    [
        [], {"loss": {"pets": 1.0}}, {"step": 1, "loss": {"pets": "x"}}, {"step": 1, "loss": []}, {"note": 5},
        {"step": 1, "results": [{"task": "pets"}]}, {"step": 1, "results": 5}, {"step": 1, "task_status": {"pets": 1}},
    ],
)  # fmt: skip
def test_a_line_of_a_log_that_motet_did_not_write_is_one_line(tmp_path, line) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(line) + "\n{}\n")
    with pytest.raises(CheckpointError, match=r"log\.jsonl: line 1: got .*; want"):
        read_log(path)


def test_a_pipe_in_place_of_a_file_of_a_run_is_not_waited_for(made_run, tmp_path) -> None:
    for name in ("run.json", "log.jsonl", "report.json"):
        run = made_run(tmp_path / name, {"pets": 60.0})
        (run / name).unlink()
        os.mkfifo(run / name)
        with pytest.raises(CheckpointError, match="got a pipe, socket or device"):
            read_run(run)
