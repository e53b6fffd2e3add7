"""Using a trained model: `predict`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from motet.cli.options import Json, Trust, trusted
from motet.cli.screen import say, say_json

if TYPE_CHECKING:
    from motet.core import Prediction


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
    answer = predictor(name, image=image or None, text=text)
    if json:
        asked = {"task": name, "images": image or [], "text": text}
        say_json({**asked, "kind": type(answer).__name__, "answer": plain(answer)})
    else:
        say(in_words(answer))


def in_words(answer: Prediction) -> str:
    """A prediction for a person, on one line where it has one."""
    from motet.core import BoxSet, Choice, DenseMap, Real, Words

    match answer:
        case Words(text=text):
            return text
        case Choice(index=index, name=name):
            return name or str(index)
        case Real(value=value):
            return f"{value:g}"
        case BoxSet():
            return "\n".join(
                f"{label} {score:.2f} {' '.join(f'{side:.1f}' for side in box)}"
                for box, label, score in zip(answer.boxes_xyxy, answer.labels, answer.scores, strict=True)
            )
        case DenseMap(values=values):
            return f"a map {values.shape}, {values.min():g} to {values.max():g}"


def plain(answer: Prediction) -> dict[str, Any]:
    """A prediction for a program: its fields, arrays as lists."""
    import dataclasses

    import numpy as np

    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in dataclasses.asdict(answer).items()
    }
