"""Matching and the losses of boxes as a share of UniT's training step, at the paper's sizes.

python bench/bench_unit_detection.py
"""

from __future__ import annotations

import argparse
import os

import torch

from measure import Goal, in_turns, machine, ratio, write_table
from motet.core import Batch, Target
from motet.recipes.paper.unit import published_model
from motet.systems.unit.criterion import BoxTargets, detection_losses
from motet.systems.unit.heads import DetectionHead
from motet.systems.unit.model import UniT
from motet.tasks import detection
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.optim import HfAdamW
from motet.training.step import TrainStep

NAMES, BOXES = 91, 8  # COCO's images have seven boxes on average


def batch(rows: int, side: int) -> Batch:
    """Images of noise, each with boxes anywhere."""
    draw = torch.Generator().manual_seed(0)
    size_hw = side, side * 4 // 3 // 16 * 16
    value = {
        "boxes": torch.rand(rows, BOXES, 4, generator=draw) * 0.5 + 0.25,
        "labels": torch.randint(0, NAMES, (rows, BOXES), generator=draw),
        "attributes": torch.zeros(rows, BOXES, 0, dtype=torch.long),
        "valid": torch.ones(rows, BOXES, dtype=torch.bool),
    }
    pixels = torch.randn(rows, 3, *size_hw, generator=draw)
    target = Target(torch.arange(rows), value)
    return Batch(tuple(map(str, range(rows))), {"pixels": pixels}, {"coco": target})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--side", type=int, default=800, help="the shorter side of the images")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    config = published_model()
    task = detection("coco", tuple(f"thing {n}" for n in range(NAMES)))
    system = UniT(config, [task], texts=list, assets={}).to(args.device)
    plan = TrainConfig(steps=1, lr=5e-5, grad_clip=0.1)
    optimizer = HfAdamW().build(system.parameter_groups(), lr=plan.lr, weight_decay=1e-4)
    updater = TrainStep(system, optimizer, TaskMean(), plan, torch.device(args.device))
    sample = batch(args.rows, args.side).to(args.device)
    head = system.heads["coco"]
    assert isinstance(head, DetectionHead)
    with torch.no_grad():
        states = system.states("coco", sample.targets["coco"], system._trunk_features(sample))
        classes, boxes = head.classes(states), head.boxes(states)
    for answer in (classes, boxes):
        answer.requires_grad_()
    annotations = BoxTargets.of(sample.targets["coco"].value)

    def step() -> None:
        updater.update(0, 0, [sample], False)

    def losses() -> None:
        terms = detection_losses(classes, boxes, annotations, config.detection)
        torch.stack([loss.total / loss.weight for loss in terms.values()]).sum().backward()

    times = in_turns({"step": step, "losses": losses}, repeats=args.repeats)
    share = [100 * part for part in ratio(times["losses"], times["step"])]
    notes = [
        f"One step of UniT at the paper's sizes ({config.box_queries} queries, {config.depth} layers, {NAMES} classes, "
        f"a ResNet-50 with a dilated last stage) on {args.rows} images of {tuple(given.inputs['pixels'].shape[2:])} "
        f"pixels with {BOXES} boxes each: forward, backward, clipping, AdamW. The losses alone: matching of all "
        f"layers, classes, distances, generalised IoU, forward and backward. {args.repeats} times in turns: "
        f"median (least to most). {machine()}.",
        f"Matching and losses take {share[0]:.2f} % of a step ({share[1]:.2f} to {share[2]:.2f} over the turns); at "
        "most 5 % is required.",
    ]
    rows = [(name, str(time)) for name, time in times.items()]
    goals = [Goal("UniT's matching and losses, % of a step", share[0], at_most=5.0)]
    write_table("bench_unit_detection", "UniT's matching and losses", notes, ["", "time"], rows, goals)


if __name__ == "__main__":
    main()
