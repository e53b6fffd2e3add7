"""Predicted maps as output of a command: a summary in a few numbers, and a file of all values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from motet.core import Prediction, TargetSpec

_DIGITS = 6


def map_summary(values: np.ndarray, target: TargetSpec) -> dict[str, Any]:
    """Returns a summary of a map: its size and unit, its range and mean, or the share of each class.

    "range" is for maps of one number per pixel, "mean" for all maps but those of classes; "classes" holds the classes
    that occur, the most frequent first.

    Args:
        values: (h, w) or (h, w, channels).
        target: of the task.

    Examples:
        >>> import numpy as np
        >>> from motet.core import Dense
        >>> map_summary(np.array([[1.0, 3.0]]), Dense(1, "metre"))
        {'size': [1, 2], 'unit': 'metre', 'range': [1.0, 3.0], 'mean': 2.0}
        >>> map_summary(np.array([[0, 1, 1, 1]]), Dense(2, "class", ("sky", "road")))["classes"]
        {'road': 0.75, 'sky': 0.25}
    """
    from motet.core import Dense
    from motet.data.map_values import MapTally, valid_pixels

    flat = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    summary: dict[str, Any] = {"size": list(values.shape)}
    if isinstance(target, Dense):
        summary["unit"] = target.unit
    tally = MapTally()
    tally.add(flat)
    if flat.dtype.kind in "iu":
        names = target.names if isinstance(target, Dense) else ()
        return {**summary, "classes": {name: round(share, _DIGITS) for name, share in tally.shares(names)}}
    if not tally.valid:
        return summary
    if flat.ndim == 2:
        summary["range"] = [_short(tally.lowest), _short(tally.highest)]
    mean = flat[valid_pixels(flat)].mean(axis=0, dtype=float)
    return {**summary, "mean": [_short(one) for one in mean] if flat.ndim == 3 else _short(mean)}


def drawn_at(out: Path, task: str) -> Path:
    """Returns the path of a drawn prediction: the given one, or a file named after the task in a folder.

    Examples:
        >>> drawn_at(Path("a.png"), "depth").as_posix(), drawn_at(Path("a"), "depth").as_posix()
        ('a.png', 'a/depth.png')
    """
    return out / f"{task}.png" if is_folder(out) else out


def is_folder(out: Path) -> bool:
    """Returns whether a path is a folder: one that exists, or a name without a suffix."""
    return out.is_dir() or not out.suffix


def write_map(out: Path, task: str, answer: Prediction) -> tuple[Path, ...]:
    """Writes all values of a map as a .npy file beside its drawing, if the output is a folder.

    Args:
        out: the value of --out.
        task: names the file.
        answer: any prediction; only a map is written.

    Raises:
        ConfigError: the file cannot be written.
    """
    import numpy as np

    from motet.core import ConfigError, DenseMap

    if not isinstance(answer, DenseMap) or not is_folder(out):
        return ()
    path = out / f"{task}.npy"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, answer.values, allow_pickle=False)
    except OSError as error:
        raise ConfigError(
            f"--out: got {error.strerror or error}; want a folder that can be written ({path})"
        ) from error
    return (path,)


def _short(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")
