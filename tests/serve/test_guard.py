"""Slow senders, too many bytes at a time, and clients that leave: on real connections."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest
from live_service import live
from starlette.testclient import TestClient
from toy_predictor import grey_png, toy_predictor

from motet.serve.app import create_app
from motet.serve.limits import Limits
from motet.serve.models import ServedModels

HEAD = b"POST /predict/bright HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


def answer_to(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """What a connection gets back for parts that are sent one after another."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        found = b""
        while data := connection.recv(65536):
            found += data
            if b"\r\n\r\n" in found and found.endswith(b"}"):
                break
        return found


def test_a_slow_sender_is_told_and_keeps_nothing() -> None:
    limits = Limits(seconds=0.4)
    with live(create_app(ServedModels(toy_predictor()), limits=limits), seconds=0.4) as service:
        slow = answer_to(service.port, HEAD + b"content-length: 100\r\n\r\n", b"{")
        assert slow.startswith(b"HTTP/1.1 408")
        assert b"got no whole request in 0.4 s" in slow
        # One that never ends its head is cut off.
        started = time.monotonic()
        assert answer_to(service.port, b"POST /predict/bright HTTP/1.1\r\nhost: lo") == b""
        assert time.monotonic() - started < 5
        assert b"motet_held_bytes 0.0" in service.ask("GET", "/metrics")[2]


def test_bodies_are_bounded_one_by_one_and_together() -> None:
    limits = Limits(body_bytes=1000, total_bytes=1500, seconds=5)
    with live(create_app(ServedModels(toy_predictor()), limits=limits)) as service:
        for head in (
            b"content-length: 2000\r\n\r\n" + b" " * 2000,
            b"content-length: 99999999999\r\nexpect: 100-continue\r\n\r\n",
        ):
            assert answer_to(service.port, HEAD + head).startswith(b"HTTP/1.1 413")
        chunked = b"transfer-encoding: chunked\r\n\r\n" + (b"200\r\n" + b" " * 512 + b"\r\n") * 3 + b"0\r\n\r\n"
        assert answer_to(service.port, HEAD + chunked).startswith(b"HTTP/1.1 413")
        with socket.create_connection(("127.0.0.1", service.port)) as holding:
            holding.sendall(HEAD + b"content-length: 1000\r\n\r\n" + b" " * 900)
            time.sleep(0.1)
            full = answer_to(service.port, HEAD + b"content-length: 1000\r\n\r\n" + b" " * 900, b" " * 100)
            assert full.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 1" in full
        time.sleep(0.1)
        assert answer_to(service.port, HEAD + b"content-length: 2\r\n\r\n{}").startswith(b"HTTP/1.1 422")


def test_what_is_no_http_harms_nobody() -> None:
    with live(create_app(ServedModels(toy_predictor()))) as service:
        assert answer_to(service.port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 nonsense\r\n\r\n").startswith(
            b"HTTP/1.1 400"
        )
        assert service.ask("GET", "/healthz")[0] == 200


def test_a_stop_answers_the_requests_that_have_come() -> None:
    predictor = toy_predictor()
    gate, came = threading.Event(), threading.Event()
    predictor.system.wait = lambda: (came.set(), gate.wait(20))
    found = []
    with live(create_app(ServedModels(predictor))) as service:
        body = json.dumps({"text": "hi"}).encode()
        asking = threading.Thread(
            target=lambda: found.append(
                service.ask("POST", "/predict/echo", body, {"content-type": "application/json"})
            )
        )
        asking.start()
        assert came.wait(20)
        service.server.should_exit = True
        time.sleep(0.3)
        assert asking.is_alive()
        gate.set()
        asking.join(20)
    status, _, answer = found[0]
    assert (status, json.loads(answer)["predictions"][0]["value"]) == (200, "hi:0")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_refused_request_is_not_read(site: str) -> None:
    predictor = toy_predictor()
    with TestClient(create_app(ServedModels(predictor))) as client:
        files = [("image", ("x.png", grey_png()))]
        assert client.post("/predict/bright", files=files, headers={"sec-fetch-site": site}).status_code == 403
    assert predictor.system.sizes == []
