"""What a run writes while it runs: a line a step or for every so many, and plain lines where there is no terminal."""

import errno
import json
import os
from pathlib import Path

import pytest

from motet.core import Report, Result
from motet.training.errors import TrainingError
from motet.training.logging import LOG, RunLogger
from motet.training.step import StepMetrics


def seen(step: int, loss: float = 1.0, *, rows: int = 4) -> StepMetrics:
    losses = {"vqa": loss} if step % 2 else {"coco": loss}
    return StepMetrics(step, loss, losses, 0.5, 0.1, {"a": rows, "b": 0}, {"temperature": 2.0}, 0, False)


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


def report(step: int) -> Report:
    fields = {"task": "vqa", "source": "v", "metric": "accuracy", "value": 61.5, "unit": "%", "count": 9}
    return Report(step=step, results=(Result(**fields, higher_is_better=True),))


def test_a_short_run_has_a_line_a_step(tmp_path: Path) -> None:
    with RunLogger(tmp_path, steps=3, start=0, log_bytes=0, show=False) as journal:
        for step in (1, 2, 3):
            journal.log_step(seen(step, step), skipped=step - 1)
        journal.log_report(report(3))
        journal.note("stopped")
        assert journal.log_bytes == (tmp_path / LOG).stat().st_size
    first, second, third, evaluated, said = lines(tmp_path)
    assert first["loss"] == {"vqa": 1.0}
    assert first["rows"] == {"a": 4}
    assert first["lr"] == 0.1
    assert first["aux"] == {"temperature": 2.0}
    assert "skipped" not in first
    assert (second["step"], second["loss"], third["skipped"]) == (2, {"coco": 2.0}, 2)
    assert evaluated["results"][0]["value"] == 61.5
    assert said == {"note": "stopped"}
    assert any((tmp_path / "tensorboard").iterdir())


def test_a_long_run_has_means_over_every_so_many_and_all_rows(tmp_path: Path) -> None:
    with RunLogger(tmp_path, steps=4000, start=0, log_bytes=0, show=False) as journal:
        for step in range(1, 11):
            journal.log_step(seen(step, float(step)), skipped=0)
        journal.flush(0)
    assert [line["step"] for line in lines(tmp_path)] == [4, 8, 10]
    assert lines(tmp_path)[0]["loss"] == {"vqa": 2.0, "coco": 3.0}
    assert lines(tmp_path)[0]["mean_loss"] == 2.5
    assert sum(line["rows"]["a"] for line in lines(tmp_path)) == 40


def test_going_on_cuts_off_what_will_be_done_again(tmp_path: Path) -> None:
    with RunLogger(tmp_path, steps=5, start=0, log_bytes=0, show=False) as journal:
        journal.log_step(seen(1), 0)
        kept = journal.log_bytes
        journal.log_step(seen(2), 0)
    with RunLogger(tmp_path, steps=5, start=1, log_bytes=kept, show=False) as journal:
        journal.log_step(seen(2, 9.0), 0)
    assert [(line["step"], line["mean_loss"]) for line in lines(tmp_path)] == [(1, 1.0), (2, 9.0)]


def test_without_a_terminal_there_are_plain_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunLogger(tmp_path, steps=3, start=0, log_bytes=0, show=True) as journal:
        for step in (1, 2, 3):
            journal.log_step(seen(step), 0)
        journal.log_report(report(3))
        journal.note("a [note] in brackets")
    out, err = capsys.readouterr()
    assert out == ""
    first, last, evaluated, note = err.splitlines()  # step 2 came too soon after step 1 for a line of its own
    assert first.startswith("step 1/3  loss 1.000  vqa 1.000  ")
    assert first.endswith(" rows/s")
    assert last.startswith("step 3/3")
    assert evaluated == "step 3  val  vqa accuracy 61.5%"
    assert note == "a [note] in brackets"


def test_a_log_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / LOG).mkdir()
    with pytest.raises(TrainingError, match=r"^log in .*: got Is a directory; want a folder with room"):
        RunLogger(tmp_path, steps=3, start=0, log_bytes=0, show=False)


def test_a_disk_that_fills_up_is_one_line(tmp_path: Path) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self) -> None: ...

    with RunLogger(tmp_path, steps=3, start=0, log_bytes=0, show=False) as journal:
        journal._log.close()
        journal._log = Full()
        with pytest.raises(TrainingError, match=r"got No space left on device; want a folder with room"):
            journal.log_step(seen(1), 0)


def test_a_pipe_in_the_place_of_the_log_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LOG)
    with pytest.raises(TrainingError, match="a pipe, socket or device"):
        RunLogger(tmp_path, steps=3, start=0, log_bytes=0, show=False)
