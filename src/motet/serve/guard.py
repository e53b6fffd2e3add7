"""The outer layer of the service: who may ask, how much may come and how long it may take; headers for a browser."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import time
from collections.abc import Collection
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from motet.serve.limits import Limits, Refused
from motet.serve.metrics import ServiceMetrics

OPEN_PATHS = frozenset({"/", "/page.js", "/page.css", "/healthz"})
"""Paths that need no token: they say nothing of the model."""
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """ASGI middleware: answers what is refused itself, and hands a whole, bounded body to the application.

    Args:
        app: the application.
        limits: of bodies and seconds.
        metrics: that are counted.
        token: that requests must bring; "" for none.
        hosts: names that the Host header may have; () for any. A page of another site may point its own name at this
            machine, and would then read answers as its own.
    """

    def __init__(
        self, app: ASGIApp, *, limits: Limits, metrics: ServiceMetrics, token: str = "", hosts: Collection[str] = ()
    ) -> None:
        self.app, self.limits, self.metrics = app, limits, metrics
        self.token, self.hosts = token.encode(), frozenset(hosts)
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = _Sent(send, scope, self.metrics)
        held = 0
        try:
            self._check(scope)
            body = bytearray()
            try:
                async with asyncio.timeout(self.limits.seconds):
                    async for part in _parts(scope, receive, self.limits.body_bytes):
                        held += len(part)
                        self._hold(len(part))
                        body += part
            except TimeoutError as error:
                message = f"got no whole request in {self.limits.seconds:g} s; want it sent faster"
                raise Refused(408, message) from error
            await self.app(scope, _Replayed(bytes(body), receive), sent)
        except Refused as refused:
            await _refuse(refused, sent)
        except _Gone:
            return
        finally:
            self._held -= held
            self.metrics.held.set(self._held)

    def _check(self, scope: Scope) -> None:
        headers = dict(scope["headers"])
        host = re.sub(r":\d+$", "", headers.get(b"host", b"").decode("latin-1"))
        if self.hosts and host.lower() not in self.hosts:
            raise Refused(421, f"got the host {host[:100]!r}; want one of {', '.join(sorted(self.hosts))}")
        if scope["method"] == "POST" and headers.get(b"sec-fetch-site", b"none") in (b"cross-site", b"same-site"):
            raise Refused(403, "got a request of another site's page; want one of this page or of a program")
        if self.token and scope["path"] not in OPEN_PATHS:
            scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self.token):
                raise Refused(401, "got no token or another one; want the header 'Authorization: Bearer TOKEN'")

    def _hold(self, size: int) -> None:
        self._held += size
        self.metrics.held.set(self._held)
        if self._held > self.limits.total_bytes:
            raise Refused(503, "got more bytes of requests than are held at a time; want a retry later", retry_after=1)


class _Gone(Exception):
    """The client has left."""


async def _parts(scope: Scope, receive: Receive, most: int) -> Any:
    """Yields the parts of a body.

    Raises:
        Refused: 413 for a longer one. What comes then is read and dropped for a while, since a client that still sends
            would not see the answer.
        TimeoutError: raised by the caller's own limit.
    """
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    too_long = length.isdigit() and int(length) > most
    size, more = 0, not (too_long and b"expect" in headers)
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        too_long = too_long or size > most
        if not too_long:
            yield part
        elif size > 4 * most:
            break
    if too_long:
        raise Refused(413, f"got a request of more than {most:,} bytes; want fewer or smaller images")


class _Replayed:
    """Hands out a body that was read, then whether the client has left."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self.body: bytes | None = body
        self.receive = receive

    async def __call__(self) -> Message:
        if self.body is None:
            return await self.receive()
        body, self.body = self.body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Sent:
    """Sends a response with the headers of every response, and counts it."""

    def __init__(self, send: Send, scope: Scope, metrics: ServiceMetrics) -> None:
        self.send, self.scope, self.metrics = send, scope, metrics
        self.started = time.monotonic()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
            # The names that clients make up would make ever new series.
            path = getattr(self.scope.get("route"), "path", "other")
            self.metrics.requests.labels(path, str(message["status"])).inc()
        await self.send(message)


async def _refuse(refused: Refused, send: _Sent) -> None:
    body = json.dumps({"error": refused.message}).encode()
    headers = [(name.encode(), value.encode()) for name, value in refused.headers.items()]
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.status in (408, 413):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
