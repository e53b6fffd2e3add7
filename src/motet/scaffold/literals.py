"""Expressions of a recipe as Python text; a name from data is always an escaped literal, or a comment of one line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from motet.core.printable import one_line
from motet.scaffold.expressions import Attribute, Call, Imported, Item, Variable

_LONGEST = 100  # characters of a call on one line
_LONGEST_COMMENT = 110


def code(value: object, folder: Path) -> str:
    """Returns a plain value or an expression as Python text; a path in the data folder is relative to `DATA`.

    Args:
        value: to write.
        folder: of the data, as an absolute path.

    Raises:
        TypeError: a value of a type that has no literal.

    Examples:
        >>> code({"class": "kind"}, Path("/d")), code((Path("/d/a b.csv"), 3), Path("/d"))
        ('{"class": "kind"}', '(DATA / "a b.csv", 3)')
        >>> print(code('a\\n"b"', Path("/d")))
        'a\\n"b"'
    """
    match value:
        case Imported():
            return value.local_name
        case Variable(name):
            return name
        case Attribute(of, name):
            return f"{of.name}.{name}"
        case Item(of, key):
            return f"{of.name}[{_quoted(key)}]"
        case Call(function):
            return f"{function.local_name}({', '.join(_arguments(value, folder))})"
        case str():
            return _quoted(value)
        case Path():
            return _path(value, folder)
        case Mapping():
            return "{" + ", ".join(f"{code(key, folder)}: {code(part, folder)}" for key, part in value.items()) + "}"
        case tuple() | list():
            inside = ", ".join(code(part, folder) for part in value)
            return f"({inside}{',' if len(value) == 1 else ''})"
        case bool() | int() | float() | None:
            return repr(value)
    raise TypeError(f"argument of a reader: got a {type(value).__name__}; want a plain value or a path")


def lines_of(value: object, folder: Path, *, before: str = "", after: str = "") -> list[str]:
    """Returns an expression as lines of Python: a long call has one line per argument.

    Args:
        value: to write.
        folder: of the data, as an absolute path.
        before: the text before it, such as "kind = ".
        after: the text after it, such as a comma.
    """
    text = code(value, folder)
    if not isinstance(value, Call) or len(text) <= _LONGEST:
        return [f"{before}{text}{after}"]
    arguments = (f"    {argument}," for argument in _arguments(value, folder))
    return [f"{before}{value.function.local_name}(", *arguments, f"){after}"]


def comment(text: str) -> str:
    """Returns a comment of one line, whatever characters the text has.

    Examples:
        >>> comment("a table\\nimport os")
        '# a table\\\\nimport os'
    """
    line = one_line(text)
    return f"# {line if len(line) <= _LONGEST_COMMENT else f'{line[:_LONGEST_COMMENT]}...'}"


def _arguments(call: Call, folder: Path) -> Sequence[str]:
    positional = [code(argument, folder) for argument in call.arguments]
    return [*positional, *(f"{name}={code(value, folder)}" for name, value in call.keywords.items())]


def _quoted(text: str) -> str:
    # repr escapes every character that is not printable: ends of lines, surrogates, marks that turn the reading
    # direction. Without such, JSON escapes quotation marks and backslashes as Python does, in ruff's double quotes.
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else repr(text)


def _path(path: Path, folder: Path) -> str:
    whole = path.resolve()
    if whole == folder:
        return "DATA"
    if whole.is_relative_to(folder):
        return f"DATA / {_quoted(whole.relative_to(folder).as_posix())}"
    return f"Path({_quoted(str(whole))})"
