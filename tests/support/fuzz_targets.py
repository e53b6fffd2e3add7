"""All that the fuzzer reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fuzz_models import model_targets
from fuzz_readers import reader_targets, region_targets
from fuzz_target import Target


def targets(root: Path) -> dict[str, Callable[[], Target]]:
    """Returns, by name, what makes each target and its base files below a folder."""
    return {**reader_targets(root), **region_targets(root), **model_targets(root)}
