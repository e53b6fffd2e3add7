"""The choice of rows for cards."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from motet.report.cards.rows import spaced_places


@given(count=st.integers(0, 500), most=st.integers(0, 40))
def test_places_are_ascending_different_and_spread_over_all_rows(count: int, most: int) -> None:
    places = spaced_places(count, most)
    assert len(places) == min(count, most)
    assert places == sorted(set(places))
    assert all(0 <= place < count for place in places)
    gaps = {later - earlier for earlier, later in itertools.pairwise(places)}
    assert len(gaps) == 0 or max(gaps) - min(gaps) <= 1
