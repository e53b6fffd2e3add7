"""The teacher's class is one more annotation, computed when it is read and not before."""

from toys import ToyReader

from motet.core import ImageFile
from motet.data.distillation import TeacherLabels


class Teacher:
    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, image: ImageFile) -> int:
        self.names.append(image.name)
        return 7


def test_the_teacher_predicts_only_when_its_annotation_is_read() -> None:
    teacher, reader = Teacher(), ToyReader("a", 3)
    labels = TeacherLabels(reader, teacher)[1].labels
    assert set(labels) == {*reader[1].labels, "teacher"}
    assert len(labels) == len(reader[1].labels) + 1
    assert "teacher" in labels
    assert labels["class"] == reader[1].labels["class"]
    assert teacher.names == []
    assert labels["teacher"] == 7
    assert teacher.names == ["a/1.raw"]


def test_rows_and_image_ids_are_those_of_the_reader() -> None:
    labelled = TeacherLabels(ToyReader("a", 3, rows_per_image=2), Teacher())
    assert (len(labelled), labelled.keys(2)) == (3, ("a/1",))
