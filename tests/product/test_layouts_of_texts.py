"""Boxes from the files of annotation tools, as each writes them, to a trained model and its prediction."""

import pytest
from layouts import Layout, check
from layouts_of_texts import LAYOUTS


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.tool)
def test_from_the_files_of_a_tool_to_a_prediction(tmp_path, layout: Layout):
    check(layout, tmp_path)
