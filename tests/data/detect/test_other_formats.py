"""idx, Flickr captions, Multi30k, text lines, tars and saved Hugging Face data sets."""

import gzip
import io
import json
import struct
import tarfile

import pytest
from PIL import Image
from user_folders import images, jpeg, read, summaries, write

from motet.data.detect import detect, inspect_folder


def test_idx_pairs(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(struct.pack(">4I", 0x803, 2, 2, 2) + bytes(8)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 2) + bytes(2))
    assert summaries(tmp_path) == [("Idx", "classification", "class", "train", 2)]
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    assert "No such file" in detect(tmp_path)[0].problems[0]


@pytest.mark.parametrize(
    ("name", "lines", "reader"),
    [
        ("captions.txt", "image,caption\n{0},A dog .\n{0},One dog .\n", "Flickr8k"),
        ("Flickr8k.token.txt", "{0}#0\tA dog .\n{0}#1\tOne dog .\n", "Flickr8k"),
        ("results.csv", "image_name| comment_number| comment\n{0}| 0| A dog .\n", "Flickr30k"),
    ],
)
def test_flickr_captions(tmp_path, name, lines, reader):
    photo = "1000268201_693b08cb0e.jpg"
    images(tmp_path, f"Images/{photo}")
    write(tmp_path / name, lines.format(photo))
    assert summaries(tmp_path) == [(reader, "captioning", "captions", "", 1)]
    write(tmp_path / "Flickr_8k.trainImages.txt", f"{photo}\n")
    (found,) = detect(tmp_path)
    assert (found.split, found.arguments["split"].name) == ("train", "Flickr_8k.trainImages.txt")


def test_captions_of_other_photos_are_a_table(tmp_path):
    images(tmp_path, "images/a.jpg")
    write(tmp_path / "captions.csv", "image,caption\na.jpg,A dog.\na.jpg,One dog.\n")
    (found,) = detect(tmp_path)
    assert (found.reader, found.rows, found.arguments["gather"]) == ("Table", 1, True)
    assert read(found)[0].labels["captions"] == ("A dog.", "One dog.")


def test_multi30k(tmp_path):
    images(tmp_path, "flickr30k-images/10.jpg")
    task = tmp_path / "data" / "task1"
    write(task / "image_splits" / "val.txt", "10.jpg\n")
    write(task / "raw" / "val.de", "Ein Hund.\n")
    write(task / "raw" / "val.en.gz", gzip.compress(b"A dog.\n"))
    found = detect(tmp_path)
    assert [(one.label, one.language, one.split, one.rows) for one in found] == [
        ("captions_en", "en", "val", 1),
        ("captions_de", "de", "val", 1),
    ]
    assert found[0].arguments == found[1].arguments


def test_text_lines(tmp_path):
    images(tmp_path, "train/0.jpg", "val/0.jpg")
    for part in ("train", "val"):
        write(tmp_path / f"{part}_gt.tsv", "0.jpg\tTOTAL 3,50\n")
    assert summaries(tmp_path) == [
        ("OcrLines", "text reading", "text", "train", 1),
        ("OcrLines", "text reading", "text", "val", 1),
    ]
    assert read(detect(tmp_path)[1])[0].labels == {"text": ("TOTAL 3,50",)}


def tar(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as file:
        for key, members in enumerate(rows):
            for ending, data in members.items():
                data = data if isinstance(data, bytes) else json.dumps(data).encode()
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = len(data)
                file.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize(
    ("members", "kind", "label"),
    [
        ({"txt": b"A dog."}, "captioning", "captions"),
        ({"cls": b"3"}, "classification", "class"),
        ({"json": {"question": "What?", "answer": "dog"}}, "question answering", "answers"),
    ],
)
def test_tars(tmp_path, members, kind, label):
    for name in ("train-000.tar", "train-001.tar", "val-000.tar"):
        tar(tmp_path / name, {"jpg": jpeg(), **members}, {"jpg": jpeg(), **members})
    assert summaries(tmp_path) == [("WebDataset", kind, label, "train", 4), ("WebDataset", kind, label, "val", 2)]


def test_tars_without_annotations_are_named(tmp_path):
    for name in ("a-000.tar", "a-001.tar"):
        tar(tmp_path / name, {"jpg": jpeg()})
    contents = inspect_folder(tmp_path)
    assert contents.datasets == ()
    (miss,) = contents.near_misses
    assert (miss.path.name, miss.more, miss.format) == ("a-000.tar", 1, "tars")
    assert miss.want == "members such as 0.jpg and 0.txt, or 0.cls, or 0.json"


def test_what_img2dataset_repeats_of_a_shard_is_no_table(tmp_path):
    pytest.importorskip("pyarrow")
    from pyarrow import Table, parquet

    tar(tmp_path / "00000.tar", {"jpg": jpeg(), "txt": b"A dog."})
    about = [{"url": "https://x.org/0.jpg", "caption": "A dog.", "key": "0", "status": "success"}]
    parquet.write_table(Table.from_pylist(about), tmp_path / "00000.parquet")
    write(tmp_path / "00000_stats.json", {"count": 1, "successes": 1})
    contents = inspect_folder(tmp_path)
    assert [one.reader for one in contents.datasets] == ["WebDataset"]
    assert contents.near_misses == ()


def test_a_compressed_tar_is_a_problem(tmp_path):
    write(tmp_path / "train.tar.gz", gzip.compress(b"x"))
    (found,) = detect(tmp_path)
    assert "compressed with gzip" in found.problems[0]


def test_a_saved_hugging_face_data_set(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    rows = {"image": [{"bytes": jpeg(), "path": None}] * 2, "label": [1, 0]}
    part = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict({"train": part, "test": part}).save_to_disk(str(tmp_path / "pets"))
    assert summaries(tmp_path) == [
        ("HfDataset", "classification", "class", "train", 2),
        ("HfDataset", "classification", "class", "test", 2),
    ]
    assert read(detect(tmp_path)[0]).names == ("cat", "dog")
    datasets.Dataset.from_dict({"size": [1, 2]}).save_to_disk(str(tmp_path / "sizes"))
    (miss,) = inspect_folder(tmp_path).near_misses
    assert (miss.path, miss.format) == (tmp_path / "sizes", "Hugging Face data set")
    assert miss.got == "split 'train' without a column of images and one that is known for annotations"
    next((tmp_path / "pets" / "train").glob("*.arrow")).write_bytes(b"no")
    assert detect(tmp_path)[0].problems


@pytest.mark.parametrize(
    ("name", "text", "size", "expected"),
    [
        ("t.tsv", "a dog runs over the grass {}", (8, 6), ("Table", "captioning")),
        ("t.tsv", "a line of a letter {}", (40, 6), ("OcrLines", "text reading")),
        ("t.tsv", "cat", (8, 6), ("Table", "classification")),
        ("t.tsv", "KA-1{}", (8, 6), ("OcrLines", "text reading")),
        ("train_gt.tsv", "cat", (8, 6), ("OcrLines", "text reading")),
    ],
)
def test_two_columns_without_a_header_are_crops_unless_texts_and_images_say_otherwise(
    tmp_path, name, text, size, expected
):
    for number in range(8):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("RGB", size).save(tmp_path / "images" / f"{number}.png")
    write(tmp_path / name, "".join(f"{number}.png\t{text.format(number)}\n" for number in range(8)))
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.rows) == (*expected, 8)
