"""Depth and normals by hand."""

import numpy as np
import pytest

from motet.core import Dense, DenseMap
from motet.metrics import DepthAbsRel, DepthRMSE, DepthRMSEScaled, DepthWithin
from motet.metrics.dense_surfaces import angles_deg

METRES = Dense(1, "metre")


def value(metric, predicted, annotated):
    metric.update("a", DenseMap(np.array(predicted, dtype=np.float64)), np.array(annotated, dtype=np.float64), METRES)
    return metric.compute()


def test_the_scaled_error_ignores_a_factor() -> None:
    annotated = [[1.0, 2.0, 4.0]]
    assert value(DepthRMSEScaled(), [[3.0, 6.0, 12.0]], annotated) == pytest.approx(0.0)
    assert value(DepthRMSE(), [[3.0, 6.0, 12.0]], annotated) == pytest.approx(np.sqrt((4 + 16 + 64) / 3))


def test_the_relative_error_is_of_the_annotation() -> None:
    assert value(DepthAbsRel(), [[1.5, 4.0]], [[1.0, 8.0]]) == pytest.approx(50.0)


def test_delta1_is_below_a_factor_of_1_25_on_both_sides() -> None:
    assert value(DepthWithin(), [[1.24, 1.26, 1 / 1.24, 1 / 1.26]], [[1.0] * 4]) == pytest.approx(50.0)


def test_angles_are_exact_near_0_and_180_degrees() -> None:
    small = 1e-6
    turned = np.array([[np.sin(small), 0.0, np.cos(small)]])
    z = np.array([[0.0, 0.0, 1.0]])
    assert angles_deg(turned, z)[0] == pytest.approx(np.degrees(small), rel=1e-6)
    assert angles_deg(-turned, z)[0] == pytest.approx(180.0 - np.degrees(small), rel=1e-12)


def test_a_vector_of_length_0_is_90_degrees_off() -> None:
    assert angles_deg(np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]]))[0] == pytest.approx(90.0)
