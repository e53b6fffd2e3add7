"""A short part of the fuzzer, the same at every run; `make fuzz` is the long one."""

import os
import random
import signal

import pytest
from fuzz_cases import FINDINGS, run_case
from fuzz_mutations import mutate
from fuzz_target import KINDS, Target
from fuzz_targets import targets

from motet.core import DataError
from motet.data.readers import READERS

SEED, CASES = 0, 1
# One for each format, so that this part takes seconds.
SHORT = (
    "reader:Idx", "reader:CocoInstances", "reader:PascalVoc", "reader:Synthia", "reader:ReferCoco", "reader:WebDataset",
    "reader:Table", "reader:GuessWhat", "reader:Bsds500", "reader:NyuV2", "reader:YoloLabels", "regions:npz",
    "regions:hdf5", "regions:flat hdf5", "regions:vilbert lmdb", "regions:bottom-up tsv", "folder:mixed",
    "model:lit_decoder", "run", "predictions", "features", "caches", "weights", "overrides",
)  # fmt: skip


@pytest.fixture(scope="module")
def every(tmp_path_factory) -> list[Target]:
    makers = targets(tmp_path_factory.mktemp("fuzz"))
    return [makers[name]() for name in SHORT]


def test_every_reader_region_file_and_system_is_a_target(tmp_path) -> None:
    names = list(targets(tmp_path))
    assert {name.partition(":")[2] for name in names if name.startswith("reader:")} >= set(READERS)
    assert sum(name.startswith("regions:") for name in names) >= 9
    assert sum(name.startswith("model:") for name in names) == 7
    assert {"run", "predictions", "features", "caches", "weights", "overrides"} <= set(names)


def test_the_base_files_are_read(every) -> None:
    for target in every:
        target.restore()
        if target.name not in ("run", "overrides"):  # the first has no run to be compared with, by intent
            target.act(random.Random(0))


def test_changed_files_are_read_or_refused_in_one_line(every) -> None:
    found = []
    for target in every:
        for number in range(CASES):
            case = f"{SEED}/{number}"
            changed, act = target.case(case)
            outcome = run_case(act)
            if outcome.end in FINDINGS:
                found.append(f"{outcome.end}: --again '{target.name} {case}' ({changed}): {outcome.text}")
    assert found == []


def test_what_is_no_file_in_the_place_of_one_is_read_or_refused_in_one_line(every) -> None:
    """One kind per file here; `make fuzz` tries them all."""
    found = []
    for number, target in enumerate(every):
        for place, kind in zip(target.places()[:3], KINDS[number % 8 :], strict=False):
            changed, act = target.case(f"{place}={kind.replace(' ', '_')}")
            outcome = run_case(act)
            if outcome.end in FINDINGS:
                found.append(f"{outcome.end}: {target.name} ({changed}): {outcome.text}")
    assert found == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_put_in_the_place_of_a_file(every, kind) -> None:
    (target,) = (target for target in every if target.name == "reader:Idx")
    target.case(f"train-labels-idx1-ubyte.gz={kind.replace(' ', '_')}")
    path = target.root / "train-labels-idx1-ubyte.gz"
    expected = {"pipe": "is_fifo", "socket": "is_socket", "folder": "is_dir", "empty file": "is_file"}
    linked = ("endless device", "empty device", "loop", "loop of folders", "elsewhere")
    assert path.is_symlink() == (kind in linked)
    assert kind not in expected or getattr(path, expected[kind])()
    assert kind != "nothing" or not os.path.lexists(path)
    assert kind != "no permission" or path.stat().st_mode & 0o777 == 0


def test_a_case_obeys_permissions_also_as_root(tmp_path) -> None:
    path = tmp_path / "closed"
    path.touch()
    path.chmod(0)
    assert "PermissionError" in run_case(lambda: path.open().close()).text


def refuses() -> None:
    raise DataError("got nothing; want something", path="a.json")


def fails() -> None:
    raise KeyError("a")


def loops() -> None:
    while True:
        pass


def takes() -> None:
    assert len(bytearray(4 * 1024**3))


def dies() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(
    ("act", "end", "text"),
    [
        (lambda: None, "read", ""),
        (refuses, "refused", "got nothing; want something (a.json)"),
        (loops, "hang", "more than"),
        (fails, "traceback", "KeyError"),
        (takes, "memory", "test_fuzz"),
        (dies, "crash", "signal 11"),
    ],
)
def test_how_a_case_ends_is_told(act, end, text, monkeypatch) -> None:
    monkeypatch.setattr("fuzz_cases.SECONDS", 1.0)
    outcome = run_case(act)
    assert outcome.end == end
    assert text in outcome.text


def test_changes_are_many_and_the_same_for_a_seed(every) -> None:
    files = {place: data for target in every for place, data in target.files.items()}
    for data in list(files.values())[::5]:
        changed = [mutate(data, random.Random(seed)) for seed in range(20)]
        assert changed == [mutate(data, random.Random(seed)) for seed in range(20)]
        assert len(set(changed)) > 10
