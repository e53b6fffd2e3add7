"""Conversations about images in the forms of LLaVA, ShareGPT and chats."""

import json

import pytest
from user_folders import images, write

from motet.core import DataError
from motet.data.detect import detect
from motet.data.readers import READERS, Conversations

LLAVA = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "a cup"}]
ROLES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is it?<image>"}]
PARTS = [
    {"role": "user", "content": [{"type": "image", "image": "a.jpg"}, {"type": "text", "text": "What is it?"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "a cup"}]},
]


def reader_of(root, rows, name="train.json"):
    images(root, "photos/a.jpg", "photos/b.jpg")
    write(root / name, rows)
    (found,) = detect(root)
    assert (found.reader, found.kind, found.problems) == ("Conversations", "question answering", ())
    return READERS[found.reader](**found.arguments)


@pytest.mark.parametrize(
    "row",
    [
        {"id": "row-7", "image": "a.jpg", "conversations": LLAVA},
        {"images": ["a.jpg"], "conversations": LLAVA},
        {"images": [{"path": "a.jpg", "bytes": None}], "messages": [*ROLES, {"role": "assistant", "content": "a cup"}]},
        {"messages": PARTS},
    ],
)
def test_each_form_is_a_question_with_its_answer(tmp_path, row):
    reader = reader_of(tmp_path, [row])
    assert (reader[0].text, reader[0].labels) == ("What is it?", {"answers": ("a cup",), "answer": "a cup"})
    assert reader.keys(0) == (f"{tmp_path.name}/photos/a.jpg",)
    assert "row-7" not in str(reader[0].labels)


def test_turns_are_rows_and_conversations_without_an_image_are_none(tmp_path):
    turns = [*LLAVA, {"from": "human", "value": "And its colour?"}, {"from": "gpt", "value": "red"}]
    rows = [
        {"image": "a.jpg", "conversations": turns},
        {"conversations": turns},
        {"image": "b.jpg", "conversations": LLAVA},
    ]
    reader = reader_of(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "train.jsonl")
    assert [(row.id.rpartition("/")[2], row.text, row.labels["answer"]) for row in reader] == [
        ("0.0", "What is it?", "a cup"), ("0.1", "And its colour?", "red"), ("2.0", "What is it?", "a cup"),
    ]  # fmt: skip


def test_a_list_under_a_key_is_read(tmp_path):
    assert len(reader_of(tmp_path, {"version": 1, "data": [{"image": "a.jpg", "conversations": LLAVA}]})) == 1


def test_a_broken_conversation_is_an_error_of_its_row(tmp_path):
    images(tmp_path, "a.jpg")
    strange = [{"from": "narrator", "value": "Once."}]
    rows = [{"image": "a.jpg", "conversations": turns} for turns in (LLAVA, strange)]
    rows.append({"image": "a.jpg", "conversations": [{"from": "human", "value": "<image>"}, LLAVA[1]]})
    write(tmp_path / "t.json", rows)
    reader = Conversations(tmp_path / "t.json")
    assert len(reader) == 3
    with pytest.raises(DataError, match=r"turn 0: got the role 'narrator'; want user or assistant .*row 1"):
        reader[1]
    with pytest.raises(DataError, match=r"question: got an empty one in turn 0; want words .*row 2"):
        reader[2]


def test_missing_images_are_a_problem_that_names_them(tmp_path):
    write(tmp_path / "train.json", [{"id": "1", "image": "coco/none.jpg", "conversations": LLAVA}])
    (found,) = detect(tmp_path)
    assert "got no folder with the image coco/none.jpg" in found.problems[0]
    write(tmp_path / "train.json", [{"id": "1", "conversations": LLAVA}])
    (found,) = detect(tmp_path)
    assert "got none about an image" in found.problems[0]
