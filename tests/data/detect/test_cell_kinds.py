"""The kind of a column by its cells: classes, captions, text to read."""

import pytest

from motet.data.detect.cell_kinds import cell_kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["cat", "dog", "German shepherd"] * 4, "classification"),
        (["0", "1"] * 5, "classification"),
        ([f"M-AB {number}" for number in range(100, 112)], "text reading"),
        ([f"SN{number:06}" for number in range(12)], "text reading"),
        ([f"{number:06}" for number in range(12)], "text reading"),
        ([f"a dog and {number} balls on grass" for number in range(12)], "captioning"),
        ([f"{number}.5" for number in range(12)], None),
        ([f"2013-11-{number} 17:02:52" for number in range(10, 22)], None),
        (["red", "green", "blue", "grey", "pink", "teal", "gold"], None),
    ],
)
def test_the_kind_of_cells(cells, kind):
    found = cell_kind(cells)
    assert (found and found.kind) == kind


def test_the_hint_names_the_choice_and_the_other_words():
    found = cell_kind([f"M-AB {number}" for number in range(100, 112)])
    assert found.hint() == (
        "text to read, since they are short and unlike, with digits (call the column class or caption to change it)"
    )
