"""A client generated from the OpenAPI text: whatever it sends, no answer is a server error or differs from the text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from live_service import live
from toy_predictor import toy_predictor

from motet.serve.app import create_app
from motet.serve.limits import Limits
from motet.serve.models import ServedModels

schemathesis = pytest.importorskip("schemathesis")
HEADERS = {"Authorization": "Bearer t0ken"}
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
TASKS = ("bright", "ask", "depth", "which")


@pytest.fixture(scope="module")
def operations() -> Iterator[dict[str, Any]]:
    limits = Limits(body_bytes=100_000, rows=4, delay=0.0001)
    app = create_app(ServedModels(toy_predictor(*TASKS)), limits=limits, token="t0ken")
    with live(app) as service:
        schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json", headers=HEADERS)
        yield {operation.ok().label: operation.ok() for operation in schema.get_all_operations()}


LABELS = ("POST /predict/{task}", "POST /attention/{task}", "GET /tasks", "GET /healthz", "GET /metrics")


def test_the_text_has_all_paths_and_every_reference_in_it(operations) -> None:
    assert sorted(operations) == sorted(LABELS)
    raw = next(iter(operations.values())).schema.raw_schema
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(raw)):
        assert reference in raw["components"]["schemas"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", LABELS)
def test_no_generated_request_breaks_the_service_or_the_text(operations, label, mode) -> None:
    operation = operations[label]
    statuses = set()

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def send(case: Any) -> None:
        if "task" in case.path_parameters and len(str(case.body)) % 2:  # half of the requests reach a task
            case.path_parameters["task"] = TASKS[len(str(case.body)) % len(TASKS)]
        response = case.call(headers=HEADERS)
        statuses.add(response.status_code)
        case.validate_response(response, checks=[getattr(schemathesis.checks, name) for name in CHECKS])
        assert response.status_code == 200 or "POST" in label

    if mode is schemathesis.GenerationMode.NEGATIVE and label.startswith("GET"):
        pytest.skip("a path without parameters has no wrong request")
    send()
    assert statuses
