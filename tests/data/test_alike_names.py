"""Names of classes that were written in several ways are told of."""

import pytest
from command_line import call
from user_folders import write

from motet.data.alike_names import alike_names
from motet.data.detect import inspect_folder


@pytest.mark.parametrize(
    ("one", "other"), [("Pos", "pos"), ("Pos", " Pos"), ("a  b", "a b"), ("caf\u00e9", "cafe\u0301"), ("ﬁg", "fig")]
)
def test_the_same_name_in_two_ways(one, other):
    assert alike_names(("x", one, other)) == f"classes {one!r} and {other!r} differ only in case or spaces"


@pytest.mark.parametrize("names", [(), ("cat", "dog"), ("1", "10"), ("C", "C++")])
def test_other_names_are_not_alike(names):
    assert alike_names(names) == ""


def test_init_and_check_say_so(tmp_path):
    rows = "".join(f"text number {row},{'Pos ' if row == 3 else ('Pos', 'Neg')[row % 2]}\n" for row in range(40))
    write(tmp_path / "train.csv", "text,label\n" + rows)
    want = "classes 'Pos' and 'Pos ' differ only in case or spaces"
    assert [one.evidence for one in inspect_folder(tmp_path).datasets if want in one.evidence]
    assert call("data", "check", tmp_path).out.count(want) == 1
