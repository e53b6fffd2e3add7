"""A gradio app around a predictor, for a Space on the Hub: `gradio_app(motet.load("you/model")).launch()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from motet.core import Boxes, BoxSet, Dense, DenseMap, MotetError
from motet.hub.predict import Predictor
from motet.hub.prediction_record import prediction_value, scores_to_json
from motet.report.draw import draw_boxes, draw_map

if TYPE_CHECKING:
    import gradio as gr

_MIN_SCORE = 0.3  # boxes below it are not drawn


def gradio_app(predictor: Predictor) -> gr.Interface:
    """Returns the app: a task, an image, a text and candidates in; JSON and a drawn image out.

    Args:
        predictor: that answers.
    """
    import gradio as gr  # of the extra gradio alone

    def predict(name: str, image: Image.Image | None, text: str, lines: str) -> tuple[Any, Image.Image | None]:
        target = predictor.tasks[name].target
        candidates = tuple(line.strip() for line in (lines or "").splitlines() if line.strip())
        try:
            found = predictor(name, image, text or None, candidates=candidates)
        except MotetError as error:
            raise gr.Error(str(error)) from error
        task = predictor.tasks[name]
        answer = {"prediction": prediction_value(found, task), "scores": scores_to_json(found, task, 5)}
        if isinstance(found, BoxSet) and isinstance(target, Boxes) and image is not None:
            return answer, draw_boxes(image, found, target.names, scores=True, min_score=_MIN_SCORE)
        if isinstance(found, DenseMap) and isinstance(target, Dense):
            return {"scores": answer["scores"]}, draw_map(found.values, target)
        return answer, None

    names = list(predictor.tasks)
    asked = [gr.Dropdown(names, value=names[0], label="task"), gr.Image(type="pil", label="image")]
    texts = [gr.Textbox(label="question or sentence"), gr.Textbox(lines=3, label="candidates, one per line")]
    return gr.Interface(
        predict, [*asked, *texts], [gr.JSON(label="prediction"), gr.Image(label="drawn")], title="motet"
    )
