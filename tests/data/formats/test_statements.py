import json
import re

import pytest

from motet.core import DataError
from motet.data.formats.deferred import unwrap
from motet.data.formats.statements import read_nlvr

FORM = re.compile(r"\d+-\d+")
LINE = {"sentence": "A box.", "label": "True", "identifier": "1-0"}


@pytest.fixture
def read(tmp_path, write):
    return lambda *lines: read_nlvr(write(tmp_path / "dev.json", "\n".join(map(json.dumps, lines))), FORM, "3266-0")


def test_a_broken_sentence_waits_until_its_row_is_read(read):
    rows = read(LINE, LINE | {"identifier": "1-1", "label": "maybe"}, LINE | {"identifier": "1-2", "sentence": ""})
    assert unwrap(rows[0].sentence_class) == ("A box.", 1)
    for row, message in ((rows[1], "label: got 'maybe'; want True or False"), (rows[2], "sentence: got an empty")):
        with pytest.raises(DataError, match=rf"{message}.*row {row.entry}\)"):
            unwrap(row.sentence_class)


def test_a_directory_is_optional_and_may_be_a_number(read):
    assert [row.directory for row in read(LINE, LINE | {"identifier": "1-1", "directory": 50})] == ["", "50"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([LINE, LINE], "identifier: got 1-0 twice; want every one once .*row 1"),
        ([LINE | {"identifier": "x"}], "identifier: got 'x'; want one like 3266-0 .*row 0"),
        ([{"sentence": "A box."}], "key 'identifier': got an object without it"),
        ([], "file: got no sentence; want at least one"),
    ],
)
def test_identifiers_are_checked_when_the_file_is_parsed(read, lines, message):
    with pytest.raises(DataError, match=message):
        read(*lines)
