"""Where the paper, its code and other published ways differ, as objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from motet.core import ConfigError


@dataclass(frozen=True)
class Referring:
    """How places are learned.

    Source: 12-in-1, section 3.2 ("Referring Expressions"); the official code, `refer_expression_dataset.py`.

    Args:
        threshold: a region or a candidate that overlaps the truth less than this is as wrong as any other; its overlap
            is its target where it does so more.
        border_px: what the code adds to each side of a box before it measures overlaps.
        add_truth: whether the boxes known of a picture (its candidates, or else the truth) stand among its regions in
            training, as in the code as long as there is room for them; with a hundred detections there is none.
    """

    threshold: float = 0.5
    border_px: float = 1.0
    add_ground_truth: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"Referring.threshold: got {self.threshold}; want from 0 to 1")
        if self.border_px < 0:
            raise ConfigError(f"Referring.border_px: got {self.border_px}; want 0 or more")


@dataclass(frozen=True)
class RegionMasking:
    """How words and regions are hidden, and what is learned of them.

    Source: 12-in-1, sections 3.1 and 8.2; ViLBERT, section 2.1; the official code, `concept_cap_dataset.py`.

    Args:
        words: how often a word is to be told.
        regions: how often a region is.
        overlap: regions that overlap a region to be told by more than this are hidden too.
        neighbours: what that means: "hidden", no feature and no part in the mean of the image (the paper); or
            "uncounted", the feature stays, and the mean's sum is divided by fewer regions (the code).
        target: what is told of a region: its detector's "classes", or its "features" where there is no detector.
        alignment: the task of a `Label` that asks whether text and image belong together (0) or not (1); it is learned
            in the same pass, from what is left to be seen.
        mismatched: what is learned of a text with another's image: nothing is hidden from the loss ("learned"), or
            hidden words and regions do not count ("skipped", the paper).
        at_least_one: in evaluation one word and one region is hidden even where none was drawn.
    """

    words: float = 0.15
    regions: float = 0.15
    overlap: float = 0.4
    neighbours: Literal["hidden", "uncounted"] = "hidden"
    target: Literal["classes", "features"] = "classes"
    alignment: str = ""
    mismatched: Literal["skipped", "learned"] = "skipped"
    at_least_one: bool = True

    def __post_init__(self) -> None:
        for name in ("words", "regions", "overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"Hiding.{name}: got {getattr(self, name)}; want from 0 to 1")
        for name, known in (
            ("neighbours", ("hidden", "uncounted")),
            ("target", ("classes", "features")),
            ("mismatched", ("skipped", "learned")),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(f"Hiding.{name}: got {getattr(self, name)!r}; want one of {known}")
