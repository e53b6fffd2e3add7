import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import Glue
from motet.data.readers.glue import GLUE_NAMES
from motet.tasks import TASKS

FILES = {
    "cola": ("CoLA", "gj04\t1\t\tShe ran.\ngj04\t0\t*\tRan she has.\n", ["She ran.", "Ran she has."], [1, 0]),
    "sst2": ("SST-2", 'sentence\tlabel\na "good" one \t1\n', ['a "good" one '], [1]),
    "mrpc": (
        "MRPC",
        '\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t1\t2\tHe said "no.\tNo.\n',
        [('He said "no.', "No.")],
        [0],
    ),
    "qqp": ("QQP", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\r\n7\t1\t2\tWhy?\t\t1\r\n", [("Why?", "")], [1]),
    "mnli": ("MNLI", "index\tgenre\tsentence1\tsentence2\tgold_label\n0\tx\tA.\tB.\tneutral\n", [("A.", "B.")], [1]),
    "qnli": ("QNLI", "index\tquestion\tsentence\tlabel\n0\tWho?\tHe.\tentailment\n", [("Who?", "He.")], [0]),
    "rte": ("RTE", "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tnot_entailment\n", [("A.", "B.")], [1]),
    "wnli": ("WNLI", "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\t1\n", [("A.", "B.")], [1]),
}


@pytest.mark.parametrize("task", FILES)
def test_every_task_in_its_own_columns(tmp_path, write, task):
    folder, content, texts, classes = FILES[task]
    path = write(tmp_path / folder / "dev_matched.tsv", content)
    for given in (tmp_path, path.parent):
        reader = Glue(given, task, "dev_matched")
        rows = [reader[index] for index in range(len(reader))]
        assert [row.text for row in rows] == texts
        assert [row.labels for row in rows] == [{"class": one} for one in classes]
    assert (rows[0].id, reader.keys(0)) == (f"glue/{task}/dev_matched/0", ())


def test_names_are_those_of_the_tasks():
    assert {task: TASKS[task].target.names for task in GLUE_NAMES} == dict(GLUE_NAMES)


def test_a_test_part_has_no_labels(tmp_path, write):
    write(tmp_path / "QQP" / "test.tsv", "id\tquestion1\tquestion2\n0\tWhy?\tHow?\n")
    reader = Glue(tmp_path, "qqp", "test")
    assert (reader.has_labels, reader[0].labels) == (False, {})


def test_mrpc_under_the_corpus_name(tmp_path, write):
    write(tmp_path / "msr_paraphrase_train.txt", FILES["mrpc"][1])
    assert Glue(tmp_path, "mrpc", "train")[0].text == ('He said "no.', "No.")


def test_a_sentence_of_ten_thousand_words(tmp_path, write):
    write(tmp_path / "SST-2" / "train.tsv", f"sentence\tlabel\n{'word ' * 10_000}\t0\n")
    assert len(Glue(tmp_path, "sst2")[0].text.split()) == 10_000


def test_a_broken_line_is_an_error_of_its_row_only(tmp_path, write):
    write(tmp_path / "SST-2" / "train.tsv", "sentence\tlabel\ngood\t1\nbad\ngood\t2\n")
    reader = Glue(tmp_path, "sst2")
    assert reader[0].labels == {"class": 1}
    with pytest.raises(DataError, match=r"columns: got 1; want 2, as in the header \(.*train.tsv, row 1\)"):
        reader[1]
    with pytest.raises(DataError, match=r"label: got '2'; want 0 to 1, or one of negative, positive \(.*row 2\)"):
        reader[2]


def test_what_cannot_be(tmp_path, write):
    with pytest.raises(ConfigError, match="did you mean 'sst2'"):
        Glue(tmp_path, "sst-2")
    with pytest.raises(DataError, match="got No such file"):
        Glue(tmp_path, "rte")
    write(tmp_path / "RTE" / "train.tsv", "index\tpremise\tsentence2\tlabel\n0\tA\tB\t0\n")
    with pytest.raises(DataError, match="column 'sentence1': got a header without it"):
        Glue(tmp_path, "rte")
    write(tmp_path / "RTE" / "train.tsv", "index\tsentence1\tsentence2\tlabel\n")
    with pytest.raises(DataError, match="lines: got none"):
        Glue(tmp_path, "rte")
