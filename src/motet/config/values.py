"""Parsing of texts as values of declared types: numbers, choices, tuples, dataclasses as calls. No code runs."""

from __future__ import annotations

import ast
import collections.abc
import dataclasses
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.core.declared import UNION, choices, field_types, plain_type
from motet.core.errors import ConfigError, nearest

_TRUE, _FALSE, _NONE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}, {"none", "null"}
_MANY = (tuple, frozenset, set, list, collections.abc.Sequence)
_MAPPING = (dict, collections.abc.Mapping)


def read_text(text: str, hint: Any, current: Any = None) -> Any:
    """Parses a text as a value of a type.

    Args:
        text: as on the command line: ``50``, ``1e-3``, ``none``, ``224,224``, ``Finetune(lr_scale=0.1)``.
        hint: the declared type.
        current: the value to replace. For an interface, the classes of this value's module may be named; if it
            is `Any`, this value's type is used.

    Raises:
        ConfigError: the text is not of the type.

    Examples:
        >>> read_text("224, 320", tuple[int, int])
        (224, 320)
        >>> read_text("on", bool | None)
        True
        >>> read_text("ten", int)
        Traceback (most recent call last):
        motet.core.errors.ConfigError: got 'ten'; want a whole number
    """
    return _read(_parse(text), hint, current)


def type_name(hint: Any) -> str:
    """Returns the name of a type as errors show it."""
    hint = plain_type(hint)
    known = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", Path: "a path"}
    if hint in known:
        return known[hint]
    if hint is type(None):
        return "none"
    origin = typing.get_origin(hint)
    if origin in UNION:
        return " or ".join(type_name(part) for part in typing.get_args(hint))
    if origin is typing.Literal:
        return " or ".join(str(option) for option in typing.get_args(hint))
    return str(getattr(hint, "__name__", hint)) if origin is None else str(hint).replace("collections.abc.", "")


@dataclass(frozen=True)
class _Form:
    """The parts of a text, before its type is known.

    Args:
        text: the original.
        word: the text without quotes, if it is quoted.
        parts: of ``a, b``, ``(a, b)`` or ``[a, b]``.
        pairs: of ``{'a': 1}``.
        called: the name of ``Name`` or ``Name(...)``, with `parts` and `named`.
        named: the named values of a call.
    """

    text: str
    word: str
    parts: tuple[_Form, ...] | None = None
    pairs: tuple[tuple[_Form, _Form], ...] | None = None
    called: str | None = None
    named: tuple[tuple[str, _Form], ...] = ()


def _parse(text: str) -> _Form:
    text = text.strip()
    try:
        node = ast.parse(text, mode="eval").body
        # Python's own text leaves out comments and brackets around the whole: "C#" and "(a)" stay unchanged.
        whole = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else text
        return dataclasses.replace(_form(node, text), text=text, word=whole)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Not Python: a text with spaces or slashes, or several texts separated by commas.
        words = [word.strip() for word in text.split(",") if word.strip()]
        return _Form(text, text, tuple(_Form(word, word) for word in words) if len(words) != 1 else None)


def _form(node: ast.expr, source: str) -> _Form:
    text = ast.get_source_segment(source, node) or ast.unparse(node)
    match node:
        case ast.Constant(value=str(word)):
            return _Form(text, word)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return _Form(text, text, tuple(_form(part, source) for part in parts))
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = [(_form(key, source), _form(value, source)) for key, value in zip(keys, values, strict=True) if key]
            return _Form(text, text, pairs=tuple(pairs))
        case ast.Name(id=name):
            return _Form(text, text, called=name)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            named = tuple((keyword.arg or "**", _form(keyword.value, source)) for keyword in keywords)
            return _Form(text, text, tuple(_form(arg, source) for arg in args), called=name, named=named)
    return _Form(text, text)


def _read(form: _Form, hint: Any, current: Any = None, owner: Any = None) -> Any:
    hint = plain_type(hint)
    if hint is Any and current is not None and type(current) in (int, float, bool, str):
        hint = type(current)
    origin = typing.get_origin(hint) or hint
    if hint in (str, Path):
        return hint(form.word)
    if hint in (int, float, bool, type(None)):
        return _read_simple(form.text, hint)
    if hint is Any or hint is object:
        return _read_anything(form)
    if origin is typing.Literal:
        return _read_literal(form.word, hint)
    if origin in UNION:
        return _read_union(form, hint, current, owner)
    if origin in _MANY:
        return _read_many(form, hint, origin)
    if origin in _MAPPING:
        return _read_mapping(form, hint)
    return _build(form, hint, current, owner)


