import os
import sys

import pytest

from motet.core import ConfigError, DataError, MemoryImage
from motet.data.readers import HfDataset
from motet.tasks import glue

datasets = pytest.importorskip("datasets")
pyarrow = pytest.importorskip("pyarrow")


@pytest.fixture
def saved(tmp_path, jpeg):
    """A dictionary of two splits, saved to disk."""
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "pair": datasets.List(datasets.Image()),
            "label": datasets.ClassLabel(names=["cat", "dog"]),
            "said": datasets.List(datasets.Value("string")),
            "coco": datasets.Value("int64"),
            "kind": datasets.Value("string"),
        }
    )
    cell = {"bytes": jpeg, "path": "same.jpg"}
    rows = {
        "image": [cell, cell],
        "pair": [[cell, cell], [cell]],
        "label": [1, 0],
        "said": [["One.", "Two."], ["Three."]],
        "coco": [9, None],
        "kind": ["b", "a"],
    }
    part = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict({"train": part, "val": part.select([1])}).save_to_disk(str(tmp_path / "pets"))
    return tmp_path / "pets"


def test_images_stay_encoded_and_classes_have_their_names(saved, jpeg):
    reader = HfDataset(saved, image="image", labels={"class": "label", "captions": "said"})
    assert reader.names == ("cat", "dog")
    assert reader[0].labels == {"class": 1, "captions": ("One.", "Two.")}
    assert reader[0].images == (MemoryImage(f"{saved}, row 0", jpeg),)
    assert (reader[0].id, reader.keys(1)) == ("pets/train/0", ("pets/train/1",))
    assert len(HfDataset(saved, "val", image="image")) == 1


def test_a_column_of_words_is_a_class_too(saved):
    reader = HfDataset(saved, image="image", labels={"class": "kind"})
    assert (reader.names, reader[0].labels) == (("a", "b"), {"class": 1})


def test_a_list_of_images_is_a_row_of_several(saved):
    reader = HfDataset(saved, image="pair")
    assert [reader.keys(index) for index in range(2)] == [("pets/train/0.0", "pets/train/0.1"), ("pets/train/1",)]
    assert [len(reader[index].images) for index in range(2)] == [2, 1]


def test_images_can_have_their_id_in_other_data_sets(saved):
    reader = HfDataset(saved, image="image", image_id="coco/{coco}")
    assert [reader.keys(index) for index in range(2)] == [("coco/9",), ("pets/train/1",)]


@pytest.fixture
def sentences(tmp_path):
    """A pair of sentences a row, as GLUE has them on the Hub: the classes of the test part are -1."""
    features = datasets.Features(
        {
            "premise": datasets.Value("string"),
            "hypothesis": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["entailment", "neutral", "contradiction"]),
            "idx": datasets.Value("int32"),
        }
    )
    rows = {
        "train": {
            "premise": ["A dog runs.", "A cat."],
            "hypothesis": ["It moves.", ""],
            "label": [0, 2],
            "idx": [0, 1],
        },
        "test": {"premise": ["A dog runs."], "hypothesis": ["It sleeps."], "label": [-1], "idx": [0]},
    }
    parts = {name: datasets.Dataset.from_dict(part, features=features) for name, part in rows.items()}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "mnli"))
    return tmp_path / "mnli"


def test_pairs_of_sentences_have_their_classes_by_name_and_an_empty_half_is_one(sentences):
    reader = HfDataset(sentences, text=("premise", "hypothesis"), labels={"class": "label"})
    assert reader.names == ("entailment", "neutral", "contradiction")
    assert [reader[row].text for row in range(2)] == [("A dog runs.", "It moves."), ("A cat.", "")]
    assert [reader[row].labels for row in range(2)] == [{"class": 0}, {"class": 2}]
    assert [reader.keys(row) for row in range(2)] == [(), ()]
    assert (reader[0].images, reader[0].id) == ((), "mnli/train/0")


def test_rows_with_a_secret_class_can_be_answered_and_not_learned_from(sentences):
    reader = HfDataset(sentences, "test", text=("premise", "hypothesis"), labels={"class": "label"})
    assert reader.names == ("entailment", "neutral", "contradiction")
    assert reader[0].labels == {}
    assert reader[0].text == ("A dog runs.", "It sleeps.")
    with pytest.raises(DataError, match="task 'mnli' reads the annotation 'class': got none"):
        glue("mnli").annotation_of(reader[0])


def test_an_empty_sentence_alone_is_none(sentences):
    reader = HfDataset(sentences, text="hypothesis", labels={"class": "label"})
    assert reader[0].text == "It moves."
    with pytest.raises(DataError, match=r"hypothesis: got ''; want a text .*row 1\)"):
        reader[1]


