"""A folder as a user has it, and what is seen in it."""

import gzip
import io
import json
import struct
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from motet.core import DataError
from motet.data.detect import detect
from motet.data.detect.dataset import DetectedDataset
from motet.data.detect.survey import split_of, survey_folder
from motet.data.readers import READERS


def jpeg(shade=0):
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(file, "JPEG")
    return file.getvalue()


def put(root, **files):
    """Writes files; a double underscore in a name is a folder's end, anything that is no text or bytes is JSON."""
    for name, content in files.items():
        write(root / name.replace("__", "/"), content)


def write(path: Path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def pictures(root, *places):
    for shade, place in enumerate(places):
        write(root / place, jpeg(shade))


def seen(root):
    return [(found.reader, found.kind, found.label, found.split, found.rows) for found in detect(root)]


def read(found: DetectedDataset):
    """What a recipe would do with it."""
    return READERS[found.reader](**found.arguments)


def test_a_folder_of_nothing_is_nothing(tmp_path):
    pictures(tmp_path, "a.jpg", "b.jpg")
    put(tmp_path, notes__txt="words\n")
    assert detect(tmp_path) == ()
    with pytest.raises(DataError, match="got no folder"):
        detect(tmp_path / "none")


def test_class_folders(tmp_path):
    pictures(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/1.png")
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.label, found.rows, found.split) == (
        "ImageFolder",
        "classification",
        "class",
        3,
        "",
    )
    assert read(found).names == ("cat", "dog")
    assert "cat, dog" in found.evidence


def test_class_folders_in_parts_share_their_classes(tmp_path):
    pictures(tmp_path, *(f"{part}/{kind}/1.jpg" for part, kinds in (("train", "abc"), ("val", "bc")) for kind in kinds))
    found = {one.split: one for one in detect(tmp_path)}
    assert set(found) == {"train", "val"}
    assert read(found["train"]).names == read(found["val"]).names == ("a", "b", "c")


def test_parts_and_kinds_of_file_are_no_classes(tmp_path):
    pictures(tmp_path, "train/1.jpg", "val/1.jpg", "train_labels/1.png", "val_labels/1.png")
    assert detect(tmp_path) == ()


def coco(root, **damage):
    pictures(root, "train2017/000000000009.jpg", "val2017/000000000025.jpg")
    for part, number in (("train", 9), ("val", 25)):
        entry = {"image_id": number, "id": 1, "caption": "A dog."}
        images = [{"id": number, "file_name": f"{number:012d}.jpg"}]
        data = {
            "info": {},
            "images": images,
            "annotations": [{damage.get(key, key): value for key, value in entry.items()}],
        }
        write(root / "annotations" / f"captions_{part}2017.json", data)


def test_coco_captions(tmp_path):
    coco(tmp_path)
    assert seen(tmp_path) == [
        ("CocoCaptions", "captioning", "captions", "train", 1),
        ("CocoCaptions", "captioning", "captions", "val", 1),
    ]
    assert [read(found)[0].image_ids for found in detect(tmp_path)] == [("coco/9",), ("coco/25",)]


def test_captions_in_coco_s_form_of_ones_own_images_have_their_own_ids(tmp_path):
    pictures(tmp_path, "birds/images/robin.jpg")
    data = {"images": [{"id": 1, "file_name": "robin.jpg"}], "annotations": [{"image_id": 1, "caption": "A robin."}]}
    write(tmp_path / "birds" / "captions.json", data)
    (found,) = detect(tmp_path)
    assert read(found)[0].image_ids == ("birds/1",)


def test_a_wrong_key_is_told_in_the_readers_words(tmp_path):
    coco(tmp_path, caption="captoin")
    found = detect(tmp_path)
    assert [one.rows for one in found] == [0, 0]
    assert "key 'caption'" in found[0].problems[0]
    assert "captions_train2017.json, row 0" in found[0].problems[0]


def test_a_json_that_breaks_off_is_told(tmp_path):
    coco(tmp_path)
    path = tmp_path / "annotations" / "captions_val2017.json"
    path.write_text(path.read_text()[:-3])
    broken = [found for found in detect(tmp_path) if found.problems]
    assert [(found.reader, found.split) for found in broken] == [("CocoCaptions", "val")]
    assert "JSON: got" in broken[0].problems[0]


def test_images_that_are_not_there_are_told(tmp_path):
    coco(tmp_path)
    (tmp_path / "val2017" / "000000000025.jpg").unlink()
    assert [bool(found.problems) for found in detect(tmp_path)] == [False, True]


def vqa(root, *, answers=10):
    pictures(root, "train2014/COCO_train2014_000000000009.jpg")
    given = [{"answer": "dog", "answer_id": number} for number in range(answers)]
    put(root, **{
        "v2_OpenEnded_mscoco_train2014_questions.json": {
            "data_subtype": "train2014", "questions": [{"image_id": 9, "question_id": 1, "question": "What?"}],
        },
        "v2_mscoco_train2014_annotations.json": {
            "annotations": [{"question_id": 1, "multiple_choice_answer": "dog", "answers": given}],
        },
    })  # fmt: skip


def test_vqa_finds_the_annotations_of_its_questions(tmp_path):
    vqa(tmp_path)
    (found,) = detect(tmp_path)
    assert (found.reader, found.label, found.split, found.rows) == ("Vqav2", "answers", "train", 1)
    assert read(found)[0].labels["answer"] == "dog"


def test_vqa_with_nine_answers_is_told(tmp_path):
    vqa(tmp_path, answers=9)
    (found,) = detect(tmp_path)
    assert "answers: got 9; want 10" in found.problems[0]


def test_vqa_without_annotations_is_told(tmp_path):
    vqa(tmp_path)
    (tmp_path / "v2_mscoco_train2014_annotations.json").unlink()
    (found,) = detect(tmp_path)
    assert "got questions without annotations" in found.problems[0]


def test_vqa_on_coco_2017_images(tmp_path):
    vqa(tmp_path)
    (tmp_path / "train2014" / "COCO_train2014_000000000009.jpg").rename(tmp_path / "train2014" / "000000000009.jpg")
    (found,) = detect(tmp_path)
    assert found.arguments["pattern"] == "{:012d}.jpg"
    assert not found.problems


def test_gqa_visual_genome_and_easy_vqa(tmp_path):
    pictures(tmp_path, "gqa/images/24.jpg", "vg/VG_100K/4.jpg", "easy/train/images/0.png")
    write(
        tmp_path / "gqa" / "val_balanced_questions.json", {"1": {"imageId": "24", "question": "What?", "answer": "dog"}}
    )
    qa = {"qa_id": 1, "image_id": 4, "question": "What?", "answer": "A dog."}
    write(tmp_path / "vg" / "question_answers.json", [{"id": 4, "qas": [qa]}])
    write(tmp_path / "easy" / "answers.txt", "circle\n")
    write(tmp_path / "easy" / "train" / "questions.json", [["what?", "circle", 0]])
    assert sorted(seen(tmp_path)) == [
        ("EasyVqa", "question answering", "answers", "train", 1),
        ("Gqa", "question answering", "answers", "val", 1),
        ("VisualGenomeQA", "question answering", "answers", "", 1),
    ]
    assert all(len(read(found)) == 1 for found in detect(tmp_path))


def test_idx_pairs(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(struct.pack(">4I", 0x803, 2, 2, 2) + bytes(8)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 2) + bytes(2))
    assert seen(tmp_path) == [("Idx", "classification", "class", "train", 2)]
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
    pictures(tmp_path, f"Images/{photo}")
    write(tmp_path / name, lines.format(photo))
    assert seen(tmp_path) == [(reader, "captioning", "captions", "", 1)]
    write(tmp_path / "Flickr_8k.trainImages.txt", f"{photo}\n")
    (found,) = detect(tmp_path)
    assert (found.split, found.arguments["split"].name) == ("train", "Flickr_8k.trainImages.txt")


def test_captions_of_ones_own_in_flickr_s_form_are_no_flickr_photos(tmp_path):
    pictures(tmp_path, "images/a.jpg")
    write(tmp_path / "captions.csv", "image,caption\na.jpg,A dog.\na.jpg,One dog.\n")
    (found,) = detect(tmp_path)
    assert (found.reader, found.rows, found.arguments["gather"]) == ("Table", 1, True)
    assert read(found)[0].labels["captions"] == ("A dog.", "One dog.")


def test_multi30k(tmp_path):
    pictures(tmp_path, "flickr30k-images/10.jpg")
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
    pictures(tmp_path, "train/0.jpg", "val/0.jpg")
    for part in ("train", "val"):
        write(tmp_path / f"{part}_gt.tsv", "0.jpg\tTOTAL 3,50\n")
    assert seen(tmp_path) == [
        ("OcrLines", "text reading", "text", "train", 1),
        ("OcrLines", "text reading", "text", "val", 1),
    ]
    assert read(detect(tmp_path)[1])[0].labels == {"text": ("TOTAL 3,50",)}


@pytest.mark.parametrize(
    ("name", "content", "kind", "label"),
    [
        ("qa.csv", "file,question,answer\na.jpg,What?,dog\nb.jpg,What?,cat\n", "question answering", "answers"),
        ("qa.tsv", "q\ta\timg\nWhat?\tdog\ta.jpg\nWhat?\tcat\tb.jpg\n", "question answering", "answers"),
        (
            "qa.jsonl",
            '{"image": "a.jpg", "question": "What?", "answers": ["dog", "a dog"]}\n',
            "question answering",
            "answers",
        ),
        ("c.json", [{"path": "a.jpg", "description": "A dog."}], "captioning", "captions"),
        ("c.csv", "image,caption_0,caption_1\na.jpg,A dog.,One dog.\n", "captioning", "captions"),
        ("l.csv", "image,label\na.jpg,cat\nb.jpg,dog\n", "classification", "class"),
        ("l.csv", "image,what\na.jpg,cat\nb.jpg,cat\n", "classification", "class"),
        ("l.csv", "image,what\na.jpg,A cat that sleeps on a sofa.\nb.jpg,A dog.\n", "captioning", "captions"),
        ("o.csv", "image,transcription\na.jpg,TOTAL\nb.jpg,3\n", "text reading", "text"),
    ],
)
def test_tables_by_their_columns(tmp_path, name, content, kind, label):
    pictures(tmp_path, "pictures/a.jpg", "pictures/b.jpg")
    write(tmp_path / name, content)
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.label, found.problems) == ("Table", kind, label, ())
    assert len(read(found)) == found.rows
    assert label in read(found)[0].labels


