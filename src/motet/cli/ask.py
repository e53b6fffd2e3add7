"""Using a trained model: `predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.options import Json, Trust, trusted
from motet.cli.screen import say, say_json

if TYPE_CHECKING:
    from motet.core import Prediction, TargetSpec


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command(epilog="Example:  motet predict runs/demo --task count --image photo.jpg --text 'how many cats?'")(
        predict
    )


def predict(
    model: Annotated[str, typer.Argument(metavar="RUN", help="a run, a saved model, or a name on the Hub")],
    task: Annotated[str, typer.Option(help="what is asked; the model's only task by default")] = "",
    image: Annotated[list[str] | None, typer.Option(help="a picture; repeated for a task on pairs")] = None,
    text: Annotated[str | None, typer.Option(help="the question or sentence")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="draw the answer on the picture: boxes, or words below it")
    ] = None,
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="leave out boxes less sure than this")] = 0.3,
    json: Json = False,
    trust: Trust = None,
) -> None:
    """Ask a trained model about a picture."""
    from motet.core.errors import ConfigError
    from motet.serve.predictor import load

    predictor = load(model, trust=trusted(trust))
    if not task and len(predictor.tasks) != 1:
        raise ConfigError(f"--task: got none; want one of {', '.join(predictor.tasks)}")
    name = task or next(iter(predictor.tasks))
    if out is not None and not image:
        raise ConfigError("--out: got no --image; want one to draw on")
    answer, target = predictor(name, image=image or None, text=text), predictor.tasks[name].target
    if out is not None and image:
        write_drawn(out, Path(image[0]), answer, target, min_score)
    if json:
        asked = {"task": name, "images": image or [], "text": text}
        say_json({**asked, "kind": type(answer).__name__, "answer": plain(answer, target)})
    else:
        say(in_words(answer, target, min_score))


def in_words(answer: Prediction, target: TargetSpec, min_score: float = 0.0) -> str:
    """A prediction for a person, on one line where it has one; of boxes, those sure enough, the surest first."""
    import numpy as np

    from motet.core import Boxes, BoxSet, Choice, DenseMap, Real, Words
    from motet.drawing import said_of

    match answer:
        case Words(text=text):
            return text
        case Choice(index=index, name=name):
            return name or str(index)
        case Real(value=value):
            return f"{value:g}"
        case BoxSet():
            names, attributes = (target.names, target.attributes) if isinstance(target, Boxes) else ((), ())
            order = [place for place in np.argsort(-answer.scores).tolist() if answer.scores[place] >= min_score]
            corners = [" ".join(f"{side:.1f}" for side in answer.boxes_xyxy[place]) for place in order]
            said = [said_of(answer, place, names, attributes=attributes, scores=True) for place in order]
            lines = [f"{name}  {box}" for name, box in zip(said, corners, strict=True)]
            return "\n".join(lines) or f"nothing (no box of score {min_score:g} or more)"
        case DenseMap(values=values):
            return f"a map {values.shape}, {values.min():g} to {values.max():g}"


def plain(answer: Prediction, target: TargetSpec) -> dict[str, Any]:
    """A prediction for a program: its fields, arrays as lists; boxes with their names."""
    import dataclasses

    import numpy as np

    from motet.core import Boxes, BoxSet

    fields = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in dataclasses.asdict(answer).items()
    }
    if isinstance(answer, BoxSet) and isinstance(target, Boxes):
        fields["names"] = [target.names[int(label)] for label in answer.labels]
        if target.attributes:
            fields["described"] = [[target.attributes[index] for index in one] for one in answer.attributes]
    return fields


def write_drawn(out: Path, image: Path, answer: Prediction, target: TargetSpec, min_score: float) -> None:
    """Writes the picture with its boxes drawn on it, or with any other answer in words below it.

    Raises:
        ConfigError: a place that cannot be written, or a name that says no kind of picture.
    """
    from motet.core import Boxes, BoxSet, ConfigError, DiskImage
    from motet.drawing import draw_boxes, with_caption
    from motet.prep.images import decode

    picture = decode(DiskImage(image))
    if isinstance(answer, BoxSet) and isinstance(target, Boxes):
        drawn = draw_boxes(
            picture, answer, target.names, attributes=target.attributes, scores=True, min_score=min_score
        )
    else:
        drawn = with_caption(picture, in_words(answer, target))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        drawn.save(out)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(f"--out: got {reason}; want a place for a .png or .jpg ({out})") from error
