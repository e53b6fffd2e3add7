"""What every test may need: the tests' own modules on the path, and no store of features shared with the user."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: workers share the cores already
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTET_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
