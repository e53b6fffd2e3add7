"""The program `motet`: all its commands, and every error as one line."""

from __future__ import annotations

import io
import os
import signal
import sys
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from motet.cli import analyse, compare, export, import_weights, inspect, predict, report, serve, start, training, tune
from motet.cli.stop import Stopped, stopping
from motet.cli.stray_settings import stray_settings
from motet.cli.waiting_threads import choose_waiting_threads

DEBUG = "MOTET_DEBUG"
_ABOUT = "One model for many vision and language tasks: train it, compare it with single-task baselines, use it."

# The base class of all errors of usage; typer has no public name for it.
_UsageError = typer.BadParameter.__mro__[1]


def app() -> typer.Typer:
    """Returns the program with all its commands."""
    whole = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    whole.callback(help=_ABOUT, epilog="Example:  motet demo      then:  motet COMMAND --help")(_version)
    for group in (start, inspect, training, tune, compare, report, analyse, predict, serve, export, import_weights):
        group.add_to(whole)
    return whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits: code 0 if it succeeds, 2 and one line on stderr for an error, 130 or 143 for a stop.

    Args:
        arguments: the words after ``motet``; those of the process by default.
    """
    choose_waiting_threads()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files can be any bytes, and a terminal can be ASCII
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get(DEBUG):
        sys.exit(app()(arguments, prog_name="motet", standalone_mode=False) or 0)
    try:
        with stopping():
            code = app()(arguments, prog_name="motet", standalone_mode=False) or 0
            if code == 130:  # what typer makes of a KeyboardInterrupt
                raise Stopped(signal.SIGINT)
    except BaseException as error:
        code = _exit_code(error)
    sys.exit(code)


def _show_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"motet {version('motet')}")
        raise typer.Exit


_VERSION = typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_show_version)


def _version(version: Annotated[bool, _VERSION] = False) -> None:
    """Declares the options of `motet` itself; their callbacks act while they are parsed."""
    del version


def _exit_code(error: BaseException) -> int:
    """Prints an error as one line on stderr; returns the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, Stopped):
        # Of the processes that torchrun started, one says it.
        return _print_error(str(error), error.code) if os.environ.get("RANK", "0") == "0" else error.code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return _exit_code(Stopped(signal.SIGINT))
    if isinstance(error, BrokenPipeError):
        # The process that reads our output has ended (`motet ... | head`); the flush at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, _UsageError):
        return _usage(error)
    return _print_error(_sentence(error), 2)


def _usage(error: BaseException) -> int:
    text = str(getattr(error, "format_message", lambda: error)())
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(text)
        return 0
    command = getattr(context, "command_path", "motet")
    if context is not None and (stray := stray_settings(text, context)):
        return _print_error(stray, 2)
    return _print_error(f"{text} (see {command} --help)", 2)


def _sentence(error: BaseException) -> str:
    errors = sys.modules.get("motet.core.errors")  # a module that raised one has imported it
    if errors is not None and isinstance(error, errors.MotetError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: got {error.strerror}; want a path that can be read or written"
    # torch's errors on GPU and CPU, by name: torch may not be imported here, it would slow every command.
    if (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator" in str(error)
    ):
        return "out of memory: want smaller batches: lower --batch-size, or --set schedule.batch_size=..."
    if (place := _own_line(error)) is not None:
        return f"{place}: got {type(error).__name__}: {error} ({DEBUG}=1 shows the whole traceback)"
    return f"unexpected {type(error).__name__}: {error} (a bug of motet: {DEBUG}=1 shows the whole traceback)"


def _own_line(error: BaseException) -> str | None:
    """Returns "FILE, line N" of the last frame in a file of the user's own; None if there is none."""
    libraries = {str(Path(path).resolve()) for path in sysconfig.get_paths().values()}
    libraries.add(str(Path(__file__).resolve().parents[1]))
    place = None
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_file() and not any(str(path.resolve()).startswith(library) for library in libraries):
            place = f"{path}, line {frame.lineno}"
    return place


def _print_error(text: str, code: int) -> int:
    line = " ".join(text.split())
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)  # no name may steer the terminal
    print(f"motet: {shown}", file=sys.stderr)  # noqa: T201  errors of commands go to stderr
    return code
