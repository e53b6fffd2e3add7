"""Both sides of adaptation in one backward pass: each parameter learns from its own side only."""

import math

import pytest
import torch
from torch import Tensor, nn
from toys import label_task

from motet.core import ConfigError, Dense, Task
from motet.systems.vit_adapters.domains import (
    FOOL,
    SOURCE,
    TARGET,
    Adaptation,
    Discriminators,
    SpectralConv2d,
    adversarial_losses,
    discriminator_input,
)

OPTIONS = Adaptation(width=4, layers=3, hflip=False)
SEG, DEPTH = Dense(4, "class"), Dense(1, "metre")


def task(name: str, spec: Dense) -> Task:
    return Task(name=name, inputs=frozenset({"image"}), label=name, target=spec, metrics=label_task("x").metrics)


TASKS = (task("seg", SEG), task("depth", DEPTH), label_task("class"))


def discriminators(options: Adaptation = OPTIONS) -> Discriminators:
    torch.manual_seed(0)
    return Discriminators(TASKS, options, size_hw=(16, 24))


def scores() -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(1)
    return {
        name: torch.randn(4, channels, 16, 24, generator=rng).requires_grad_()
        for name, channels in (("seg", 4), ("depth", 1))
    }


DOMAIN = torch.tensor([False, True, True, False])


def test_terms_are_those_that_were_announced() -> None:
    nets = discriminators()
    assert dict(nets.terms) == {"seg": (FOOL, SOURCE, TARGET), "depth": (FOOL, SOURCE, TARGET)}
    found = adversarial_losses(nets, scores(), DOMAIN)
    assert set(found) == {(name, term) for name, terms in nets.terms.items() for term in terms}
    assert {float(loss.weight) for loss in found.values()} == {2.0}


def test_a_domain_without_rows_adds_no_term() -> None:
    nets, maps = discriminators(), scores()
    assert {term for _, term in adversarial_losses(nets, maps, torch.zeros(4, dtype=torch.bool))} == {SOURCE}
    assert {term for _, term in adversarial_losses(nets, maps, torch.ones(4, dtype=torch.bool))} == {FOOL, TARGET}


def test_what_fools_moves_the_model_and_what_teaches_moves_the_discriminator() -> None:
    nets, maps = discriminators(), scores()
    found = adversarial_losses(nets, maps, DOMAIN)
    (found["seg", SOURCE].total + found["seg", TARGET].total).backward(retain_graph=True)
    assert all(scores_of.grad is None for scores_of in maps.values())
    learned = {name: parameter.grad.clone() for name, parameter in nets.of_task["seg"].named_parameters()}
    assert all(float(gradient.abs().sum()) > 0 for gradient in learned.values())
    found["seg", FOOL].total.backward()
    for name, parameter in nets.of_task["seg"].named_parameters():
        assert torch.equal(parameter.grad, learned[name]), f"{name} learned from what fools it"
    moved = maps["seg"].grad.abs().sum((1, 2, 3))
    assert (moved > 0).tolist() == DOMAIN.tolist()


def test_the_values_are_those_of_two_passes_by_hand() -> None:
    nets, maps = discriminators(), scores()
    found = adversarial_losses(nets, maps, DOMAIN)
    bce = nn.functional.binary_cross_entropy_with_logits
    with torch.no_grad():
        target, source = (nets("depth", maps["depth"][rows]) for rows in ([1, 2], [0, 3]))
    means = {term: (found["depth", term].total / found["depth", term].weight).item() for term in (FOOL, SOURCE, TARGET)}
    assert means[FOOL] == pytest.approx(0.005 / 2 * float(bce(target, torch.zeros_like(target))), rel=1e-5)
    assert means[SOURCE] == pytest.approx(float(bce(source, torch.zeros_like(source))), rel=1e-5)
    assert means[TARGET] == pytest.approx(float(bce(target, torch.ones_like(target))), rel=1e-5)


