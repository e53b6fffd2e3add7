"""The service under load: 1,000 requests, 50 at once, one in ten bad; nothing lost, latencies beside a bare loop.

python bench/bench_serve.py                  an untrained model of the demo's size
python bench/bench_serve.py --run RUN --task TASK
"""

from __future__ import annotations

import argparse
import base64
import http.client
import io
import json
import os
import queue
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from measure import machine, write_table
from motet.core import DataError
from motet.core.model_folder import write_model
from motet.hub.predict import load
from motet.recipes.lit_decoder import small
from motet.systems import build_system
from motet.tasks import classification

NAMES = ("dog", "car", "tree", "apple", "book", "ball")
BOUNDARY = "bench"


@dataclass(frozen=True)
class Request:
    """A request and the status that it must get."""

    path: str
    body: bytes
    content_type: str
    status: int
    image: bytes = b""


def photo(number: int) -> bytes:
    """A JPEG of the size of a phone's preview."""
    rng = np.random.default_rng(number)
    pixels = np.asarray(Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((640, 480)))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=90)
    return file.getvalue()


def bomb() -> bytes:
    """A small PNG that promises 30,000 x 30,000 pixels."""
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, format="PNG")
    data = bytearray(file.getvalue())
    data[16:24] = (30_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def form(image: bytes) -> bytes:
    """A multipart form of one image."""
    head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="image"; filename="x"\r\n\r\n'
    return head.encode() + image + f"\r\n--{BOUNDARY}--\r\n".encode()


def requests_of(task: str, count: int) -> list[Request]:
    """Good requests, half as forms and half as JSON, and one in ten bad, of six kinds in turn."""
    path, multipart = f"/predict/{task}", f"multipart/form-data; boundary={BOUNDARY}"
    found = []
    for number in range(count):
        image = photo(number % 50)
        bad = number // 10 % 6
        if number % 10 == 9:
            kinds = (
                Request(path, form(b"no image"), multipart, 422, b"no image"),
                Request(path, form(image[:2000]), multipart, 422, image[:2000]),
                Request(path, form(bomb()), multipart, 422, bomb()),
                Request(path, image, "image/jpeg", 415),
                Request("/predict/no_such_task", form(image), multipart, 404),
                Request(path, b'{"image": ', "application/json", 400),
            )
            found.append(kinds[bad])
        elif number % 2:
            found.append(Request(path, form(image), multipart, 200, image))
        else:
            body = json.dumps({"image": base64.b64encode(image).decode()}).encode()
            found.append(Request(path, body, "application/json", 200, image))
    return found


def send(port: int, request: Request) -> tuple[str, float]:
    """Returns the outcome of a request, "ok" where the status is the one wanted, and its seconds."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        while True:
            connection.request("POST", request.path, request.body, {"content-type": request.content_type})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 503:
                break
            time.sleep(float(answer.headers["retry-after"]))
        json.loads(body)
        outcome = "ok" if answer.status == request.status else f"{answer.status} in place of {request.status}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        outcome = f"lost ({type(error).__name__})"
    finally:
        connection.close()
    return outcome, time.perf_counter() - started


def under_load(port: int, requests: Sequence[Request], at_once: int) -> tuple[Counter[str], list[float], float]:
    """Returns outcomes, seconds of the good requests, and the seconds of all."""
    left: queue.SimpleQueue[Request] = queue.SimpleQueue()
    for request in requests:
        left.put(request)
    outcomes: Counter[str] = Counter()
    seconds: list[float] = []

    def client() -> None:
        while True:
            try:
                request = left.get_nowait()
            except queue.Empty:
                return
            outcome, took = send(port, request)
            outcomes[outcome] += 1
            if request.status == 200:
                seconds.append(took)

    clients = [threading.Thread(target=client) for _ in range(at_once)]
    started = time.perf_counter()
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    return outcomes, seconds, time.perf_counter() - started


def percentiles(seconds: Sequence[float]) -> list[str]:
    """The latencies at 50, 95 and 99 per cent, in ms."""
    cuts = statistics.quantiles(seconds, n=100)
    return [f"{1e3 * cuts[place - 1]:.0f}" for place in (50, 95, 99)]


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Starts the service and waits until it answers."""
    process = subprocess.Popen([sys.executable, "-m", "motet.cli", "serve", str(folder), "--port", str(port)])
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return process
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the service did not start")


def memory_mib(pid: int) -> float:
    """The largest resident memory of a process so far; Linux only."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--task", default="kind")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.run or Path(made)
        if arguments.run is None:
            write_model(folder, build_system(small(), [classification("kind", NAMES)], texts=lambda: NAMES))
        requests = requests_of(arguments.task, arguments.requests)
        bare: list[float] = []
        predictor = load(folder)
        started = time.perf_counter()
        for request in requests:
            if request.image:
                before = time.perf_counter()
                try:
                    predictor(arguments.task, request.image)
                except DataError:
                    continue
                bare.append(time.perf_counter() - before)
        bare_all = time.perf_counter() - started
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = start(folder, port)
        try:
            before_mib = memory_mib(process.pid)
            one_by_one = [send(port, request)[1] for request in requests[:100] if request.status == 200]
            outcomes, loaded, loaded_all = under_load(port, requests, arguments.at_once)
            status, _ = send(port, requests[0])
            grown = memory_mib(process.pid) - before_mib
        finally:
            process.terminate()
            process.wait(60)
    assert status == "ok", "the service does not answer after the load"
    assert outcomes == {"ok": len(requests)}, outcomes
    good = len(loaded)
    write_table(
        "bench_serve",
        f"The service under load: {len(requests):,} requests, {arguments.at_once} at once",
        [
            f"A LiT decoder of the demo's size, JPEGs of 640 x 480. One request in ten is bad, of six kinds. All "
            f"{len(requests):,} requests got the answer that they must get: {good} predictions and "
            f"{len(requests) - good} refusals, none lost, and the service answered after it. Its memory grew by "
            f"{grown:.0f} MiB over that of its start. {machine()}, {os.cpu_count()} cores; the clients run on the same "
            "machine.",
            "The bare loop calls `Predictor` once per image, without HTTP. With 50 requests at once a latency holds "
            "the wait for the 49 others.",
        ],
        ("", "predictions per second", "latency at 50 %, ms", "95 %", "99 %"),
        [
            ("bare loop", f"{len(bare) / bare_all:.1f}", *percentiles(bare)),
            ("service, one at a time", f"{len(one_by_one) / sum(one_by_one):.1f}", *percentiles(one_by_one)),
            (f"service, {arguments.at_once} at once", f"{good / loaded_all:.1f}", *percentiles(loaded)),
        ],
    )


if __name__ == "__main__":
    main()
