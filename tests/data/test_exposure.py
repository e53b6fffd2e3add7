"""Counts of samples before a run agree with the rows that the mixture takes."""

from toys import toy_sources

from motet.data.exposure import count_samples, samples_per_source
from motet.data.mixture import Mixture
from motet.data.sampling_rates import FixedRates
from motet.data.schedules import Mixed

MIXTURE = Mixture(
    toy_sources(10, 40), Mixed(rates=FixedRates({"a": 1, "b": 1}), batch_size=8).bind(toy_sources(10, 40), seed=0), 0
)


def test_counts_are_those_of_the_planned_steps() -> None:
    consumed = MIXTURE.consumed
    for index in range(25):
        consumed = MIXTURE.plan(index, rank=0, world=1, consumed=consumed).consumed
    assert samples_per_source(MIXTURE, 25) == consumed
    assert sum(MIXTURE.consumed.values()) == 0  # the mixture itself is not advanced


def test_a_source_has_its_size_share_and_epochs() -> None:
    a, b = count_samples(MIXTURE, 25)
    assert (a.source, a.rows, a.images, a.unique, a.tasks) == ("a", 10, 10, 10.0, ("task_a",))
    assert a.samples + b.samples == 200
    assert a.share + b.share == 1
    assert (a.epochs, b.epochs) == (a.samples / 10, b.samples / 40)
    assert b.line() == f"b: {b.samples} rows, {b.epochs:.1f} epochs"


def test_no_steps_are_no_samples() -> None:
    assert [(one.samples, one.share) for one in count_samples(MIXTURE, 0)] == [(0, 0.0), (0, 0.0)]
