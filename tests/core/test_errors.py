import pickle

from motet.core import DataError, nearest


def test_a_data_error_crosses_processes_with_its_place():
    error = pickle.loads(pickle.dumps(DataError("answers: got 9; want 10", path="a.json", row=3)))
    assert (str(error), error.row) == ("answers: got 9; want 10 (a.json, row 3)", 3)


def test_the_nearest_name_is_offered():
    assert nearest("stesp", ["steps", "lr"]) == "did you mean 'steps'?"
    assert nearest("zzz", ["steps", "lr"]) == "known: lr, steps"
