"""The scores of an exported model beside those of its run, on the run's own test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from motet.core import System
from motet.evaluation import evaluate
from motet.evaluation.readable_rows import readable_sources
from motet.evaluation.retrieval import is_ranked
from motet.hub.exported.readme import ScoreLoss, score_losses
from motet.training.run_data import saved_on_bad_row, saved_sources

_BATCH_SIZE = 32


def measured_losses(
    run: str | Path,
    system: System,
    exported: System,
    *,
    trust: Sequence[str] = (),
    moved: Mapping[str, str] | None = None,
) -> tuple[ScoreLoss, ...]:
    """Returns by task the score of a system and of its export, and what the export costs.

    A task that ranks a whole split has no graph for it, and is not measured.

    Args:
        run: the folder of the run, which has the test sources.
        system: of the run.
        exported: the same model, exported and loaded again.
        trust: see `motet.hub.load_system`.
        moved: old path -> new path of data that lie elsewhere now.

    Raises:
        CheckpointError: a run without test sources, or data that are gone.
    """
    sources = saved_sources(run, "test", trust=trust, moved=moved)
    sources, _ = readable_sources(sources, system.processor, saved_on_bad_row(run))
    ranked = {task.name for source in sources for task in source.tasks if is_ranked(task, source.reader)}
    names = [name for name in exported.tasks if name not in ranked]
    before, after = (
        evaluate(one, sources, batch_size=_BATCH_SIZE, role="test", tasks=names) for one in (system, exported)
    )
    return score_losses(before, after)
