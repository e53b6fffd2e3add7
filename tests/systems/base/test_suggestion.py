"""Numbers and lines that systems' suggestions share."""

from hypothesis import given, settings
from hypothesis import strategies as st

from motet.systems.base.suggestion import steps_for, train_config_lines
from motet.training.config import TrainConfig
from motet.training.optim import SkipUnusedAdamW


@settings(deadline=None)
@given(rows=st.integers(0, 10**7), epochs=st.integers(1, 50), batch_size=st.integers(1, 256))
def test_steps_are_hundreds_that_see_the_rows_so_often_or_one_of_the_limits(
    rows: int, epochs: int, batch_size: int
) -> None:
    steps = steps_for(rows, epochs=epochs, batch_size=batch_size, least=250, most=3100)
    wanted = epochs * rows / batch_size
    assert 250 <= steps <= 3100
    if 300 <= wanted <= 3000:
        assert steps % 100 == 0
        assert abs(steps - wanted) <= 50


def written(*args, **changes) -> TrainConfig:
    """The lines as Python, as they stand in a call of `Run`."""
    lines = "\n".join(train_config_lines(*args, **changes))
    names = {"TrainConfig": TrainConfig, "SkipUnusedAdamW": SkipUnusedAdamW}
    made = eval(f"dict({lines})", names)["train"]
    assert isinstance(made, TrainConfig)
    return made


def test_the_lines_are_a_plan_that_is_evaluated_and_saved_four_times() -> None:
    plan = written(1000, "5e-4")
    assert (plan.steps, plan.lr, plan.precision) == (1000, 5e-4, "bfloat16")
    assert (plan.evaluate_every, plan.save_every) == (250, 250)
    assert plan.optimizer == TrainConfig(steps=1).optimizer


def test_an_optimiser_is_one_more_line() -> None:
    assert written(10, "1e-3", "SkipUnusedAdamW()").optimizer == SkipUnusedAdamW()
    assert len(list(train_config_lines(10, "1"))) + 1 == len(list(train_config_lines(10, "1", "SkipUnusedAdamW()")))
