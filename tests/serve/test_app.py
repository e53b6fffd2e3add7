"""The service: every kind of task, one row or many, and one clear status for everything that is wrong."""

from __future__ import annotations

import base64
import io
import json
import os
import tempfile
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image
from starlette.testclient import TestClient
from toy_predictor import TARGETS, grey_png, toy_predictor

from motet.serve.app import create_app
from motet.serve.limits import Limits
from motet.serve.models import ServedModels

LIMITS = Limits(body_bytes=200_000, pixels=10_000, rows=5, images=3, text=100, candidates=4, seconds=5, delay=0.001)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(ServedModels(toy_predictor()), limits=LIMITS), raise_server_exceptions=False) as one:
        yield one


def encoded(grey: int = 200) -> str:
    return base64.b64encode(grey_png(grey)).decode()


def png(grey: int = 200, name: str = "x.png") -> tuple[str, tuple[str, bytes]]:
    return ("image", (name, grey_png(grey)))


def test_the_tasks_and_their_inputs_are_listed(client) -> None:
    listed = client.get("/tasks").json()
    assert [task["name"] for task in listed["tasks"]] == list(TARGETS)
    ask = next(task for task in listed["tasks"] if task["name"] == "ask")
    assert (ask["inputs"], ask["attention"], ask["single"]) == (["image", "text"], True, False)
    assert next(task for task in listed["tasks"] if task["name"] == "which")["candidates"] == "texts"
    assert listed["limits"]["rows"] == 5


@pytest.mark.parametrize(
    ("task", "kind", "value"),
    [
        ("bright", "class", "bright"),
        ("caption", "text", "a grey of 200"),
        ("grey", "number", 200.0),
        ("ask", "text", "how?:1"),
    ],
)
def test_json_and_forms_give_the_same_answer(client, task, kind, value) -> None:
    form = client.post(f"/predict/{task}", files=[png()], data={"text": "how?"})
    body = client.post(f"/predict/{task}", json={"image": encoded(), "text": "how?"})
    assert (form.status_code, body.status_code) == (200, 200)
    (answer,) = body.json()["predictions"]
    assert form.json() == body.json()
    assert (answer["kind"], answer["value"]) == (kind, value)


def test_boxes_maps_candidates_and_texts_alone(client) -> None:
    (boxes,) = client.post("/predict/things", files=[png()]).json()["predictions"]
    assert boxes["value"]["names"] == ["cat", "<b>dog</b>"]
    assert boxes["value"]["boxes_xyxy"][0] == [0.0, 0.0, 4.0, 4.0]
    plain = client.post("/predict/depth", files=[png()]).json()["predictions"][0]
    drawn = client.post("/predict/depth?drawn=true", files=[png()]).json()["predictions"][0]
    assert (plain["line"], plain["drawn"], plain["value"]["size"]) == ("1.00 to 5.00 m", "", [8, 8])
    with Image.open(io.BytesIO(base64.b64decode(drawn["drawn"]))) as image:
        assert image.size == (8, 8)
    (which,) = client.post("/predict/which", json={"image": encoded(), "candidates": ["a", "b"]}).json()["predictions"]
    assert (which["value"], which["scores"]["top"][1]) == ("a", {"candidate": 1, "score": -1.0})
    assert client.post("/predict/echo", json={"text": "hi"}).json()["predictions"][0]["value"] == "hi:0"
    assert client.post("/predict/echo", data={"text": ["a", "b"]}, files=[]).status_code == 415  # no multipart
    frames = client.post("/predict/ask", json={"images": [encoded(), encoded()], "text": "how?"}).json()
    assert frames["predictions"][0]["value"] == "how?:2"


def test_probabilities_come_on_request(client) -> None:
    top = client.post("/predict/bright?top=1", files=[png(128)]).json()["predictions"][0]["scores"]["top"]
    assert top == [{"name": "bright", "probability": 0.880797}]
    none = client.post("/predict/bright?top=0", files=[png(128)]).json()["predictions"][0]["scores"]
    assert none == {"top": []}


def test_a_bad_row_of_many_has_its_error_in_its_place(client) -> None:
    rows = [{"image": encoded(0)}, {"image": "aGVsbG8="}, {"image": encoded(255)}, {}]
    answers = client.post("/predict/bright", json={"inputs": rows}).json()["predictions"]
    assert [answer["value"] for answer in answers] == ["dark", None, "bright", None]
    assert "got 5 bytes that start with b'hello'" in answers[1]["error"]
    assert "needs an image" in answers[3]["error"]
    form = client.post("/predict/bright", files=[png(0), ("image", ("b", b"hello")), png(255)]).json()["predictions"]
    assert [answer["value"] for answer in form] == ["dark", None, "bright"]


