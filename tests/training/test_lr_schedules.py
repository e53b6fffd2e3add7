import pytest

from motet.core import ConfigError
from motet.training.lr_schedules import Constant, Cosine, LinearDecay, Rsqrt

SHAPES = [Cosine(), LinearDecay(), Rsqrt(), Constant(), Constant(warmup=1), Cosine(warmup=0.5, cooldown=0.5)]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 100])
def test_rates_stay_between_0_and_1(shape, steps):
    assert all(0 <= shape.factor(step, steps) <= 1 for step in range(steps + 1))


def test_a_warm_up_starts_at_0_and_reaches_1():
    assert [Constant(warmup=4).factor(step, 10) for step in (0, 1, 2, 4, 9)] == [0, 0.25, 0.5, 1, 1]


def test_a_share_counts_steps_of_the_run():
    assert Cosine(warmup=0.1).factor(5, 100) == Cosine(warmup=10).factor(5, 100)


def test_a_cool_down_ends_at_0():
    assert [Constant(cooldown=4).factor(step, 8) for step in (4, 6, 8)] == [1, 0.5, 0]


def test_a_warm_up_longer_than_the_run_is_refused():
    with pytest.raises(ConfigError, match=r"a warm-up of 10 .* in a run of 5"):
        Cosine(warmup=10).factor(0, 5)


@pytest.mark.parametrize("bad", [-1, 1.0, -0.1, 2.5])
def test_a_warm_up_that_is_neither_steps_nor_a_share_is_refused(bad):
    with pytest.raises(ConfigError, match="warmup: got"):
        Cosine(warmup=bad)


def test_a_time_scale_of_0_is_refused():
    with pytest.raises(ConfigError, match="timescale: got 0"):
        Rsqrt(timescale=0)
