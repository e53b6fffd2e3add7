"""The recipe function that `motet init` writes."""

import ast
from dataclasses import dataclass

import pytest

from motet.systems.uni_perceiver.suggestion import UniPerceiverSuggestion


@dataclass(frozen=True)
class Planned:
    """A detected task of some rows."""

    rows: int
    name: str = "t"
    kind: str = "video classification"
    reader: str = "Folders"

    def most_boxes(self) -> int:
        return 0


def written(*rows: int):
    tasks = [Planned(count) for count in rows]
    text = UniPerceiverSuggestion().text("clips", tasks, "[clips_source]", "actions")
    (function,) = ast.parse("\n".join(text.lines)).body
    (run,) = (node.value for node in function.body if isinstance(node, ast.Return))
    return function, {each.arg: ast.unparse(each.value) for each in run.keywords}, text.imports


def test_the_function_is_python_that_names_the_sources_and_the_tasks() -> None:
    function, run, _ = written(4000)
    assert function.name == "clips"
    assert "actions" in ast.get_docstring(function)
    assert run["sources"] == "[clips_source]"
    assert "frames=FRAMES.count" in run["system"]


@pytest.mark.parametrize(("rows", "steps"), [(40, 200), (1024, 800), (10**6, 2000)])
def test_steps_are_25_epochs_within_limits(rows, steps) -> None:
    train = written(rows)[1]["train"]
    assert f"steps={steps}, lr=0.0007, lr_schedule=Cosine(warmup=0.03), weight_decay=0.05" in train
    assert f"evaluate_every={steps // 4}, save_every={steps // 4}" in train


def test_only_several_tasks_have_sampling_rates() -> None:
    _, one, imports = written(100)
    assert "rates" not in one["schedule"]
    assert "motet.data.sampling_rates" not in imports
    _, two, imports = written(100, 100)
    assert "rates=Temperature(2.0)" in two["schedule"]
    assert imports["motet.data.sampling_rates"] == ("Temperature",)


def test_every_name_is_imported() -> None:
    function, _, imports = written(100, 100)
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    imported = {name.split(" as ")[-1] for each in imports.values() for name in each}
    assert names - {"clips_source", "FRAMES", "Path"} == imported


@pytest.mark.parametrize(
    ("kinds", "taken"),
    [
        (["classification", "sentences"], True),
        (["text reading"], True),
        (["captioning", "text reading"], False),
        (["detection"], False),
    ],
)
def test_tasks_that_generate_text_are_taken_along_one_at_a_time(kinds, taken) -> None:
    assert UniPerceiverSuggestion().takes_along(kinds) == taken
