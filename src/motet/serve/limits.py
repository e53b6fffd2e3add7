"""The limits of the service, and the refusals of what goes beyond them."""

from __future__ import annotations

from dataclasses import dataclass, fields

from motet.core import ConfigError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that requests may take.

    Args:
        body_bytes: of one request.
        total_bytes: of all requests that are held at a time.
        pixels: of one image; it is refused by its header, before it is decoded.
        rows: of one request.
        images: of one row.
        text: characters of a text or candidate.
        candidates: of one row.
        queue: rows that wait for the model, of all requests.
        connections: that are open at a time.
        seconds: that a client may take to send a request, and the model to answer it.
        delay: seconds that the first row of a batch waits for others.

    Raises:
        ConfigError: a limit that is not above 0.
    """

    body_bytes: int = 32 * 2**20
    total_bytes: int = 256 * 2**20
    pixels: int = 40_000_000
    rows: int = 64
    images: int = 16
    text: int = 10_000
    candidates: int = 100
    queue: int = 256
    connections: int = 500
    seconds: float = 30.0
    delay: float = 0.005

    def __post_init__(self) -> None:
        for field in fields(self):
            if (value := getattr(self, field.name)) <= 0:
                raise ConfigError(f"Limits.{field.name}: got {value}; want more than 0")


class Refused(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP.
        message: one line: what was got, what is wanted.
        retry_after: seconds after which the client may try again; 0 for a request that is always refused.
    """

    def __init__(self, status: int, message: str, *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response."""
        headers = {"retry-after": str(self.retry_after)} if self.retry_after else {}
        return headers | ({"www-authenticate": "Bearer"} if self.status == 401 else {})
