import json

import pytest

from motet.core import DataError
from motet.data.readers import ESnliVe, Flickr30k, SnliVe
from motet.tasks import visual_entailment


@pytest.fixture
def snli(tmp_path, image, write):
    def reader(*changes, **options):
        image(tmp_path / "images" / "10.jpg")
        row = {"Flickr30K_ID": "10", "sentence1": "A dog runs.", "sentence2": "It sleeps.", "gold_label": "neutral",
               "pairID": "10.jpg#0r1n"}  # fmt: skip
        lines = "".join(json.dumps({**row, **change}) + "\n" for change in changes or ({},))
        return SnliVe(write(tmp_path / "snli_ve_dev.jsonl", lines), tmp_path / "images", **options)

    return reader


@pytest.fixture
def esnli(tmp_path, image, write):
    def reader(row='0,10.jpg#1r1e,10.jpg,"A dog, running.",entailment,It runs.', **options):
        image(tmp_path / "images" / "10.jpg")
        table = f",pairID,Flickr30kID,hypothesis,gold_label,explanation\n{row}\n"
        return ESnliVe(write(tmp_path / "esnlive_dev.csv", table), tmp_path / "images", **options)

    return reader


def test_the_image_is_the_premise(snli):
    row = snli()[0]
    assert (row.id, row.image_ids) == ("snli_ve/dev/10.jpg#0r1n", ("flickr/10",))
    assert (row.text, row.labels) == ("It sleeps.", {"class": 1})
    assert snli(premise=True)[0].text == ("A dog runs.", "It sleeps.")


def test_classes_are_those_of_the_task(snli, esnli):
    assert snli().names == esnli().names == visual_entailment().target.names


def test_an_empty_hypothesis_and_a_long_one_are_legal(snli, esnli):
    assert snli({"sentence2": ""})[0].text == ""
    assert esnli("0,10.jpg#1r1e,10.jpg,,entailment,")[0].text == ""
    assert esnli("0,10.jpg#1r1e,10.jpg,,entailment,")[0].labels == {"class": 0}
    assert len(snli({"sentence2": "word " * 10_000})[0].text.split()) == 10_000


def test_an_explanation_and_a_premise(esnli, write, tmp_path):
    assert esnli()[0].labels == {"class": 0, "explanations": ("It runs.",)}
    captions = write(tmp_path / "results.csv", "image_name| comment_number| comment\n10.jpg| 0| No.\n10.jpg| 1| Yes.\n")
    assert esnli(captions=captions)[0].text == ("Yes.", "A dog, running.")
    with pytest.raises(DataError, match=r"captions: got 2 of the photo of '10.jpg#4r1e'; .*row 0\)"):
        esnli("0,10.jpg#4r1e,10.jpg,Hm,neutral,", captions=captions)[0]


def test_photos_have_the_ids_of_the_captions(esnli, write, tmp_path):
    captions = write(tmp_path / "results.csv", "image_name| comment_number| comment\n10.jpg| 0| No.\n")
    assert Flickr30k(captions, tmp_path / "images").keys(0) == esnli().keys(0)


def test_pairs_that_come_twice_have_ids_of_their_own(snli):
    reader = snli({}, {})
    assert {reader[0].id, reader[1].id} == {"snli_ve/dev/10.jpg#0r1n/0", "snli_ve/dev/10.jpg#0r1n/1"}


def test_what_is_broken_says_where(snli, esnli):
    with pytest.raises(DataError, match=r"gold_label: got '-'; want one of .*jsonl, row 1\)"):
        snli({}, {"gold_label": "-"})[1]
    with pytest.raises(DataError, match=r"sentence2: got 7; want a text .*row 0\)"):
        snli({"sentence2": 7})
    with pytest.raises(DataError, match=r"columns: got 3; want 6, as in the header .*row 0\)"):
        esnli("0,10.jpg#1r1e,10.jpg")
    with pytest.raises(DataError, match=r"want a file inside .*row 0\)"):
        esnli("0,x,../10.jpg,Hm,neutral,")
    with pytest.raises(DataError, match=r"image: got no file .*11.jpg; .*row 0\)"):
        snli({"Flickr30K_ID": "11"})[0]
