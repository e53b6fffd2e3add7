"""Questions with the answers and the images of their own split."""

import pytest
from user_folders import image, read, vqa, write

from motet.data.detect import detect, inspect_folder


def test_vqa_finds_the_annotations_of_its_questions(tmp_path):
    vqa(tmp_path)
    (found,) = detect(tmp_path)
    assert (found.reader, found.label, found.split, found.rows) == ("Vqav2", "answers", "train", 1)
    assert read(found)[0].labels["answer"] == "dog"


def test_vqa_with_nine_answers_is_a_problem(tmp_path):
    vqa(tmp_path, answers=9)
    (found,) = detect(tmp_path)
    assert "answers: got 9; want 10" in found.problems[0]


def test_vqa_without_annotations_is_a_problem(tmp_path):
    vqa(tmp_path)
    (tmp_path / "v2_mscoco_train2014_annotations.json").unlink()
    (found,) = detect(tmp_path)
    assert "got questions without annotations" in found.problems[0]


def test_vqa_on_coco_2017_images(tmp_path):
    vqa(tmp_path)
    (tmp_path / "train2014" / "COCO_train2014_000000000009.jpg").rename(tmp_path / "train2014" / "000000000009.jpg")
    (found,) = detect(tmp_path)
    assert found.arguments["pattern"] == "{:012d}.jpg"
    assert not found.problems


def split(root, name, *, questions="{}_questions.json", answers="{}_annotations.json", folder="{}", shade=0):
    """Writes two questions of a split, which count from 0 as those of every other, and their images."""
    for number in range(2):
        image(root / folder.format(name) / f"{number:012d}.jpg", shade=shade + number)
    asked = [{"image_id": number, "question_id": number, "question": "What?"} for number in range(2)]
    given = [
        {"question_id": number, "multiple_choice_answer": name, "answers": [{"answer": name} for _ in range(10)]}
        for number in range(2)
    ]
    write(root / questions.format(name), {"questions": asked})
    write(root / answers.format(name), {"annotations": given})


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"questions": "{}/questions.json", "answers": "{}/annotations.json"},
        {"questions": "questions/{}.json", "answers": "answers/{}.json", "folder": "images/{}"},
    ],
)
def test_splits_that_count_alike_keep_their_own_answers_and_images(tmp_path, names):
    for shade, name in enumerate(("train", "Val", "test")):
        split(tmp_path, name, shade=10 * shade, **names)
    found = {one.split: read(one) for one in detect(tmp_path)}
    assert {name: reader[0].labels["answer"] for name, reader in found.items()} == {
        "train": "train", "val": "Val", "test": "test",
    }  # fmt: skip
    assert {name: reader[1].images[0].path.parent.name for name, reader in found.items()} == {
        "train": "train", "val": "Val", "test": "test",
    }  # fmt: skip
    keys = [reader.keys(row)[0] for reader in found.values() for row in range(2)]
    assert len(set(keys)) == 6
    assert not any(key.startswith("coco/") for key in keys)


def test_answers_of_another_split_are_not_taken(tmp_path):
    split(tmp_path, "train")
    split(tmp_path, "val", shade=10)
    (tmp_path / "val_annotations.json").unlink()
    problems = {one.split: one.problems for one in detect(tmp_path)}
    assert problems["train"] == ()
    assert "val_questions.json: got questions without annotations" in problems["val"][0]


def test_two_files_that_answer_are_a_problem(tmp_path):
    split(tmp_path, "train")
    (tmp_path / "train_questions.json").rename(tmp_path / "questions.json")
    split(tmp_path, "val", questions="other.json", folder="train")
    (tmp_path / "other.json").unlink()
    (found,) = detect(tmp_path)
    assert "got answers in train_annotations.json and val_annotations.json; want one file" in found.problems[0]


def test_answers_that_answer_all_win_over_those_that_answer_some(tmp_path):
    split(tmp_path, "all")
    split(tmp_path, "few", folder="all", questions="unused.json")
    (tmp_path / "unused.json").unlink()
    some = {"annotations": [{"question_id": 0, "multiple_choice_answer": "few", "answers": [{"answer": "few"}] * 10}]}
    write(tmp_path / "few_annotations.json", some)
    contents = inspect_folder(tmp_path)
    (found,), (spare,) = contents.datasets, contents.near_misses
    assert found.arguments["annotations"].name == "all_annotations.json"
    assert spare.path.name == "few_annotations.json"
    assert "questions in all_questions.json, which has other answers" in spare.got


def test_answers_without_questions_are_told_and_are_no_table(tmp_path):
    split(tmp_path, "all")
    (tmp_path / "all_questions.json").unlink()
    contents = inspect_folder(tmp_path)
    assert contents.datasets == ()
    assert any(one.got == "answers, and no questions" for one in contents.near_misses)
