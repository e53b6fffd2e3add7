"""One frozen trunk, adapters and a decoder a task: what runs how often, what is trained, what tasks are told."""

import pytest
import torch

from motet.core import Losses
from motet.systems.vit_adapters import Adapters, Fixed
from toy_vit_adapters import TRUNKS, batch_of, system_of


def total(losses: Losses) -> torch.Tensor:
    return torch.stack([loss.total / loss.weight for loss in losses.tasks.values()]).sum()


@pytest.mark.parametrize("trunk", TRUNKS)
def test_fresh_adapters_without_a_bottleneck_leave_every_trunk_as_it_was(trunk: str) -> None:
    changed = system_of("segment", trunk=TRUNKS[trunk], adapters=Adapters(condition_width=12, bottleneck=None)).eval()
    plain = system_of("segment", trunk=TRUNKS[trunk], adapters=None, affinities=Fixed()).eval()
    plain.trunk.load_state_dict(changed.trunk.state_dict())
    pixels = batch_of(changed).inputs["pixels"]
    ours = changed.encoder.finish(changed.encoder.begin(pixels), changed.condition("segment")).last
    theirs = plain.encoder.finish(plain.encoder.begin(pixels), None).last
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert theirs.std() > 0.1
    # And the blocks, run one by one, are timm's model.
    whole = plain.trunk.model.forward_features(pixels)
    last = len(plain.trunk.stages) - 1
    whole = whole.permute(0, 2, 3, 1) if trunk.startswith("pvt") else plain.trunk.grid(last, whole)
    assert torch.allclose(plain.trunk.level(last, plain.norm(whole)), theirs, atol=1e-4)
