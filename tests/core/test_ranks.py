"""One process needs no group; the collectives of torch are called with lists of the world's size."""

import pytest

from motet.core import ranks


def test_one_process_needs_no_group() -> None:
    value = ["x"]
    assert (ranks.rank(), ranks.world()) == (0, 1)
    assert ranks.gather(value)[0] is value
    assert ranks.broadcast(value) is value


@pytest.fixture
def three(monkeypatch):
    """Rank 2 of three, whose collectives are stand-ins; two real processes are in `training/test_distributed.py`."""
    monkeypatch.setattr(ranks.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(ranks.dist, "get_rank", lambda: 2)
    monkeypatch.setattr(ranks.dist, "get_world_size", lambda: 3)

    def all_gather_object(whole, value):
        whole[:] = [f"from {number}" for number in range(len(whole) - 1)] + [value]

    def broadcast_object_list(box, src):
        assert box == ["own"]
        box[0] = f"from {src}"

    monkeypatch.setattr(ranks.dist, "all_gather_object", all_gather_object)
    monkeypatch.setattr(ranks.dist, "broadcast_object_list", broadcast_object_list)


@pytest.mark.usefixtures("three")
def test_values_are_gathered_in_order_and_taken_from_rank_0() -> None:
    assert (ranks.rank(), ranks.world()) == (2, 3)
    assert ranks.gather("own") == ["from 0", "from 1", "own"]
    assert ranks.broadcast("own") == "from 0"
