"""ViT adapters against training all of the same trunk: parameters at the paper's sizes; time, memory and where it goes.

python bench/bench_adapters.py
python bench/bench_adapters.py --device cuda --rows 16
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from measure import Timing, in_turns, machine, peak_mib, ratio, write_table
from motet.core import Batch, Dense, Target, Task
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import Finetune
from motet.recipes.paper.vit_adapters import published_model
from motet.systems import build_system
from motet.systems.vit_adapters import FixedAffinities, TimmTrunk, Troa, ViTAdaptersConfig
from motet.systems.vit_adapters.answers import task_loss
from motet.systems.vit_adapters.model import ViTAdapters
from motet.tasks import depth, edges, semantic_segmentation, surface_normals

T = TypeVar("T")
Kind: TypeAlias = Literal["adapters", "adapters, stored trunk", "vanilla"]
KINDS: tuple[Kind, ...] = ("adapters", "adapters, stored trunk", "vanilla")
TASKS: tuple[Task, ...] = (
    semantic_segmentation(names=tuple(f"class {n}" for n in range(17))), depth(), surface_normals(), edges(),
)  # fmt: skip
NUM_TASKS = (1, 2, 4)


def config(kind: Kind) -> ViTAdaptersConfig:
    """The paper's model, or the same trunk with all its weights trained."""
    own = published_model()
    if kind == "vanilla":
        return replace(own, mode=Finetune(1.0), adapters=None, affinities=FixedAffinities())
    return own


def system_of(kind: Kind, num_tasks: int, trunk: TimmTrunk | None = None) -> ViTAdapters:
    """A system of the first so many tasks; nothing is fetched."""
    chosen = config(kind) if trunk is None else replace(config(kind), trunk=trunk)
    built = build_system(chosen, TASKS[:num_tasks], texts=list, assets={})
    assert isinstance(built, ViTAdapters)
    return built


@dataclass(frozen=True)
class Counted:
    """Millions of parameters: all, those that are trained, and those of trunk and adapters, trained or not."""

    whole: float
    trained: float
    encoder: float


def counted(kind: Kind, num_tasks: int) -> Counted:
    """Of a system at the paper's sizes, without a weight in memory."""
    with torch.device("meta"):
        system = system_of(kind, num_tasks)
    every = dict(system.named_parameters())
    chosen = (
        every.values(),
        [parameter for parameter in every.values() if parameter.requires_grad],
        [parameter for name, parameter in every.items() if name.split(".")[0] in ("trunk", "adapters", "norm")],
    )
    return Counted(*(sum(parameter.numel() for parameter in of) / 1e6 for of in chosen))


def batch_of(system: ViTAdapters, rows: int, device: str, *, stored: bool = False) -> Batch:
    """Noise with maps of it."""
    torch.manual_seed(0)
    height, width = system.trunk.pixels.size_hw
    pixels = torch.randn(rows, 3, height, width, device=device)
    with torch.no_grad():
        inputs = {"features": system.encode(pixels)} if stored else {"pixels": pixels}
    valid = torch.ones(rows, height, width, dtype=torch.bool, device=device)
    targets = {
        name: Target(torch.arange(rows), {"map": _map(task, rows, height, width, device), "valid": valid})
        for name, task in system.tasks.items()
    }
    return Batch(tuple(str(row) for row in range(rows)), inputs, targets)


def _map(task: Task, rows: int, height: int, width: int, device: str) -> Tensor:
    assert isinstance(task.target, Dense)
    if task.target.unit == "class":
        return torch.randint(task.target.channels, (rows, height, width), device=device)
    return torch.rand(rows, task.target.channels, height, width, device=device)


def stepping(kind: Kind, num_tasks: int, args: argparse.Namespace) -> Callable[[], object]:
    """All that is needed, and the call that does a training step."""
    device = str(args.device)
    system = system_of(kind, num_tasks, trunk_of(args)).to(device)
    trained = [p for p in system.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5)
    batch = batch_of(system, int(args.rows), device, stored=kind == "adapters, stored trunk")

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(device, dtype=torch.bfloat16):
            losses = system.losses(batch)
        torch.autograd.backward(torch.stack([loss.total / loss.weight for loss in losses.tasks.values()]).sum())
        optimizer.step()

    return step


