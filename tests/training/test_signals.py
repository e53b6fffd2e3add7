"""The first signal is held back until the end, the second Ctrl-C stops at once, and afterwards all is as it was."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from motet.training.signals import StopSignals


@pytest.fixture
def received() -> Iterator[list[int]]:
    """The signals that reach the handlers from before."""
    numbers: list[int] = []
    before = {n: signal.signal(n, lambda number, frame: numbers.append(number)) for n in (2, 15)}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_is_held_back_and_then_raised_again(received: list[int], number: signal.Signals) -> None:
    with StopSignals() as signals:
        assert signals.number is None
        os.kill(os.getpid(), number)
        assert signals.number == number
        assert received == []
    assert received == [number]


def test_by_default_ctrl_c_is_a_keyboard_interrupt_at_the_end() -> None:
    done = []

    def step() -> None:
        with StopSignals():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("the step")

    with pytest.raises(KeyboardInterrupt):
        step()
    assert done == ["the step"]


def test_a_second_ctrl_c_stops_at_once(received: list[int]) -> None:
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.number == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert received == []


def test_an_error_inside_is_not_replaced(received: list[int]) -> None:
    def fails() -> None:
        with StopSignals():
            os.kill(os.getpid(), signal.SIGTERM)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert received == []


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with StopSignals():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_another_thread_changes_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with StopSignals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
