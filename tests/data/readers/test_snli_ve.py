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
