import pytest

from motet.core import DataError
from motet.data.formats.deferred import capture, unwrap


def broken():
    raise DataError("answers: got 9; want 10", path="a.json", row=3)


def test_a_value_is_given_back():
    assert unwrap(capture(int, "3")) == 3


def test_an_error_waits_until_it_is_asked_for_and_is_fresh_each_time():
    captured = capture(broken)
    assert isinstance(captured, DataError)
    assert captured.__traceback__ is None
    raised = []
    for _ in range(2):
        with pytest.raises(DataError, match=r"answers: got 9; want 10 \(a.json, row 3\)") as caught:
            unwrap(captured)
        raised.append(caught.value)
    assert raised[0] is not raised[1]


def test_another_error_is_not_captured():
    with pytest.raises(ValueError, match="invalid literal"):
        capture(int, "x")
