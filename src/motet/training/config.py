"""Steps, learning rate, precision and the other numbers of training that belong to no system."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from motet.core import ConfigError
from motet.training.optim import AdamW, Cosine, HfAdamW, LRSchedule, OptimizerSpec


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The numbers of a training run that belong to no system.

    Args:
        steps: iterations of the schedule.
        lr: peak learning rate; each parameter group multiplies it with its own `lr_scale`.
        optimizer: which optimiser, with its constants.
        lr_schedule: the factor of the learning rate at each step, 0 to 1.
        weight_decay: as the optimiser defines it.
        grad_clip: largest norm of the gradient; None for no clipping.
        micro_batches: number of parts that each rank's batch is split into; they run one after the other, to save
            memory.
        precision: "bfloat16" autocasts the forward pass where the hardware has it.
        compile: `torch.compile` the system's losses.
        workers: loader processes per rank.
        evaluate_every: steps between evaluations on "val" sources; 0 for only at the end.
        save_every: steps between checkpoints; 0 for only at the end.
        keep_checkpoints: number of the latest checkpoints that are kept.
        final_weights: the weights that the run ends with: the "last", or the "best" of all evaluations on the "val"
            sources, of which there is one more, before the first step; see `BestWeights`. No effect without such
            sources.
        seed: of every random draw.
        sharded: whether each rank holds only its part of the parameters and of the optimiser's state between updates
            (FSDP2), for models whose state does not fit on one device; not for `Adafactor`. No effect on one rank.
            See `Shards`.
        on_bad_row: "stop" raises the row's DataError; "skip" draws the next row, and the report counts it.

    Raises:
        ConfigError: a number outside its range.
    """

    steps: int
    lr: float = 1e-3
    optimizer: OptimizerSpec = field(default_factory=AdamW)
    lr_schedule: LRSchedule = field(default_factory=Cosine)
    weight_decay: float = 1e-4
    grad_clip: float | None = 1.0
    micro_batches: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    workers: int = 0
    evaluate_every: int = 0
    save_every: int = 0
    keep_checkpoints: int = 1
    final_weights: Literal["last", "best"] = "last"
    seed: int = 0
    sharded: bool = False
    on_bad_row: Literal["stop", "skip"] = "stop"

    def __post_init__(self) -> None:
        for name, low in (
            ("steps", 0),
            ("workers", 0),
            ("evaluate_every", 0),
            ("save_every", 0),
            ("micro_batches", 1),
            ("keep_checkpoints", 1),
        ):
            if getattr(self, name) < low:
                raise ConfigError(f"TrainConfig.{name}: got {getattr(self, name)}; want at least {low}")
        if self.final_weights not in ("last", "best"):
            raise ConfigError(f"TrainConfig.final_weights: got {self.final_weights!r}; want 'last' or 'best'")
        if self.sharded and not isinstance(self.optimizer, AdamW | HfAdamW):
            raise ConfigError(
                f"TrainConfig.sharded: got optimizer {type(self.optimizer).__name__}; want AdamW, HfAdamW or "
                "SkipUnusedAdamW, whose step for a part of a parameter does not read the rest"
            )
        if not self.lr > 0:
            raise ConfigError(f"TrainConfig.lr: got {self.lr}; want a positive number")
        if self.grad_clip is not None and not self.grad_clip > 0:
            raise ConfigError(f"TrainConfig.grad_clip: got {self.grad_clip}; want a positive number or None")
        if self.weight_decay < 0:
            raise ConfigError(f"TrainConfig.weight_decay: got {self.weight_decay}; want 0 or more")

    def at_length(self, steps: int) -> TrainConfig:
        """Returns the config with another number of steps; evaluations and checkpoints keep their shares of them."""

        def as_often(every: int) -> int:
            return max(1, round(every * steps / self.steps)) if every and self.steps else every

        return replace(
            self, steps=steps, evaluate_every=as_often(self.evaluate_every), save_every=as_often(self.save_every)
        )

    def check(self) -> None:
        """Raises ConfigError if the learning-rate schedule does not fit into the steps.

        The constructor does not check this, because steps and schedule are often set one after the other.
        `run_training` checks it before it stores features.
        """
        if self.steps:
            self.lr_schedule.factor(0, self.steps)
