"""Counters of the service, in the text format of Prometheus."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class ServiceMetrics:
    """The counters of one process; a service of several workers has them once per worker, with its process id.

    Attributes:
        requests: by path and status.
        seconds: by task, from the whole request to its answer.
        rows: by task and outcome.
        batches: by task, rows per batch.
        waiting: rows in the queue.
        held: bytes of requests in memory.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        worker = Gauge("motet_worker_info", "Process of this worker.", ["pid"], registry=self.registry)
        worker.labels(str(os.getpid())).set(1)
        self.requests = Counter(
            "motet_requests", "Requests by path and status.", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "motet_request_seconds",
            "Seconds per prediction request.",
            ["task"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.rows = Counter("motet_rows", "Rows by outcome.", ["task", "outcome"], registry=self.registry)
        self.batches = Histogram(
            "motet_batch_rows", "Rows per batch.", ["task"], buckets=(1, 2, 4, 8, 16, 32, 64), registry=self.registry
        )
        self.waiting = Gauge("motet_queue_rows", "Rows that wait for the model.", registry=self.registry)
        self.held = Gauge("motet_held_bytes", "Bytes of requests in memory.", registry=self.registry)

    def text(self) -> bytes:
        """Returns all values as Prometheus reads them."""
        return generate_latest(self.registry)
