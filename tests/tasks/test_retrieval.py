"""Retrieval and matching."""

import pytest

from motet.core import Match
from motet.tasks import matching, retrieval


@pytest.mark.parametrize("among", ["images", "texts"])
def test_retrieval_ranks_a_split_and_matching_a_row(among) -> None:
    assert retrieval(among=among).target == Match(among, "split")
    assert matching(among=among).target == Match(among, "row")


def test_ranks_are_measured_for_retrieval() -> None:
    assert [metric().name for metric in retrieval().metrics][:3] == ["recall_at_1", "recall_at_5", "recall_at_10"]
    assert matching().main_metric == "match_accuracy"


def test_images_are_not_cropped_by_default() -> None:
    assert retrieval().invariant == frozenset()
    assert retrieval(crop=True).invariant == {"crop"}
