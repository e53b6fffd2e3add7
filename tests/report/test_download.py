import base64
import csv
import io
import re

from motet.report.download import Numbers, csv_link, csv_text, file_name


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_csv_file_holds_numbers_as_they_are() -> None:
    text = csv_text(("a, b", "c"), [("x\ny", 0.1 + 0.2), ('"', None), ("-", -1)])
    assert read(text) == [["a, b", "c"], ["x\ny".replace("\n", "\r\n"), "0.30000000000000004"], ['"', ""], ["-", "-1"]]


def test_no_name_is_a_formula_but_negative_numbers_stay_numbers() -> None:
    for name in ("=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1"):
        assert read(csv_text(("name",), [(name,)]))[1][0].startswith("'"), name
    assert read(csv_text(("value",), [("-2.5",), ("+1,200.0 %",)]))[1:] == [["-2.5"], ["+1,200.0 %"]]


def test_the_link_holds_the_file_and_a_harmless_name() -> None:
    link = csv_link(Numbers('../a "b" <c>', ("x",), [(1,)]))
    assert 'download="a-b-c.csv"' in link
    found = re.search(r'href="data:text/csv;base64,([^"]+)"', link)
    assert found
    assert base64.b64decode(found[1]) == b"x\r\n1\r\n"
    assert file_name("..") == "numbers"
    assert len(file_name("x" * 300)) == 60
