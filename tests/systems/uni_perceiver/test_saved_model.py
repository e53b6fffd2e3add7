"""Building a Uni-Perceiver from its configuration."""

from dataclasses import replace

import pytest
from toy_uni_perceiver import CONFIG, task

from motet.core import UnsupportedTask
from motet.systems.uni_perceiver.model import UniPerceiver


def test_a_system_is_built_with_its_tasks_in_order() -> None:
    tasks = [task("pair"), task("class")]
    system = UniPerceiver(CONFIG, tasks, texts=lambda: ["a cat"])
    assert list(system.tasks.values()) == tasks
    assert system.config is CONFIG


def test_a_saved_system_is_built_without_texts() -> None:
    first = UniPerceiver(CONFIG, [task("pair")], texts=lambda: ["two red dogs"])

    def texts():
        raise AssertionError("a saved model needs no texts")

    again = UniPerceiver(CONFIG, [task("pair")], texts=texts, assets=first.assets())
    again.load_state_dict(first.state_dict(), strict=True)
    assert again.text_inputs.encode_target("two red dogs") == first.text_inputs.encode_target("two red dogs")


def test_a_task_that_it_does_not_answer_is_refused() -> None:
    regions = replace(task("class"), inputs=frozenset({"regions"}))
    with pytest.raises(UnsupportedTask, match=r"got inputs \['regions'\]"):
        UniPerceiver(CONFIG, [regions], texts=list)
