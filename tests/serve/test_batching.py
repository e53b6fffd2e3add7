"""Requests share batches; a full queue, a slow model and a broken row are each told, and cost nobody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from toy_predictor import grey_png, toy_predictor

from motet.hub.predict import PredictionInput
from motet.serve.batching import Batcher, QueueKey
from motet.serve.limits import Limits, Refused
from motet.serve.metrics import ServiceMetrics
from motet.serve.models import ServedModels

BRIGHT, ASK = QueueKey("multi", "bright"), QueueKey("multi", "ask")


def row(grey: int = 200, text: str = "how?") -> PredictionInput:
    return PredictionInput(image=grey_png(grey), text=text)


def run(scene: Callable[[Batcher, Any], Awaitable[Any]], **limits: Any) -> Any:
    """Runs a scene with a started batcher, which is stopped after it."""
    predictor = toy_predictor(batch_size=64)

    async def whole() -> Any:
        batcher = Batcher(ServedModels(predictor), Limits(**limits), ServiceMetrics())
        batcher.start()
        try:
            return await scene(batcher, predictor.system)
        finally:
            await batcher.stop()

    return asyncio.run(whole())


def test_requests_of_one_task_that_come_together_share_a_batch() -> None:
    async def scene(batcher: Batcher, system: Any) -> Any:
        asked = [batcher.predict(BRIGHT, [row(255 * (n % 2))]) for n in range(10)] + [batcher.predict(ASK, [row()])]
        found = await asyncio.gather(*asked)
        return [one[0].predictions for one in found], system.sizes

    found, sizes = run(scene, delay=0.05)
    assert [one["bright"].name for one in found[:10]] == ["dark", "bright"] * 5
    assert sorted(sizes) == [1, 10]


def test_a_batch_has_as_many_rows_as_a_request_may() -> None:
    async def scene(batcher: Batcher, system: Any) -> Any:
        await asyncio.gather(*(batcher.predict(BRIGHT, [row()] * 3) for _ in range(4)))
        return system.sizes

    assert run(scene, delay=0.05, rows=7) == [6, 6]


def test_a_full_queue_says_when_to_come_again() -> None:
    async def scene(batcher: Batcher, system: Any) -> Any:
        gate = threading.Event()
        system.wait = gate.wait
        first = asyncio.create_task(batcher.predict(BRIGHT, [row()] * 3))
        await asyncio.sleep(0.02)
        with pytest.raises(Refused, match="queue of 4") as refused:
            await batcher.predict(BRIGHT, [row()] * 2)
        gate.set()
        await first
        assert len(await batcher.predict(BRIGHT, [row()] * 4)) == 4  # there is room again
        return refused.value

    refused = run(scene, queue=4)
    assert (refused.status, int(refused.headers["retry-after"]) >= 1) == (503, True)


def test_a_model_that_takes_too_long_is_told_and_its_rows_are_dropped() -> None:
    async def scene(batcher: Batcher, system: Any) -> Any:
        gate = threading.Event()
        system.wait = gate.wait
        asked = [asyncio.create_task(batcher.predict(BRIGHT, [row()])) for _ in range(2)]
        await asyncio.sleep(0.02)
        asked.append(asyncio.create_task(batcher.predict(BRIGHT, [row()])))  # waits behind the batch of two
        found = await asyncio.gather(*asked, return_exceptions=True)
        gate.set()
        assert (await batcher.predict(BRIGHT, [row()]))[0].predictions["bright"].name == "bright"
        return [one.status for one in found], system.sizes

    statuses, sizes = run(scene, seconds=0.3)
    assert statuses == [504, 504, 504]
    assert sizes == [2, 1]  # the third was never predicted


def test_a_request_that_breaks_the_model_breaks_no_other() -> None:
    async def scene(batcher: Batcher, system: Any) -> Any:
        asked = [batcher.predict(ASK, [row(text=text)]) for text in ("a", "break", "b", "refuse")]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, broken, second, refused = run(scene, delay=0.05)
    assert (first[0].predictions["ask"].text, second[0].predictions["ask"].text) == ("a:1", "b:1")
    assert isinstance(broken, RuntimeError)
    assert refused[0].error == "text: got 'refuse'; want another"


def test_stopping_answers_what_waits_and_refuses_what_comes() -> None:
    async def scene(batcher: Batcher, system: Any) -> Any:
        gate = threading.Event()
        system.wait = gate.wait
        waiting = [asyncio.create_task(batcher.predict(key, [row()])) for key in (BRIGHT, ASK)]
        await asyncio.sleep(0.02)
        stopped = asyncio.create_task(batcher.stop())
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="stopping") as refused:
            await batcher.predict(BRIGHT, [row()])
        gate.set()
        await stopped
        return [(await one)[0].error for one in waiting], refused.value.status

    assert run(scene) == (["", ""], 503)