def bomb() -> bytes:
    """A PNG of a few bytes whose header promises 30,000 x 30,000 pixels."""
    data = bytearray(grey_png())
    data[16:24] = (30_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


JSON = {"content-type": "application/json"}
HOSTILE = {
    "a bomb": ({"files": [("image", ("x.png", bomb()))]}, 422, "want at most"),
    "an image beyond the service's own limit": (
        {"files": [("image", ("x.png", grey_png(1, (101, 100))))]}, 422, "got 101 x 100 pixels; want at most 10,000"
    ),
    "no image": ({"files": [("image", ("x.png", b"<svg onload=alert(1)>"))]}, 422, "got 21 bytes"),
    "a cut image": ({"files": [("image", ("x.png", grey_png()[:50]))]}, 422, "image"),
    "10,000 files": ({"files": [("image", (f"{n}", b"")) for n in range(10_000)]}, 413, "got a request of more than"),
    "more files than rows": ({"files": [png() for _ in range(6)]}, 413, "Too many files"),
    "more rows": ({"json": {"inputs": [{"text": "a"}] * 6}}, 413, "got 6 rows; want at most 5"),
    "more images in a row": ({"json": {"images": [encoded()] * 4}}, 413, "got 4 images in a row"),
    "a long body": ({"content": b" " * 200_001, "headers": JSON}, 413, "more than 200,000 bytes"),
    "a long text": ({"json": {"image": encoded(), "text": "a" * 101}}, 413, "more than 100 characters"),
    "many candidates": ({"json": {"image": encoded(), "candidates": ["a"] * 5}}, 413, "got 5 candidates"),
    "candidates for a task without": ({"json": {"image": encoded(), "candidates": ["a"]}}, 422, "want none for task"),
    "another content type": ({"content": grey_png(), "headers": {"content-type": "image/png"}}, 415, "got 'image/png'"),
    "no content type": ({"content": grey_png()}, 415, "got 'none'"),
    "a form without a boundary": (
        {"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 415, "want application/json"
    ),
    "a form that is none": (
        {"content": b"--y\r\nno", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, "form: got"
    ),
    "an unknown field": ({"files": [("../../etc/passwd", ("x", b"y"))]}, 422, "got the field '../../etc/passwd'"),
    "a file as a text": ({"files": [("text", ("x", b"y"))]}, 422, "got the field 'text'"),
    "no JSON": ({"content": b"{", "headers": JSON}, 400, "want JSON"),
    "deep JSON": ({"content": b"[" * 100_000, "headers": JSON}, 400, "nested too deeply"),
    "another kind of JSON": ({"json": [1, 2]}, 422, "want the fields of /openapi.json"),
    "an unknown key": ({"json": {"path": "/etc/passwd"}}, 422, "path: got an unknown or wrong value"),
    "an image that is a path": ({"json": {"image": "/etc/passwd!"}}, 422, "want a file in base64"),
    "both forms of images": ({"json": {"image": encoded(), "images": [encoded()]}}, 422, "want one or the other"),
    "both forms of rows": ({"json": {"image": encoded(), "inputs": []}}, 422, "want one or the other"),
    "nothing": ({"json": {}}, 422, "got no row"),
    "a missing input": ({"json": {"text": "how?"}}, 422, "needs an image"),
    "a bug of the system": ({"json": {"image": encoded(), "text": "break"}}, 500, "unexpected RuntimeError"),
    "a row that the system refuses": ({"json": {"image": encoded(), "text": "refuse"}}, 422, "got 'refuse'"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_wrong_is_one_status_and_one_line(client, name) -> None:
    request, status, line = HOSTILE[name]
    answer = client.post("/predict/bright", **request)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert line in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert client.post("/predict/bright", files=[png()]).status_code == 200  # it lives on


def test_names_of_files_are_no_paths_and_nothing_is_written(client, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    big = grey_png(3, (90, 90)) + os.urandom(150_000)  # beyond what a spooled file would keep in memory is not reached
    for name in ("../../../etc/passwd", "/etc/passwd", "a\x00b", "C:\\x", "<script>", "é" * 300):
        answer = client.post("/predict/bright", files=[("image", (name, big))])
        assert answer.json()["predictions"][0]["value"] == "dark"
        assert "passwd" not in answer.text
    assert list(tmp_path.iterdir()) == []


def test_unknown_paths_methods_and_values_are_one_line(client) -> None:
    for answer, status in (
        (client.get("/nowhere"), 404), (client.get("/predict/bright"), 405),
        (client.post("/predict/brigth", json={}), 404), (client.post("/predict/bright?top=-1", files=[png()]), 422),
        (client.post("/predict/bright?model=x", files=[png()]), 422),
        (client.post("/predict/bright?model=single", files=[png()]), 404), (client.get("/docs"), 404),
        (client.get("/../../etc/passwd"), 404), (client.get("/page/%2e%2e/app.py"), 404),
    ):  # fmt: skip
        assert (answer.status_code, list(answer.json())) == (status, ["error"])
    assert "did you mean 'bright'" in client.post("/predict/brigth", json={}).json()["error"]


def test_attention_is_an_image_where_the_system_has_it(client) -> None:
    drawn = client.post("/attention/ask", files=[png()], data={"text": "how?"})
    assert drawn.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(drawn.content)) as image:
        assert image.width > 300
    assert client.post("/attention/bright", files=[png()]).status_code == 404
    assert client.post("/attention/ask", files=[png()]).status_code == 422
    assert client.post("/attention/ask", files=[png(), png()], data={"text": "a"}).status_code == 422


def test_a_token_is_wanted_everywhere_but_on_the_page_and_for_health() -> None:
    app = create_app(ServedModels(toy_predictor()), token="s3cret")
    with TestClient(app) as client:
        for path in ("/tasks", "/metrics", "/openapi.json", "/predict/bright", "/nowhere"):
            for header in ({}, {"authorization": "Bearer s3cre"}, {"authorization": "Basic s3cret"}):
                answer = client.get(path, headers=header)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert client.get("/tasks", headers={"authorization": "bearer s3cret"}).status_code == 200
        for path in ("/", "/page.js", "/page.css", "/healthz"):
            assert client.get(path).status_code == 200


def test_other_sites_neither_post_nor_read() -> None:
    app = create_app(ServedModels(toy_predictor()), hosts=("localhost", "testserver", "[::1]"))
    with TestClient(app) as client:
        assert client.get("/tasks").status_code == 200
        assert client.get("/tasks", headers={"host": "evil.example:8000"}).status_code == 421
        assert client.get("/tasks", headers={"host": "[::1]"}).status_code == 200
        for site, status in (("cross-site", 403), ("same-origin", 200), ("none", 200)):
            answer = client.post("/predict/bright", files=[png()], headers={"sec-fetch-site": site})
            assert answer.status_code == status


def test_every_answer_has_the_headers_of_a_strict_page(client) -> None:
    for path in ("/", "/tasks", "/nowhere", "/page.js"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_metrics_count_requests_rows_and_batches() -> None:
    with TestClient(create_app(ServedModels(toy_predictor()))) as client:
        client.post("/predict/bright", files=[png(), ("image", ("x", b"bad"))])
        client.post("/predict/made_up", json={})
        client.get("/made/up")
        text = client.get("/metrics").text
    assert 'motet_rows_total{outcome="good",task="bright"} 1.0' in text
    assert 'motet_rows_total{outcome="bad",task="bright"} 1.0' in text
    assert 'motet_requests_total{path="/predict/{task}",status="200"} 1.0' in text
    assert 'motet_request_seconds_count{task="bright"} 1.0' in text
    assert "made_up" not in text
    assert "motet_queue_rows 0.0" in text
    assert "motet_held_bytes 0.0" in text


def test_a_single_task_model_answers_in_its_own_name(tmp_path) -> None:
    multi, single = toy_predictor("grey"), toy_predictor("grey")
    single.system.bias.data += 5.0
    models = ServedModels(multi, {"grey": tmp_path}, lambda folder: single)
    with TestClient(create_app(models)) as client:
        assert client.get("/tasks").json()["tasks"][0]["single"] is True
        answers = [client.post(f"/predict/grey?model={name}", files=[png(100)]).json() for name in ("multi", "single")]
    assert [(answer["model"], answer["predictions"][0]["value"]) for answer in answers] == [
        ("multi", 100.0),
        ("single", 105.0),
    ]


def test_openapi_names_the_bodies(client) -> None:
    described = client.get("/openapi.json").json()
    content = described["paths"]["/predict/{task}"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    assert "PredictAnswer" in json.dumps(described["paths"]["/predict/{task}"]["post"]["responses"]["200"])