def _read_simple(text: str, hint: Any) -> Any:
    word = text.lower()
    try:
        if hint is int:
            return int(text)
        if hint is float and not math.isnan(float(text)):
            return float(text)
    except ValueError:
        pass
    if hint is bool and word in _TRUE | _FALSE:
        return word in _TRUE
    if hint is type(None) and word in _NONE:
        return None
    raise ConfigError(f"got {text!r}; want {type_name(hint)}")


def _read_anything(form: _Form) -> Any:
    try:
        value = ast.literal_eval(form.text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return form.word
    return tuple(value) if isinstance(value, list) else value


def _read_literal(word: str, hint: Any) -> Any:
    options = {str(option): option for option in typing.get_args(hint)}
    if word not in options:
        raise ConfigError(f"got {word!r}; {nearest(word, options)}")
    return options[word]


def _read_union(form: _Form, hint: Any, current: Any, owner: Any) -> Any:
    """Returns the value of the first member that accepts the text: a named class, `none`, ..., and last `str`."""
    named = choices(hint, current, owner)
    chosen = None if form.called is None else _chosen(form.called, named)
    if chosen is not None:
        return _build(dataclasses.replace(form, called=chosen), named[chosen], current, owner)
    parts = sorted(
        map(plain_type, typing.get_args(hint)), key=lambda part: (part is not type(None), part in (str, Path))
    )
    failures: list[ConfigError] = []
    for part in parts:
        try:
            return _read(form, part, current, owner)
        except ConfigError as error:
            failures += [error] if part is not type(None) else []
    if len(failures) == 1:
        raise failures[0]
    if form.called is not None and named:
        raise ConfigError(f"got {form.called!r}; {nearest(form.called, named)}")
    raise ConfigError(f"got {form.text!r}; want {type_name(hint)}")


def _read_many(form: _Form, hint: Any, origin: Any) -> Any:
    is_call = form.called is not None or form.pairs is not None
    parts = form.parts if form.parts is not None and not is_call else (form,)
    arguments = typing.get_args(hint)
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        if len(parts) != len(arguments):
            raise ConfigError(f"got {form.text!r}; want {len(arguments)} values")
        return tuple(_read(part, kind) for part, kind in zip(parts, arguments, strict=True))
    make = origin if origin in (frozenset, set, list) else tuple
    return make(_read(part, arguments[0] if arguments else Any) for part in parts)


def _read_mapping(form: _Form, hint: Any) -> dict[Any, Any]:
    if form.pairs is None:
        raise ConfigError(f"got {form.text!r}; want {{'name': value, ...}}")
    key_hint, value_hint = typing.get_args(hint) or (Any, Any)
    return {_read(key, key_hint): _read(value, value_hint) for key, value in form.pairs}


def _build(form: _Form, hint: Any, current: Any, owner: Any) -> Any:
    """Returns the dataclass of a name, or of a call with arguments."""
    options = choices(hint, current, owner)
    if not options:
        raise ConfigError(
            f"got {form.text!r} for a {type_name(hint)}; want it set in a recipe file, since it has no text form"
        )
    if form.called is None:
        raise ConfigError(f"got {form.text!r}; want one of {', '.join(f'{name}(...)' for name in sorted(options))}")
    name = _chosen(form.called, options)
    if name is None:
        raise ConfigError(f"got {form.called!r}; {nearest(form.called, options)}")
    kind = options[name]
    hints, values = field_types(kind), {}
    for name, part in _arguments(form, kind).items():
        if name not in hints:
            raise ConfigError(f"{form.called}: got no field {name!r}; {nearest(name, hints)}")
        try:
            values[name] = _read(part, hints[name], getattr(current, name, None), kind)
        except ConfigError as error:
            raise ConfigError(f"{form.called}.{name}: {error}") from error
    missing = [f.name for f in dataclasses.fields(kind) if f.init and f.name not in values and _required(f)]
    if missing:
        raise ConfigError(f"{form.called}: got no {missing[0]!r}; want {form.called}({missing[0]}=...)")
    return kind(**values)


def _chosen(called: str, options: Mapping[str, type]) -> str | None:
    """Returns the option of a name, also if it is typed in small letters or with underscores; None if there is none."""
    plain = called.replace("_", "").lower()
    found = [name for name in options if name == called] or [name for name in options if name.lower() == plain]
    return found[0] if len(found) == 1 else None


def _arguments(form: _Form, kind: Any) -> dict[str, _Form]:
    positional = [field.name for field in dataclasses.fields(kind) if field.init and not field.kw_only]
    parts = form.parts or ()
    if len(parts) > len(positional):
        raise ConfigError(f"{form.called}: got {len(parts)} values without a name; want at most {len(positional)}")
    return dict(zip(positional, parts, strict=False)) | dict(form.named)


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
