"""One rank of an evaluation on several: `python evaluate_ranks.py RANK WORLD FOLDER`, run by test_evaluate."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch.distributed as dist

from motet.evaluation import evaluate


def load(name: str) -> Any:
    """A test module by its path: pytest's own import mode gives them no importable name."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "evaluation" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    toys, tests = load("conftest"), load("test_evaluate")
    toy = {"row": toys.row, "reader": toys.ToyReader, "system": toys.ToySystem, "replace": replace}
    source = tests.pets_source(toy)
    report = evaluate(
        toy["system"](*source.tasks), [source], batch_size=2, interval=True, predictions=folder / "predictions.jsonl"
    )
    (folder / f"report{rank}.json").write_text(json.dumps(report.to_dict()))
    dist.destroy_process_group()
