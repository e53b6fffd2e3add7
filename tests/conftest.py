"""What every test may need: the tests' own modules on the path, and no store of features shared with the user."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
# Before torch is imported. Threads that spin while they wait take the cores from each other: beside other work steps
# were twenty times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores already
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell without job control (`make test &` in a script) starts commands with Ctrl-C ignored; tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTET_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def without_heic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes motet see no package pillow-heif, whether or not it is installed."""
    from motet.preprocess.image_formats import image_formats, image_suffixes

    caches = (image_formats, image_suffixes)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for one in caches:
        one.cache_clear()
    yield
    monkeypatch.undo()
    for one in caches:
        one.cache_clear()
