"""Tables of classes are listed from their source, as an import would show them."""

import inspect
from pathlib import Path

import pytest

from motet import systems
from motet.config.table_summaries import table_summaries
from motet.data import readers


def first_line(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def test_a_table_of_classes_by_name() -> None:
    found = table_summaries(Path(readers.__file__), "READERS")
    assert found == {name: first_line(reader) for name, reader in readers.READERS.items()}


def test_a_table_by_class_goes_by_the_name_of_each() -> None:
    found = table_summaries(Path(systems.__file__), "SYSTEMS")
    assert found == {kind.name: first_line(kind) for kind in systems.SYSTEMS}
    assert "lit_decoder" in found


def test_a_class_that_a_package_hands_on_is_found() -> None:
    assert table_summaries(Path(systems.__file__), "SYSTEMS")["feedforward"]


def test_a_table_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError, match="NOTHING"):
        table_summaries(Path(systems.__file__), "NOTHING")
