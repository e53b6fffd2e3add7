"""Planted tasks: what each map is, and in which rows."""

import numpy as np
import pytest

from motet.core import ConfigError
from motet.recipes.data.planted import PLANTED, PlantedMaps, planted


def test_each_map_is_what_its_name_says() -> None:
    train, *_ = planted(train=6, val=1, test=1, size=32, every=3)
    labels = [train.reader[row].labels for row in range(6)]
    assert ["starved" in row for row in labels] == [True, False, False, True, False, False]
    for row in labels:
        np.testing.assert_array_equal(row["twin"], row["normals"])
        np.testing.assert_array_equal(row["negative"], -row["normals"])
        np.testing.assert_allclose(np.linalg.norm(row["random"], axis=2), 1.0, atol=1e-5)
        assert not np.allclose(row["random"], row["normals"])
        assert "depth" not in row
    np.testing.assert_array_equal(labels[0]["starved"], labels[0]["normals"])
    np.testing.assert_array_equal(labels[1]["random"], train.reader[1].labels["random"])


def test_a_random_map_has_no_mean_that_a_constant_could_learn() -> None:
    train, *_ = planted(train=60, val=1, test=1, size=32)
    means = {
        name: np.mean([train.reader[row].labels[name] for row in range(60)], axis=(0, 1, 2)) for name in PLANTED[:4]
    }
    assert np.linalg.norm(means["normals"]) > 0.9
    assert np.linalg.norm(means["random"]) < 0.35


def test_evaluated_rows_have_every_map() -> None:
    _, val, test = planted(train=4, val=2, test=3, size=32)
    for source in (val, test):
        assert all(set(PLANTED) == set(source.reader[row].labels) for row in range(len(source.reader)))
        assert [task.name for task in source.tasks] == list(PLANTED)
    with pytest.raises(ConfigError, match=r"PlantedMaps\.every"):
        PlantedMaps(val.reader, 0)
