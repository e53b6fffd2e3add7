"""Cells on a Ray cluster of two nodes, of which one dies."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from toy_grid import ToyGrid, note, noted

from motet.cli.ray_place import RayCluster
from motet.core import ConfigError
from motet.experiments.run_grid import check_finished

PROGRAM = """
import os, sys, time
from pathlib import Path
name = next(word for word in sys.argv if word.startswith("--only=")).removeprefix("--only=")
folder = Path(os.environ["MOTET_DATA"])
with (folder / "began").open("a") as file:
    file.write(f"{name} {os.getppid()}\\n")
time.sleep(float(sys.argv[2]))
(folder / f"{name}.txt").write_text(str(sum(name.encode())))
"""


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    pytest.importorskip("ray", reason="the extra motet[ray] is not installed")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # Nodes start processes from this one's environment: there `python -m motet.cli` is a small program.
    package = tmp_path / "stand_in"
    (package / "motet/cli").mkdir(parents=True)
    (package / "motet/__init__.py").write_text("")
    (package / "motet/cli/__init__.py").write_text("")
    (package / "motet/cli/__main__.py").write_text(PROGRAM)
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield found
    found.shutdown()


def test_without_ray_or_a_cluster_it_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"--on ray: got no package ray; want the extra motet\[ray\]"):
        RayCluster(("study",)).run(ToyGrid(tmp_path, ("a",)), log=str)


@pytest.mark.slow
def test_a_node_that_dies_leaves_its_run_to_the_other(cluster, tmp_path, monkeypatch):
    second = cluster.add_node(num_cpus=1)
    folder = tmp_path / "grid"
    folder.mkdir()
    monkeypatch.setenv("MOTET_DATA", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stand_in"))
    grid, lines = ToyGrid(folder, tuple(f"cell {number}" for number in range(4))), []

    def kill() -> None:
        while len({pid for _, pid in noted(folder / "began")}) < 2:
            time.sleep(0.05)
        cluster.remove_node(second, allow_graceful=False)
        note(folder / "killed", "node 1")

    killer = threading.Thread(target=kill)
    killer.start()
    RayCluster(("study", "6"), cluster.address).run(grid, log=lines.append)
    killer.join()
    check_finished(grid)
    assert (folder / "killed").exists()
    assert len(noted(folder / "began")) > 4, "no run was lost with its node"
    assert not [line for line in lines if "failed" in line]
    alone = ToyGrid(tmp_path / "alone", tuple(cell.name for cell in grid.cells))
    alone.folder.mkdir()
    for cell in alone.cells:
        alone.run(cell)
    assert grid.results() == alone.results()
