"""Of several processes one gets a cell; a dead one's claim is taken over by one other, and a paused one notices."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from motet.core import CheckpointError
from motet.experiments import claims as claims_module
from motet.experiments.claims import Claims


def test_a_cell_is_claimed_once_until_it_has_ended(tmp_path):
    first, second = Claims(tmp_path), Claims(tmp_path)
    claim = first.take("a")
    assert claim is not None
    with claim:
        assert second.take("a") is None
        assert second.take("b") is not None
    assert second.take("a") is not None
    assert first.take("a") is None


def test_one_of_many_threads_gets_it(tmp_path):
    all_claims = [Claims(tmp_path) for _ in range(16)]
    barrier, found = threading.Barrier(16), []

    def take(claims):
        barrier.wait()
        found.append(claims.take("a"))

    threads = [threading.Thread(target=take, args=(one,)) for one in all_claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in found) == 1


def elsewhere(monkeypatch, host="another"):
    """Lets what follows be done by a process of another machine."""
    monkeypatch.setattr(claims_module.socket, "gethostname", lambda: host)


def test_a_claim_of_another_machine_is_dead_when_nobody_touches_it(tmp_path, monkeypatch):
    with monkeypatch.context() as other:
        elsewhere(other)
        assert Claims(tmp_path).take("a") is not None  # and it dies without a heartbeat
    watching, also = Claims(tmp_path, lapse=0.05), Claims(tmp_path, lapse=0.05)
    assert watching.take("a") is None
    assert also.take("a") is None
    assert watching.holder("a") == f"process {os.getpid()} on another"
    time.sleep(0.06)
    assert watching.take("a") is not None
    assert also.take("a") is None, "two processes have taken it over"


def test_a_claim_that_is_touched_stays(tmp_path, monkeypatch):
    with monkeypatch.context() as other:
        elsewhere(other)
        claim = Claims(tmp_path, beat=0.02).take("a")
    watching = Claims(tmp_path, lapse=0.3)
    with claim:
        end = time.monotonic() + 0.6
        while time.monotonic() < end:
            assert watching.take("a") is None
            time.sleep(0.01)


def test_a_clock_that_is_wrong_kills_nobody(tmp_path, monkeypatch):
    with monkeypatch.context() as other:
        elsewhere(other)
        claim = Claims(tmp_path).take("a")
    os.utime(claim.path, (1.0, 1.0))
    assert Claims(tmp_path, lapse=60.0).take("a") is None


def test_a_process_that_was_paused_sees_that_it_has_lost(tmp_path, monkeypatch):
    with monkeypatch.context() as other:
        elsewhere(other)
        claim = Claims(tmp_path).take("a")
    watching = Claims(tmp_path, lapse=0.01)
    assert watching.take("a") is None
    time.sleep(0.02)
    with claim:
        claim.error = "of the one that has lost"
        new = watching.take("a")
        assert claim.lost()
        assert not new.lost()
    assert Claims(tmp_path).take("a") is None, "the end of the lost claim has freed the new one"
    assert watching.error("a") == ""


def test_a_dead_process_of_this_machine_is_known_at_once(tmp_path):
    child = os.fork()
    if child == 0:
        Claims(tmp_path).take("a")
        os._exit(0)
    os.waitpid(child, 0)
    assert Claims(tmp_path).take("a") is not None


def test_a_failure_counts_for_those_that_began_before_it(tmp_path):
    before, other = Claims(tmp_path), Claims(tmp_path)
    with before.take("a") as claim:
        claim.error = "no room"
    assert other.error("a") == "no room"
    time.sleep(0.02)
    assert Claims(tmp_path).error("a") == ""


@pytest.mark.parametrize("name", ["a/b", "../up", ".", "a" * 300, "名前", "a\nb", "--only=x; rm -rf ~"])
def test_any_name_is_one_file_in_the_folder(tmp_path, name):
    folder = tmp_path / "claims"
    assert Claims(folder).take(name) is not None
    assert Claims(folder).take(name) is None
    assert Claims(folder).take(f"{name}x") is not None
    assert len(list(folder.iterdir())) == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_a_claim_that_is_half_written_is_held(tmp_path):
    claims = Claims(tmp_path)
    (tmp_path / "a.1").write_text("")
    (tmp_path / "b.1").write_text(json.dumps({"pid": "x"}))
    assert claims.take("a") is None
    assert claims.take("b") is None


def test_a_folder_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="want a folder that can be written"):
        Claims(tmp_path / "file" / "claims")
