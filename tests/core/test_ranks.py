"""One process is a world of its own; with two, the collectives agree."""

from pathlib import Path

import torch.distributed as dist
import torch.multiprocessing as mp

from motet.core.ranks import broadcast, gather, rank, world


def test_one_process_needs_no_group() -> None:
    value = ["x"]
    assert (rank(), world(), gather(value), broadcast(value)) == (0, 1, [["x"]], ["x"])


def _on_rank(number: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=number, world_size=2)
    found = (rank(), world(), gather({"rank": number}), broadcast(f"from {number}"))
    Path(folder, f"{number}.txt").write_text(repr(found))
    dist.destroy_process_group()


def test_two_processes_gather_in_order_and_take_rank_0s_value(tmp_path) -> None:
    mp.spawn(_on_rank, (str(tmp_path),), nprocs=2)
    gathered = "[{'rank': 0}, {'rank': 1}], 'from 0')"
    assert [(tmp_path / f"{number}.txt").read_text() for number in (0, 1)] == [
        f"(0, 2, {gathered}",
        f"(1, 2, {gathered}",
    ]
