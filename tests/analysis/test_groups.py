"""The paper's own table comes out of its own numbers, and a grouping out of changes that are larger than chance."""

import pytest

from motet.analysis.groups import Change, GroupChanges, average, gain_of_merging, suggest, total, trained_together

NAMES = ("G1", "G2", "G3", "G4")
# Lu et al. 2020, table 3: each row's change when it is trained with the column, and the averages as printed.
PAIRS = {
    "G1": {"G2": 0.38, "G3": 0.38, "G4": -0.20},
    "G2": {"G1": 0.46, "G3": 0.23, "G4": -4.13},
    "G3": {"G1": 0.39, "G2": 0.78, "G4": 0.24},
    "G4": {"G1": 2.29, "G2": 1.47, "G3": 0.67},
}
TRIPLES = {
    "G1": {"G2 G3": 0.63, "G2 G4": -0.08, "G3 G4": 0.18},
    "G2": {"G1 G3": 1.24, "G1 G4": 0.49, "G3 G4": -4.36},
    "G3": {"G1 G2": 0.86, "G1 G4": 0.19, "G2 G4": 0.29},
    "G4": {"G1 G2": 3.69, "G1 G3": 3.22, "G2 G3": 2.73},
}


def changes(names=NAMES, *tables, spread=None):
    """Changes with these means, of one seed, or of two that differ by as much as makes this spread."""
    seeds = (0.0,) if spread is None else (-spread / 2**0.5, spread / 2**0.5)
    found = {
        (row, tuple(others.split())): Change({seed: value + off for seed, off in enumerate(seeds)})
        for table in tables
        for row, cells in table.items()
        for others, value in cells.items()
    }
    return GroupChanges(names=names, changes=found)


def test_averages_are_those_of_the_paper() -> None:
    found = changes(NAMES, PAIRS, TRIPLES)
    of_groups = [found.average_of_group(name, 2).mean for name in NAMES]
    assert of_groups == pytest.approx([0.19, -1.15, 0.47, 1.48], abs=0.006)
    with_one = [found.average_with((name,)).mean for name in NAMES]
    assert with_one == pytest.approx([1.04, 0.88, 0.43, -1.36], abs=0.0075)
    assert [found.average_of_group(name, 3).mean for name in NAMES] == pytest.approx(
        [0.24, -0.88, 0.44, 3.21], abs=0.01
    )
    with_two = [found.average_with(column).mean for column in found.columns(3)]
    assert with_two == pytest.approx([2.27, 2.23, 0.34, 1.68, 0.10, -2.09], abs=0.0075)
    assert found.columns(3)[2] == ("G1", "G4")
    assert changes(NAMES, PAIRS).columns(3) == ()


def test_the_paper_s_pairs_put_the_two_that_harm_each_other_apart() -> None:
    found = suggest(changes(NAMES, PAIRS, spread=0.05))
    # G1 and G4 gain most, 2.29 - 0.20; G2 and G3 gain 0.23 + 0.78; G2 loses 4.13 with G4.
    assert found.parts == (("G1", "G4"), ("G2", "G3"))
    assert found.reasons == (
        "train together: G1 + G4; G2 + G3",
        "G1 and G4: the changes add up to +2.09 % (± 0.10 over 2 seeds): train together",
        "G2 and G3: the changes add up to +1.01 % (± 0.10 over 2 seeds): train together",
        "G1 + G4 and G2 + G3: the changes add up to -2.11 % (± 0.00 over 2 seeds, expected from pairs): train apart",
    )


def test_the_paper_s_triples_put_the_second_group_with_the_first_and_the_last() -> None:
    found = suggest(changes(NAMES, PAIRS, TRIPLES, spread=0.05))
    # -0.08 + 0.49 + 3.69 of the three, less 2.09 of the pair.
    assert found.parts == (("G1", "G2", "G4"), ("G3",))
    assert "G1 + G4 and G2: the changes add up to +2.01 % (± 0.05 over 2 seeds): train together" in found.reasons


def test_a_triple_that_was_trained_is_believed_before_its_pairs() -> None:
    pairs = {a: {b: 1.0 for b in "xyz" if b != a} for a in "xyz"}
    names = ("x", "y", "z")
    assert suggest(changes(names, pairs, spread=0.1)).parts == (names,)
    bad = {"x": {"y z": -1.0}, "y": {"x z": -1.0}, "z": {"x y": -1.0}}
    found = changes(names, pairs, bad, spread=0.1)
    assert suggest(found).parts == (("x", "y"), ("z",))
    assert gain_of_merging(found, ("x", "y"), ("z",)).mean == pytest.approx(-3 - 2)
    assert gain_of_merging(changes(names, pairs), ("x", "y"), ("z",)).mean == pytest.approx(3 - 2)


def test_a_sum_no_larger_than_its_spread_merges_nothing() -> None:
    mutual = {"a": {"b": 0.5}, "b": {"a": 0.5}}
    names = ("a", "b")
    assert suggest(changes(names, mutual, spread=0.4)).parts == (names,)
    apart = suggest(changes(names, mutual, spread=0.6))
    assert apart.parts == (("a",), ("b",))
    assert apart.reasons[0].startswith("nothing differs from training alone by more than its spread over 2 seeds")
    assert apart.reasons[1].endswith("no more than the spread: apart")
    worse = suggest(changes(names, {"a": {"b": -0.5}, "b": {"a": -0.5}}, spread=0.1))
    assert worse.reasons == (
        "no two groups gain together more than the spread over seeds: train each by itself",
        "a and b: the changes add up to -1.00 % (± 0.20 over 2 seeds): train apart",
    )


def test_seeds_that_move_both_ways_together_cancel_in_the_sum() -> None:
    found = GroupChanges(
        names=("a", "b"), changes={("a", ("b",)): Change({0: 5.0, 1: -4.0}), ("b", ("a",)): Change({0: -4.0, 1: 5.0})}
    )
    assert suggest(found).parts == (("a", "b"),)


def test_one_seed_or_no_number_suggests_nothing() -> None:
    one = suggest(changes(("a", "b"), {"a": {"b": 9.0}, "b": {"a": 9.0}}))
    assert one.parts == (("a",), ("b",))
    assert one.reasons[0].startswith("one seed tells no change from chance")
    assert one.reasons[1] == (
        "a and b: the changes add up to +18.00 % (one seed): apart, for lack of a spread to compare it with"
    )
    half = suggest(changes(("a", "b"), {"a": {"b": 9.0}}, spread=1.0))
    assert half.reasons[-1] == "a and b: no number: apart, for lack of one"
    none = suggest(GroupChanges(names=("a", "b"), changes={}))
    assert none.reasons[0].startswith("there is no number to go by")


def test_sums_are_made_seed_by_seed_over_seeds_that_all_have() -> None:
    one, other = Change({0: 1.0, 1: 2.0, 2: 3.0}), Change({2: 5.0, 1: 4.0})
    assert total([one, other]) == Change({1: 6.0, 2: 8.0})
    assert average([one, other]).mean == pytest.approx(3.5)
    assert total([one, None]) is None
    assert total([Change({0: 1.0}), Change({1: 1.0})]) is None
    assert average([]) is None
    assert Change({0: 1.0}).spread is None
    assert not Change({0: 1.0}).clear


def test_what_is_trained() -> None:
    assert len(trained_together(NAMES, triples=False)) == 4 + 6
    assert len(trained_together(NAMES, triples=True)) == 4 + 6 + 4
    assert trained_together(("a", "b"), triples=True) == (("a",), ("b",), ("a", "b"))
