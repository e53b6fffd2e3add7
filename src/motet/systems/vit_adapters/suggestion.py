"""The recipe function that `motet init` writes for ViT adapters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from motet.systems.base.suggestion import FunctionText, PlannedTask, steps_for, train_config_lines

_BATCH_SIZE = 16
_IMPORTS: Mapping[str, tuple[str, ...]] = {
    "motet.data.schedules": ("Mixed",),
    "motet.nn.feature_maps": ("BundledLite0Map",),
    "motet.nn.tower": ("Finetune",),
    "motet.systems.vit_adapters.config": ("ViTAdaptersConfig",),
    "motet.systems.vit_adapters.options": ("TimmTrunk",),
    "motet.training.balancers": ("TaskMean",),
    "motet.training.config": ("TrainConfig",),
    "motet.training.run": ("Run",),
}


@dataclass(frozen=True)
class ViTAdaptersSuggestion:
    """Adapters in a vision transformer predict a value at each pixel, and take no other kind of task along."""

    name: str = "vit_adapters"
    about: str = "adapters in a vision transformer (maps)"
    own: frozenset[str] = frozenset({"segmentation", "depth", "surface normals", "edges"})
    closed: bool = True

    def takes_along(self, kinds: Sequence[str]) -> bool:
        """Returns whether it also supports these kinds of task: none."""
        return not kinds

    def text(self, function: str, tasks: Sequence[PlannedTask], sources: str, about: str) -> FunctionText:
        """See `Suggestion`. A quarter of an hour to an hour on a laptop."""
        rows = sum(task.rows for task in tasks)
        steps = steps_for(rows, epochs=20, batch_size=_BATCH_SIZE, least=400, most=2000)
        return FunctionText(tuple(_lines(function, sources, about, steps)), _IMPORTS)


def _lines(function: str, sources: str, about: str, steps: int) -> Iterator[str]:
    yield f"def {function}() -> Run:"
    yield f'    """One vision transformer with adapters for {about}."""'
    yield "    return Run("
    yield "        system=ViTAdaptersConfig("
    yield "            # Starts at random and is trained as a whole. Where the Hub can be reached, better and frozen:"
    yield '            # trunk=TimmTrunk("swinv2_tiny_window8_256.ms_in1k"), mode=Frozen(),'
    yield "            trunk=TimmTrunk("
    yield '                "swinv2_tiny_window8_256",'
    yield "                size=192,  # larger ones show more, and take longer"
    yield "                pretrained=False,"
    yield '                options={"embed_dim": 48, "depths": (2, 2, 2, 2), "num_heads": (2, 4, 8, 16)},'
    yield "            ),"
    yield "            mode=Finetune(1.0),"
    yield "            # A frozen encoder that comes with motet: maps begin as the linear probe of its features."
    yield "            linear=BundledLite0Map(stage=(-3, -2, -1)),"
    yield "        ),"
    yield f"        sources={sources},"
    yield f"        schedule=Mixed(batch_size={_BATCH_SIZE}),"
    yield from train_config_lines(steps, "5e-4")
    yield "        balancer=TaskMean(),"
    yield "    )"
