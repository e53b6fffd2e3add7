"""The trunk with its adapters: it runs once per batch up to the first adapted block, then once per task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from motet.core import ConfigError
from motet.systems.vit_adapters.options import Adapters, Unfrozen
from motet.systems.vit_adapters.trunk_adapters import TrunkAdapters
from motet.systems.vit_adapters.trunks import Trunk

NUM_ADAPTED = 4  # ViT adapters, section 3.1: blocks 15 to 18 of the 18 of Swin-B's third stage, and all of the last

At = tuple[int, int]


@dataclass(frozen=True)
class TrunkState:
    """The trunk's state before the first adapted block, which all tasks of a batch share.

    Args:
        x: the input of the first adapted block.
        skips: the map of each stage so far that decoders read, fine to coarse.
        bottleneck_inputs: the map after each block so far that a bottleneck follows.
    """

    x: Tensor
    skips: tuple[Tensor, ...]
    bottleneck_inputs: tuple[Tensor, ...] = ()

    def tensors(self) -> tuple[Tensor, ...]:
        """Returns all tensors, in order."""
        return (self.x, *self.skips, *self.bottleneck_inputs)

    def rows(self, rows: Int[Tensor, "r"]) -> TrunkState:
        """Returns the state of some rows of the batch."""
        if len(rows) == len(self.x):
            return self  # rows are ascending, so these are all of them
        return TrunkState(
            self.x[rows], tuple(m[rows] for m in self.skips), tuple(m[rows] for m in self.bottleneck_inputs)
        )


@dataclass(frozen=True)
class TrunkFeatures:
    """The feature maps that a task's decoder reads, channels last.

    Args:
        skips: the map of each stage but the last, fine to coarse; see `SwinUnet.skips`.
        last: the output of the adapters at the last stage.
    """

    skips: tuple[Tensor, ...]
    last: Float[Tensor, "b h w d"]


@dataclass
class AdaptedTrunk:
    """Runs the blocks of a trunk and its adapters in order; their weights belong to the system.

    Source: ViT adapters, section 3.2, wired as the official code: the last bottleneck's output replaces the last
    map, and decoders read the maps at the start of each stage. See `SwinUnet.skips` for the other way.

    Args:
        trunk: the model, block by block.
        adapters: the adapters of the trunk; None for none.
        norm: of the last map.
        adapted: the adapted blocks, as (stage, block).
        skips_at_end: whether decoders read the maps at the end of stages, see `SwinUnet.skips`.
    """

    trunk: Trunk
    adapters: TrunkAdapters | None
    norm: nn.LayerNorm
    adapted: tuple[At, ...] = ()
    skips_at_end: bool = False
    _shapes: tuple[torch.Size, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        shapes = enumerate(self.trunk.stages)
        self.order: list[At] = [(stage, index) for stage, shape in shapes for index in range(shape.depth)]
        self.num_shared = min((self.order.index(at) for at in self.adapted), default=len(self.order))
        passing = frozenset() if self.adapters is None else self.adapters.bottleneck_blocks
        self.early_bottlenecks = [at for at in self.order[: self.num_shared] if at in passing]

    def run_shared(self, pixels: Float[Tensor, "b 3 h w"]) -> TrunkState:
        """Runs the blocks before the first adapted one, once per batch."""
        trained = any(parameter.requires_grad for parameter in self.trunk.parameters())
        with torch.set_grad_enabled(torch.is_grad_enabled() and trained):
            x = self.trunk.stem(pixels)
            skips: list[Tensor] = []
            passed: list[Tensor] = []
            for at in self.order[: self.num_shared]:
                x = self._enter(at, x, skips)
                x = self.trunk.run(*at, x)
                if at in self.early_bottlenecks:
                    passed.append(self.trunk.grid(at[0], x))
                x = self._leave(at, x, skips, None)
            if self.num_shared < len(self.order):
                x = self._enter(self.order[self.num_shared], x, skips)
            return TrunkState(x, tuple(skips), tuple(passed))

    def run_task(self, state: TrunkState, z: Float[Tensor, "p k"] | None) -> TrunkFeatures:
        """Runs the other blocks for one task.

        Args:
            state: the state of the task's rows.
            z: the task's condition: one for all rows, or one per row; None without adapters.
        """
        x, skips, hidden = state.x, list(state.skips), None
        for at, grid in zip(self.early_bottlenecks, state.bottleneck_inputs, strict=True):
            hidden = self._run_bottleneck(at, grid, hidden, z)
            if self.skips_at_end and hidden is not None and self._is_last(at):
                skips[at[0]] = skips[at[0]] + hidden
        for number, at in enumerate(self.order[self.num_shared :]):
            if number > 0:
                x = self._enter(at, x, skips)
            x = self._run_block(at, x, z)
            hidden = self._run_bottleneck(at, self.trunk.grid(at[0], x), hidden, z)
            x = self._leave(at, x, skips, hidden)
        if not self.skips_at_end and hidden is not None:
            skips[-1] = hidden
        elif not self.skips_at_end:
            skips[-1] = self.trunk.grid(len(self.trunk.stages) - 1, x)
        levels = [self.trunk.level(stage, grid) for stage, grid in enumerate([*skips[:-1], self.norm(skips[-1])])]
        return TrunkFeatures(tuple(levels[:-1]), levels[-1])

    def pack(self, state: TrunkState) -> Float[Tensor, "b n d"]:
        """Packs a state into one tensor, for a feature store."""
        width = math.gcd(*(stage.width for stage in self.trunk.stages))
        return torch.cat([part.flatten(1) for part in state.tensors()], dim=1).view(len(state.x), -1, width)

    def unpack(self, features: Float[Tensor, "b n d"]) -> TrunkState:
        """Returns the state that `pack` packed."""
        if not self._shapes:
            pixels = torch.zeros(1, 3, *self.trunk.pixels.size_hw, device=features.device)
            with torch.no_grad():
                self._shapes = tuple(part.shape[1:] for part in self.run_shared(pixels).tensors())
        flat = torch.split(features.flatten(1), [shape.numel() for shape in self._shapes], dim=1)
        x, *maps = (part.reshape(len(features), *shape) for part, shape in zip(flat, self._shapes, strict=True))
        ends = len(maps) - len(self.early_bottlenecks)
        return TrunkState(x, tuple(maps[:ends]), tuple(maps[ends:]))

    def freeze(self, unfrozen: Sequence[Unfrozen]) -> None:
        """Freezes the trunk, except for the named parts of it."""
        self.trunk.requires_grad_(False)
        if "patch embedding" in unfrozen:
            self.trunk.patch_embedding().requires_grad_(True)
        if "adapted blocks" in unfrozen:
            for at in self.adapted:
                self.trunk.block(*at).requires_grad_(True)
        if "biases" in unfrozen:
            for name, parameter in self.trunk.named_parameters():
                parameter.requires_grad_(parameter.requires_grad or name.endswith("bias"))

    def freeze_replaced_norms(self) -> None:
        """Freezes norms of the trunk that are not read any more, since a task-scaled norm replaces them."""
        for at in self.adapted:
            adapter = None if self.adapters is None else self.adapters.block(*at)
            if adapter is not None and adapter.norm1 is not None:
                for norm in self.trunk.norms(*at):
                    norm.requires_grad_(False)

    def trained_blocks(self, *, embeddings: bool) -> Mapping[str, Sequence[nn.Parameter]]:
        """Returns the trained parameters as disjoint blocks by name, in the order they run.

        These are the stages of the trunk where it is trained, the adapters block by block, and the last norm.

        Args:
            embeddings: whether the embeddings of the tasks are a block too.
        """
        blocks: dict[str, Sequence[nn.Module]] = {"patches": [self.trunk.patch_embedding()]}
        for stage, shape in enumerate(self.trunk.stages):
            blocks[f"stage{stage}"] = [self.trunk.block(stage, index) for index in range(shape.depth)]
        if self.adapters is not None:
            blocks |= {"task_embeddings": [self.adapters.embeddings]} if embeddings else {}
            blocks |= {f"adapter{name}": modules for name, modules in self.adapters.modules_by_block().items()}
        blocks |= {"norm": [self.norm], "trunk_rest": [self.trunk]}
        grouped: set[nn.Parameter] = set()
        trained: dict[str, list[nn.Parameter]] = {}
        for name, modules in blocks.items():
            for parameter in (p for module in modules for p in module.parameters()):
                if parameter.requires_grad and parameter not in grouped:
                    grouped.add(parameter)
                    trained.setdefault(name, []).append(parameter)
        return trained

    def _enter(self, at: At, x: Tensor, skips: list[Tensor]) -> Tensor:
        stage, index = at
        if index == 0:
            x = self.trunk.enter(stage, x)
            if not self.skips_at_end:
                skips.append(self.trunk.grid(stage, x))
        return x

    def _leave(self, at: At, x: Tensor, skips: list[Tensor], hidden: Tensor | None) -> Tensor:
        if not self._is_last(at):
            return x
        if self.skips_at_end:
            grid = self.trunk.grid(at[0], x)
            # The sum that the stage's next bottleneck would read.
            skips.append(grid if hidden is None else grid + hidden)
        return self.trunk.leave(at[0], x)

    def _is_last(self, at: At) -> bool:
        return at[1] == self.trunk.stages[at[0]].depth - 1

    def _run_block(self, at: At, x: Tensor, z: Tensor | None) -> Tensor:
        adapter = None if self.adapters is None else self.adapters.block(*at)
        if adapter is None or z is None:
            return self.trunk.run(*at, x)
        return self.trunk.run_adapted(*at, x, adapter, z)

    def _run_bottleneck(self, at: At, grid: Tensor, hidden: Tensor | None, z: Tensor | None) -> Tensor | None:
        if self.adapters is None or z is None:
            return hidden
        if at[1] == 0:
            hidden = self.adapters.enter_stage(hidden, at[0], self.trunk.stages[at[0]].grid_hw)
        return self.adapters.apply_bottleneck(at, grid, hidden, z)


def adapted_blocks(trunk: Trunk, options: Adapters) -> tuple[At, ...]:
    """Returns the adapted blocks, as (stage, block).

    Raises:
        ConfigError: blocks that the trunk does not have, or none.
    """
    depths = [stage.depth for stage in trunk.stages]
    if options.blocks == "all":
        return tuple((stage, index) for stage, depth in enumerate(depths) for index in range(depth))
    if options.blocks is None:
        middle, last = len(depths) - 2, len(depths) - 1
        first = max(0, depths[middle] - NUM_ADAPTED)
        return (*((middle, i) for i in range(first, depths[middle])), *((last, i) for i in range(depths[last])))
    blocks: Sequence[Sequence[int]] = options.blocks
    fits = len(blocks) == len(depths) and all(
        0 <= index < depth for indices, depth in zip(blocks, depths, strict=True) for index in indices
    )
    if not fits or not any(blocks):
        raise ConfigError(
            f"Adapters.blocks: got {options.blocks}; want indices of blocks for each of the trunk's {len(depths)} "
            f"stages, which have {depths} blocks"
        )
    return tuple((stage, index) for stage, indices in enumerate(blocks) for index in sorted(set(indices)))
