"""The function of a written recipe that trains adapters for maps, as Python text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

MAPS = frozenset({"segmentation", "depth", "surface normals", "edges"})
"""Kinds whose answer is a value a pixel."""
MAPS_IMPORTS: Mapping[str, tuple[str, ...]] = {
    "motet.data.schedules": ("Mixed",),
    "motet.nn.tower": ("Finetune",),
    "motet.systems.vit_adapters.config": ("ViTAdaptersConfig",),
    "motet.systems.vit_adapters.options": ("TimmTrunk",),
    "motet.training.balancers": ("TaskMean",),
    "motet.training.config": ("TrainConfig",),
    "motet.training.run": ("Run",),
}
"""What the function needs: module -> names."""
_BATCH = 16


def maps_lines(name: str, sources: str, what: str, plan: Iterable[str]) -> Iterator[str]:
    """The lines of the function.

    Args:
        name: what it is called.
        sources: the expression of its sources.
        what: its tasks, for people.
        plan: the lines of its plan.
    """
    yield f"def {name}() -> Run:"
    yield f'    """One vision transformer with adapters for {what}."""'
    yield "    return Run("
    yield "        system=ViTAdaptersConfig("
    yield "            # Starts at random and is trained as a whole. Where the Hub can be reached, better and frozen:"
    yield '            # trunk=TimmTrunk("swinv2_tiny_window8_256.ms_in1k"), mode=Frozen(),'
    yield "            trunk=TimmTrunk("
    yield '                "swinv2_tiny_window8_256",'
    yield "                size=128,  # larger ones show more, and take longer"
    yield "                pretrained=False,"
    yield '                options={"embed_dim": 48, "depths": (2, 2, 2, 2), "num_heads": (2, 4, 8, 16)},'
    yield "            ),"
    yield "            mode=Finetune(1.0),"
    yield "        ),"
    yield f"        sources={sources},"
    yield f"        schedule=Mixed(batch_size={_BATCH}),"
    yield from plan
    yield "        balancer=TaskMean(),"
    yield "    )"


def maps_steps_for(rows: int) -> int:
    """Steps of adapters: a quarter of an hour to an hour on a laptop.

    Examples:
        >>> maps_steps_for(100), maps_steps_for(1_000), maps_steps_for(10**6)
        (400, 1200, 2000)
    """
    return int(min(2000, max(400, round(20 * rows / _BATCH, -2))))
