"""The autoencoder of label maps: what the vectors leave open (context, resized bottleneck, dropped codes, learning)."""

from dataclasses import replace

import pytest
import torch

from motet.core import ConfigError
from motet.nn.vqvae import LabelVQVAE, VQVAEConfig

KINDS = {"semantics": 3, "instances": 4}
SMALL = VQVAEConfig(
    size=16, patch=4, code_length=4, num_codes=8, code_width=8, width=16, heads=2, hidden=32, encoder_depth=1,
    decoder_depth=1,
)  # fmt: skip


def make(**changes) -> LabelVQVAE:
    torch.manual_seed(0)
    return LabelVQVAE(replace(SMALL, **changes), KINDS)


def labels(rows: int = 2) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return {name: torch.randint(count, (rows, 16, 16), generator=draw) for name, count in KINDS.items()}


def test_a_context_changes_codes_and_maps_and_is_wanted() -> None:
    model, image = make().eval(), torch.randn(2, 3, 16, 16)
    patches = model.patches(labels())
    assert not torch.equal(model.vectors(patches, image), model.vectors(patches, image.flip(0)))
    with pytest.raises(ConfigError, match="got no image; want it"):
        model.encode(labels())
    assert make(context=False).encode(labels()).shape == (2, 4)


@pytest.mark.parametrize("bottleneck", ["linear", "resize"])
def test_shapes(bottleneck) -> None:
    model = make(bottleneck=bottleneck, context=False).eval()
    codes = model.encode(labels())
    maps = model.maps(model.decode(codes))
    assert {name: tuple(value.shape) for name, value in maps.items()} == {
        "semantics": (2, 16, 16, 3), "instances": (2, 16, 16, 4)
    }  # fmt: skip


def test_it_learns_one_map_through_its_codes() -> None:
    model = make(context=False, code_dropout=False).train()
    optimizer, wanted = torch.optim.Adam(model.parameters(), 1e-2), labels(1)
    before = float(sum(model.losses(wanted).values()).detach())
    for _ in range(60):
        optimizer.zero_grad()
        sum(model.losses(wanted).values()).backward()
        optimizer.step()
    assert float(sum(model.eval().losses(wanted).values()).detach()) < before / 4


def test_the_dictionary_learns_in_training_alone() -> None:
    model = make(context=False)
    before = model.codebook.counts.clone()
    model.eval().losses(labels())
    assert torch.equal(model.codebook.counts, before)
    model.train().losses(labels())
    assert not torch.equal(model.codebook.counts, before)


def test_some_codes_are_dropped_in_training() -> None:
    model = make(context=False)
    torch.manual_seed(0)
    kept = model._dropped(torch.ones(200, 4, 8))[..., 0]
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    # The number that is kept is drawn evenly, from none to all; the places are drawn too.
    assert sorted(set(kept.sum(1).tolist())) == [0, 1, 2, 3, 4]
    assert (kept.mean(0) - kept.mean()).abs().max() < 0.1


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="want divisors of size and width"):
        replace(SMALL, patch=5)
    with pytest.raises(ConfigError, match="code_length: got 5 with 'resize'; want a square"):
        replace(SMALL, code_length=5)
    with pytest.raises(ConfigError, match="got momentum 1 and 8 codes"):
        replace(SMALL, momentum=1)
