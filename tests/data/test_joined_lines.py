"""Neighbouring lines joined until they are long enough."""

from dataclasses import dataclass

import pytest

from motet.core import ConfigError, Example
from motet.data.joined_lines import JoinedLines


@dataclass(frozen=True)
class Lines:
    lines: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.lines)

    def keys(self, index: int) -> tuple[str, ...]:
        return ()

    def __getitem__(self, index: int) -> Example:
        return Example(id=f"line/{index}", text=self.lines[index], labels={"text": (self.lines[index],)})


def test_lines_are_joined_in_order_and_none_is_lost() -> None:
    rows = JoinedLines(Lines(("a b", "c", "d e f g", "h", "i j")), words=3)
    assert [rows[index].text for index in range(len(rows))] == ["a b c", "d e f g", "h i j"]
    assert rows[1].labels == {"text": ("d e f g",)}
    assert [rows[index].id for index in range(3)] == ["line/0", "line/2", "line/3"]
    assert rows.keys(2) == ()
    with pytest.raises(IndexError):
        rows.keys(3)


def test_a_row_of_no_word_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"JoinedLines\.words: got 0; want at least 1"):
        JoinedLines(Lines(("a",)), words=0)
