"""Boxes as text, in the convention that a model was trained with, and back; anything else is no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

_LOCATIONS = re.compile(r"((?:<loc\d{4}>){4})\s*([^<;]*)")


class LabelledBox(NamedTuple):
    """A box with its name; corners (x0, y0, x1, y1) as fractions of the image's width and height."""

    corners: tuple[float, float, float, float]
    name: str


@dataclass(frozen=True)
class LocationTokens:
    """PaliGemma's: ``<loc0102><loc0204><loc0511><loc0922> cat ; ...``, y before x, in 1024 steps.

    Source: Beyer et al., "PaliGemma" (2024), section 3.2.5.
    """

    def write(self, boxes: Sequence[LabelledBox]) -> str:
        """Returns boxes as text."""
        parts = []
        for (x0, y0, x1, y1), name in boxes:
            steps = (min(max(round(value * 1024), 0), 1023) for value in (y0, x0, y1, x1))
            parts.append("".join(f"<loc{step:04d}>" for step in steps) + f" {name}".rstrip())
        return " ; ".join(parts)

    def parse(self, text: str) -> list[LabelledBox] | None:
        """Returns the boxes of a text; None if any part of it is no box."""
        found = []
        for part in filter(None, (each.strip() for each in text.split(";"))):
            match = _LOCATIONS.fullmatch(part)
            if match is None:
                return None
            y0, x0, y1, x1 = (int(step) / 1024 for step in re.findall(r"\d{4}", match[1]))
            found.append(LabelledBox((x0, y0, x1, y1), match[2].strip()))
        return _valid(found)


@dataclass(frozen=True)
class JsonBoxes:
    """A list of ``{"bbox_2d": [x0, y0, x1, y1], "label": "cat"}``, in thousandths of the image's sides.

    The form of Qwen-VL models. Strict: other keys, numbers that are not whole, or text around the list are no answer.
    """

    def write(self, boxes: Sequence[LabelledBox]) -> str:
        """Returns boxes as text."""
        rows = []
        for corners, name in boxes:
            steps = [min(max(round(value * 1000), 0), 1000) for value in corners]
            rows.append({"bbox_2d": steps} | ({"label": name} if name else {}))
        return json.dumps(rows, ensure_ascii=False)

    def parse(self, text: str) -> list[LabelledBox] | None:
        """Returns the boxes of a text; None if it is not exactly a list of boxes."""
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(rows, list):
            return None
        found = []
        for row in rows:
            match row:
                case {"bbox_2d": [int(x0), int(y0), int(x1), int(y1)], **rest} if set(rest) <= {"label"}:
                    corners = (x0 / 1000, y0 / 1000, x1 / 1000, y1 / 1000)
                    name = rest.get("label", "")
                case _:
                    return None
            if not isinstance(name, str) or any(isinstance(value, bool) for value in row["bbox_2d"]):
                return None
            found.append(LabelledBox(corners, name))
        return _valid(found)


BoxText: TypeAlias = LocationTokens | JsonBoxes


def _valid(boxes: list[LabelledBox]) -> list[LabelledBox] | None:
    inside = all(0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1 for (x0, y0, x1, y1), _ in boxes)
    return boxes if inside else None
