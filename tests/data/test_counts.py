from motet.core import Example
from motet.data.counts import Counts, count


class Keys:
    """A reader that knows its image ids and fails when a row is read."""

    def __init__(self, *keys):
        self.rows = keys

    def __len__(self):
        return len(self.rows)

    def keys(self, index):
        return self.rows[index]

    def __getitem__(self, index) -> Example:
        raise AssertionError("counting reads no row")


def test_nothing_is_nothing():
    assert count() == Counts(rows=0, images=0, pairs=0, unique_images=0)


def test_questions_share_images_and_data_sets_do():
    questions = Keys(("coco/1",), ("coco/1",), ("coco/2",))
    captions = Keys(("coco/2",), ("coco/3",))
    assert count(questions) == Counts(rows=3, images=2, pairs=3, unique_images=2)
    assert count(questions, captions) == Counts(rows=5, images=4, pairs=5, unique_images=3)


def test_rows_of_two_images_and_of_none():
    assert count(Keys(("a", "b"), ("b", "c"), ())) == Counts(rows=3, images=3, pairs=2, unique_images=3)
