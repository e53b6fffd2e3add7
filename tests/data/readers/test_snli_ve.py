import json

import pytest

from motet.data.readers import ESnliVe, SnliVe


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


def test_an_empty_hypothesis_and_a_long_one_are_legal(snli, esnli):
    assert snli({"sentence2": ""})[0].text == ""
    assert esnli("0,10.jpg#1r1e,10.jpg,,entailment,")[0].text == ""
    assert esnli("0,10.jpg#1r1e,10.jpg,,entailment,")[0].labels == {"class": 0}
    assert len(snli({"sentence2": "word " * 10_000})[0].text.split()) == 10_000


def test_pairs_that_come_twice_have_ids_of_their_own(snli):
    reader = snli({}, {})
    assert {reader[0].id, reader[1].id} == {"snli_ve/dev/10.jpg#0r1n/0", "snli_ve/dev/10.jpg#0r1n/1"}
