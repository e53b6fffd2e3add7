import pytest

from motet.core import DataError
from motet.data.readers import VisualGenomeQA


@pytest.fixture
def data():
    return [
        {"id": 4, "qas": [{"qa_id": 41, "image_id": 4, "question": "What?", "answer": "A sofa."}]},
        {"id": 5, "qas": [{"qa_id": 51, "image_id": 5, "question": "Who?", "answer": "A man."}]},
        {"id": 6, "qas": []},
    ]


@pytest.fixture
def read(tmp_path, image, write, data):
    image(tmp_path / "VG_100K" / "4.jpg")
    image(tmp_path / "VG_100K_2" / "5.jpg")

    def reader(**options):
        return VisualGenomeQA(write(tmp_path / "question_answers.json", data), tmp_path, **options)

    return reader


def test_images_are_found_in_either_folder(read, tmp_path):
    reader = read()
    assert [reader[index].images[0].path.parent.name for index in range(2)] == ["VG_100K", "VG_100K_2"]
    assert reader[0].labels == {"answers": ("A sofa.",), "answer": "A sofa."}
    assert (reader[0].id, reader.keys(0)) == ("vgqa/41", ("vg/4",))
    assert VisualGenomeQA(tmp_path / "question_answers.json", tmp_path / "VG_100K")[0].text == "What?"


def test_images_that_are_coco_s_get_coco_s_id(read, tmp_path, write):
    image_data = write(
        tmp_path / "image_data.json", [{"image_id": 4, "coco_id": 391895}, {"image_id": 5, "coco_id": None}]
    )
    reader = read(image_data=image_data)
    assert [reader.keys(index)[0] for index in range(2)] == ["coco/391895", "vg/5"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d[0].pop("qas"), r"key 'qas': .*row 0\)"),
        (lambda d: d[1]["qas"][0].pop("answer"), r"key 'answer': .*row 1.qas.0\)"),
        (lambda d: d[1]["qas"][0].update(qa_id=41), r"got 41 twice.*row 1.qas.0\)"),
        (lambda d: d.clear(), "got no question"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(read, data, damage, message):
    damage(data)
    with pytest.raises(DataError, match=message):
        read()


def test_an_empty_answer_is_an_error_of_its_row_only(read, data):
    data[1]["qas"][0]["answer"] = ""
    reader = read()
    assert reader[0].text == "What?"
    with pytest.raises(DataError, match="answer: got an empty text"):
        reader[1]


def test_a_file_of_another_kind_is_named(tmp_path, write):
    with pytest.raises(DataError, match=r"file: got .* want a list"):
        VisualGenomeQA(write(tmp_path / "q.json", {"questions": []}), tmp_path)
