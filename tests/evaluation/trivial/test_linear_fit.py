"""Linear classifiers and regressions on standardised features."""

from __future__ import annotations

import numpy as np
import pytest

from motet.evaluation.trivial.linear_fit import STRENGTHS, LinearLoss, fit_linear

LOSSES: tuple[LinearLoss, ...] = ("logistic", "squared")


def blobs(rows: int, noise: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes apart in two dimensions, beside wide dimensions that say nothing."""
    rng = np.random.default_rng(seed)
    classes = np.arange(rows) % 3
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    x = np.concatenate([centres[classes] + rng.normal(size=(rows, 2)), 30 * rng.normal(size=(rows, noise))], axis=1)
    return x, np.eye(3)[classes]


def fifths(rows: int) -> np.ndarray:
    return np.arange(rows) % 5


@pytest.mark.parametrize("loss", LOSSES)
def test_separable_classes_are_separated_whatever_the_scale_of_the_features(loss: LinearLoss) -> None:
    x, y = blobs(120, noise=4)
    new, truth = blobs(60, noise=4, seed=1)
    for scale in (1.0, 1e-3, 1e3):
        model = fit_linear(scale * x, y, fifths(120), loss)
        assert (model.scores(scale * new).argmax(1) == truth.argmax(1)).mean() > 0.95


def test_a_logistic_regression_is_at_the_minimum_of_its_objective() -> None:
    x, y = blobs(90, noise=2)
    model = fit_linear(x, y, fifths(90), "logistic")
    scores = model.scores(x)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    assert z.T @ (shares - y) / 90 + model.strength * model.weights == pytest.approx(np.zeros((4, 3)), abs=1e-3)
    assert (shares - y).mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-3)


@pytest.mark.parametrize("rows", [12, 60])  # fewer and more rows than features
def test_a_ridge_regression_solves_its_normal_equations(rows: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 20))
    y = x[:, :1] - 2 * x[:, 1:2] + 3 + 0.1 * rng.normal(size=(rows, 1))
    model = fit_linear(x, y, fifths(rows), "squared")
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    expected = np.linalg.solve(z.T @ z / rows + model.strength * np.eye(20), z.T @ (y - y.mean()) / rows)
    assert model.weights == pytest.approx(expected, abs=1e-8)
    assert model.bias == pytest.approx(y.mean(axis=0))


def test_features_of_noise_get_a_strong_penalty_and_clear_ones_a_weak_one() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 40))
    noise = fit_linear(x, rng.normal(size=(300, 1)), fifths(300), "squared")
    clear = fit_linear(x, x @ rng.normal(size=(40, 1)), fifths(300), "squared")
    assert noise.strength >= 10
    assert clear.strength < 0.1


def test_of_equally_good_strengths_the_strongest_is_chosen() -> None:
    x = np.array([[-1.0], [1.0]] * 10)
    y = np.eye(2)[[0, 1] * 10]
    assert fit_linear(x, y, fifths(20), "squared").strength == STRENGTHS[0]


def test_a_constant_feature_counts_for_nothing() -> None:
    x, y = blobs(60, noise=0)
    model = fit_linear(np.concatenate([x, np.full((60, 1), 7.0)], axis=1), y, fifths(60), "logistic")
    assert np.isfinite(model.scores(np.array([[0.0, 8.0, 1e9]]))).all()
    assert model.scores(np.array([[0.0, 8.0, 1e9]])).argmax() == 2


def test_the_strength_has_the_least_error_over_the_rows_of_all_folds() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 30))
    y = x @ rng.normal(size=(30, 1)) + 4 * rng.normal(size=(60, 1))
    folds = rng.integers(3, size=60)
    errors = dict.fromkeys(STRENGTHS, 0.0)
    for fold in range(3):
        train, test = folds != fold, folds == fold
        mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
        z, new = (x[train] - mean) / deviation, (x[test] - mean) / deviation
        for strength in STRENGTHS:
            penalty = strength * train.sum() * np.eye(30)
            weights = np.linalg.solve(z.T @ z + penalty, z.T @ (y[train] - y[train].mean()))
            errors[strength] += float(((new @ weights + y[train].mean() - y[test]) ** 2).sum())
    best = min(errors, key=lambda strength: errors[strength])
    assert best not in (STRENGTHS[0], STRENGTHS[-1])
    assert fit_linear(x, y, folds, "squared").strength == best
