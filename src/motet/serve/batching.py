"""One thread for the model, and a queue per task: rows that arrive within a few milliseconds share a forward pass."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from motet.hub.many import RowPredictions
from motet.hub.predict import PredictionInput, Predictor
from motet.serve.limits import Limits, Refused
from motet.serve.metrics import ServiceMetrics

T = TypeVar("T")


@dataclass(frozen=True)
class QueueKey:
    """Requests of one key share batches.

    Args:
        model: "multi" or "single".
        task: its name.
    """

    model: str
    task: str


@dataclass
class _Waiting:
    rows: Sequence[PredictionInput]
    answer: asyncio.Future[list[RowPredictions]]
    since: float = field(default_factory=time.monotonic)


class Batcher:
    """Predicts rows of many requests in batches; has to be started in the event loop that it is used in.

    Args:
        predictor_of: returns the predictor of a key; called in the model's thread, where it may load one.
        limits: of the queue.
        metrics: that are counted.
    """

    def __init__(self, predictor_of: Callable[[QueueKey], Predictor], limits: Limits, metrics: ServiceMetrics) -> None:
        self.predictor_of, self.limits, self.metrics = predictor_of, limits, metrics
        self._queues: dict[QueueKey, deque[_Waiting]] = {}
        # The model is not written for several threads; torch uses all cores in one call.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._arrived = asyncio.Event()
        self._rows = 0
        self._row_seconds = 0.05
        self._stopping = False
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts to answer."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Answers all that waits, and refuses what comes after."""
        self._stopping = True
        self._arrived.set()
        if self._loop is not None:
            await self._loop
        self._thread.shutdown()

    @property
    def is_stopping(self) -> bool:
        """True once `stop` was called."""
        return self._stopping

    async def predict(self, key: QueueKey, rows: Sequence[PredictionInput]) -> list[RowPredictions]:
        """Returns the predictions of the rows of one request, in their order.

        Raises:
            Refused: 503 where the queue is full or the service stops, 504 where the model took too long.
        """
        waiting = _Waiting(rows, asyncio.get_running_loop().create_future())
        self._admit(len(rows))
        self._queues.setdefault(key, deque()).append(waiting)
        self._arrived.set()
        try:
            return await asyncio.wait_for(waiting.answer, self.limits.seconds)
        except TimeoutError as error:
            raise self._too_slow() from error
        finally:
            self._release(len(rows))

    async def call(self, work: Callable[[], T]) -> T:
        """Returns the result of other work in the model's thread.

        Raises:
            Refused: as `predict`.
        """
        self._admit(1)
        try:
            running = asyncio.get_running_loop().run_in_executor(self._thread, work)
            return await asyncio.wait_for(running, self.limits.seconds)
        except TimeoutError as error:
            raise self._too_slow() from error
        finally:
            self._release(1)

    def _admit(self, rows: int) -> None:
        if self._stopping:
            raise Refused(503, "the service is stopping; want another one", retry_after=5)
        if self._rows + rows > self.limits.queue:
            wait = max(1, math.ceil(self._rows * self._row_seconds))
            raise Refused(
                503, f"got more rows than the queue of {self.limits.queue} holds; want a retry later", retry_after=wait
            )
        self._rows += rows
        self.metrics.waiting.set(self._rows)

    def _release(self, rows: int) -> None:
        self._rows -= rows
        self.metrics.waiting.set(self._rows)

    def _too_slow(self) -> Refused:
        return Refused(504, f"got no answer of the model in {self.limits.seconds:g} s; want fewer rows at a time")

    async def _run(self) -> None:
        while True:
            if not any(self._queues.values()):
                if self._stopping:
                    return
                self._arrived.clear()
                await self._arrived.wait()
                continue
            key = min((key for key, queue in self._queues.items() if queue), key=lambda key: self._queues[key][0].since)
            oldest = self._queues[key][0].since
            left = oldest + self.limits.delay - time.monotonic()
            if left > 0 and not self._stopping:
                await asyncio.sleep(left)
            if batch := self._take(key):
                await self._answer(key, batch)

    def _take(self, key: QueueKey) -> list[_Waiting]:
        """Removes whole requests from a queue, as many as fit into a batch, at least one."""
        queue, batch, rows = self._queues[key], list[_Waiting](), 0
        while queue:
            if queue[0].answer.done():  # its client has waited too long
                queue.popleft()
                continue
            if batch and rows + len(queue[0].rows) > self.limits.rows:
                break
            batch.append(queue.popleft())
            rows += len(batch[-1].rows)
        return batch

    async def _answer(self, key: QueueKey, batch: Sequence[_Waiting]) -> None:
        rows = [row for waiting in batch for row in waiting.rows]
        started = time.monotonic()
        try:
            run = asyncio.get_running_loop().run_in_executor
            found: list[RowPredictions] = await run(self._thread, self._predict, key, rows)
        except Exception as error:  # whatever a model raises is the answer of its request, never the service's end
            if len(batch) > 1:  # a request that breaks the model must not break those beside it
                for waiting in batch:
                    await self._answer(key, [waiting])
                return
            _settle(batch[0].answer, error=error)
            return
        self.metrics.batches.labels(key.task).observe(len(rows))
        self._row_seconds += 0.1 * ((time.monotonic() - started) / len(rows) - self._row_seconds)
        place = 0
        for waiting in batch:
            _settle(waiting.answer, found[place : place + len(waiting.rows)])
            place += len(waiting.rows)

    def _predict(self, key: QueueKey, rows: Sequence[PredictionInput]) -> list[RowPredictions]:
        return list(self.predictor_of(key).many(key.task, rows))


def _settle(answer: asyncio.Future[Any], result: Any = None, *, error: Exception | None = None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)
