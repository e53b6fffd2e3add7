import published_maps as published
import pytest

from motet.core import ConfigError
from motet.data.readers import (
    Bsds500,
)


def test_bsds_edges_are_the_share_of_people_who_drew_them(tmp_path):
    published.write_bsds500(tmp_path)
    first_row = {way: Bsds500(tmp_path, edges=way)[0].labels["edges"][0].tolist() for way in ("share", "any")}
    assert first_row["share"] == pytest.approx([1, 2 / 3, 1 / 3, 0, 0, 0])
    assert first_row["any"] == [1, 1, 1, 0, 0, 0]
    assert Bsds500(tmp_path, edges="majority")[0].labels["edges"].sum() == 2
    with pytest.raises(ConfigError, match="got 'all'; want 'share', 'any' or 'majority'"):
        Bsds500(tmp_path, edges="all")
