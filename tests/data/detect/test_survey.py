"""The listing of a folder: its bounds, claimed files, the folder of images, splits by name."""

from pathlib import Path

import pytest
from user_folders import images, summaries

from motet.data.detect import detect
from motet.data.detect.survey import split_of, survey_folder, without_splits


def test_hidden_and_deep_folders_are_not_listed(tmp_path):
    images(tmp_path, ".git/cat/1.jpg", ".git/dog/1.jpg", "a/b/c/d/e/cat/1.jpg", "a/b/c/d/e/dog/1.jpg")
    assert detect(tmp_path) == ()
    assert max(len(folder.relative_to(tmp_path).parts) for folder in survey_folder(tmp_path).listings) == 4


def test_folders_of_many_files_are_listed_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr("motet.data.detect.survey._MAX_FILES", 3)
    images(tmp_path, *(f"{kind}/{place}.jpg" for kind in ("cat", "dog") for place in range(5)))
    listings = survey_folder(tmp_path).listings
    assert (listings[tmp_path / "cat"].files, listings[tmp_path / "cat"].num_images) == (("0.jpg", "1.jpg", "2.jpg"), 5)
    assert {
        len(listing.files) for folder, listing in survey_folder(tmp_path).listings.items() if folder != tmp_path
    } == {3}
    assert summaries(tmp_path) == [("ImageFolder", "classification", "class", "", 10)]


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ("train.csv", "train"),
        ("x/Dev/q.json", "val"),
        ("t10k-images", "test"),
        ("val2017", "val"),
        ("latest.csv", ""),
        ("a.csv", ""),
    ],
)
def test_splits_by_names(place, part):
    assert split_of(Path("root") / place, Path("root")) == part


def test_a_claimed_folder_claims_its_files(tmp_path):
    images(tmp_path, "a/1.jpg", "a/b/2.JPG", "c/3.jpg")
    survey = survey_folder(tmp_path)
    survey.claimed.add(tmp_path / "a")
    assert survey.is_claimed(tmp_path / "a" / "b" / "2.JPG")
    assert not survey.is_claimed(tmp_path)
    assert list(survey.files(".jpg")) == [tmp_path / "c" / "3.jpg"]


def test_the_root_is_not_claimed_for_the_images_in_it(tmp_path):
    images(tmp_path, "1.jpg", "a/2.jpg")
    survey = survey_folder(tmp_path)
    survey.claim(tmp_path, tmp_path / "a", None, tmp_path / "1.jpg")
    assert survey.claimed == {tmp_path / "a", tmp_path / "1.jpg"}


def test_endings_are_found_in_either_case(tmp_path):
    images(tmp_path, "a.JPG", "b.jpg", "c.png")
    assert [path.name for path in survey_folder(tmp_path).files(".jpg")] == ["a.JPG", "b.jpg"]


def test_the_folder_of_images_has_all_of_them_and_is_the_nearest(tmp_path):
    images(tmp_path, "one/a.jpg", "two/a.jpg", "two/b.jpg", "two/deep/a.jpg", "two/deep/b.jpg")
    survey = survey_folder(tmp_path)
    assert survey.image_folder(["a.jpg", "b.jpg"], tmp_path / "labels.csv") == tmp_path / "two"
    assert survey.image_folder(["a.jpg"], tmp_path / "two" / "deep" / "labels.csv") == tmp_path / "two" / "deep"
    assert survey.image_folder(["deep/a.jpg"], tmp_path / "labels.csv") == tmp_path / "two"
    assert survey.image_folder(["c.jpg"], tmp_path / "labels.csv") is None
    assert survey.image_folder(["", ""], tmp_path / "labels.csv") is None


def test_folders_that_motet_wrote_are_known_but_not_listed(tmp_path):
    for name in ("run.json", "log.jsonl", "shown/1.jpg"):
        images(tmp_path, f"runs/mine/{name}")
    images(tmp_path, "runs/yours/log.jsonl", "run.json", "log.jsonl")
    survey = survey_folder(tmp_path)
    assert set(survey.listings) == {tmp_path, tmp_path / "runs", tmp_path / "runs" / "yours"}
    assert survey.outputs == {tmp_path / "runs" / "mine"}
    assert survey.is_known(tmp_path / "runs" / "mine")
    assert not survey.is_known(tmp_path / "elsewhere")


def test_a_claimed_folder_that_holds_a_claimed_file_can_hold_others(tmp_path):
    images(tmp_path, "a/1.csv", "a/2.csv", "a/below/3.csv", "b/4.csv", "c/5.csv")
    survey = survey_folder(tmp_path)
    survey.claimed.update((tmp_path / "a", tmp_path / "a" / "1.csv", tmp_path / "b"))
    names = [path.name for path in survey.files_beside_images(".csv")]
    assert names == ["2.csv", "5.csv", "3.csv"]
    assert [path.name for path in survey.files(".csv")] == ["5.csv"]


def test_a_place_without_its_splits_is_the_same_for_all():
    root = Path("root")
    places = ("images/train", "images/Val", "images/TEST")
    assert {without_splits(root / place, root) for place in places} == {"images/*"}
    assert without_splits(root / "images" / "trained", root) == "images/trained"
