"""The command `serve`: a trained model as an HTTP service with a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from motet.cli.console import print_errors, print_lines
from motet.cli.options import Trust, chosen_device

if TYPE_CHECKING:
    from motet.serve.run import ServeSettings

EXTRA = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example:  motet serve runs/demo/multi      then open http://127.0.0.1:8000")(serve)


def serve(
    model: Annotated[
        str, typer.Argument(metavar="RUN", help="the folder of a run or saved model, or a name on the Hub")
    ],
    host: Annotated[
        str, typer.Option(help="the address to listen on; 0.0.0.0 lets other machines in: set $MOTET_TOKEN then")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="the port")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="processes; each loads the model")] = 1,
    device: Annotated[str | None, typer.Option(help="cuda or cpu; the GPU if there is one")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="rows per forward pass")] = 32,
    max_bytes: Annotated[int, typer.Option(min=1, help="of one request")] = 32 * 2**20,
    max_pixels: Annotated[int, typer.Option(min=1, help="of one image")] = 40_000_000,
    max_rows: Annotated[int, typer.Option(min=1, help="of one request")] = 64,
    max_seconds: Annotated[
        float, typer.Option(min=0.01, help="for a request to come, and for the model to answer")
    ] = 30,
    queue: Annotated[int, typer.Option(min=1, help="rows that may wait; beyond it requests get 503")] = 256,
    singles: Annotated[
        bool, typer.Option("--singles/--no-singles", help="also serve the single-task models beside the run")
    ] = True,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="another name in the Host header, of a proxy on this machine; repeated"),
    ] = None,
    trust: Trust = None,
) -> None:
    """Serve a trained model over HTTP, with a page to try it and /openapi.json for programs.

    Requests must bring the token of $MOTET_TOKEN, where it is set, as "Authorization: Bearer TOKEN".
    """
    check_extra()
    from motet.serve.limits import Limits
    from motet.serve.run import ServeSettings

    limits = Limits(body_bytes=max_bytes, total_bytes=8 * max_bytes, pixels=max_pixels, rows=max_rows,
                    seconds=max_seconds, queue=max(queue, max_rows))  # fmt: skip
    serve_model(
        ServeSettings(
            model=model, host=host, port=port, workers=workers, device=chosen_device(device), batch_size=batch_size,
            trust=tuple(trust or ()), singles=singles, limits=limits, allowed_hosts=tuple(allow_host or ()),
        )
    )  # fmt: skip


def serve_model(settings: ServeSettings) -> None:
    """Prints where the service is, and serves until it is stopped."""
    from motet.serve.run import TOKEN, serve

    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    if not settings.is_local and not os.environ.get(TOKEN):
        print_errors(
            f"{settings.host}: every machine that reaches it may use the model; set {TOKEN} to ask for a token"
        )
    print_lines(f"serving {settings.model} on http://{shown}:{settings.port}   (Ctrl-C stops)")
    serve(settings)
    print_lines("stopped; all requests were answered")


def check_extra() -> None:
    """Checks that the packages of the service are installed.

    Raises:
        ConfigError: one is missing.
    """
    from importlib.util import find_spec

    from motet.core.errors import ConfigError

    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"motet serve: got no package {missing[0]}; want the extra 'serve': pip install 'motet[serve]'"
        )
