"""Options of 12-in-1: targets of regions, and masking in pre-training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from motet.core import ConfigError


@dataclass(frozen=True)
class ReferringConfig:
    """Targets of regions in referring expressions and pointing.

    Source: 12-in-1, section 3.2 ("Referring Expressions"); the official code, `refer_expression_dataset.py`.

    Args:
        threshold: the target of a region or a candidate is its IoU with the ground-truth box, or 0 below the threshold.
        border_px: added to each side of a box before the IoU, as in the code.
        add_ground_truth: whether the known boxes of an image (its candidates, else the ground-truth box) are among its
            regions in training. The code adds them while there is room; with a hundred detections there is none.
    """

    threshold: float = 0.5
    border_px: float = 1.0
    add_ground_truth: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"ReferringConfig.threshold: got {self.threshold}; want from 0 to 1")
        if self.border_px < 0:
            raise ConfigError(f"ReferringConfig.border_px: got {self.border_px}; want 0 or more")


@dataclass(frozen=True)
class RegionMasking:
    """Masking of words and regions in pre-training, and the targets of masked regions.

    Source: 12-in-1, sections 3.1 and 8.2; ViLBERT, section 2.1; the official code, `concept_cap_dataset.py`.

    Args:
        word_probability: of a word to be predicted.
        region_probability: of a region to be predicted.
        overlap: regions whose IoU with a region to predict is above this are masked too.
        neighbours: masking of these: "masked", no feature and no part in the image's mean (the paper); or "uncounted",
            the feature stays, and the sum of the mean is divided by fewer regions (the code).
        target: of a masked region: the detector's "classes", or its "features" if there is no detector.
        alignment_task: the task of a `Label` whether text and image belong together (0) or not (1); it is learned in
            the same pass, from the masked inputs.
        mismatched: loss of masked words and regions if text and image do not belong together: "skipped" (the paper) or
            "learned".
        at_least_one: in evaluation at least one word is masked.
    """

    word_probability: float = 0.15
    region_probability: float = 0.15
    overlap: float = 0.4
    neighbours: Literal["masked", "uncounted"] = "masked"
    target: Literal["classes", "features"] = "classes"
    alignment_task: str = ""
    mismatched: Literal["skipped", "learned"] = "skipped"
    at_least_one: bool = True

    def __post_init__(self) -> None:
        for name in ("word_probability", "region_probability", "overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"RegionMasking.{name}: got {getattr(self, name)}; want from 0 to 1")
        for name, known in (
            ("neighbours", ("masked", "uncounted")),
            ("target", ("classes", "features")),
            ("mismatched", ("skipped", "learned")),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(f"RegionMasking.{name}: got {getattr(self, name)!r}; want one of {known}")
