"""A disk that fills up, whatever is being written then, is one line and leaves a checkpoint to go on from."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from toys import toy_run

from motet.core import MotetError
from motet.core.model_folder import read_weights, step_folder, steps_in
from motet.training.checkpoint import tensors_equal
from motet.training.run import Features, Run
from motet.training.run_training import run_training

DISK_KIB = 400


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_KIB}k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk needs the right to mount one")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def small_run(folder: Path, *, stored: bool = False) -> Run:
    run = toy_run()
    train = dataclasses.replace(run.train, steps=6, save_every=2, keep_checkpoints=2)
    return dataclasses.replace(run, train=train, features=Features(folder / "store") if stored else None)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    folders = {stored: tmp_path_factory.mktemp("unbroken") for stored in (False, True)}
    for stored, folder in folders.items():
        run_training(small_run(folder, stored=stored), folder / "run", device="cpu", show=False)
    return folders


# tensorboard writes in a thread of its own, which reports the full disk too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("free_kib", [0, 4, 8, 16, 28, 44, 72])
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    unbroken: dict[bool, Path], disk: Path, free_kib: int, stored: bool
) -> None:
    filler = disk / "filler"
    filler.write_bytes(bytes(1024 * (DISK_KIB - free_kib)))
    run, folder = small_run(disk, stored=stored), disk / "run"
    with pytest.raises(MotetError, match=r"No space left on device|bytes free") as error:
        run_training(run, folder, device="cpu", show=False)
    assert "\n" not in str(error.value)
    for step in steps_in(folder):
        assert read_weights(step_folder(folder, step))
    filler.unlink()
    run_training(run, folder, resume=True, device="cpu", show=False)
    assert steps_in(folder)[-1] == 6
    assert tensors_equal(read_weights(folder), read_weights(unbroken[stored] / "run"))
