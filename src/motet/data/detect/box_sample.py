"""A sample of the rows of a data set with boxes: boxes outside their images, and rows that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from motet.core import DataError, Reader
from motet.data.clipped_boxes import ClippedBoxes

_NUM_ROWS = 300


@dataclass(frozen=True)
class BoxSample:
    """The findings in a sample of rows.

    Args:
        notes: what is worth knowing, each in a few words.
        problems: why the boxes should not be trained on, in one line.
    """

    notes: tuple[str, ...]
    problems: tuple[str, ...]


def sample_boxes(reader: Reader) -> BoxSample:
    """Reads a sample of rows, spread over all of them, without decoding their images.

    The error of a row is a problem of the whole where half of the rows have one.
    """
    clipped, broken = ClippedBoxes(), list[str]()
    rows = range(0, len(reader), max(1, len(reader) // _NUM_ROWS))
    for row in rows:
        try:
            labels = reader[row].labels
        except DataError as error:
            broken.append(str(error))
        else:
            clipped.add(labels.get("boxes"))
    of = "" if len(rows) == len(reader) else f" in {len(rows):,} of its images"
    notes = [f"{clipped.summary}{of}"] if clipped.first else []
    notes += [f"{len(broken):,} of {len(rows):,} rows cannot be read, the first: {broken[0]}"] if broken else []
    problems = [*broken[:1]] if 2 * len(broken) >= len(rows) else [clipped.problem] if clipped.problem else []
    return BoxSample(tuple(notes), tuple(problems))