def test_an_iterated_weight_has_largest_singular_value_one() -> None:
    torch.manual_seed(0)
    conv = SpectralConv2d(3, 8, spectral=True)
    for _ in range(200):
        conv.refresh()
    sigma = torch.linalg.svdvals(conv.weight.detach().flatten(1))[0]
    assert float(conv.u @ (conv.weight.detach().flatten(1) @ conv.v)) == pytest.approx(float(sigma), rel=1e-4)
    before = conv.u.clone()
    conv(torch.randn(1, 3, 8, 8))
    assert torch.equal(conv.u, before), "a forward pass changed a buffer"


def test_a_discriminator_learns_to_tell_domains_that_differ() -> None:
    nets = discriminators(Adaptation(width=4, layers=3, tasks=("depth",)))
    near = {"depth": torch.rand(4, 1, 16, 24) + torch.tensor([5.0, 60.0, 60.0, 5.0])[:, None, None, None]}
    optimizer = torch.optim.Adam(nets.parameters(), lr=1e-2)
    for _ in range(40):
        nets.refresh()
        optimizer.zero_grad()
        torch.stack([loss.total for loss in adversarial_losses(nets, near, DOMAIN).values()]).sum().backward()
        optimizer.step()
    with torch.no_grad():
        told = nets("depth", near["depth"]).mean((1, 2, 3)) > 0
    assert told.tolist() == DOMAIN.tolist()


def test_maps_are_shown_by_their_kind() -> None:
    normals = discriminator_input(torch.tensor([3.0, 0.0, 4.0]).view(1, 3, 1, 1), Dense(3, "unit vector"), (0, 1))
    assert normals.flatten().tolist() == pytest.approx([0.6, 0.0, 0.8])
    depth = discriminator_input(torch.tensor([-1.0, 2.0, 6.0]).view(1, 1, 1, 3), DEPTH, (2.0, 6.0))
    assert depth.flatten().tolist() == pytest.approx([-0.5, 0.0, 1.0])
    one = discriminator_input(torch.tensor([[[[1.5]]]]), Dense(1, "probability"), (0, 1))
    two = discriminator_input(torch.tensor([[[[0.0]], [[1.5]]]]), Dense(2, "probability"), (0, 1))
    torch.testing.assert_close(one, two)
    p = 1 / (1 + math.exp(-1.5))
    assert one.flatten().tolist() == pytest.approx([-(1 - p) * math.log2(1 - p), -p * math.log2(p)], abs=1e-5)


def test_mirrored_normals_turn_their_x(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = Discriminators((task("n", Dense(3, "unit vector")),), Adaptation(width=4, layers=2), size_hw=(8, 8))
    seen: list[Tensor] = []
    monkeypatch.setattr(nets.of_task["n"], "forward", lambda maps: seen.append(maps) or maps)
    maps = torch.nn.functional.normalize(torch.randn(64, 3, 8, 8), dim=1)
    nets("n", maps)
    mirrored = torch.cat([-maps.flip(-1)[:, :1], maps.flip(-1)[:, 1:]], dim=1)
    kept = (seen[0] - maps).abs().amax((1, 2, 3)) < 1e-5
    turned = (seen[0] - mirrored).abs().amax((1, 2, 3)) < 1e-5
    assert bool((kept ^ turned).all())
    assert 0 < int(turned.sum()) < 64
    nets.eval()("n", maps)
    torch.testing.assert_close(seen[1], maps)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": ("dept",)}, "got 'dept', which is no dense task; did you mean 'depth'"),
        ({"tasks": ("class",)}, "got 'class', which is no dense task"),
        ({"layers": 5}, "got 5, each halving a map of 16 x 24"),
        ({"layers": 1}, "want a width of at least 1 and at least 2 layers"),
        ({"weight": -1.0}, "got -1.0; want 0 or more"),
        ({"lr_scale": 0.0}, "got 0.0; want a positive number"),
        ({"depth_range_m": (3.0, 3.0)}, "want two depths in metres, the nearest first"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        discriminators(Adaptation(**{"layers": 3} | options))


def test_no_dense_task_is_refused() -> None:
    with pytest.raises(ConfigError, match="got no dense task"):
        Discriminators((label_task("class"),), OPTIONS, size_hw=(16, 16))
