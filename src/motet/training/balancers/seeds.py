"""The seed of an update's random draws."""

from collections.abc import Sequence

from motet.core import Losses, seed_for
from motet.training.step_losses import StepLosses


def seed_of(losses: Sequence[Losses]) -> int:
    """Returns a seed from seed, step and update of the losses, where they have them; the same on every rank."""
    return seed_for("task order", *(losses.key if isinstance(losses, StepLosses) else ())) % 2**63