def trunk_of(args: argparse.Namespace) -> TimmTrunk:
    """The paper's trunk, or a narrower one of the same kind to try the bench with."""
    own = published_model().trunk
    if args.width is None:
        return own
    heads = tuple(max(1, args.width * 2**stage // 32) for stage in range(4))
    options = {"embed_dim": args.width, "depths": (1, 1, 5, 1), "num_heads": heads, "window_size": 4}
    return replace(own, size=64, options=options)


def phases(args: argparse.Namespace, num_tasks: int) -> dict[str, float]:
    """Seconds of one training step of the adapters, by part; each the least of three."""
    system = system_of("adapters", num_tasks, trunk_of(args)).to(args.device)
    batch = batch_of(system, args.rows, args.device)
    found: dict[str, list[float]] = {}

    def timed(name: str, part: Callable[[], T]) -> T:
        _wait(args.device)
        start = time.perf_counter()
        out = part()
        _wait(args.device)
        found.setdefault(name, [0.0])[-1] += time.perf_counter() - start
        return out

    for turn in range(4):
        for seconds in found.values():
            seconds.append(0.0)
        with torch.autocast(args.device, dtype=torch.bfloat16):
            begun = timed("trunk, once", partial(system.encoder.run_shared, batch.inputs["pixels"]))
            means = []
            for name, target in batch.targets.items():
                features = timed("adapted blocks", partial(system.encoder.run_task, begun, system.condition(name)))
                decoder, head = (parts[parameter_name(name)] for parts in (system.decoders, system.heads))
                maps = timed("decoders and heads", partial(_then, decoder, head, features)).permute(0, 3, 1, 2)
                loss = timed("losses", partial(task_loss, system.tasks[name], maps, target.value))
                means.append(loss.total / loss.weight)
        timed("backward", partial(torch.autograd.backward, torch.stack(means).sum()))
        system.zero_grad()
        if turn == 0:
            found.clear()  # warming up
    return {name: min(seconds) for name, seconds in found.items()}


def _then(first: nn.Module, second: nn.Module, x: object) -> Tensor:
    out: Tensor = second(first(x))
    return out


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def refreshing(num_tasks: int, args: argparse.Namespace) -> Callable[[], object]:
    """A refresh of the affinities from one batch."""
    system = system_of("adapters", num_tasks, trunk_of(args)).to(args.device)
    batch = batch_of(system, args.rows, args.device)
    every = system.config.affinities.every if isinstance(system.config.affinities, Troa) else 1

    def refresh() -> None:
        with torch.autocast(args.device, dtype=torch.bfloat16):
            system.refresh([batch], every)

    return refresh


def peak(kind: Kind, num_tasks: int, args: argparse.Namespace) -> float:
    """MiB that a step adds at its peak; on a GPU, all that is allocated."""
    if args.device == "cpu":
        return peak_mib(stepping, kind, num_tasks, args)
    step = stepping(kind, num_tasks, args)
    torch.cuda.reset_peak_memory_stats()
    step()
    return torch.cuda.max_memory_allocated() / 2**20


def measured(num_tasks: int, args: argparse.Namespace) -> tuple[dict[str, Timing], dict[str, float]]:
    """Time and memory of a step by kind of system."""
    steps: dict[str, Callable[[], object]] = {kind: stepping(kind, num_tasks, args) for kind in KINDS}
    times = in_turns(steps, repeats=args.repeats)
    steps.clear()
    return times, {kind: peak(kind, num_tasks, args) for kind in KINDS}


def compared(times: dict[int, dict[str, Timing]], memory: dict[int, dict[str, float]]) -> list[list[str]]:
    """A row a kind of system and number of tasks: against one trunk trained as a whole, and against one a task."""
    alone = times[1]["vanilla"]
    return [
        [f"{num_tasks} tasks, {kind}", str(times[num_tasks][kind]),
         f"{ratio(times[num_tasks][kind], times[num_tasks]['vanilla'])[0]:.2f}",
         f"{ratio(times[num_tasks][kind], alone)[0] / num_tasks:.2f}",
         f"{memory[num_tasks][kind]:.0f}", f"{memory[num_tasks][kind] / memory[num_tasks]['vanilla']:.2f}"]
        for num_tasks in times for kind in KINDS
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--width", type=int, default=None, help="of the trunk's first stage; 128 is Swin-B's")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    times, memory, refresh = {}, {}, []
    for num_tasks in NUM_TASKS:
        times[num_tasks], memory[num_tasks] = measured(num_tasks, args)
    for num_tasks in NUM_TASKS[1:]:
        turns = in_turns(
            {"step": stepping("adapters", num_tasks, args), "refresh": refreshing(num_tasks, args)},
            repeats=args.repeats,
        )
        one = ratio(turns["refresh"], turns["step"])[0]
        refresh.append(
            f"{one:.2f} of a step for {num_tasks} tasks ({100 * one / 100:.1f} % of training, every 100 steps)"
        )
    notes = [*parameters(), *timing(args, phases(args, NUM_TASKS[-1]), refresh)]
    columns = ["", "a step", "against vanilla", "against one model per task", "peak MiB", "against vanilla"]
    title = "ViT adapters against training the whole trunk"
    write_table("bench_adapters", title, notes, columns, compared(times, memory))


def parameters() -> list[str]:
    """What is trained at the paper's sizes, and what the paper may have counted."""
    adapters, vanilla, alone = counted("adapters", 4), counted("vanilla", 4), counted("vanilla", 1)
    own, encoders = adapters.trained, 4 * alone.encoder
    return [
        f"At the paper's sizes, for S-D-N-E: {own:.1f} million parameters are trained of {adapters.whole:.1f} million, "
        f"the decoders' among them. Training all of one trunk with the same four decoders is {vanilla.trained:.1f} "
        f"million ({own / vanilla.trained:.2f} of it are trained here); one model per task is {4 * alone.trained:.1f} "
        f"million ({own / (4 * alone.trained):.2f}).",
        f"Without decoders: one trunk with its adapters has {adapters.encoder:.1f} million, a trunk a task "
        f"{encoders:.1f} ({adapters.encoder / encoders:.2f}). The paper says 105.7 against 348 (0.30) and not what of; "
        "this is the count that gives its 348.",
    ]


def timing(args: argparse.Namespace, by_part: dict[str, float], refresh: list[str]) -> list[str]:
    """What was measured, where a step's time goes, what a refresh costs."""
    whole = sum(by_part.values())
    size = trunk_of(args).size or 192
    parts = ", ".join(f"{name} {seconds / whole:.0%}" for name, seconds in by_part.items())
    return [
        f"A training step of {args.rows} rows of {size} pixels in bfloat16, weights in float32, in turns, "
        f"{args.repeats} times: median (least to most). {machine()}. The paper: 8 against 18 minutes an epoch for four "
        "tasks, 0.44.",
        f"Where a step of {NUM_TASKS[-1]} tasks goes: {parts}.",
        f"A refresh of the affinities takes {' and '.join(refresh)}.",
    ]


if __name__ == "__main__":
    main()
