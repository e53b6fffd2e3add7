"""The service on a port of this machine, in a thread of the test's own process."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from motet.serve.run import timed_protocol


@dataclass(frozen=True)
class LiveService:
    """A running service.

    Args:
        port: that it listens on.
        server: its server.
    """

    port: int
    server: uvicorn.Server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Returns status, headers and body of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def predict(self, task: str, **fields: Any) -> tuple[int, Any]:
        """Returns status and JSON of a prediction."""
        body = json.dumps(fields).encode()
        status, _, answer = self.ask("POST", f"/predict/{task}", body, {"content-type": "application/json"})
        return status, json.loads(answer)


@contextmanager
def live(app: ASGIApp, *, seconds: float = 30.0) -> Iterator[LiveService]:
    """Serves an application until the block ends.

    Args:
        app: the application.
        seconds: that the head of a request may take.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=timed_protocol(seconds), ws="none", lifespan="on", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield LiveService(listener.getsockname()[1], server)
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        listener.close()
