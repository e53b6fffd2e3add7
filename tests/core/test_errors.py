import pickle

from motet.core import ConfigError, DataError, nearest
from motet.core.errors import repeated


def test_a_data_error_crosses_processes_with_its_place():
    error = pickle.loads(pickle.dumps(DataError("answers: got 9; want 10", path="a.json", row=3)))
    assert (str(error), error.row) == ("answers: got 9; want 10 (a.json, row 3)", 3)


def test_the_nearest_name_is_offered():
    assert nearest("stesp", ["steps", "lr"]) == "did you mean 'steps'?"
    assert nearest("zzz", ["steps", "lr"]) == "known: lr, steps"


def test_a_message_is_one_line_whatever_it_shows():
    text = str(DataError("name: got 'a\nb\u2028c\x1b[31m\ud800'; want a word\xa0é", path="x\ny.json"))
    assert text == r"name: got 'a\nb\u2028c\x1b[31m\ud800'; want a word\xa0é (x\ny.json)"
    assert len(str(ConfigError("got " + "a\n" * 10**6 + " (file.json)"))) < 2100
    assert str(ConfigError("got " + "a" * 10**6 + " (file.json)")).endswith("(file.json)")


def test_names_that_occur_twice_are_found_at_once():
    names = [f"n{number}" for number in range(200_000)]
    assert repeated([*names, *names[:3]]) == ["n0", "n1", "n2"]
