import pytest

from motet.core import DataError
from motet.data.readers import ESnliVe, Flickr30k


@pytest.fixture
def esnli(tmp_path, image, write):
    def reader(row='0,10.jpg#1r1e,10.jpg,"A dog, running.",entailment,It runs.', **options):
        image(tmp_path / "images" / "10.jpg")
        table = f",pairID,Flickr30kID,hypothesis,gold_label,explanation\n{row}\n"
        return ESnliVe(write(tmp_path / "esnlive_dev.csv", table), tmp_path / "images", **options)

    return reader


def test_an_explanation_and_a_premise(esnli, write, tmp_path):
    assert esnli()[0].labels == {"class": 0, "explanations": ("It runs.",)}
    captions = write(tmp_path / "results.csv", "image_name| comment_number| comment\n10.jpg| 0| No.\n10.jpg| 1| Yes.\n")
    assert esnli(captions=captions)[0].text == ("Yes.", "A dog, running.")
    with pytest.raises(DataError, match=r"captions: got 2 of the photo of '10.jpg#4r1e'; .*row 0\)"):
        esnli("0,10.jpg#4r1e,10.jpg,Hm,neutral,", captions=captions)[0]


def test_photos_have_the_ids_of_the_captions(esnli, write, tmp_path):
    captions = write(tmp_path / "results.csv", "image_name| comment_number| comment\n10.jpg| 0| No.\n")
    assert Flickr30k(captions, tmp_path / "images").keys(0) == esnli().keys(0)
