"""Domain adaptation's parts against DenseMTL's and ADVENT's own numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motet.core import Dense
from motet.systems.vit_adapters.domains import Adaptation, Discriminator, discriminator_input, domain_loss
from motet.training.lr_schedules import Polynomial


@pytest.fixture(scope="module")
def given() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "s4_domains.npz") as file:
        return dict(file)


def test_self_information_of_classes(given: dict[str, np.ndarray]) -> None:
    maps = discriminator_input(torch.from_numpy(given["logits"]), Dense(given["logits"].shape[1], "class"), (0.0, 1.0))
    np.testing.assert_allclose(maps.numpy(), given["prob_2_entropy"], atol=1e-6)


def test_the_loss_against_either_domain(given: dict[str, np.ndarray]) -> None:
    logits = torch.from_numpy(given["disc_map"])
    for name, is_target in (("bce_src0", False), ("bce_tgt1", True)):
        loss = domain_loss(logits, is_target=is_target)
        assert float(loss.total / loss.weight) == pytest.approx(float(given[name]), abs=1e-6)


def test_the_plain_discriminator(given: dict[str, np.ndarray]) -> None:
    width, channels = given["disc/0.weight"].shape[:2]
    net = Discriminator(channels, Adaptation(width=width, spectral=False))
    weights = {name.removeprefix("disc/"): torch.from_numpy(v) for name, v in given.items() if name.startswith("disc/")}
    kept = {name: value for name, value in net.state_dict().items() if name.endswith((".u", ".v"))}
    net.load_state_dict({**kept, **weights})
    with torch.no_grad():
        found = net(torch.from_numpy(given["disc_in"]))
    np.testing.assert_allclose(found.numpy(), given["disc_out"], atol=1e-6)


def test_the_polynomial_rate(given: dict[str, np.ndarray]) -> None:
    rate = Polynomial(warmup=0, power=0.9)
    found = [2.5e-4 * rate.factor(int(step), 90_000) for step in given["rate_steps"]]
    np.testing.assert_allclose(found, given["rate"], rtol=1e-6)
