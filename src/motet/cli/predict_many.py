"""Many predictions of `motet predict --images`, in a file: with progress, continued after a stop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.cli.candidates import candidates_of
from motet.cli.console import print_errors, print_lines
from motet.cli.decoding import decode_as_set
from motet.cli.options import chosen_device
from motet.cli.predict_rows import fingerprint, rows_of
from motet.cli.progress import counting
from motet.cli.stop import continued_by
from motet.core import ConfigError, Match, Task, nearest
from motet.core.model_folder import WEIGHTS, model_folder
from motet.hub.many import RowPredictions
from motet.hub.predict import Predictor, load
from motet.hub.prediction_file import PredictionFile
from motet.hub.prediction_record import row_record

SHOWN_ERRORS = 5
"""Bad rows whose errors are printed at the end; the file has all."""


@dataclass(frozen=True, kw_only=True)
class ManyRequest:
    """The options of `motet predict --images` as typed.

    Args:
        model: a run, saved model or name on the Hub.
        tasks: their names; () for the model's only task.
        images: a folder, pattern, table or file.
        out: the file of predictions.
        text: of every row; "" for the rows' own.
        candidates: of every row.
        scores: next best names per prediction.
        image_columns: of a table.
        text_columns: of a table.
        results: the folder of official result files; None for none.
        batch_size: rows per forward pass.
        workers: processes that read rows.
        device: that the model runs on; None for the GPU if there is one.
        force: begin anew, and replace a file.
        trust: names that may be imported.
        decoding: other ways to make answers, TASK=STRATEGY each.
    """

    model: str
    tasks: tuple[str, ...]
    images: str
    out: Path | None
    text: str = ""
    candidates: tuple[str, ...] = ()
    scores: int = 0
    image_columns: tuple[str, ...] = ("image",)
    text_columns: tuple[str, ...] = ("text",)
    results: Path | None = None
    batch_size: int = 32
    workers: int = 0
    device: str | None = None
    force: bool = False
    trust: tuple[str, ...] = ()
    decoding: tuple[str, ...] = ()


def predict_many(request: ManyRequest) -> None:
    """Predicts all rows and writes the file.

    Raises:
        ConfigError: options that do not fit the model, or a file that exists.
    """
    if request.out is None:
        raise ConfigError("--out: got none; want a .jsonl, .csv or .parquet file for the predictions of --images")
    if request.out.exists() and not request.force:
        raise ConfigError(f"--out: got the existing file {request.out}; want a new one, or --force to replace it")
    predictor = load(
        request.model, trust=request.trust, device=chosen_device(request.device), batch_size=request.batch_size
    )
    decode_as_set(predictor.system, request.decoding)
    tasks = _tasks(predictor, request.tasks)
    rows = rows_of(
        request.images, tasks, image_columns=request.image_columns, text_columns=request.text_columns,
        text=request.text, candidates=_candidates(request.candidates, tasks),
    )  # fmt: skip
    names = tuple(task.name for task in tasks)
    file = PredictionFile(
        path=request.out, tasks=names, request=_identity(request, names, fingerprint(request.images, rows), len(rows)),
        scored=bool(request.scores),
    )  # fmt: skip
    if request.force:
        file.part.unlink(missing_ok=True)
    done = file.collected()
    if done:
        print_lines(f"{done:,} of {len(rows):,} rows are there already")
    bad: list[RowPredictions] = []
    with continued_by("the same command continues"), counting("predict") as update, file.collecting() as writer:
        batch: list[dict[str, Any]] = []
        for row in predictor.many(names, rows, workers=request.workers, first=done):
            batch.append(row_record(row, predictor.tasks, alternatives=request.scores))
            bad += [row] if row.error else []
            if len(batch) == request.batch_size or row.row == len(rows) - 1:
                writer.write(batch)
                batch.clear()
                update(row.row + 1, len(rows))
    if request.results is not None:
        print_lines(*(f"wrote {path}" for path in _write_results(file, request.results, tasks, predictor)))
    errors = sum("error" in record for record in file.records())
    file.complete()
    print_lines(f"wrote {request.out}: {len(rows) - errors:,} of {len(rows):,} rows, tasks: {', '.join(names)}")
    print_errors(*(f"row {row.row}: {row.error}" for row in bad[:SHOWN_ERRORS]))
    if errors:
        print_errors(f"{errors:,} rows have no prediction, but an error in {request.out}")


def _tasks(predictor: Predictor, names: Sequence[str]) -> tuple[Task, ...]:
    known = predictor.tasks
    if not names and len(known) != 1:
        raise ConfigError(f"--task: got none; want one or several of the model's tasks: {', '.join(known)}")
    for name in names:
        if name not in known:
            raise ConfigError(f"--task: got {name!r}; {nearest(name, known)}")
    return tuple(known[name] for name in dict.fromkeys(names or known))


def _candidates(texts: Sequence[str], tasks: Sequence[Task]) -> tuple[Any, ...]:
    matching = [task for task in tasks if isinstance(task.target, Match)]
    if len(matching) > 1 or (texts and not matching):
        got = ", ".join(task.name for task in matching) or "no task that chooses from candidates"
        raise ConfigError(f"--task: got {got}; want one task that chooses from candidates at a time")
    return candidates_of(texts, matching[0].target, ()).values if matching else ()


def _identity(request: ManyRequest, tasks: Sequence[str], rows: str, count: int) -> dict[str, Any]:
    """Returns what determines the predictions, so that a stopped command never continues those of another."""
    weights = model_folder(request.model) / WEIGHTS if Path(request.model).is_dir() else None
    status = weights.stat() if weights is not None else None
    return {
        "model": request.model if weights is None else str(weights.resolve()),
        "weights": [] if status is None else [status.st_size, status.st_mtime_ns],
        "tasks": list(tasks), "rows": rows, "count": count, "text": request.text,
        "candidates": list(request.candidates), "scores": request.scores,
        "columns": [*request.image_columns, *request.text_columns], "decoding": list(request.decoding),
    }  # fmt: skip


def _write_results(file: PredictionFile, folder: Path, tasks: Sequence[Task], predictor: Predictor) -> tuple[Path, ...]:
    import tempfile

    from motet.evaluation.predictions_io import write_lines
    from motet.experiments.submissions import write_result_files

    lines = (
        {
            "source": "predict",
            "task": task.name,
            "id": _result_id(record["id"]),
            "prediction": record["predictions"][task.name],
        }
        for task in tasks
        for record in file.records()
        if "predictions" in record
    )
    with tempfile.TemporaryDirectory() as made:
        write_lines(Path(made) / "predictions.jsonl", lines)
        folder.mkdir(parents=True, exist_ok=True)
        return write_result_files(Path(made) / "predictions.jsonl", folder, predictor.tasks)


def _result_id(row_id: str) -> str:
    """Returns the id of an image file as servers know it, 42 of COCO_val2014_000000000042.jpg; others unchanged."""
    from motet.preprocess.image_formats import image_suffixes

    path = Path(row_id)
    number = re.search(r"\d+$", path.stem)
    return row_id if path.suffix.lower() not in image_suffixes() or number is None else f"image/{number[0]}"
