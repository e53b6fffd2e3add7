"""A saved name stands for a part of motet that a table has, or for code that the user trusts; for nothing else."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from os import abort
from pathlib import Path

import pytest

from motet.core import CheckpointError, ConfigError, Label, Task
from motet.core.saved_names import SavedNames, saved_name, trusted_modules

NAMES = SavedNames.of((Task,))


@dataclass(frozen=True)
class Own:
    width: int = 1

    class Inner:
        pass


def test_a_part_of_a_listed_class_is_known_and_another_class_of_motet_is_not() -> None:
    assert NAMES.resolve(saved_name(Label)) is Label
    with pytest.raises(CheckpointError, match="got a name that is in none of motet's tables"):
        NAMES.resolve("motet.core.codec:to_json")


@pytest.mark.parametrize(
    "name",
    [
        "motet.training.run_training:subprocess.run",
        "motet.core.model_folder:hashlib.os.abort",
        "motet.training.checkpoint:shutil.rmtree",
        "motet.core.saved_names:importlib.import_module",
        "motet.core.saved_names:import_file",
        "motet.cli.main:main",
        "motet:_importlib.import_module",
        "motet.core.task:Task.__init__",
    ],
)
def test_nothing_is_reached_through_motets_own_modules(name: str) -> None:
    for names in (NAMES, SavedNames.of((Task,), trust=("motet", "motet.training"))):
        with pytest.raises(CheckpointError, match="in none of motet's tables"):
            names.resolve(name)


def test_a_module_outside_is_not_imported_and_the_line_says_what_would_be_and_how_to_allow_it(tmp_path: Path) -> None:
    (tmp_path / "never_trusted.py").write_text("raise SystemExit('it ran')\n")
    names = SavedNames.of((Task,), files={"never_trusted": f"{tmp_path}/never_trusted.py"})
    with pytest.raises(CheckpointError) as error:
        names.resolve("never_trusted:Reader")
    path = tmp_path / "never_trusted.py"
    assert str(error.value) == (
        f"got code outside motet, which would be imported and run: never_trusted:Reader ({path}); want it allowed if "
        f"you know and trust it: --trust {path}, in Python trust=({str(path)!r},)"
    )
    with pytest.raises(CheckpointError, match=r"--trust never_trusted, in Python trust=\('never_trusted',\)"):
        NAMES.resolve("never_trusted.part:Reader")
    assert "never_trusted" not in sys.modules


def test_all_code_that_would_be_imported_is_in_one_line() -> None:
    data = [{"class": "mine.readers:A", "x": {"reference": "mine.losses:b"}}, {"reference": "other:c"}]
    names = SavedNames.of((Task,), trust=("other",))
    with pytest.raises(CheckpointError) as error:
        names.check_trusted([*data, {"class": saved_name(Label)}])
    assert "and run: mine.readers:A, mine.losses:b; want it allowed" in str(error.value)
    assert str(error.value).endswith("--trust mine, in Python trust=('mine',)")
    SavedNames.of((Task,), trust=("other", "mine")).check_trusted(data)


@pytest.mark.parametrize("path", ["abort", "subprocess.run", "pytest", "Own.width", "NAMES"])
def test_a_trusted_module_gives_only_classes_and_functions_that_it_defines_itself(path: str) -> None:
    assert abort
    assert subprocess
    names = SavedNames.of((), trust=(__name__,))
    with pytest.raises(CheckpointError, match=r"want a class or function that the module \S+ itself defines"):
        names.resolve(f"{__name__}:{path}")


def test_a_trusted_module_gives_its_classes() -> None:
    names = SavedNames.of((), trust=(__name__,))
    assert names.resolve(saved_name(Own)) is Own
    assert names.resolve(saved_name(Own.Inner)) is Own.Inner
    with pytest.raises(CheckpointError, match="want a name that can be imported here"):
        names.resolve(f"{__name__}:Gone")


def test_a_file_is_trusted_by_its_modules_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "trusted_parts.py").write_text("def loss(scores, value):\n    return 0\n")
    try:
        assert trusted_modules([str(tmp_path / "trusted_parts.py"), "package"]) == ("trusted_parts", "package")
        names = SavedNames.of((), trust=(str(tmp_path / "trusted_parts.py"),))
        assert names.resolve("trusted_parts:loss")(1, 2) == 0
    finally:
        sys.modules.pop("trusted_parts", None)


def test_trust_is_several_names() -> None:
    with pytest.raises(ConfigError, match=r"want a tuple of names: trust=\('mine',\)"):
        trusted_modules("mine")


def test_a_part_of_motet_that_could_not_be_read_back_is_found_before_it_is_saved() -> None:
    NAMES.check({"class": saved_name(Label), "names": [{"reference": saved_name(Own)}]})
    with pytest.raises(ConfigError, match="got a part of motet that a saved model cannot name"):
        NAMES.check([{"pairs": [["a", {"reference": "motet.core.codec:to_json"}]]}])
