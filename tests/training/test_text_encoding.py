"""A stand-in for stored texts: it gives what a store would, and counts what storing takes."""

from dataclasses import replace
from pathlib import Path

import torch
from toy_unit import CONFIG, Rows, task

from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.nn.tower import FromScratch, Frozen
from motet.training.config import TrainConfig
from motet.training.initial_weights import initial_system
from motet.training.run import Features, Run
from motet.training.text_encoding import encode_texts_aside


def run(**changes) -> Run:
    return Run(
        system=replace(CONFIG, **({"linear": True, "text_mode": Frozen()} | changes)),
        sources=(Source(name="pairs", reader=Rows(5), tasks=(task("pair"),)),),
        schedule=Mixed(batch_size=2),
        train=TrainConfig(steps=2),
        features=Features(Path("unwritten")),
    )


def test_texts_are_encoded_when_they_are_read_and_counted() -> None:
    given = run()
    system, _ = initial_system(given, torch.device("cpu"))
    system.eval()
    encoding = encode_texts_aside(given, system)
    assert encoding is not None
    assert encoding.to_store(given) == (0, 0.0)
    row = system.processor.row(Rows(1)[0], list(system.tasks.values()), None)
    assert [len(states) for states in row.entries[0].states] == [
        len(ids) for ids in system.text_ids(Rows(1)[0], system.tasks["pair"])
    ]
    assert encoding.texts == 2
    assert encoding.seconds > 0
    stored, seconds = encoding.to_store(given)
    assert stored == 5 * encoding.bytes
    assert seconds > 0


def test_nothing_is_set_aside_where_nothing_is_stored() -> None:
    for given in (replace(run(), features=None), run(text_mode=FromScratch()), run(linear=False)):
        system, _ = initial_system(given, torch.device("cpu"))
        assert encode_texts_aside(given, system) is None
        assert system.processor.texts is None
