"""The command `predict`: one prediction of a trained model, or many in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.candidates import ChosenCandidates, candidates_of, corners_text
from motet.cli.console import print_json, print_lines
from motet.cli.decoding import Decodings, decode_as_set
from motet.cli.maps import drawn_at, map_summary, write_map
from motet.cli.options import Json, Trust, check_task_names, chosen_device

if TYPE_CHECKING:
    from PIL.Image import Image

    from motet.core import Boxes, BoxSet, ImageFile, Prediction, TargetSpec, Task


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command(epilog="Example:  motet predict runs/demo --task count --image photo.jpg --text 'how many cats?'")(
        predict
    )


def predict(
    model: Annotated[
        str, typer.Argument(metavar="RUN", help="the folder of a run or saved model, or a name on the Hub")
    ],
    task: Annotated[
        list[str] | None,
        typer.Option(help="the task; the model's only task by default; repeated with --images: all in one pass"),
    ] = None,
    image: Annotated[
        list[str] | None, typer.Option(help="an image or video file; repeated for a task on pairs")
    ] = None,
    images: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|PATTERN|TABLE",
            help="many rows: image or video files, or a table (.csv, .jsonl, .parquet, ...) with a column of images or "
            "texts; the predictions go to --out FILE, one row each; an unreadable row gets its error there",
        ),
    ] = "",
    text: Annotated[str | None, typer.Option(help="the prompt: a question, sentence or phrase")] = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option(help="a text to choose from, or a box LEFT,TOP,RIGHT,BOTTOM in pixels; repeated"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="IMAGE|FOLDER|FILE",
            help="draw the prediction: boxes on the image, a map beside it, or text below it; "
            "a folder (no suffix) also gets the values of a map; with --images a .jsonl, .csv or .parquet file",
        ),
    ] = None,
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="leave out boxes of a lower score")] = 0.3,
    decoding: Decodings = None,
    scores: Annotated[
        int, typer.Option(min=0, help="with --images: this many next best names per prediction, with their scores")
    ] = 0,
    image_column: Annotated[
        list[str] | None, typer.Option(help="of a table in --images: column of the image; repeated for pairs [image]")
    ] = None,
    text_column: Annotated[
        list[str] | None, typer.Option(help="of a table in --images: column of the text; repeated for pairs [text]")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="with --images: also result files as COCO, VQA and GLUE want them"),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="rows per forward pass")] = 32,
    workers: Annotated[
        int, typer.Option(min=0, help="with --images: processes that read images while the model predicts")
    ] = 0,
    device: Annotated[str | None, typer.Option(help="cuda or cpu; the GPU if there is one")] = None,
    force: Annotated[bool, typer.Option("--force", help="with --images: begin anew, and replace --out FILE")] = False,
    json: Json = False,
    trust: Trust = None,
) -> None:
    """Predict one task for one image, text or video with a trained model, or several tasks for many."""
    if images:
        from motet.cli.predict_many import ManyRequest, predict_many

        predict_many(
            ManyRequest(
                model=model, tasks=tuple(task or ()), images=images, out=out, text=text or "",
                candidates=tuple(candidate or ()), scores=scores, image_columns=tuple(image_column or ("image",)),
                text_columns=tuple(text_column or ("text",)), results=results, batch_size=batch_size, workers=workers,
                device=device, force=force, trust=tuple(trust or ()), decoding=tuple(decoding or ()),
            )
        )  # fmt: skip
        return
    from motet.core.errors import ConfigError, nearest

    check_task_names(model, task or ())
    from motet.hub.predict import load

    predictor = load(model, trust=trust or (), device=chosen_device(device))
    decode_as_set(predictor.system, decoding)
    if len(task or predictor.tasks) != 1:
        got = ", ".join(task) if task else "none"
        raise ConfigError(f"--task: got {got}; want one of the model's tasks: {', '.join(predictor.tasks)}")
    (name,) = task or predictor.tasks
    if out is not None and not image:
        raise ConfigError("--out: got no --image; want --image FILE, to draw the prediction on")
    if name not in predictor.tasks:
        raise ConfigError(f"--task: got {name!r}; {nearest(name, predictor.tasks)}")
    if out is not None and "video" in predictor.tasks[name].inputs:
        raise ConfigError(f"--out: got task {name!r}, whose input is a video; want a task on images, to draw on one")
    target = predictor.tasks[name].target
    candidates = candidates_of(candidate or (), target, image or ())
    answer = predictor(
        name, image=images_or_frames(image or (), predictor.tasks[name]), text=text, candidates=candidates.values
    )
    files: list[str] = []
    if out is not None and image:
        drawn = drawn_at(out, name)
        write_drawn(drawn, [Path(one) for one in image], answer, target, min_score, candidates)
        files = [str(path) for path in (drawn, *write_map(out, name, answer))]
    if json:
        request = {"task": name, "images": image or [], "text": text, **({"files": files} if files else {})}
        print_json({**request, "kind": type(answer).__name__, "answer": prediction_fields(answer, target, candidates)})
    else:
        print_lines(prediction_line(answer, target, min_score, candidates))


def images_or_frames(images: Sequence[str], task: Task) -> Sequence[str | ImageFile] | None:
    """Returns the images; for a task on videos, the frames of each video in place of its file."""
    from motet.cli.predict_rows import frames_of
    from motet.core import DiskImage
    from motet.data.formats.video_rows import is_video

    if "video" not in task.inputs:
        return images or None
    frames: list[str | ImageFile] = []
    for image in images:
        frames += frames_of(DiskImage(Path(image))) if is_video(image) else [image]
    return frames or None


def prediction_line(
    answer: Prediction, target: TargetSpec, min_score: float = 0.0, candidates: ChosenCandidates | None = None
) -> str:
    """Returns a prediction as text: one line, or one line per box of enough score, the highest first."""
    from motet.core import (
        Boxes,
        BoxSet,
        ClassPrediction,
        Dense,
        DenseMap,
        PanopticMap,
        ScalarPrediction,
        TextPrediction,
    )

    match answer:
        case TextPrediction(text=text):
            return text
        case ClassPrediction(index=index) if candidates is not None and 0 <= index < len(candidates.labels):
            return candidates.labels[index]
        case ClassPrediction(top=top) if top:
            first, *others = [f"{one.name} {100 * one.probability:.1f} %" for one in top]
            return f"{first}  (then {', '.join(others)})" if others else first
        case ClassPrediction(index=index, name=name):
            return name or str(index)
        case ScalarPrediction(value=value):
            return f"{value:g}"
        case BoxSet() if isinstance(target, Boxes):
            return _box_lines(answer, target, min_score)
        case BoxSet():
            best = _best_box(answer)
            return "no box" if best is None else f"{corners_text(best)}  ({float(answer.scores.max()):.2f})"
        case DenseMap(values=values) if isinstance(target, Dense):
            from motet.report.draw import describe_map

            height, width = values.shape[:2]
            return f"a map of {height} x {width} pixels: {describe_map(values, target)}"
        case DenseMap(values=values):
            return f"a map {values.shape}, {values.min():g} to {values.max():g}"
        case PanopticMap():
            from motet.report.draw.panoptic import describe_segments

            return describe_segments(answer, target)


def _box_lines(answer: BoxSet, target: Boxes, min_score: float) -> str:
    import numpy as np

    from motet.report.draw import box_text

    order = [place for place in np.argsort(-answer.scores).tolist() if answer.scores[place] >= min_score]
    titles = [box_text(answer, place, target.names, attributes=target.attributes, scores=True) for place in order]
    lines = [f"{name}  {corners_text(answer.boxes_xyxy[place])}" for name, place in zip(titles, order, strict=True)]
    return "\n".join(lines) or f"nothing (no box of score {min_score:g} or more)"


def _best_box(answer: BoxSet) -> list[float] | None:
    """Returns the corners of the box of the highest score; None if there is no box."""
    if not len(answer.scores):
        return None
    return [float(side) for side in answer.boxes_xyxy[int(answer.scores.argmax())]]


def prediction_fields(
    answer: Prediction, target: TargetSpec, candidates: ChosenCandidates | None = None
) -> dict[str, Any]:
    """Returns a prediction as JSON values: its fields, with the names of boxes and the chosen candidate.

    A map is summarised: all its values would be too long to print.
    """
    import dataclasses

    import numpy as np

    from motet.core import Boxes, BoxSet, ClassPrediction, DenseMap, PanopticMap

    if isinstance(answer, DenseMap):
        return map_summary(answer.values, target)
    if isinstance(answer, PanopticMap):
        from motet.evaluation.predictions_io import prediction_to_json

        return dict(prediction_to_json(answer, target))
    fields = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in dataclasses.asdict(answer).items()
        if value is not None
    }
    if isinstance(answer, BoxSet) and isinstance(target, Boxes):
        fields["names"] = [target.names[int(label)] for label in answer.labels]
        if target.attributes:
            fields["described"] = [[target.attributes[index] for index in one] for one in answer.attributes]
    if isinstance(answer, ClassPrediction) and candidates is not None and 0 <= answer.index < len(candidates.labels):
        fields["candidate"] = (
            list(candidates.boxes_xyxy[answer.index]) if candidates.boxes_xyxy else candidates.labels[answer.index]
        )
    return fields


def write_drawn(
    out: Path,
    images: Sequence[Path],
    answer: Prediction,
    target: TargetSpec,
    min_score: float,
    candidates: ChosenCandidates | None = None,
) -> None:
    """Writes the image with the predicted boxes or map, or with any other prediction as text below it.

    Raises:
        ConfigError: a path that cannot be written, or a suffix of no known image format.
    """
    from motet.core import ConfigError

    drawn = _drawn(images, answer, target, min_score, candidates or ChosenCandidates())
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        drawn.save(out)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(
            f"--out: got {reason}; want the path of a .png or .jpg file that can be written ({out})"
        ) from error


def _drawn(
    images: Sequence[Path], answer: Prediction, target: TargetSpec, min_score: float, candidates: ChosenCandidates
) -> Image:
    from motet.core import Boxes, BoxSet, ClassPrediction, Dense, DenseMap, DiskImage, Match, Panoptic, PanopticMap
    from motet.preprocess.images import decode
    from motet.report.draw import PREDICTED_COLOUR, draw_boxes, draw_referred_boxes, framed, side_by_side, with_caption

    drawn = [decode(DiskImage(image)) for image in images]
    match answer, target:
        case BoxSet(), Boxes():
            names, attributes = target.names, target.attributes
            return draw_boxes(drawn[0], answer, names, attributes=attributes, scores=True, min_score=min_score)
        case BoxSet(), _:
            return draw_referred_boxes(
                drawn[0], predicted=_best_box(answer), titles=(f"{answer.scores.max(initial=0):.2f}", "")
            )
        case DenseMap(values=values), Dense():
            from motet.report.cards.maps import draw_map_panels

            return draw_map_panels(drawn[0], values, target, height=min(480, drawn[0].height))
        case PanopticMap(), Panoptic():
            from motet.report.draw.panoptic import draw_segments

            return draw_segments(drawn[0], answer, target)
        case ClassPrediction(index=index), Match("regions") if index < len(candidates.boxes_xyxy):
            chosen = candidates.boxes_xyxy[index] if index >= 0 else None
            return draw_referred_boxes(
                drawn[0], predicted=chosen, candidates=candidates.boxes_xyxy, titles=(f"{index + 1}", "")
            )
        case ClassPrediction(index=index), Match("images"):
            drawn = [framed(one, PREDICTED_COLOUR) if place == index else one for place, one in enumerate(drawn)]
    whole = drawn[0]
    if len(drawn) > 1:
        panels = [(image.name, panel) for image, panel in zip(images, drawn, strict=True)]
        whole = side_by_side(panels, height=min(480, max(panel.height for panel in drawn)))
    return with_caption(whole, prediction_line(answer, target, min_score, candidates))
