"""The adapters of a whole trunk: task embeddings, adapted blocks and the bottlenecks between them (section 3.2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from timm.models.swin_transformer import PatchMerging
from torch import Tensor, nn
from torch.nn import functional as F

from motet.nn.parameter_names import parameter_name
from motet.systems.vit_adapters.adapter import Bottleneck
from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.initial import init_as_swin
from motet.systems.vit_adapters.options import Adapters
from motet.systems.vit_adapters.trunks import Trunk


class TrunkAdapters(nn.Module):
    """The adapters of a trunk: embeddings of the tasks, adapted blocks and bottlenecks.

    Args:
        trunk: the adapted trunk.
        options: the parts that there are.
        tasks: names of the tasks.
        adapted: the adapted blocks, as (stage, block).

    Attributes:
        bottleneck_blocks: the blocks that are followed by a bottleneck, as (stage, block).
    """

    def __init__(
        self, trunk: Trunk, options: Adapters, tasks: Sequence[str], adapted: Sequence[tuple[int, int]]
    ) -> None:
        super().__init__()
        self.options = options
        width = options.condition_width
        self.embeddings = nn.ParameterDict({parameter_name(name): torch.randn(width) for name in tasks})
        self.blocks = nn.ModuleDict(
            {_key(at): BlockAdapter(options, trunk.attention_shape(*at), trunk.norms(*at)) for at in adapted}
        )
        passing = options.bottleneck
        every = [(stage, index) for stage, shape in enumerate(trunk.stages) for index in range(shape.depth)]
        self.bottleneck_blocks = frozenset() if passing is None else frozenset(every if passing.everywhere else adapted)
        self.bottlenecks = nn.ModuleDict()
        self.merges = nn.ModuleDict()
        if passing is None or not self.bottleneck_blocks:
            return
        for at in sorted(self.bottleneck_blocks):
            stage_width = trunk.stages[at[0]].width
            self.bottlenecks[_key(at)] = Bottleneck(stage_width, width, passing.reduction, passing.activation)
        for stage in range(min(self.bottleneck_blocks)[0] + 1, len(trunk.stages)):
            before, here = trunk.stages[stage - 1], trunk.stages[stage]
            if before.grid_hw != here.grid_hw:
                self.merges[str(stage)] = init_as_swin(PatchMerging(before.width, here.width))
            elif before.width != here.width:
                self.merges[str(stage)] = init_as_swin(nn.Linear(before.width, here.width, bias=False))

    def block(self, stage: int, index: int) -> BlockAdapter | None:
        """Returns the adapter of a block, if it has one."""
        key = _key((stage, index))
        adapter = self.blocks[key] if key in self.blocks else None  # noqa: SIM401  a ModuleDict has no `get`
        return adapter if isinstance(adapter, BlockAdapter) else None

    def copy_norms(self, trunk: Trunk, taken: Collection[str]) -> None:
        """Copies the trunk's norms into the task-scaled ones, for a trunk whose weights came from another run.

        Args:
            trunk: the trunk with the norms.
            taken: names, relative to this module, of the weights from the other run; norms among them are not copied.
        """
        for key, adapter in self.blocks.items():
            for number, norm in enumerate(trunk.norms(*_at(key)), 1):
                scaled = getattr(adapter, f"norm{number}")
                if scaled is not None and f"blocks.{key}.norm{number}.weight" not in taken:
                    scaled.copy_from(norm)

    def modules_by_block(self) -> Mapping[str, list[nn.Module]]:
        """Returns the modules of each adapted block, in running order; a merge is with the first block of its stage."""
        modules: dict[str, list[nn.Module]] = {}
        for key in sorted({*self.blocks, *self.bottlenecks}, key=_at):
            stage, index = _at(key)
            merge = [self.merges[str(stage)]] if index == 0 and str(stage) in self.merges else []
            here = [kind[key] for kind in (self.blocks, self.bottlenecks) if key in kind]
            modules[key] = [*merge, *here]
        return modules

    def enter_stage(self, hidden: Tensor | None, stage: int, grid_hw: tuple[int, int]) -> Tensor | None:
        """Merges the output of a stage's bottlenecks to the size and width of the next stage."""
        if hidden is None or str(stage) not in self.merges:
            return hidden
        merged: Tensor = self.merges[str(stage)](hidden)
        if merged.shape[1:3] == grid_hw:
            return merged
        # Halving an odd side, the trunk rounds down, and merging up.
        return F.interpolate(merged.permute(0, 3, 1, 2), grid_hw, mode="area").permute(0, 2, 3, 1)

    def apply_bottleneck(self, at: tuple[int, int], x: Tensor, hidden: Tensor | None, z: Tensor) -> Tensor | None:
        """Applies the bottleneck after a block to the sum of the block's map and the previous bottleneck's output."""
        if at not in self.bottleneck_blocks:
            return hidden
        out: Tensor = self.bottlenecks[_key(at)](x if hidden is None else x + hidden, z)
        return out


def _key(at: tuple[int, int]) -> str:
    return f"{at[0]}_{at[1]}"


def _at(key: str) -> tuple[int, int]:
    stage, index = key.split("_")
    return int(stage), int(index)