def test_a_folder_that_load_dataset_reads(tmp_path, jpeg, image, write, monkeypatch):
    folder = tmp_path / "own" / "train"
    image(folder / "a.jpg")
    write(folder / "metadata.jsonl", '{"file_name": "a.jpg", "text": "A dog."}\n')
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    reader = HfDataset(tmp_path / "own", image="image", labels={"captions": "text"})
    assert reader[0].labels == {"captions": ("A dog.",)}
    assert reader[0].images[0].read() == (folder / "a.jpg").read_bytes()


def test_paths_in_a_column_are_relative_to_the_folder(tmp_path, image):
    image(tmp_path / "images" / "a.jpg")
    rows = {"file": ["a.jpg", "../a.jpg"]}
    datasets.Dataset.from_dict(rows).save_to_disk(str(tmp_path / "pets"))
    reader = HfDataset(tmp_path / "pets", image="file", image_root=tmp_path / "images")
    assert reader[0].images[0].path == tmp_path / "images" / "a.jpg"
    assert [reader.keys(index) for index in range(2)] == [(f"{tmp_path.name}/images/a.jpg",), ("pets/train/1",)]
    with pytest.raises(DataError, match=r"want a file inside .*row 1\)"):
        reader[1]


def test_what_is_not_there_is_named(saved, tmp_path):
    with pytest.raises(DataError, match="split: got 'tset'; want a split that is saved"):
        HfDataset(saved, "tset", image="image")
    with pytest.raises(DataError, match=r"column 'imgae'.*did you mean 'image'"):
        HfDataset(saved, image="imgae")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="want one that `datasets` loads") as caught:
        HfDataset(tmp_path / "empty", image="image")
    assert caught.value.path == tmp_path / "empty"


def test_a_part_saved_alone_says_which_it_is(saved, tmp_path, jpeg):
    alone = datasets.Dataset.from_dict({"n": [1]}, split="val")
    alone.save_to_disk(str(tmp_path / "alone"))
    with pytest.raises(DataError, match="split: got 'train'; want 'val'"):
        HfDataset(tmp_path / "alone", labels={"n": "n"})
    assert HfDataset(tmp_path / "alone", "val", labels={"n": "n"})[0].labels == {"n": 1}


def test_without_the_extra_it_says_what_to_install(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match=r"motet\[hf\]"):
        HfDataset(saved, image="image")


@pytest.mark.parametrize("place", ["train/data-00000-of-00001.arrow", "more/x.arrow", "y"])
def test_a_pipe_in_the_folder_is_not_waited_for(saved, place):
    (saved / place).parent.mkdir(exist_ok=True)
    (saved / place).unlink(missing_ok=True)
    os.mkfifo(saved / place)
    with pytest.raises(DataError, match=rf"file: got a pipe, socket or device; want a readable file \(.*{place}\)"):
        HfDataset(saved, text="kind")


@pytest.mark.parametrize("content", ["", "null"])
def test_lines_without_rows_are_one_line(tmp_path, content):
    (tmp_path / "train.jsonl").write_text(content)
    with pytest.raises(DataError, match=r"data set: got .*; want one that `datasets` loads"):
        HfDataset(tmp_path, text="text")


def test_a_text_that_is_named_many_times_does_not_fill_the_disk(tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    places = pyarrow.array([0] * 50_000, pyarrow.int32())
    same = pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(["x" * 50_000]))
    table = pyarrow.table({"text": same})
    parquet.write_table(table, tmp_path / "train.parquet", compression="zstd", store_schema=False)
    assert (tmp_path / "train.parquet").stat().st_size < 10_000
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"bytes that become [\d,]+; want at most 33,554,432 \(.*train.parquet\)"):
        HfDataset(tmp_path, text="text")
    assert not list((tmp_path / "cache").rglob("*.arrow"))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
def test_compressed_buffers_of_a_saved_data_set_do_not_fill_the_memory(tmp_path):
    datasets.Dataset.from_dict({"text": ["a", "b"]}).save_to_disk(str(tmp_path / "saved"))
    (file,) = (tmp_path / "saved").glob("*.arrow")
    table = pyarrow.table({"text": pyarrow.array(["x" * 1_000_000] * 500)})
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    with pyarrow.OSFile(str(file), "wb") as out, pyarrow.ipc.new_stream(out, table.schema, options=options) as stream:
        stream.write_table(table)
    assert file.stat().st_size < 100_000
    with pytest.raises(DataError, match=r"data set: got malloc of size \d+ failed; want one that `datasets` loads"):
        HfDataset(tmp_path / "saved", text="text")
