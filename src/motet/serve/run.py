"""Starts the service, in this process or in several, and stops it once all requests are answered."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import json
import os
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.supervisors import Multiprocess

from motet.core import ConfigError
from motet.core.model_folder import model_folder
from motet.hub.predict import load
from motet.serve.app import create_app
from motet.serve.limits import Limits
from motet.serve.models import ServedModels, single_task_folders

TOKEN = "MOTET_TOKEN"
"""The environment variable of the token."""
_SETTINGS = "MOTET_SERVE_SETTINGS"
_LOCAL = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """The model that is served, and the place where it is.

    Args:
        model: a run, a saved model or a name on the Hub.
        host: the address to listen on.
        port: of it.
        workers: processes; each loads the model.
        device: that the model runs on.
        batch_size: rows per forward pass.
        trust: names that may be imported.
        singles: whether the single-task models beside a run are served too.
        limits: of requests.
        allowed_hosts: names besides this machine's own by which a proxy on it may call the service.
    """

    model: str
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    device: str | None = None
    batch_size: int = 32
    trust: tuple[str, ...] = ()
    singles: bool = True
    limits: Limits = field(default_factory=Limits)
    allowed_hosts: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        """True where only this machine reaches the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def to_json(self) -> str:
        """Returns the settings for the environment of a worker."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServeSettings:
        """Returns the settings that `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        limits, trust, hosts = Limits(**fields.pop("limits")), fields.pop("trust"), fields.pop("allowed_hosts")
        return cls(limits=limits, trust=tuple(trust), allowed_hosts=tuple(hosts), **fields)


def app_of(settings: ServeSettings) -> ASGIApp:
    """Loads the model and returns the service.

    Raises:
        CheckpointError: there is no such model.
    """
    multi = load(settings.model, trust=settings.trust, device=settings.device, batch_size=settings.batch_size)
    singles = single_task_folders(Path(settings.model), multi.tasks) if settings.singles else {}
    models = ServedModels(
        multi,
        singles,
        lambda folder: load(folder, trust=settings.trust, device=settings.device, batch_size=settings.batch_size),
    )
    hosts = (*_LOCAL, settings.host, *settings.allowed_hosts) if settings.is_local else ()
    return create_app(models, limits=settings.limits, token=os.environ.get(TOKEN, ""), hosts=hosts)


def app_from_environment() -> ASGIApp:
    """Returns the service of a worker process; uvicorn calls it by name."""
    return app_of(ServeSettings.from_json(os.environ[_SETTINGS]))


def serve(settings: ServeSettings) -> None:
    """Serves until SIGTERM or Ctrl-C; requests that have come are answered before it returns.

    Raises:
        CheckpointError: there is no such model.
        ConfigError: an address that cannot be listened on.
    """
    alone = settings.workers == 1
    if not alone and Path(settings.model).is_dir():
        model_folder(settings.model)  # one line here instead of a traceback per worker
    app: Any = app_of(settings) if alone else f"{__name__}:app_from_environment"
    config = uvicorn.Config(
        app,
        factory=not alone,
        workers=settings.workers,
        host=settings.host,
        port=settings.port,
        http=timed_protocol(settings.limits.seconds) if alone else f"{__name__}:WorkerProtocol",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=settings.limits.connections,
        timeout_worker_healthcheck=60,  # a worker that loads its model does not answer for a while
        timeout_graceful_shutdown=int(settings.limits.seconds) + 1,
    )
    listener = _listener(settings.host, settings.port)
    # uvicorn raises the signal that stopped it again, for handlers that would end the command as one that failed.
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    os.environ[_SETTINGS] = settings.to_json()
    try:
        if alone:
            uvicorn.Server(config).run(sockets=[listener])
        else:
            Multiprocess(config, sockets=[listener]).run()
    finally:
        del os.environ[_SETTINGS]
        for number, handler in before.items():
            signal.signal(number, handler)
        listener.close()


def _listener(host: str, port: int) -> socket.socket:
    try:
        found = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            f"--host, --port: got {host}:{port} ({reason}); want an address of this machine, and a free port"
        ) from error
    found.set_inheritable(True)  # for the workers
    return found


class TimedH11(H11Protocol):
    """uvicorn's HTTP protocol with a limit on the time that the head of a request may take.

    Without it a client that sends a letter per minute holds a connection for ever.

    Attributes:
        head_seconds: after which a connection without a whole head is closed.
    """

    head_seconds = 30.0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self._head_timer is None and self._is_waiting():
            self._head_timer = self.loop.call_later(self.head_seconds, self._close_if_waiting)

    def _close_if_waiting(self) -> None:
        self._head_timer = None
        if self._is_waiting():
            self.transport.close()

    def _is_waiting(self) -> bool:
        return self.cycle is None or self.cycle.response_complete


def timed_protocol(seconds: float) -> type[TimedH11]:
    """Returns the protocol with this limit.

    Args:
        seconds: that the head of a request may take.
    """
    return type("TimedH11", (TimedH11,), {"head_seconds": seconds})


def __getattr__(name: str) -> Any:
    # Workers import the protocol by this name: a class that is made in the main process cannot be sent to them.
    if name == "WorkerProtocol" and _SETTINGS in os.environ:
        return timed_protocol(ServeSettings.from_json(os.environ[_SETTINGS]).limits.seconds)
    raise AttributeError(name)
