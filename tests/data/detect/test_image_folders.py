"""The folder of images that goes with a file: of the same split, the nearest, and none where several fit."""

from pathlib import Path

import pytest
from user_folders import images

from motet.data.detect.image_folders import (
    find_images,
    find_images_by_names,
    find_images_by_stem,
    image_prefix,
    needed_prefix,
)
from motet.data.detect.survey import survey_folder


@pytest.fixture
def places(tmp_path):
    """Writes images, each of other bytes, and returns where a file of the folder finds its own."""

    def find(near, *files, names=("0.jpg", "1.jpg")):
        images(tmp_path, *files)
        at = find_images(survey_folder(tmp_path), names, tmp_path / near)
        return "" if at.folder is None else at.folder.relative_to(tmp_path).as_posix(), " ".join(at.problems)

    return find


def both(*folders):
    return [f"{folder}/{number}.jpg" for folder in folders for number in range(2)]


@pytest.mark.parametrize(
    ("near", "folders", "chosen"),
    [
        ("annotations/instances_val.json", ("images/train", "images/val"), "images/val"),
        ("annotations/instances_val.json", ("images/train", "images/Validation"), "images/Validation"),
        ("VALID.csv", ("train", "val"), "val"),
        ("dev/labels.csv", ("images/train", "images/dev"), "images/dev"),
        ("testing.json", ("train_images", "test_images"), "test_images"),
        ("train.csv", ("train", "test"), "train"),
        ("train.csv", ("all", "test"), "all"),
        ("train.csv", ("far/away/train", "test"), "far/away/train"),
        ("labels.csv", ("all", "deep/train"), "all"),
        ("labels.csv", ("train",), "train"),
        ("labels.csv", ("near", "far/away"), "near"),
        ("labels.csv", ("images", "masks"), "images"),
    ],
)
def test_the_split_decides_and_then_the_distance(places, near, folders, chosen):
    assert places(near, *both(*folders)) == (chosen, "")


@pytest.mark.parametrize(
    ("near", "folders"),
    [("labels.csv", ("train", "deep/test")), ("labels.csv", ("one", "two")), ("val.csv", ("a", "b"))],
)
def test_several_that_fit_are_a_problem_and_none_is_chosen(places, near, folders):
    chosen, problem = places(near, *both(*folders))
    assert chosen == ""
    assert f"{near}: got the image 0.jpg in " in problem
    assert all(folder in problem for folder in folders)


def test_copies_of_the_same_files_are_no_choice(tmp_path):
    for folder in ("one", "two"):
        images(tmp_path / folder, "0.jpg")
    assert find_images(survey_folder(tmp_path), ["0.jpg"], tmp_path / "a.csv").folder == tmp_path / "one"


def test_all_names_count_where_the_first_are_in_several_folders(places):
    names = [f"{number}.jpg" for number in range(8)]
    chosen, problem = places("labels.csv", *(f"train/{name}" for name in names), *both("test"), names=names)
    assert (chosen, problem) == ("train", "")


def test_a_folder_of_another_split_does_not_stand_in_for_missing_images(places):
    chosen, problem = places("val.csv", *both("train"), "val/1.jpg")
    assert chosen == ""
    assert "got the image 0.jpg in " in problem
    assert "want it in " in problem
    assert problem.endswith("val")


def test_names_that_no_two_splits_share_may_be_in_a_folder_of_another_split(places):
    assert places("dev.csv", *both("train"), "val/7.jpg") == ("train", "")


def test_names_in_folders_and_none_at_all(tmp_path):
    images(tmp_path, "two/deep/a.jpg")
    survey = survey_folder(tmp_path)
    assert find_images(survey, ["deep/a.jpg"], tmp_path / "a.csv").folder == tmp_path / "two"
    assert find_images(survey, ["", ""], tmp_path / "a.csv") == (None, ())
    (problem,) = find_images(survey, ["c.jpg"], tmp_path / "a.csv").problems
    assert "a.csv: got no folder with the image c.jpg; want it in this folder" in problem
    images(tmp_path, "two/b.jpg")
    (problem,) = find_images(survey_folder(tmp_path), ["b.jpg", "c.jpg"], tmp_path / "a.csv").problems
    assert "got no folder with the image c.jpg" in problem


def test_names_without_endings_and_names_of_several_forms(tmp_path):
    images(tmp_path, "a/x.JPG", "a/y.png", "b/x.png")
    survey = survey_folder(tmp_path)
    assert find_images_by_stem(survey, ["x", "y"], tmp_path / "a.csv").folder == tmp_path / "a"
    assert find_images_by_stem(survey, ["y"], tmp_path / "b").folder == tmp_path / "a"
    assert "the image z;" in find_images_by_stem(survey, ["z"], tmp_path / "a.csv").problems[0]
    assert find_images_by_names(survey, [("no.png", "x.png")], tmp_path / "a.csv").folder == tmp_path / "b"


def test_a_prefix_is_of_one_folder_only(tmp_path):
    images(tmp_path, "a/images/0.jpg", "b/images/train/0.jpg", "x/pics/0.jpg", "y/pics/0.jpg")
    survey = survey_folder(tmp_path)
    assert image_prefix(survey, tmp_path / "a" / "images") == "a/images"
    assert image_prefix(survey, tmp_path / "b" / "images" / "train") == "b/images/train"
    assert needed_prefix(survey, tmp_path / "a" / "images") == {}
    assert needed_prefix(survey, tmp_path / "x" / "pics") == {"image_prefix": f"{tmp_path.name}/x/pics"}
    assert image_prefix(survey_folder(Path(tmp_path / "x")), tmp_path / "x" / "pics") == "pics"
