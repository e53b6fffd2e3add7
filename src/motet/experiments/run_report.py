"""The report page and the model card of a finished run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from motet.core import CheckpointError, DataError, Label, System
from motet.core.model_folder import model_folder, steps_in
from motet.core.whole_files import write_whole
from motet.data.source import Source
from motet.hub import load_system, model_card
from motet.report import Comparison, Content, read_run, write_report
from motet.report.cards.attention import attention_cards
from motet.report.confusion import confusions
from motet.report.gallery import checked_lines
from motet.report.gallery import gallery as gallery
from motet.report.precision_recall import precision_recall

PREDICTIONS = "predictions.jsonl"
_CARD = "README.md"
ATTENTION_ROWS = 2
"""Number of rows per task whose attention is drawn."""


def write_page(
    folder: Path,
    sources: Sequence[Source],
    *,
    title: str,
    comparison: Comparison | None = None,
    per_task: int = 6,
    trust: Sequence[str] = (),
    parts: Mapping[str, Any] | None = None,
) -> Path:
    """Writes `report.html` and `report.md` into a finished run's folder, with predictions beside their images.

    For a model with attention maps, the last saved step is run on some rows.

    Args:
        folder: of the run.
        sources: of the run; those that were evaluated are looked up by the names in its report.
        title: of the page.
        comparison: with single-task models, where there are any.
        per_task: images per task.
        trust: packages or modules of one's own that the saved model may import; a model that needs others is not
            loaded.
        parts: by name the built modules of the model, see `motet.wrap`.

    Raises:
        CheckpointError: a folder that is no finished run.
        DataError: a folder that cannot be written.
    """
    system = _saved(folder, trust, parts)
    content = run_content(folder, sources, title=title, comparison=comparison, per_task=per_task)
    if system is not None:
        rows = attention_cards(system, sources, content.run, per_task=ATTENTION_ROWS)
        content = replace(content, attention=tuple(rows))
    page, _ = write_report(folder, content)
    return page


def run_content(
    folder: Path,
    sources: Sequence[Source],
    *,
    title: str,
    comparison: Comparison | None = None,
    per_task: int = 6,
    num_hardest: int = 4,
) -> Content:
    """Returns what the page of a finished run shows, except for attention, which needs its model.

    Args:
        folder: of the run.
        sources: of the run; without them there are no images.
        title: of the page.
        comparison: with single-task models, where there are any.
        per_task: evenly spaced images per task.
        num_hardest: images per task with the surest wrong or the worst predictions.

    Raises:
        CheckpointError: a folder that is no finished run.
        DataError: a damaged file of predictions.
    """
    run, path = read_run(folder), folder / PREDICTIONS
    cards = tuple(gallery(path, sources, run, per_task=per_task, num_hardest=num_hardest))
    lines = list(checked_lines(path)) if path.exists() else []
    names = {task.name: task.target.names for s in sources for task in s.tasks if isinstance(task.target, Label)}
    return Content(
        title,
        run,
        comparison,
        cards,
        confusions=confusions(lines, run, names),
        curves=precision_recall(lines, run),
    )


def _saved(folder: Path, trust: Sequence[str], parts: Mapping[str, Any] | None) -> System | None:
    """Loads the model of a run's last step; None if there is none, or if it needs modules that are not trusted."""
    try:
        return load_system(folder, trust=trust, parts=parts) if steps_in(folder) else None
    except CheckpointError:
        return None


def write_card(folder: Path, *, trust: Sequence[str] = (), parts: Mapping[str, Any] | None = None) -> Path:
    """Writes the model card of a run into the folder of its last saved step.

    Raises:
        CheckpointError: the run has no saved step, or it is damaged.
        DataError: a full disk, or a folder that cannot be written.
    """
    run = read_run(folder)
    place = model_folder(folder)
    system = load_system(place, trust=trust, parts=parts)
    card = model_card(system, name=str(folder), report=run.report, credit=run.credit)
    try:
        write_whole(place / _CARD, card)
    except OSError as error:
        raise DataError(
            f"model card: got {error.strerror or error}; want a folder with room that can be written", path=place
        ) from error
    return place / _CARD
