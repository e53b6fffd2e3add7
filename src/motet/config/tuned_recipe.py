"""The recipe file of the best trial of a search: the recipe it started from, with its settings."""

from __future__ import annotations

from collections.abc import Sequence

_TEXT = '''"""The best trial of a search on val rows, as a recipe: motet train THIS_FILE"""

from motet.config.overrides import with_settings
from motet.config.recipe_files import load_recipe
from motet.training.run import Run

RECIPE = {recipe!r}
SETTINGS = [
{settings}]
GAIN = {gain!r}  # delta-m on val against the recipe itself, in percent; of {trials!r} trials


def run() -> Run:
    """The recipe with the settings of the best trial."""
    return with_settings(load_recipe(RECIPE), SETTINGS)
'''


def tuned_recipe(recipe: str, settings: Sequence[str], *, gain: float, trials: int) -> str:
    """Returns a Python file whose only recipe is another one with some settings.

    Names of recipes and sources are data: they are written as Python texts, and never as code.

    Args:
        recipe: name of the other recipe, as `load_recipe` takes it; a path is absolute.
        settings: ``field=value``.
        gain: of the trial, in percent.
        trials: number of trials that it is the best of.

    Examples:
        >>> "train.lr=0.003" in tuned_recipe("lit_decoder:tiny", ["train.lr=0.003"], gain=4.2, trials=12)
        True
    """
    lines = "".join(f"    {setting!r},\n" for setting in settings)
    return _TEXT.format(recipe=str(recipe), settings=lines, gain=round(float(gain), 2), trials=int(trials))
