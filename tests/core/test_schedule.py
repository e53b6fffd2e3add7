"""Steps, and schedules that report the status of tasks."""

from motet.core import HasTaskStatus, Step


class WithStatus:
    def task_status(self, index: int) -> dict[str, str]:
        return {"a": "go" if index else "wait"}


def test_a_step_updates_jointly_by_default_and_is_a_value() -> None:
    assert Step((({"a": 4},),)).update == "joint"
    assert Step((({"a": 4},),)) == Step((({"a": 4},),))
    assert Step((({"a": 4},),), "each") != Step((({"a": 4},),))


def test_the_status_of_tasks_is_found_by_its_method() -> None:
    assert isinstance(WithStatus(), HasTaskStatus)
    assert not isinstance(object(), HasTaskStatus)
