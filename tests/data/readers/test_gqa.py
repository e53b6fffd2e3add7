import pytest

from motet.core import DataError
from motet.data.readers import Gqa


def entry(image, **more):
    return {"imageId": image, "question": "What?", "answer": "dog", **more}


@pytest.fixture
def images(tmp_path, image):
    for name in ("2400861", "n578564"):
        image(tmp_path / "images" / f"{name}.jpg")
    return tmp_path / "images"


def test_ids_and_answers(tmp_path, images, write):
    path = write(tmp_path / "q.json", {"07": entry("2400861", fullAnswer="It is a dog."), "08": entry("n578564")})
    reader = Gqa(path, images)
    assert [reader[index].id for index in range(2)] == ["gqa/07", "gqa/08"]
    assert [reader.keys(index)[0] for index in range(2)] == ["vg/2400861", "gqa/n578564"]
    assert reader[0].labels == {"answers": ("dog",), "answer": "dog", "full_answer": "It is a dog."}


def test_a_folder_of_files_is_one_reader_in_the_order_of_their_names(tmp_path, images, write):
    folder = tmp_path / "train_all_questions"
    write(folder / "train_all_questions_1.json", {"2": entry("n578564")})
    write(folder / "train_all_questions_0.json", {"1": entry("2400861")})
    reader = Gqa(folder, images)
    assert [reader[index].id for index in range(2)] == ["gqa/1", "gqa/2"]
    write(folder / "train_all_questions_2.json", {"1": entry("2400861")})
    with pytest.raises(DataError, match="an id in two files"):
        Gqa(folder, images)


def test_questions_without_answers_have_no_labels(tmp_path, images, write):
    reader = Gqa(write(tmp_path / "test.json", {"1": {"imageId": "2400861", "question": "What?"}}), images)
    assert reader[0].labels == {}


def test_images_that_are_coco_s_get_coco_s_id(tmp_path, images, write):
    image_data = write(tmp_path / "image_data.json", [{"image_id": 2400861, "coco_id": 9}])
    assert Gqa(write(tmp_path / "q.json", {"1": entry("2400861")}), images, image_data).keys(0) == ("coco/9",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"07": {"question": "What?"}}, r"key 'imageId': .*row 07\)"),
        ({"07": entry(12)}, r"imageId: got 12; want a text .*row 07\)"),
        ({"07": entry("../x")}, r"want a file inside .*row 07\)"),
        ({"07": {"imageId": "1", "question": None}}, "question: got None; want a text"),
        ({}, "questions: got none"),
        ([], "file: got \\[\\]; want an object"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(tmp_path, images, write, data, message):
    with pytest.raises(DataError, match=message):
        Gqa(write(tmp_path / "q.json", data), images)


def test_an_empty_question_is_an_error_of_its_row_only(tmp_path, images, write):
    reader = Gqa(write(tmp_path / "q.json", {"1": entry("2400861"), "2": {**entry("2400861"), "question": ""}}), images)
    assert reader[0].text == "What?"
    with pytest.raises(DataError, match="question: got an empty text"):
        reader[1]
