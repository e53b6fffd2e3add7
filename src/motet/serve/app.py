"""The service: its paths, and what each of them answers."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.resources
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from motet.core import DataError, MemoryImage, MotetError, Task, nearest
from motet.hub.many import RowPredictions
from motet.preprocess.images import decode
from motet.serve.answers import (
    ErrorAnswer,
    PredictAnswer,
    TasksAnswer,
    limits_answer,
    row_answer,
    task_answer,
)
from motet.serve.batching import Batcher, QueueKey
from motet.serve.guard import Guard
from motet.serve.limits import Limits, Refused
from motet.serve.metrics import ServiceMetrics
from motet.serve.models import ServedModels
from motet.serve.request_rows import PredictBody, RequestRow, RowParser

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer} for status in (400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 500, 503, 504)
}
_FORM = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "image": {"type": "array", "items": {"type": "string", "format": "binary"}, "description": "a file per row"},
        "images": {"type": "array", "items": {"type": "string", "format": "binary"}, "description": "files of one row"},
        "text": {"type": "array", "items": {"type": "string"}, "description": "one text for all rows, or one per row"},
        "candidate": {"type": "array", "items": {"type": "string"}, "description": "a text, or LEFT,TOP,RIGHT,BOTTOM"},
    },
}
_PAGE = {
    "/": ("index.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}


def create_app(
    models: ServedModels, *, limits: Limits | None = None, token: str = "", hosts: Collection[str] = ()
) -> ASGIApp:
    """Returns the service as an ASGI application.

    Args:
        models: that answer.
        limits: of requests.
        token: that requests must bring as "Authorization: Bearer TOKEN"; "" for none.
        hosts: names that a request's Host header may have; () for any.
    """
    limits = limits or Limits()
    metrics = ServiceMetrics()
    service = _Service(models, limits, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        service.batcher.start()
        yield
        await service.batcher.stop()

    # The pages of Swagger and ReDoc fetch scripts from elsewhere.
    app = FastAPI(
        title="motet", version="1", lifespan=lifespan, docs_url=None, redoc_url=None, responses=_ERRORS,
        description="Predictions of one model for many tasks.",
    )  # fmt: skip
    _add_errors(app)
    _add_paths(app, service)
    body = {
        "required": True,
        "content": {
            "application/json": {"schema": _json_schema()},
            "multipart/form-data": {"schema": _FORM},
        },
    }

    @app.post("/predict/{task}", response_model=PredictAnswer, openapi_extra={"requestBody": body})
    async def predict(
        request: Request,
        task: str,
        model: Annotated[Literal["multi", "single"], Query(description="or the task's single-task model")] = "multi",
        top: Annotated[int, Query(ge=0, le=100, description="names with probabilities, the best first")] = 5,
        drawn: Annotated[bool, Query(description="also draw maps in colours")] = False,
    ) -> PredictAnswer:
        """Predict a task for one row or many; in a request of many rows a bad one has its error in its place."""
        return await service.predict(request, task, model, top, drawn)

    @app.post(
        "/attention/{task}",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}, "image/png": {}}}},
        openapi_extra={"requestBody": body},
    )
    async def attention(request: Request, task: str) -> Response:
        """Draw the regions that the words of one row attend to."""
        return await service.attention(request, task)

    return Guard(app, limits=limits, metrics=metrics, token=token, hosts=hosts)


def _json_schema() -> dict[str, Any]:
    """Returns the schema of a JSON body without references: FastAPI knows only those of its own parameters."""
    schema = PredictBody.model_json_schema()
    (rows,) = [kind for kind in schema["properties"]["inputs"]["anyOf"] if kind["type"] == "array"]
    rows["items"] = schema.pop("$defs")["RowBody"]
    return schema


def _add_paths(app: FastAPI, service: _Service) -> None:
    @app.get("/tasks", response_model=TasksAnswer)
    async def tasks() -> TasksAnswer:
        """List the tasks of the model, and the limits of a request."""
        return service.tasks()

    @app.get("/healthz", responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}})
    async def healthz() -> JSONResponse:
        """Say whether the service answers."""
        stopping = service.batcher.is_stopping
        return JSONResponse({"status": "stopping" if stopping else "ok"}, status_code=503 if stopping else 200)

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """Counters in the text format of Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    folder = importlib.resources.files("motet.serve") / "page"
    for path, (name, media_type) in _PAGE.items():
        content = (folder / name).read_bytes()
        app.add_api_route(path, _constant(content, media_type), methods=["GET"], include_in_schema=False)


