"""Class names of published data sets."""

import pytest

from motet.tasks import class_names
from motet.tasks.class_names import COCO, COCO_IDS, GLUE, GLUE_PAIRS


@pytest.mark.parametrize(("name", "count"), [
    ("CIFAR10", 10), ("FASHION", 10), ("DIGITS", 10), ("EASY_VQA", 13), ("SNLI_VE", 3), ("VOC", 20), ("COCO", 80),
])  # fmt: skip
def test_every_class_is_there_once(name: str, count: int) -> None:
    names = getattr(class_names, name)
    assert len(names) == len(set(names)) == count


def test_coco_ids_ascend_and_have_the_known_gaps() -> None:
    ids = list(COCO_IDS.values())
    assert ids == sorted(ids)
    assert set(range(1, 91)) - set(ids) == {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    assert (COCO[0], COCO[-1]) == ("person", "toothbrush")


def test_pairs_of_glue_are_tasks_of_glue() -> None:
    assert GLUE.keys() - GLUE_PAIRS == {"cola", "sst2"}
