import pytest

from motet.core import ConfigError, DataError
from motet.data.counts import Counts, count
from motet.data.readers import EasyVqa, easy_vqa


@pytest.fixture
def root(tmp_path, image, write):
    image(tmp_path / "test" / "images" / "7.png")
    write(tmp_path / "answers.txt", "circle\nno\nyes\n")
    write(
        tmp_path / "test" / "questions.json", [["what shape?", "circle", 7], ["is it red?", "maybe", 7], ["", "no", 7]]
    )
    return tmp_path


def test_the_package_has_what_it_says():
    reader = EasyVqa("test")
    assert count(reader) == Counts(rows=9673, images=1000, pairs=9673, unique_images=1000)
    assert len(reader.names) == 13
    assert reader[0].text == "what is the red shape?"
    assert reader[0].labels == {"answers": ("triangle",), "answer": "triangle"}


def test_a_folder_of_the_same_layout(root):
    reader = EasyVqa("test", root)
    assert reader.names == ("circle", "no", "yes")
    assert reader[0].labels == {"answers": ("circle",), "answer": "circle"}
    assert reader.keys(0) == ("easy_vqa/test/7",)


def test_an_answer_that_is_not_listed_is_an_error_of_its_row_only(root):
    reader = EasyVqa("test", root)
    with pytest.raises(DataError, match=r"answer: got 'maybe'; want one of answers.txt .*row 1\)"):
        reader[1]
    with pytest.raises(DataError, match=r"question: got an empty text.*row 2\)"):
        reader[2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([["what?", "circle"]], r"entry: got 2 values; want 3 .*row 0\)"),
        ([["what?", "circle", "7"]], r"image: got '7'; want a whole number .*row 0\)"),
        ({"questions": []}, "want a list"),
        ([], "questions: got none"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(root, write, data, message):
    write(root / "test" / "questions.json", data)
    with pytest.raises(DataError, match=message):
        EasyVqa("test", root)


def test_without_the_package_a_root_is_asked_for(monkeypatch):
    monkeypatch.setattr(easy_vqa.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'motet\[demo\]'"):
        EasyVqa()
