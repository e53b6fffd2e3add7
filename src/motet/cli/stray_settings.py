"""Settings that were typed without ``--set``, as other programs take them: ``motet train RECIPE train.steps=5``."""

from __future__ import annotations

import re
import shlex
from typing import Any

_EXTRA = re.compile(r"unexpected extra argument\S* \((.*)\)", re.DOTALL)
_SETTING = re.compile(r"[A-Za-z_][\w./-]*=\S*")


def stray_settings(text: str, context: Any) -> str:
    """Returns an error that says how to type a setting, and the nearest field; "" where the error is another one.

    Args:
        text: the error of usage.
        context: of the command that it is about, with the arguments that were read.
    """
    extra = _EXTRA.search(text)
    takes_settings = any("--set" in parameter.opts for parameter in context.command.params)
    words = extra[1].split() if extra else []
    if not words or not takes_settings or not all(map(_SETTING.fullmatch, words)):
        return ""
    typed = " ".join(f"--set {shlex.quote(word)}" for word in words)
    line = f"got {' '.join(words)}; want settings with --set: {typed}"
    wrong = _wrong_field(str(context.params.get("recipe") or context.params.get("target") or ""), words)
    return f"{line} ({wrong})" if wrong else line


def _wrong_field(recipe: str, settings: list[str]) -> str:
    """Returns what is wrong with the settings of a recipe; "" where nothing is, or there is no such recipe."""
    from motet.cli.options import recipe_run
    from motet.core.errors import MotetError

    try:
        recipe_run(recipe, None)
    except (MotetError, OSError):
        return ""
    try:
        recipe_run(recipe, settings)
    except MotetError as error:
        return str(error).partition(": ")[2]
    return ""