def test_captions_in_several_languages_are_an_entry_each(tmp_path):
    pictures(tmp_path, "a.jpg")
    write(tmp_path / "c.csv", "image,caption_en,caption_de\na.jpg,A dog.,Ein Hund.\n")
    assert [(found.label, found.language) for found in detect(tmp_path)] == [
        ("captions_en", "en"),
        ("captions_de", "de"),
    ]


def test_a_column_of_parts_makes_parts(tmp_path):
    pictures(tmp_path, "images/a.jpg", "images/b.jpg")
    write(tmp_path / "l.csv", "image,label,split\na.jpg,cat,train\nb.jpg,dog,test\na.jpg,cat,train\n")
    assert [(found.split, found.rows) for found in detect(tmp_path)] == [("test", 1), ("train", 2)]


def test_tables_that_name_no_images_are_passed_over(tmp_path):
    write(tmp_path / "box.csv", "1,2,3,3,TOTAL\n4,5,6,6,SUM\n")
    write(tmp_path / "pairs.csv", "question,answer\nWhat?,dog\n")
    write(tmp_path / "settings.json", {"a": 1})
    write(tmp_path / "list.json", [1, 2])
    assert detect(tmp_path) == ()


def test_a_table_that_cannot_be_read_is_told(tmp_path):
    pictures(tmp_path, "a.jpg")
    write(tmp_path / "l.csv", 'image,label\na.jpg,"cat\n')
    write(tmp_path / "m.csv", "image,label\nnone.jpg,cat\n")
    problems = [found.problems[0] for found in detect(tmp_path)]
    assert "CSV: got" in problems[0]
    assert "got no folder with the image none.jpg" in problems[1]


