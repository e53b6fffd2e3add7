"""Stop-and-go against its formulas: improvement, patience, restart, cooldown, negative scores, saved states."""

import math

import pytest

from motet.core import CheckpointError, ConfigError
from motet.data.stop_and_go import Plateau, StopAndGo

SHARP = StopAndGo(patience=0, threshold=0.1, continue_threshold=0.2, cooldown=0)


def stopped_after(*scores: float, config: StopAndGo = SHARP) -> list[bool]:
    plateau = Plateau(config)
    return [plateau.observe(score) for score in scores]


@pytest.mark.parametrize(("score", "stopped"), [(110.0, True), (110.01, False)])
def test_an_improvement_exceeds_the_best_by_the_threshold(score: float, stopped: bool) -> None:
    assert stopped_after(100.0, score) == [False, stopped]


@pytest.mark.parametrize(("score", "stopped"), [(-90.0, True), (-89.9, False)])
def test_a_negated_metric_improves_towards_zero(score: float, stopped: bool) -> None:
    assert stopped_after(-100.0, score) == [False, stopped]


def test_a_score_between_the_thresholds_is_bad_and_does_not_become_the_best() -> None:
    plateau = Plateau(StopAndGo(patience=5, threshold=0.1, cooldown=0))
    for score in (100.0, 105.0, 109.0):
        plateau.observe(score)
    assert (plateau.best, plateau.num_bad) == (100.0, 2)


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_a_task_stops_after_more_bad_evaluations_than_patience(patience: int) -> None:
    config = StopAndGo(patience=patience, cooldown=0)
    assert stopped_after(50.0, *[50.0] * (patience + 1), config=config) == [False] * (patience + 1) + [True]


def test_a_stopped_task_goes_again_below_the_continue_threshold_only() -> None:
    config = StopAndGo(patience=1, threshold=0.0, continue_threshold=0.2, cooldown=0)
    assert stopped_after(100.0, 100.0, 100.0, 80.0, config=config)[-2:] == [True, True]
    assert stopped_after(100.0, 100.0, 100.0, 79.9, config=config)[-2:] == [True, False]


def test_the_best_score_survives_a_restart() -> None:
    plateau = Plateau(StopAndGo(patience=1, threshold=0.0, continue_threshold=0.2, cooldown=0))
    for score in (100.0, 100.0, 100.0, 50.0):
        plateau.observe(score)
    assert (plateau.stopped, plateau.converged, plateau.best) == (False, True, 100.0)


def test_evaluations_of_the_cooldown_are_not_bad() -> None:
    plateau = Plateau(StopAndGo(patience=1, threshold=0.0, continue_threshold=0.2, cooldown=2))
    for score in (100.0, 100.0, 100.0):
        plateau.observe(score)
    counts = []
    for _ in range(3):
        plateau.observe(95.0)
        counts.append((plateau.num_bad, plateau.cooldown))
    assert counts == [(0, 1), (0, 0), (1, 0)]


def test_a_reset_forgets_all_but_the_convergence() -> None:
    plateau = Plateau(SHARP)
    for score in (1.0, 1.0):
        plateau.observe(score)
    plateau.reset()
    assert (plateau.best, plateau.stopped, plateau.converged) == (-math.inf, False, True)


def test_a_saved_state_continues_alike() -> None:
    scores = [10.0, 10.0, 9.0, 7.0, 12.0, 12.0, 12.0, 8.0]
    for cut in range(len(scores)):
        whole, first, second = (Plateau(StopAndGo()) for _ in range(3))
        for score in scores[:cut]:
            first.observe(score)
        second.load_state_dict(first.state_dict())
        assert [second.observe(score) for score in scores[cut:]] == [whole.observe(score) for score in scores][cut:]


@pytest.mark.parametrize("state", [{}, {"best": "x", "bad": 0, "cooldown": 0, "stopped": False, "converged": False}])
def test_a_damaged_state_is_an_error(state: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="want the state of a task under stop-and-go"):
        Plateau(StopAndGo()).load_state_dict(state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patience": -1}, "patience: got -1; want 0 or more"),
        ({"threshold": math.nan}, "threshold: got nan"),
        ({"gap": 0}, "gap: got 0; want at least 1"),
        ({"reset_after": (5, 0)}, "reset_after: got"),
    ],
)
def test_numbers_out_of_range_are_errors(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        StopAndGo(**changes)
