import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import Vqav2


@pytest.fixture
def questions():
    asked = [{"image_id": 9, "question_id": 9000 + place, "question": f"What {place}?"} for place in range(3)]
    return {"data_subtype": "val2014", "questions": asked}


@pytest.fixture
def annotations():
    given = [
        {
            "question_id": 9000 + place,
            "question_type": "what",
            "answer_type": "other",
            "multiple_choice_answer": "dog",
            "answers": [{"answer": "dog", "answer_id": number + 1} for number in range(10)],
        }
        for place in (2, 0, 1)
    ]
    return {"annotations": given}


@pytest.fixture
def read(tmp_path, image, write, questions, annotations):
    image(tmp_path / "val2014" / "COCO_val2014_000000000009.jpg")
    image(tmp_path / "val2014" / "9.jpg")

    def reader(*, with_annotations=True, name="questions.json", **options):
        answers = write(tmp_path / "annotations.json", annotations) if with_annotations else None
        return Vqav2(write(tmp_path / name, questions), answers, tmp_path / "val2014", **options)

    return reader


def test_questions_keep_their_order_and_get_their_own_answers(read, annotations):
    annotations["annotations"][0]["multiple_choice_answer"] = "two"
    reader = read()
    assert [reader[index].id for index in range(3)] == ["vqav2/val/9000", "vqav2/val/9001", "vqav2/val/9002"]
    assert [reader[index].labels["answer"] for index in range(3)] == ["dog", "dog", "two"]
    assert reader[0].labels == {
        "answers": ("dog",) * 10,
        "answer": "dog",
        "question_type": "what",
        "answer_type": "other",
    }
    assert reader[0].text == "What 0?"
    assert reader.keys(0) == ("coco/9",)


def test_questions_about_ones_own_images_do_not_claim_coco_images(read):
    reader = read(pattern="{}.jpg", image_prefix="fruit/val")
    assert reader.keys(0) == reader[0].image_ids == ("fruit/val/9.jpg",)


def test_nine_answers_are_an_error_of_their_row_only(read, annotations):
    annotations["annotations"][0]["answers"].pop()
    reader = read()
    assert len(reader[0].labels["answers"]) == 10
    with pytest.raises(DataError, match=r"answers: got 9; want 10 \(.*annotations.json, row 0\)"):
        reader[2]


def test_test_parts_have_no_answers(read, questions):
    questions["data_subtype"] = "test-dev2015"
    reader = read(with_annotations=False, pattern="{}.jpg")
    assert dict(reader[0].labels) == {}
    assert reader[0].id == "vqav2/test-dev/9000"


def test_test_dev_images_are_those_of_the_test_part(read, questions):
    questions["data_subtype"] = "test-dev2015"
    with pytest.raises(DataError, match=r"COCO_test2015_000000000009\.jpg"):
        read(with_annotations=False)[0]


def test_the_part_may_stand_in_the_name_of_the_file(read, questions):
    del questions["data_subtype"]
    assert read(name="v2_OpenEnded_mscoco_val2014_questions.json")[0].id == "vqav2/val/9000"
    with pytest.raises(DataError, match="or give a pattern"):
        read()
    assert len(read(pattern="{}.jpg")) == 3


@pytest.mark.parametrize("pattern", ["same.jpg", "{", "{:q}.jpg", "{}{}.jpg", "{name}.jpg"])
def test_a_pattern_without_a_place_for_the_number_is_refused(read, pattern):
    with pytest.raises(ConfigError, match="pattern: got"):
        read(pattern=pattern)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda q, a: q.pop("questions"), "key 'questions'.*questions.json"),
        (lambda q, a: q["questions"][1].pop("question"), r"key 'question': .*row 1\)"),
        (lambda q, a: q["questions"][1].update(image_id="x"), r"image_id: got 'x'; want a whole number .*row 1\)"),
        (lambda q, a: q["questions"][1].update(question_id=9000), r"got 9000 twice.*row 1\)"),
        (lambda q, a: q.update(questions=[]), "questions: got none"),
        (lambda q, a: a["annotations"].pop(), r"got none of question 9001; want one in .*row 1\)"),
        (lambda q, a: q["questions"].pop(), "annotations: got 3; want 2, one per question"),
        (lambda q, a: a["annotations"][1].pop("answers"), r"key 'answers': .*annotations.json, row 1\)"),
        (lambda q, a: a["annotations"][1].update(answers="dog"), r"answers: got 'dog'; want a list .*row 1\)"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(read, questions, annotations, damage, message):
    damage(questions, annotations)
    with pytest.raises(DataError, match=message):
        read()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda q, a: q["questions"][0].update(question=" "), "question: got an empty text"),
        (lambda q, a: a["annotations"][1]["answers"][4].update(answer=3), "answer: got 3; want a text"),
        (lambda q, a: a["annotations"][1].pop("multiple_choice_answer"), "key 'multiple_choice_answer'"),
    ],
)
def test_a_damaged_row_is_an_error_when_it_is_read(read, questions, annotations, damage, message):
    damage(questions, annotations)
    reader = read()
    with pytest.raises(DataError, match=message):
        reader[0]
    assert reader[1].text == "What 1?"


def test_ones_own_file_may_leave_out_the_types(read, annotations):
    for entry in annotations["annotations"]:
        del entry["question_type"], entry["answer_type"]
    assert read()[0].labels["answer_type"] == ""
