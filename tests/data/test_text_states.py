"""Stored states of texts: each text is encoded once, and states are those of the encoder and tokeniser in use."""

import os
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_unit import Rows, row, system_of
from toys import toy_sources, toy_system

from motet.core import ConfigError
from motet.data import store_filling
from motet.data.source import Source
from motet.data.text_states import TextStates, texts_in
from motet.nn.tower import FromScratch, Frozen
from motet.systems.unit.model import UniT

TEXTS = [(5, 6, 7), (5, 6, 8), (5, 6, 7), (9, 6), (5, 6, 7, 8, 9), (5, 6, 9)]


def frozen(**changes) -> UniT:
    system = system_of("pair", **({"linear": True, "text_mode": Frozen()} | changes))
    assert isinstance(system, UniT)
    return system.eval()


@pytest.fixture
def encoded(monkeypatch) -> list[int]:
    """The number of texts of each batch that the encoder takes."""
    sizes: list[int] = []
    true = UniT.encode_texts

    def encode_texts(self, ids):
        sizes.append(len(ids))
        return true(self, ids)

    monkeypatch.setattr(UniT, "encode_texts", encode_texts)
    return sizes


def test_states_are_those_of_the_encoder_and_each_text_is_encoded_once(tmp_path: Path, encoded: list[int]) -> None:
    system = frozen()
    told: list[tuple[int, int]] = []
    store = TextStates.fill(system, TEXTS, tmp_path, batch_size=2, progress=lambda *t: told.append(t))
    assert len(store) == 5
    assert Counter(encoded) == Counter([1, 1, 2, 1, 1])  # one for the width; then by length: 1, 2 + 1, 1
    assert told == [(1, 5), (3, 5), (4, 5), (5, 5)]
    for ids in TEXTS:
        states = store.read(ids)
        assert states is not None
        assert (states.shape, states.dtype) == ((len(ids), 16), np.float16)
        with torch.no_grad():
            alone = system.encode_texts(torch.tensor([ids]))[0].numpy()
        np.testing.assert_allclose(states, alone, atol=2e-3, rtol=2e-3)
    assert store.read((5, 6)) is None
    encoded.clear()
    again = TextStates.fill(system, [*TEXTS, (7, 7)], tmp_path)
    assert encoded == [1, 1]
    assert len(again) == 6


def test_a_text_takes_the_room_of_its_own_length(tmp_path: Path) -> None:
    store = TextStates.fill(frozen(), TEXTS, tmp_path)
    kept = sum(part.path.stat().st_size for part in store.parts)
    headers = 128 * len(store.parts)
    assert kept == headers + 2 * 16 * sum(len(ids) for ids in set(TEXTS))


def test_another_encoder_or_tokeniser_has_a_store_of_its_own(tmp_path: Path) -> None:
    first = frozen()
    stores = [TextStates.fill(first, TEXTS, tmp_path)]
    assert TextStates.fill(frozen(), TEXTS, tmp_path).store == stores[0].store
    changed = frozen()
    with torch.no_grad():
        next(changed.text.tower.encoder.parameters()).mul_(-1)
    stores.append(TextStates.fill(changed, TEXTS, tmp_path))
    other_words = frozen()
    other_words.sentences.tokenizer.add_tokens(["lynx"])
    stores.append(TextStates.fill(other_words, TEXTS, tmp_path))
    assert len({store.store for store in stores}) == 3
    before, after = (store.read(TEXTS[0]) for store in stores[:2])
    assert not np.allclose(before, after)


def test_a_killed_filling_is_continued_with_the_same_bits(
    tmp_path: Path, encoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = TextStates.fill(frozen(), TEXTS, tmp_path / "whole", batch_size=2)
    synced: list[int] = []
    true = os.fsync

    def killed(handle: int) -> None:
        synced.append(handle)
        if len(synced) == 4:  # the store's description, a part, its index, and then the second part
            raise KeyboardInterrupt
        true(handle)

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        TextStates.fill(frozen(), TEXTS, tmp_path / "cut", batch_size=2)
    monkeypatch.undo()
    cut = next((tmp_path / "cut").iterdir())
    assert len(TextStates(cut)) == 1
    (cut / "part-0-left.unfinished").write_bytes(b"half")
    (cut / "part-0-left.npy").write_bytes(b"half")
    store = TextStates.fill(frozen(), TEXTS, tmp_path / "cut", batch_size=2)
    assert not list(cut.glob("part-0-left*"))
    for ids in TEXTS:
        np.testing.assert_array_equal(store.read(ids), whole.read(ids))


def test_a_damaged_part_is_made_again(tmp_path: Path) -> None:
    store = TextStates.fill(frozen(), TEXTS, tmp_path)
    part = store.parts[1].path
    data = bytearray(part.read_bytes())
    data[-1] ^= 255
    part.write_bytes(data)
    again = TextStates.fill(frozen(), TEXTS, tmp_path)
    assert part not in [one.path for one in again.parts]
    assert len(again) == 5


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_filling.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 50})())
    with pytest.raises(ConfigError, match=r"got 50 bytes free in .*; want 512 for the states of 5 texts"):
        TextStates.fill(frozen(), TEXTS, tmp_path)
    assert not list(tmp_path.rglob("part-*"))


def test_an_encoder_that_is_trained_or_reads_a_task_token_is_refused(tmp_path: Path) -> None:
    for system in (frozen(text_mode=FromScratch()), frozen(linear=False), toy_system(toy_sources(3))):
        with pytest.raises(ConfigError, match="without a frozen text encoder"):
            TextStates.fill(system, TEXTS, tmp_path)


def test_workers_get_no_open_file(tmp_path: Path) -> None:
    store = TextStates.fill(frozen(), TEXTS, tmp_path)
    read = store.read(TEXTS[0])
    sent = pickle.dumps(store)
    assert len(sent) < 5_000
    np.testing.assert_array_equal(pickle.loads(sent).read(TEXTS[0]), read)


def test_texts_of_sources_are_the_sentences_of_stored_tasks_one_by_one() -> None:
    system = system_of("pair", "vqa", linear=True, text_mode=Frozen())
    source = Source(name="pairs", reader=Rows(2), tasks=tuple(system.tasks.values()))
    found = list(texts_in(system, [source]))
    alone = [tuple(system.sentences.encode((text,), 64)[0]) for text in row(0).text]
    assert found == alone * 2
    composed = replace(source, compose=lambda reader, place, rng: reader[place])
    assert not list(texts_in(system, [composed]))
    assert not list(texts_in(system_of("pair"), [source]))
