"""Trackers without a network: each run is read back by the tracker's own library."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from motet.core import ConfigError
from motet.training import trackers
from motet.training.trackers import Tracker, checked_names, opened_trackers


@dataclass(frozen=True)
class Settings:
    """Stands for the parts of a run."""

    steps: int = 3
    lr: float = 0.1
    mode: str = "frozen"


RUN = SimpleNamespace(
    sources=(SimpleNamespace(tasks=(SimpleNamespace(name="vqa"),)),), system=Settings(), train=Settings(5)
)


class ListTracker(Tracker):
    """Keeps what it is sent."""

    def __init__(self, folder, config) -> None:
        super().__init__("trackio", folder, config)
        self.seen = []

    def open(self) -> None:
        self.seen.append("open")

    def send(self, values, step) -> None:
        self.seen.append((step, values))

    def add_file(self, path) -> None:
        self.seen.append(path.name)

    def close(self, *, finished) -> None:
        self.seen.append(f"finished {finished}")


def test_what_was_sent_is_not_sent_again_after_a_resume(tmp_path) -> None:
    first = ListTracker(tmp_path, {})
    for step in (1, 2, 3):
        first.add({"loss": step / 2}, step)
    again = ListTracker(tmp_path, {})
    for step in (2, 3, 4):
        again.add({"loss": step / 2}, step)
    assert first.seen == ["open", (1, {"loss": 0.5}), (2, {"loss": 1.0}), (3, {"loss": 1.5})]
    assert again.seen == ["open", (3, {"loss": 1.5}), (4, {"loss": 2.0})]


@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"trackio"'])
def test_a_damaged_state_is_no_state(tmp_path, damage) -> None:
    (tmp_path / "tracking.json").write_bytes(damage)
    tracker = ListTracker(tmp_path, {})
    tracker.add({"loss": 1.0}, 1)
    assert json.loads((tmp_path / "tracking.json").read_text()) == {"trackio": {"step": 1}}


def test_nothing_is_opened_before_the_first_number_and_the_end_says_how_it_went(tmp_path, monkeypatch) -> None:
    made = []
    monkeypatch.setattr(trackers, "_tracker", lambda *given: made.append(ListTracker(*given[1:])) or made[-1])
    with opened_trackers(["trackio"], tmp_path, RUN):
        pass
    assert made[0].seen == []
    assert list(tmp_path.iterdir()) == []

    def stopped() -> None:
        with opened_trackers(["trackio"], tmp_path, RUN) as (tracker,):
            tracker.add({"loss": 1.0}, 1)
            raise KeyError

    with pytest.raises(KeyError):
        stopped()
    assert made[1].seen[-1] == "finished False"
    assert made[1].config == {
        "tasks": "vqa", "system.steps": 3, "system.lr": 0.1, "system.mode": "frozen", "train.steps": 5, "train.lr": 0.1,
        "train.mode": "frozen",
    }  # fmt: skip


def test_an_unknown_tracker_is_one_line() -> None:
    with pytest.raises(ConfigError, match="track: got tensorbord; want one of trackio, wandb, mlflow"):
        checked_names(["tensorbord"])


def test_a_library_that_is_not_installed_is_one_line(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with (
        pytest.raises(ConfigError, match="--track wandb: got no package wandb; want it: pip install wandb"),
        opened_trackers(["wandb"], tmp_path, RUN),
    ):
        pass


def logged(name, folder) -> None:
    """A run that is stopped and continued."""
    page = folder.parent / "report.html"
    page.write_text("<p>scores</p>")
    with opened_trackers([name], folder, RUN) as (tracker,):
        tracker.add({"vqa/loss": 2.0}, 1)
        tracker.add({"vqa/loss": 1.0}, 2)
    with opened_trackers([name], folder, RUN) as (tracker,):
        tracker.add({"vqa/loss": 9.0}, 1)
        tracker.add({"vqa/loss": 0.5, "vqa/val_accuracy": 61.5}, 3)
        tracker.add_page(page)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_it_back(folder, tmp_path, monkeypatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    logged("mlflow", folder)
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("motet").experiment_id])
    assert run.info.run_name == "mine"
    assert run.info.status == "FINISHED"
    assert [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, "vqa/loss")] == [
        (1, 2.0), (2, 1.0), (3, 0.5)
    ]  # fmt: skip
    assert run.data.params["train.steps"] == "5"
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["report.html"]


def records(path):
    """The records of an offline run of Weights & Biases: a header, then LevelDB's log of protocol buffers."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, part = path.read_bytes(), 7, b""
    assert data[:4] == b":W&B"
    while at + 7 <= len(data):
        if (room := 2**15 - at % 2**15) < 7:  # no header fits behind the last record of a block
            at += room
            continue
        length, kind = struct.unpack_from("<HB", data, at + 4)
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last part
            yield Record.FromString(part)
            part = b""


@pytest.mark.filterwarnings("ignore")
def test_wandb_reads_it_back(folder, monkeypatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    logged("wandb", folder)
    wandb.teardown()  # its own process writes the last records when it ends
    found, ids, config, artifacts = [], set(), {}, []
    for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"), key=lambda path: path.stat().st_mtime_ns):
        for record in records(path):
            match record.WhichOneof("record_type"):
                case "run":
                    ids.add(record.run.run_id)
                    config |= {one.key: json.loads(one.value_json) for one in record.run.config.update}
                case "history":
                    items = record.history.item
                    row = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
                    found.append((row["_step"], row["vqa/loss"]))
                case "artifact":
                    artifacts.append(record.artifact.name)
                case "request" if record.request.HasField("log_artifact"):
                    artifacts.append(record.request.log_artifact.artifact.name)
    assert found == [(1, 2.0), (2, 1.0), (3, 0.5)]
    assert len(ids) == 1
    assert config["train.steps"] == 5
    assert artifacts == [f"{ids.pop()}-report"]


@pytest.mark.filterwarnings("ignore")
def test_trackio_reads_it_back(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    trackio = pytest.importorskip("trackio")
    logged("trackio", folder)
    (run,) = trackio.Api().runs("motet")
    assert run.name == "mine"
    found = trackio.SQLiteStorage.get_logs("motet", "mine")
    assert [(one["step"], one["vqa/loss"]) for one in found if "vqa/loss" in one] == [(1, 2.0), (2, 1.0), (3, 0.5)]
