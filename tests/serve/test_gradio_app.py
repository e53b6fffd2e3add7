"""The gradio app: through its own client, as a Space serves it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_predictor import grey_png, toy_predictor

gradio = pytest.importorskip("gradio")
gradio_client = pytest.importorskip("gradio_client")
# gradio looks for a free port with a socket that it does not close.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def client():
    from motet.serve.gradio_app import gradio_app

    app = gradio_app(toy_predictor())
    app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", share=False)
    yield gradio_client.Client(app.local_url, verbose=False)
    app.close()


@pytest.fixture
def photo(tmp_path: Path):
    (tmp_path / "photo.png").write_bytes(grey_png(100, (80, 60)))
    return gradio_client.handle_file(str(tmp_path / "photo.png"))


@pytest.mark.parametrize(
    ("task", "text", "lines", "expected"),
    [("caption", "", "", "a grey of 100"), ("ask", "how?", "", "how?:1"), ("bright", "", "", "dark")],
)
def test_tasks_answer_as_the_predictor_does(client, photo, task, text, lines, expected) -> None:
    answer, drawn = client.predict(task, photo, text, lines, api_name="/predict")
    assert answer["prediction"] == expected
    assert drawn is None


@pytest.mark.parametrize("task", ["things", "depth"])
def test_boxes_and_maps_are_drawn(client, photo, task) -> None:
    _, drawn = client.predict(task, photo, "", "", api_name="/predict")
    with Image.open(drawn["path"] if isinstance(drawn, dict) else drawn) as image:
        assert image.size == (80, 60)
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert np.ptp(pixels, axis=2).max() > 40  # the photo is grey, what is drawn on it is not


def test_a_missing_input_is_the_predictors_own_line(client) -> None:
    with pytest.raises(gradio_client.exceptions.AppError, match="image"):
        client.predict("caption", None, "", "", api_name="/predict")
