"""One update of the weights: forward of every micro-batch, backward by the balancer, clipping, optimiser, metrics."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from motet.core import Batch, ConfigError, Losses, System
from motet.data.loader import LoadedStep
from motet.training.balancers import LiveBalancer, loss_keys, losses_by_key
from motet.training.config import TrainConfig
from motet.training.distributed import add_over_ranks, buffer_copies, share_updated_buffers
from motet.training.errors import TrainingError
from motet.training.step_losses import StepLosses

if TYPE_CHECKING:  # FSDP2 takes two seconds, with torch._dynamo
    from motet.training.sharding import Shards

SHARED = 2
"""Number of values of a `StepOutcome` added over ranks beside totals and weights: stop signals, rows skipped."""


@dataclass
class StepOutcome:
    """The raw metrics of an update, on the device until `read`.

    Args:
        step: iterations of the schedule done, this one counted.
        values: for each key total and weight over all ranks, then the number of ranks with a stop signal, bad
            rows skipped, the gradient's norm, aux.
        keys: tasks and terms in the order of `values`, see `loss_keys`.
        aux: names of the last values.
        lr: the learning rate, of parameter groups that have no factor of their own.
        rows: by source, over all ranks.
        event: marks the end of the copy from a GPU; None elsewhere.
    """

    step: int
    values: Tensor
    keys: tuple[tuple[str, str], ...]
    aux: tuple[str, ...]
    lr: float
    rows: Mapping[str, int]
    event: torch.cuda.Event | None = None

    @classmethod
    def start(
        cls,
        step: int,
        values: Tensor,
        keys: tuple[tuple[str, str], ...],
        aux: tuple[str, ...],
        lr: float,
        rows: Mapping[str, int],
    ) -> StepOutcome:
        """Starts the copy to this process without waiting for the device."""
        if values.device.type != "cuda":
            return cls(step, values.cpu(), keys, aux, lr, rows)
        here = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        here.copy_(values, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch gives its constructor no types
        event.record()
        return cls(step, here, keys, aux, lr, rows, event)

    def read(self) -> StepMetrics:
        """Waits for the values and returns the metrics.

        Raises:
            TrainingError: a loss or the gradient is not finite.
        """
        if self.event is not None:
            self.event.synchronize()
        values = self.values.tolist()
        count = len(self.keys)
        totals, weights = values[:count], values[count : 2 * count]
        stop, skipped, norm = values[2 * count : 2 * count + SHARED + 1]
        loss: dict[str, float] = {}
        aux = dict(zip(self.aux, values[2 * count + SHARED + 1 :], strict=True))
        for (name, term), total, weight in zip(self.keys, totals, weights, strict=True):
            if not abs(total) < float("inf"):
                raise TrainingError(
                    f"step {self.step}: the loss of task {name!r}: got {total}; want a finite number (lower train.lr "
                    "or check the rows of this step); the last checkpoint is kept"
                )
            if weight > 0:
                loss[name] = loss.get(name, 0.0) + total / weight
                if term:
                    aux[f"{name}/{term}"] = total / weight
        if not norm < float("inf"):
            raise TrainingError(
                f"step {self.step}: the gradient's norm, with finite losses of {', '.join(loss) or 'no task'}: got "
                f"{norm}; want a finite number (lower train.lr); the last checkpoint is kept"
            )
        rows = {name: weight for (name, term), weight in zip(self.keys, weights, strict=True) if not term}
        counted = sum(rows.values())
        mean = sum(loss[name] * rows[name] for name in loss) / counted if counted > 0 else float("nan")
        return StepMetrics(self.step, mean, loss, norm, self.lr, self.rows, aux, int(skipped), stop > 0)


@dataclass(frozen=True)
class StepMetrics:
    """The metrics of an update, as they are logged."""

    step: int
    mean: float
    loss: Mapping[str, float]
    norm: float
    lr: float
    rows: Mapping[str, int]
    aux: Mapping[str, float]
    skipped: int
    stop: bool


class TrainStep:
    """Updates one system with one optimiser.

    Args:
        system: the system to train.
        optimizer: over its trainable parameters.
        balancer: combines several losses into one gradient; started for this system.
        config: clipping, precision, seed, compilation.
        device: of the system.
        parameters: the whole parameters, for clipping; None for those of the optimiser.
        shards: the sharded parameters; None if they are whole between updates.
    """

    def __init__(
        self,
        system: System,
        optimizer: Optimizer,
        balancer: LiveBalancer,
        config: TrainConfig,
        device: torch.device,
        *,
        parameters: Sequence[nn.Parameter] | None = None,
        shards: Shards | None = None,
    ) -> None:
        self.shards = shards
        self.system, self.optimizer, self.balancer, self.config, self.device = (
            system,
            optimizer,
            balancer,
            config,
            device,
        )
        own = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        self.parameters = own if parameters is None else list(parameters)
        self.forward: Callable[[Batch], Losses] = torch.compile(system.losses) if config.compile else system.losses

    def update(
        self, step: int, number: int, batches: Sequence[Batch], stop: bool, skipped: int = 0
    ) -> tuple[Tensor, tuple[str, ...]]:
        """Does one update; every rank calls it, also one without a batch.

        Args:
            step: from 0.
            number: index of the update in the step, from 0.
            batches: this rank's parts.
            stop: whether this rank received a stop signal.
            skipped: bad rows of this rank that others were drawn for.

        Returns:
            The values of a `StepOutcome` and the names of its aux.
        """
        parts = [batch.to(self.device) for batch in batches]
        buffers = buffer_copies(self.system)
        if self.shards is not None:
            self.shards.gather()
        self.system.refresh(parts, step)
        self.optimizer.zero_grad(set_to_none=True)
        losses = StepLosses(self.forward, parts, (self.config.seed, step, number), self.device, self._autocast)
        self.balancer.backward(losses, self.system)
        norm = self._clip()
        if self.shards is not None:
            self.shards.shard()
        self.optimizer.step()
        share_updated_buffers(self.system, buffers)
        if self.balancer.forwards_after_step:
            self._forward_again(losses)
        return self._values(losses, norm, (float(stop), float(skipped)))

    def _forward_again(self, losses: StepLosses) -> None:
        """Gives the balancer the losses of the same rows and dropout under the new weights; buffers stay unchanged."""
        if self.shards is not None:
            self.shards.gather()
        before = [(buffer, buffer.detach().clone()) for buffer in self.system.buffers()]
        with torch.no_grad():
            self.balancer.after_step(losses.again(), self.system)
            for buffer, value in before:
                buffer.copy_(value)

    def _clip(self) -> Tensor:
        if self.config.grad_clip is not None:
            return torch.nn.utils.clip_grad_norm_(self.parameters, self.config.grad_clip)
        return torch.nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])

    def _values(self, losses: StepLosses, norm: Tensor, counts: tuple[float, float]) -> tuple[Tensor, tuple[str, ...]]:
        keys = loss_keys(self.system)
        found = list(losses.found.values())
        parts = [losses_by_key(part) for part in found]
        zero = torch.zeros((), device=self.device)
        totals = [_added([part[key].total for part in parts if key in part], zero) for key in keys]
        weights = [_added([part[key].weight for part in parts if key in part], zero) for key in keys]
        counted = torch.tensor(counts, device=self.device)
        shared = add_over_ranks(torch.cat([torch.stack([*totals, *weights]), counted]))
        aux: dict[str, list[Tensor]] = {}
        for part in found:
            for name, value in part.aux.items():
                aux.setdefault(name, []).append(value.detach().float().mean())
        means = [torch.stack(values).mean() for values in aux.values()]
        return torch.cat([shared, torch.stack([norm.detach().float().to(self.device), *means])]), tuple(aux)

    def _autocast(self) -> contextlib.AbstractContextManager[object]:
        """Returns a context with bfloat16 if the hardware multiplies it; emulated, it is slower than 32 bits."""
        kind = self.device.type
        hardware = torch.cuda.is_bf16_supported() if kind == "cuda" else kind == "cpu" and _amx()
        if self.config.precision == "bfloat16" and hardware:
            return torch.autocast(kind, dtype=torch.bfloat16)
        return contextlib.nullcontext()


def _amx() -> bool:
    """Returns whether this CPU has matrix units for bfloat16 (seven times the 32-bit speed where it was measured)."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


def _added(values: Sequence[Tensor], zero: Tensor) -> Tensor:
    return torch.stack([value.detach().float().reshape(()) for value in values]).sum() if values else zero


def check_mixing(system: System, ready: LoadedStep) -> None:
    """Raises ConfigError for a batch of several sources where the system cannot mix them."""
    if system.mixes:
        return
    for rows in ready.planned.batches:
        sources = sorted({row.source for row in rows})
        if len(sources) > 1:
            raise ConfigError(
                f"schedule, step {ready.index}: got a batch of {', '.join(sources)}; want batches of one source, "
                f"since {type(system).__name__} cannot mix (Mixed(whole_batches=True))"
            )
