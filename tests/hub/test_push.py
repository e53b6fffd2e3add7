"""The Hub: what is sent, what is fetched, and one line when it says no."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from motet.core import CheckpointError
from motet.hub import from_pretrained, push_to_hub, save_pretrained


class FakeHub:
    """Keeps what is uploaded in a folder, and gives snapshots of it by the patterns asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = folder, {}

    def create_repo(self, name, *, repo_type, private, exist_ok):
        assert exist_ok
        self.made[name] = (repo_type, private)

    def upload_folder(self, *, repo_id, folder_path, repo_type, commit_message):
        assert repo_id in self.made
        shutil.copytree(folder_path, self.folder / repo_id)
        return SimpleNamespace(commit_url=f"https://huggingface.co/{repo_id}/commit/1")

    def snapshot_download(self, name, *, revision, allow_patterns, **fetch):
        self.fetched = (name, revision, tuple(allow_patterns), fetch)
        target = self.folder / "snapshots" / name
        target.mkdir(parents=True, exist_ok=True)
        for path in (self.folder / name).rglob("*"):
            relative = path.relative_to(self.folder / name)
            if path.is_file() and any(relative.match(pattern) for pattern in allow_patterns):
                (target / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target / relative)
        return str(target)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    fake = FakeHub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot_download)
    monkeypatch.setattr("motet.core.hub_access.is_reachable", lambda endpoint: True)
    return fake


def test_what_is_pushed_comes_back(make, hub, trust, monkeypatch):
    system = make("animal", "caption")
    address = push_to_hub(system, "me/small", credit=["OpenMoji, CC BY-SA 4.0"], private=True, api=hub)
    assert address == "https://huggingface.co/me/small/commit/1"
    assert hub.made == {"me/small": ("model", True)}
    card = (hub.folder / "me/small/README.md").read_text()
    assert 'motet.load("me/small")' in card
    assert "OpenMoji" in card
    (hub.folder / "me/small/model.bin").write_bytes(b"a pickle")
    back = from_pretrained("me/small", revision="v1", trust=trust, token="t")
    assert torch.equal(back.trunk.weight, system.trunk.weight)
    assert back.assets() == system.assets()
    assert hub.fetched[:2] == ("me/small", "v1")
    assert hub.fetched[3] == {"token": "t"}
    monkeypatch.setattr("motet.core.hub_access.is_reachable", lambda endpoint: False)
    from_pretrained("me/small", trust=trust)
    assert hub.fetched[3] == {"local_files_only": True}
    assert not (hub.folder / "snapshots/me/small/model.bin").exists()


def test_a_folder_is_taken_before_the_hub(make, tmp_path, trust, hub, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_pretrained(make("animal"), "me/small")
    assert list(from_pretrained("me/small", trust=trust).tasks) == ["animal"]
    assert not hasattr(hub, "fetched")


def httpx_error() -> Exception:
    """The error of the Hub's HTTP client without a network."""
    client = sys.modules[HfHubHTTPError.__bases__[0].__module__.partition(".")[0]]
    return client.ConnectError("no network")


def refuse(*args, **kwargs):
    response = SimpleNamespace(headers={}, request=None, status_code=404)
    raise RepositoryNotFoundError("404 Client Error.\nRepository Not Found for url", response=response)


def test_a_name_that_is_nowhere_is_one_line(monkeypatch):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(CheckpointError) as error:
        from_pretrained("me/none")
    assert str(error.value) == (
        "model 'me/none': got no such folder, and no such repository on the Hub (or it is private, and needs a token); "
        "want the folder of a saved model or of a run, or owner/name on the Hub"
    )


@pytest.mark.parametrize(
    "error",
    [LocalEntryNotFoundError("no connection"), OfflineModeIsEnabled("offline"), httpx_error()],
    ids=lambda error: type(error).__name__,
)
def test_a_hub_that_cannot_be_reached_comes_after_the_folder_that_is_not_there(monkeypatch, error):
    def unreachable(*args, **kwargs):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(CheckpointError) as raised:
        from_pretrained("runs/nothing")
    reason = "" if isinstance(error, LocalEntryNotFoundError) else f" ({type(error).__name__})"
    assert str(raised.value) == (
        f"model 'runs/nothing': got no such folder, and the Hub could not be reached{reason}; want the folder of a "
        "saved model or of a run, or owner/name on the Hub"
    )


def test_a_hub_that_refuses_is_one_line(make, hub, monkeypatch):
    monkeypatch.setattr(hub, "create_repo", refuse)
    with pytest.raises(CheckpointError, match="want a repository that your token may write to") as error:
        push_to_hub(make("animal"), "other/small", api=hub)
    assert "\n" not in str(error.value)


def test_a_name_the_hub_would_not_take_is_one_line(tmp_path):
    with pytest.raises(
        CheckpointError,
        match="got no such folder; want the folder of a saved model or of a run, or owner/name on the Hub",
    ):
        from_pretrained(f"{tmp_path}/not/there")


@pytest.mark.parametrize("name", ["nothing", "./nothing", "a/b/c", "~/runs", "runs/", "/runs", "a b/c"])
def test_what_is_no_name_on_the_hub_is_not_asked_for(monkeypatch, name):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: pytest.fail("asked the Hub"))
    with pytest.raises(CheckpointError, match="got no such folder; want the folder"):
        from_pretrained(name)


def cached(folder: Path, cache: Path, name: str) -> None:
    """Puts a folder into the Hub's cache as a download does: a snapshot of links to blobs."""
    repository = cache / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("c0ffee")
    (repository / "blobs").mkdir()
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        blob, link = repository / "blobs" / f"{number}", repository / "snapshots" / "c0ffee" / path.relative_to(folder)
        shutil.copy(path, blob)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("motet.core.hub_access.is_reachable", lambda endpoint: False)
    return tmp_path / "cache"


def test_a_model_in_the_cache_is_loaded_by_name_without_a_network(make, trust, tmp_path, cache):
    system = make("animal", "caption")
    save_pretrained(system, tmp_path / "model")
    cached(tmp_path / "model", cache, "me/small")
    back = from_pretrained("me/small", trust=trust, cache_dir=cache)
    assert torch.equal(back.trunk.weight, system.trunk.weight)
    with pytest.raises(CheckpointError, match="'me/other': got no such folder, and the Hub could not be reached"):
        from_pretrained("me/other", trust=trust, cache_dir=cache)
