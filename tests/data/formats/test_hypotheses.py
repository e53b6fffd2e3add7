import pytest

from motet.core import DataError
from motet.tasks import visual_entailment


def test_classes_are_those_of_the_task(snli, esnli):
    assert snli().names == esnli().names == visual_entailment().target.names


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
