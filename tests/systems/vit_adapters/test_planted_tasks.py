"""Affinities of tasks whose relation is known: the same map under two names, its negative, and random labels."""

from dataclasses import replace

import pytest
import torch
from parts_act import batch_of

from motet.nn.tower import FromScratch
from motet.recipes.data.planted import PLANTED, planted
from motet.recipes.vit_adapters import small
from motet.systems import build_system
from motet.systems.vit_adapters import FixedAffinities
from motet.systems.vit_adapters.model import ViTAdapters
from motet.systems.vit_adapters.troa import gradient_cosines

STEPS, ROWS, LR = 40, 8, 1.5e-3


def cosines(start: str) -> dict[str, float]:
    """Returns the cosines of "normals" with each other task after a short training, averaged over three batches."""
    torch.manual_seed(0)
    source, *_ = planted(PLANTED[:4], train=64, val=1, test=1, size=32)
    config = small(size=32, mode=FromScratch(), affinities=FixedAffinities("uniform"))
    config = replace(config, decoder=replace(config.decoder, start=start))
    system = build_system(config, source.tasks, texts=list)
    assert isinstance(system, ViTAdapters)
    batches = [batch_of(system, [source.reader[i] for i in range(at, at + ROWS)]) for at in range(0, 64, ROWS)]
    groups = [{**group, "lr": LR * group.get("lr_scale", 1.0)} for group in system.parameter_groups()]
    optimizer = torch.optim.AdamW(groups, lr=LR)
    for step in range(STEPS):
        losses = system.losses(batches[step % len(batches)]).tasks.values()
        optimizer.zero_grad()
        torch.stack([loss.total / loss.weight for loss in losses]).sum().backward()
        optimizer.step()
    system.eval()
    found = torch.stack([gradient_cosines(system.gradient_products([batch]))[0] for batch in batches[:3]]).mean(0)
    return dict(zip(PLANTED[1:4], found[0, 1:].tolist(), strict=True))


@pytest.mark.slow
def test_decoders_that_start_alike_find_the_twin_and_those_drawn_apart_do_not() -> None:
    """The negative is not held to anything: while its head turns, its cosine has either sign (see the README)."""
    alike, apart = cosines("alike"), cosines("apart")
    assert alike["twin"] > 0.9, alike
    assert abs(alike["random"]) < 0.25, alike
    assert apart["twin"] < 0.5, apart