def _constant(content: bytes, media_type: str) -> Any:
    async def page() -> Response:
        return Response(content, media_type=media_type)

    return page


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        del request
        return JSONResponse({"error": error.message}, status_code=error.status, headers=error.headers)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        line = f"{request.method} {request.url.path[:100]}: got {error.detail}; want a path of /openapi.json"
        return JSONResponse({"error": line}, status_code=error.status_code, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        del request
        first = error.errors()[0]
        line = f"{'.'.join(str(part) for part in first['loc'])}: got a wrong value ({first['msg']})"
        return JSONResponse({"error": line}, status_code=422)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        del request
        return JSONResponse({"error": f"unexpected {type(error).__name__} (a bug: see the log)"}, status_code=500)


@dataclasses.dataclass
class _Service:
    models: ServedModels
    limits: Limits
    metrics: ServiceMetrics

    def __post_init__(self) -> None:
        self.batcher = Batcher(self.models, self.limits, self.metrics)
        self.parser = RowParser(self.limits)

    def tasks(self) -> TasksAnswer:
        system = self.models.multi.system
        found = [
            task_answer(task, attention=system.attention_layers(name) > 0, single=name in self.models.singles)
            for name, task in self.models.multi.tasks.items()
        ]
        return TasksAnswer(tasks=found, limits=limits_answer(dataclasses.asdict(self.limits)))

    async def predict(
        self, request: Request, name: str, model: Literal["multi", "single"], top: int, drawn: bool
    ) -> PredictAnswer:
        started = time.monotonic()
        task = self._task(name)
        if model == "single" and name not in self.models.singles:
            raise Refused(404, f"task {name!r}: got no single-task model beside the run; want model=multi")
        rows = await self._rows(request, task)
        good = [row.inputs for row in rows if row.inputs is not None]
        found = await self.batcher.predict(QueueKey(model, name), good) if good else []
        left = iter(found)
        merged = [RowPredictions(row=0, error=row.error) if row.error else next(left) for row in rows]
        if len(merged) == 1 and merged[0].error:
            self.metrics.rows.labels(name, "bad").inc()
            raise Refused(422, merged[0].error)
        answers = await asyncio.to_thread(lambda: [row_answer(row, task, top=top, drawn=drawn) for row in merged])
        for answer in answers:
            self.metrics.rows.labels(name, "bad" if answer.error else "good").inc()
        self.metrics.seconds.labels(name).observe(time.monotonic() - started)
        return PredictAnswer(task=name, model=model, predictions=answers)

    async def attention(self, request: Request, name: str) -> Response:
        from motet.report.cards.attention import draw_attention
        from motet.report.draw.encoding import media_type

        task = self._task(name)
        if self.models.multi.system.attention_layers(name) < 1:
            raise Refused(404, f"task {name!r}: got a system without attention for it; want a task with attention")
        rows = await self._rows(request, task)
        row = rows[0].inputs
        if len(rows) > 1 or row is None or not isinstance(row.image, bytes):
            raise Refused(422, rows[0].error or "got no row or several images; want one row of one image")
        image, text = row.image, row.text

        def draw() -> bytes:
            maps = self.models.multi.attention(name, image, text)
            return draw_attention(decode(MemoryImage("image 0", image)), maps)

        try:
            drawn = await self.batcher.call(draw)
        except MotetError as error:
            raise Refused(422, str(error)) from error
        return Response(drawn, media_type=media_type(drawn))

    async def _rows(self, request: Request, task: Task) -> Sequence[RequestRow]:
        raw = await self.parser.parse(request.headers.get("content-type", ""), await request.body())
        return await asyncio.to_thread(lambda: [self.parser.open(row, task) for row in raw])

    def _task(self, name: str) -> Task:
        if name not in self.models.multi.tasks:
            raise Refused(
                404, str(DataError(f"task: got {name[:100]!r}; {nearest(name[:100], self.models.multi.tasks)}"))
            )
        return self.models.multi.tasks[name]
