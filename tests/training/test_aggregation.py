"""Properties of every gradient method: scale, order and number of tasks."""

import pytest
import torch

from motet.training.aggregation import MGDA, CAGrad, Method, PCGrad, UPGrad

METHODS: dict[str, Method] = {"pcgrad": PCGrad(), "upgrad": UPGrad(), "cagrad": CAGrad(), "mgda": MGDA()}
JACOBIAN = torch.tensor([[2.0, 0.0, 1.0], [-1.0, 0.5, 0.0], [0.0, 1.0, 0.5]], dtype=torch.float64)
PRODUCTS = JACOBIAN @ JACOBIAN.T


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_weights_are_finite_and_none_is_negative(method: Method) -> None:
    weights = method.weights(PRODUCTS, 0)
    assert weights.shape == (3,)
    assert weights.dtype == torch.float64
    assert bool((torch.isfinite(weights) & (weights >= -1e-9)).all())


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_scale_of_the_losses_does_not_matter(method: Method) -> None:
    torch.testing.assert_close(method.weights(1e6 * PRODUCTS, 3), method.weights(PRODUCTS, 3), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_equal_gradients_are_added_up_to_the_scale_of_the_method(method: Method) -> None:
    weights = method.weights(torch.ones(3, 3, dtype=torch.float64), 0)
    scale = (1 + method.c) / (1 + method.c**2) if isinstance(method, CAGrad) else 1.0
    assert float(weights.sum()) == pytest.approx(3.0 * scale, abs=2e-3)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_products_are_not_changed(method: Method) -> None:
    products = PRODUCTS.clone()
    method.weights(products, 0)
    assert torch.equal(products, PRODUCTS)


@pytest.mark.parametrize("method", [UPGrad(), CAGrad(), MGDA()], ids=lambda method: type(method).__name__)
def test_only_pcgrad_draws_from_its_seed(method: Method) -> None:
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
