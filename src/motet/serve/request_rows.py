"""The body of a request as rows: JSON with images in base64, or a form with files. Nothing touches the disk."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from motet.core import DataError, Match, Task
from motet.core.errors import MotetError
from motet.core.plain_json import parse_json
from motet.hub.predict import PredictionInput
from motet.preprocess.open_image import open_image
from motet.serve.limits import Limits, Refused

Box = tuple[float, float, float, float]


class RowBody(BaseModel):
    """One row of a JSON request."""

    model_config = ConfigDict(extra="forbid", strict=True)
    image: str | None = Field(None, description="an image file in base64")
    images: list[str] | None = Field(None, description="several images of one row, such as frames, in base64")
    text: str | list[str] | None = Field(None, description="the question or sentence; two for a pair")
    candidates: list[str] | list[list[float]] | None = Field(
        None, description="what a matching task chooses from: texts, or boxes [left, top, right, bottom] in pixels"
    )


class PredictBody(RowBody):
    """A JSON request: one row, or many under "inputs"."""

    inputs: list[RowBody] | None = Field(None, description="many rows, in place of the fields of one")


@dataclass(frozen=True)
class RequestRow:
    """A row of a request that can be predicted, or the line that says why it cannot.

    Args:
        inputs: of the row; None for a bad one.
        error: one line; "" for a good row.
    """

    inputs: PredictionInput | None
    error: str = ""


@dataclass(frozen=True)
class RowParser:
    """Parses bodies within the limits.

    Args:
        limits: of sizes and numbers.
    """

    limits: Limits

    async def parse(self, content_type: str, body: bytes) -> list[dict[str, Any]]:
        """Returns the rows of a body, each with "images" (bytes), "text" and "candidates"; images are not opened yet.

        Raises:
            Refused: 415 for another content type, 400 for a body that is not what its type says, 413 for too much of
                something, 422 for fields that do not fit.
        """
        kind, options = parse_options_header(content_type)
        match kind:
            case b"application/json":
                rows = self._from_json(body)
            case b"multipart/form-data" if options.get(b"boundary"):
                rows = await self._from_form(content_type, body)
            case _:
                got = content_type[:100] or "none"
                raise Refused(415, f"content type: got {got!r}; want application/json or multipart/form-data")
        if not rows:
            raise Refused(422, "got no row; want an image, a text or both")
        if len(rows) > self.limits.rows:
            raise Refused(413, f"got {len(rows):,} rows; want at most {self.limits.rows}")
        for row in rows:
            self._check(row)
        return rows

    def open(self, row: Mapping[str, Any], task: Task) -> RequestRow:
        """Returns the inputs that a task is predicted for; images are opened as far as their size is known."""
        try:
            for place, data in enumerate(row["images"]):
                self._check_image(data, f"image {place}")
            candidates = _candidates(row["candidates"], task)
        except MotetError as error:
            return RequestRow(None, str(error))
        images = row["images"]
        return RequestRow(
            PredictionInput(
                image=None if not images else images[0] if len(images) == 1 else images,
                text=row["text"],
                candidates=candidates,
            )
        )

    def _check_image(self, data: bytes, name: str) -> None:
        with open_image(data, name=name) as opened:
            if opened.width * opened.height > self.limits.pixels:
                got = f"{opened.width} x {opened.height} pixels"
                raise DataError(f"image: got {got}; want at most {self.limits.pixels:,} pixels", path=name)

    def _check(self, row: Mapping[str, Any]) -> None:
        if len(row["images"]) > self.limits.images:
            raise Refused(413, f"got {len(row['images'])} images in a row; want at most {self.limits.images}")
        candidates = row["candidates"]
        if len(candidates) > self.limits.candidates:
            raise Refused(413, f"got {len(candidates)} candidates; want at most {self.limits.candidates}")
        texts = [row["text"]] if isinstance(row["text"], str) else list(row["text"] or ())
        if any(len(text) > self.limits.text for text in [*texts, *candidates] if isinstance(text, str)):
            raise Refused(413, f"got a text of more than {self.limits.text:,} characters; want a shorter one")

    def _from_json(self, body: bytes) -> list[dict[str, Any]]:
        try:
            parsed = parse_json(body)
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"body: got {error}; want JSON") from error
        try:
            whole = PredictBody.model_validate(parsed)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            raise Refused(
                422, f"{where}: got an unknown or wrong value ({first['msg']}); want the fields of /openapi.json"
            ) from error
        if whole.inputs is not None:
            if whole.model_fields_set != {"inputs"}:
                raise Refused(422, "got 'inputs' and fields of one row; want one or the other")
            if len(whole.inputs) > self.limits.rows:
                raise Refused(413, f"got {len(whole.inputs):,} rows; want at most {self.limits.rows}")
            return [_json_row(row, place) for place, row in enumerate(whole.inputs)]
        return [_json_row(whole, 0)] if whole.model_fields_set else []

    async def _from_form(self, content_type: str, body: bytes) -> list[dict[str, Any]]:
        async def stream() -> AsyncIterator[bytes]:
            yield body

        parser = _MemoryParser(
            Headers({"content-type": content_type}),
            stream(),  # type: ignore[arg-type]  # an iterator is enough
            max_files=self.limits.rows,
            max_fields=self.limits.rows + self.limits.candidates,
            max_part_size=4 * self.limits.text,
        )
        try:
            form = await parser.parse()
        except MultiPartException as error:
            status = 413 if "maximum" in error.message.lower() else 400
            raise Refused(status, f"form: got {error.message} want images within the limits") from error
        except (ValueError, KeyError, LookupError) as error:
            raise Refused(400, f"form: got {type(error).__name__}; want multipart/form-data") from error
        try:
            return _form_rows(*await _fields(form))
        finally:
            await form.close()


async def _fields(form: FormData) -> tuple[dict[str, list[bytes]], dict[str, list[str]]]:
    files: dict[str, list[bytes]] = {"image": [], "images": []}
    texts: dict[str, list[str]] = {"text": [], "candidate": []}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile) and name in files:
            files[name].append(await value.read())
        elif isinstance(value, str) and name in texts:
            texts[name].append(value)
        else:
            wanted = "files 'image' or 'images', texts 'text' or 'candidate'"
            raise Refused(422, f"form: got the field {name[:100]!r}; want {wanted}")
    return files, texts


class _MemoryParser(MultiPartParser):
    """Keeps files in memory: the body is there already, and nothing may touch the disk."""

    spool_max_size = 2**40


def _json_row(row: RowBody, place: int) -> dict[str, Any]:
    if row.image is not None and row.images is not None:
        raise Refused(422, f"inputs.{place}: got 'image' and 'images'; want one or the other")
    encoded = [row.image] if row.image is not None else row.images or []
    try:
        images = [base64.b64decode(image, validate=True) for image in encoded]
    except (binascii.Error, ValueError) as error:
        raise Refused(422, f"inputs.{place}.image: got {error}; want a file in base64") from error
    return {"images": images, "text": row.text, "candidates": row.candidates or []}


def _form_rows(files: Mapping[str, Sequence[bytes]], texts: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Returns a row per file called "image", or one row of all called "images"; one text is every row's."""
    if files["image"] and files["images"]:
        raise Refused(422, "form: got 'image' and 'images'; want a row per 'image', or one row of all 'images'")
    images = [[one] for one in files["image"]] or ([list(files["images"])] if files["images"] else [])
    questions: Sequence[str | None] = texts["text"] or [None] * max(1, len(images))
    if not images:
        images = [[] for _ in texts["text"]]
    if len(questions) == 1:
        questions = [questions[0]] * len(images)
    if len(questions) != len(images):
        raise Refused(
            422, f"form: got {len(images)} rows of images and {len(questions)} texts; want one text, or one per row"
        )
    candidates = list(texts["candidate"])
    return [
        {"images": row, "text": text, "candidates": candidates} for row, text in zip(images, questions, strict=True)
    ]


def _candidates(given: Sequence[Any], task: Task) -> tuple[Any, ...]:
    """Returns candidates as the task's rows have them.

    Raises:
        DataError: candidates of another kind, none for a task that needs them, or some for one that has none.
    """
    if not isinstance(task.target, Match) or task.target.among == "images":
        if given:
            raise DataError(f"candidates: got {len(given)}; want none for task {task.name!r}")
        return ()
    if not given:
        raise DataError(f"candidates: got none; want those that task {task.name!r} chooses from")
    if task.target.among == "texts":
        if not all(isinstance(one, str) for one in given):
            raise DataError("candidates: got boxes; want texts")
        return tuple(given)
    return tuple(_box(one) for one in given)


def _box(given: Any) -> Box:
    try:
        left, top, right, bottom = (float(side) for side in (given.split(",") if isinstance(given, str) else given))
    except ValueError as error:
        raise DataError(f"candidates: got {str(given)[:80]!r}; want LEFT,TOP,RIGHT,BOTTOM in pixels") from error
    if not (left < right and top < bottom):
        raise DataError(f"candidates: got {str(given)[:80]!r}; want left below right and top below bottom")
    return left, top, right, bottom
