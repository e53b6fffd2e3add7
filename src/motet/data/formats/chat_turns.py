"""The turns and images of one conversation, in the forms of LLaVA, ShareGPT and chat fine-tuning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from motet.core import DataError
from motet.data.formats.json_file import check_type, short_repr

Role: TypeAlias = Literal["user", "assistant"]

IMAGE_TOKENS = re.compile(
    r"[ \t]*(<image>|<ImageHere>|<img>[^<]*</img>|<\|image(_pad)?\|>|<image_placeholder>)[ \t]*\n?"
)
"""Marks in a text that show where an image is."""
_TURNS = ("conversations", "messages", "conversation", "chat")
_IMAGES = ("image", "images", "img", "image_path")
_ROLES: Mapping[str, Role | None] = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant",
    "bot": "assistant", "chatgpt": "assistant", "system": None, "tool": None,
    "function_call": None, "observation": None,
}  # fmt: skip
_IMAGE_PARTS = ("image", "image_url", "path", "url")


class Chat(NamedTuple):
    """One conversation.

    Args:
        turns: role and text, as pairs; other roles than these two are left out.
        images: the paths of its images.
    """

    turns: tuple[tuple[Role, str], ...]
    images: tuple[str, ...]


def turns_key(entry: Mapping[str, Any]) -> str:
    """Returns the key of the turns of a conversation; "" for an entry that is none.

    Examples:
        >>> turns_key({"image": "1.jpg", "conversations": [{"from": "human", "value": "What?"}]})
        'conversations'
    """
    for key in _TURNS:
        value = entry.get(key)
        first = value[0] if isinstance(value, list) and value else None
        if isinstance(first, dict) and ({"from", "value"} <= first.keys() or {"role", "content"} <= first.keys()):
            return key
    return ""


def chat_turns(entry: Mapping[str, Any], *, path: Path, row: int) -> Chat:
    """Returns the turns and images of a conversation.

    Raises:
        DataError: an entry of another form, or a role that is not known.
    """
    key = turns_key(entry)
    if not key:
        raise DataError(
            f"conversation: got {short_repr(dict(entry))}; want 'conversations' of 'from' and 'value', or 'messages' "
            "of 'role' and 'content'",
            path=path, row=row,
        )  # fmt: skip
    turns: list[tuple[Role, str]] = []
    images = [image for name in _IMAGES for image in _listed(entry.get(name))]
    for place, turn in enumerate(entry[key]):
        turn = check_type(turn, dict, f"turn {place}", path=path, row=row)
        name = str(turn.get("from", turn.get("role", ""))).lower()
        if name not in _ROLES:
            raise DataError(f"turn {place}: got the role {name!r}; want user or assistant", path=path, row=row)
        if (role := _ROLES[name]) is not None:
            text, shown = _content(turn.get("value", turn.get("content")), f"turn {place}", path, row)
            images += shown
            turns.append((role, text))
    return Chat(tuple(turns), tuple(images))


def _content(value: object, name: str, path: Path, row: int) -> tuple[str, list[str]]:
    """Returns the text of a turn, and the images in it where it is a list of parts."""
    if not isinstance(value, list):
        return check_type(value, str, name, path=path, row=row), []
    texts: list[str] = []
    images: list[str] = []
    for part in value:
        part = check_type(part, dict, name, path=path, row=row)
        if isinstance(part.get("text"), str):
            texts.append(part["text"])
        else:
            images += [image for key in _IMAGE_PARTS for image in _listed(part.get(key))]
    return "\n".join(texts), images


def _listed(value: object) -> list[str]:
    """Returns the paths in the value of a key: a path, `{"url": path}`, or a list of these."""
    match value:
        case str() if value.strip():
            return [value.removeprefix("file://")]
        case {"url": str() as url} | {"path": str() as url}:
            return [url.removeprefix("file://")]
        case list():
            return [path for one in value for path in _listed(one)]
    return []