def test_parquet_with_images_in_it(tmp_path):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    cells = {"image": [{"bytes": jpeg(), "path": None}], "question": ["What?"], "answer": ["dog"]}
    parquet.write_table(pyarrow.table(cells), tmp_path / "train-00000.parquet")
    write(tmp_path / "test-00000.parquet", b"PAR1 no")
    found = {one.split: one for one in detect(tmp_path)}
    assert (found["train"].kind, found["train"].rows) == ("question answering", 1)
    assert "want a whole Parquet file" in found["test"].problems[0]


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
    assert seen(tmp_path) == [("WebDataset", kind, label, "train", 4), ("WebDataset", kind, label, "val", 2)]


def test_a_compressed_tar_is_told_with_the_reason(tmp_path):
    write(tmp_path / "train.tar.gz", gzip.compress(b"x"))
    (found,) = detect(tmp_path)
    assert "compressed with gzip" in found.problems[0]


def test_a_saved_hugging_face_data_set(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    rows = {"image": [{"bytes": jpeg(), "path": None}] * 2, "label": [1, 0]}
    part = datasets.Dataset.from_dict(rows, features=features)
    datasets.DatasetDict({"train": part, "test": part}).save_to_disk(str(tmp_path / "pets"))
    assert seen(tmp_path) == [
        ("HfDataset", "classification", "class", "train", 2),
        ("HfDataset", "classification", "class", "test", 2),
    ]
    assert read(detect(tmp_path)[0]).names == ("cat", "dog")
    next((tmp_path / "pets" / "train").glob("*.arrow")).write_bytes(b"no")
    assert detect(tmp_path)[0].problems


def test_official_files_are_not_recognised_twice(tmp_path):
    coco(tmp_path / "coco")
    vqa(tmp_path / "vqa")
    pictures(tmp_path, "pets/cat/1.jpg", "pets/dog/1.jpg")
    assert sorted(found.reader for found in detect(tmp_path)) == [
        "CocoCaptions",
        "CocoCaptions",
        "ImageFolder",
        "Vqav2",
    ]


def test_hidden_and_deep_folders_are_not_looked_at(tmp_path):
    pictures(tmp_path, ".git/cat/1.jpg", ".git/dog/1.jpg", "a/b/c/d/e/cat/1.jpg", "a/b/c/d/e/dog/1.jpg")
    assert detect(tmp_path) == ()
    assert max(len(folder.relative_to(tmp_path).parts) for folder in survey_folder(tmp_path).listings) == 4


def test_folders_of_many_files_are_looked_at_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr("motet.data.detect.survey._MAX_FILES", 3)
    pictures(tmp_path, *(f"{kind}/{place}.jpg" for kind in ("cat", "dog") for place in range(5)))
    assert {
        len(listing.files) for folder, listing in survey_folder(tmp_path).listings.items() if folder != tmp_path
    } == {3}
    assert seen(tmp_path) == [("ImageFolder", "classification", "class", "", 10)]


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ("train.csv", "train"),
        ("x/Dev/q.json", "val"),
        ("t10k-images", "test"),
        ("val2017", "val"),
        ("latest.csv", ""),
        ("a.csv", ""),
    ],
)
def test_parts_by_names(place, part):
    assert split_of(Path("root") / place, Path("root")) == part
