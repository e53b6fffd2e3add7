"""Properties of every gradient method: scale, order and number of tasks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.core import ConfigError
from motet.training.balancers import MGDA, CAGrad, PCGrad, UPGrad
from motet.training.balancers.gramian_methods import GramianMethod

METHODS: dict[str, GramianMethod] = {"pcgrad": PCGrad(), "upgrad": UPGrad(), "cagrad": CAGrad(), "mgda": MGDA()}
JACOBIAN = torch.tensor([[2.0, 0.0, 1.0], [-1.0, 0.5, 0.0], [0.0, 1.0, 0.5]], dtype=torch.float64)
PRODUCTS = JACOBIAN @ JACOBIAN.T


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_weights_are_finite_and_none_is_negative(method: GramianMethod) -> None:
    weights = method.weights(PRODUCTS, 0)
    assert weights.shape == (3,)
    assert weights.dtype == torch.float64
    assert bool((torch.isfinite(weights) & (weights >= -1e-9)).all())


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_scale_of_the_losses_does_not_matter(method: GramianMethod) -> None:
    torch.testing.assert_close(method.weights(1e6 * PRODUCTS, 3), method.weights(PRODUCTS, 3), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_equal_gradients_are_added_up_to_the_scale_of_the_method(method: GramianMethod) -> None:
    weights = method.weights(torch.ones(3, 3, dtype=torch.float64), 0)
    scale = (1 + method.c) / (1 + method.c**2) if isinstance(method, CAGrad) else 1.0
    assert float(weights.sum()) == pytest.approx(3.0 * scale, abs=2e-3)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_products_are_not_changed(method: GramianMethod) -> None:
    products = PRODUCTS.clone()
    method.weights(products, 0)
    assert torch.equal(products, PRODUCTS)


@pytest.mark.parametrize("method", [UPGrad(), CAGrad(), MGDA()], ids=lambda method: type(method).__name__)
def test_only_pcgrad_draws_from_its_seed(method: GramianMethod) -> None:
    assert torch.equal(method.weights(PRODUCTS, 0), method.weights(PRODUCTS, 1))


def test_orthogonal_gradients_are_added_by_projection_methods() -> None:
    products = torch.diag(torch.tensor([1.0, 4.0], dtype=torch.float64))
    torch.testing.assert_close(PCGrad().weights(products, 0), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(UPGrad().weights(products, 0), torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-3)


def test_mgda_weighs_a_short_gradient_more() -> None:
    weights = MGDA().weights(torch.diag(torch.tensor([1.0, 100.0], dtype=torch.float64)), 0)
    assert float(weights[0]) > 10 * float(weights[1])
    assert float(weights.sum()) == pytest.approx(2.0, abs=1e-3)


def test_a_larger_c_moves_cagrad_further_from_the_mean() -> None:
    mean = torch.ones(3, dtype=torch.float64)
    far = [float((CAGrad(c).weights(PRODUCTS, 0) * (1 + c**2) - mean).abs().sum()) for c in (0.0, 0.2, 0.4)]
    assert far[0] == pytest.approx(0.0, abs=1e-9)
    assert far[0] < far[1] < far[2]


NUMBERS = st.floats(-3, 3, allow_nan=False).filter(lambda x: abs(x) > 0.05)
JACOBIANS = st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=2, max_size=4).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64)
)


@settings(max_examples=25, deadline=None)
@given(JACOBIANS)
def test_upgrad_and_mgda_worsen_no_task(jacobian: torch.Tensor) -> None:
    products = jacobian @ jacobian.T
    sizes = products.diagonal().sqrt()
    for method in (UPGrad(), MGDA()):
        update = method.weights(products, 0) @ jacobian
        # Its products with the gradients, relative to their lengths: negative by no more than what keeps them solvable.
        assert float(((jacobian @ update) / sizes / (update.norm() + 1)).min()) > -0.05


@settings(max_examples=25, deadline=None)
@given(JACOBIANS)
def test_cagrad_helps_the_worst_off_task_as_much_as_any_vector_so_near_the_mean(jacobian: torch.Tensor) -> None:
    c, products = 0.4, jacobian @ jacobian.T
    mean = jacobian.mean(0)
    update = CAGrad(c).weights(products, 0) @ jacobian / len(jacobian) * (1 + c**2)
    radius = float(c * mean.norm())
    assert float((update - mean).norm()) == pytest.approx(radius, rel=2e-2, abs=2e-2)
    rng = np.random.default_rng(0)
    tries = torch.from_numpy(rng.normal(size=(2000, 4)))
    others = mean + radius * tries / tries.norm(dim=1, keepdim=True)
    best = float((others @ jacobian.T).min(1).values.max())
    assert float((jacobian @ update).min()) >= best - 0.03 * float(products.diagonal().max())


def test_pcgrad_of_two_tasks_is_the_formula() -> None:
    """With one other task there is one order: g1 - (g1 . g2) / |g2|^2 g2, and g2 alike."""
    first, second = torch.tensor([1.0, 0.0]).double(), torch.tensor([-1.0, 2.0]).double()
    jacobian = torch.stack([first, second])
    inner = float(first @ second)
    want = first - inner / float(second @ second) * second + second - inner / float(first @ first) * first
    for seed in range(3):
        torch.testing.assert_close(PCGrad().weights(jacobian @ jacobian.T, seed) @ jacobian, want)
    agreeing = torch.stack([first, -second])
    torch.testing.assert_close(PCGrad().weights(agreeing @ agreeing.T, 0), torch.ones(2).double())


@pytest.mark.parametrize("angle", [30.0, 80.0, 120.0, 170.0])
def test_mgda_of_two_tasks_is_the_nearest_point_of_the_line_between_them(angle: float) -> None:
    """Sener and Koltun, equation 4: gamma = clip((g2 - g1) . g2 / |g1 - g2|^2)."""
    turned = np.deg2rad(angle)
    first, second = np.array([1.0, 0.0]), 2.0 * np.array([np.cos(turned), np.sin(turned)])
    gamma = np.clip((second - first) @ second / ((first - second) @ (first - second)), 0, 1)
    jacobian = torch.from_numpy(np.stack([first, second]))
    found = MGDA().weights(jacobian @ jacobian.T, 0) / 2
    assert found.tolist() == pytest.approx([gamma, 1 - gamma], abs=2e-2)


def test_pcgrads_draw_leaves_the_global_generator_as_it_was() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    against = torch.tensor([[1.0, 0.0], [-0.6, 0.9], [-0.5, -1.0]], dtype=torch.float64)  # each against both others
    products = against @ against.T
    drawn = {tuple(np.round(PCGrad().weights(products, seed).numpy(), 6)) for seed in range(8)}
    assert torch.equal(torch.get_rng_state(), before)
    assert len(drawn) > 1  # the order of the others matters
    assert torch.equal(PCGrad().weights(products, 5), PCGrad().weights(products, 5))


def test_a_negative_distance_from_the_mean_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"CAGrad\.c: got -0\.1; want 0 or more"):
        CAGrad(-0.1)
