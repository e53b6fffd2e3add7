"""COCO, VQA, GQA, Visual Genome and easy-VQA, whole and broken."""

from user_folders import coco, images, read, summaries, vqa, write

from motet.data.detect import detect


def test_coco_captions(tmp_path):
    coco(tmp_path)
    assert summaries(tmp_path) == [
        ("CocoCaptions", "captioning", "captions", "train", 1),
        ("CocoCaptions", "captioning", "captions", "val", 1),
    ]
    assert [read(found)[0].image_ids for found in detect(tmp_path)] == [("coco/9",), ("coco/25",)]


def test_other_images_in_coco_form_have_ids_of_their_own(tmp_path):
    images(tmp_path, "birds/images/robin.jpg")
    data = {"images": [{"id": 1, "file_name": "robin.jpg"}], "annotations": [{"image_id": 1, "caption": "A robin."}]}
    write(tmp_path / "birds" / "captions.json", data)
    (found,) = detect(tmp_path)
    assert read(found)[0].image_ids == ("birds/1",)


def test_a_misspelled_key_is_a_problem_in_the_words_of_the_reader(tmp_path):
    coco(tmp_path, caption="captoin")
    found = detect(tmp_path)
    assert [one.rows for one in found] == [0, 0]
    assert "key 'caption'" in found[0].problems[0]
    assert "captions_train2017.json, row 0" in found[0].problems[0]


def test_a_truncated_json_is_a_problem(tmp_path):
    coco(tmp_path)
    path = tmp_path / "annotations" / "captions_val2017.json"
    path.write_text(path.read_text()[:-3])
    broken = [found for found in detect(tmp_path) if found.problems]
    assert [(found.reader, found.split) for found in broken] == [("CocoCaptions", "val")]
    assert "JSON: got" in broken[0].problems[0]


def test_missing_images_are_a_problem(tmp_path):
    coco(tmp_path)
    (tmp_path / "val2017" / "000000000025.jpg").unlink()
    assert [bool(found.problems) for found in detect(tmp_path)] == [False, True]


def test_vqa_finds_the_annotations_of_its_questions(tmp_path):
    vqa(tmp_path)
    (found,) = detect(tmp_path)
    assert (found.reader, found.label, found.split, found.rows) == ("Vqav2", "answers", "train", 1)
    assert read(found)[0].labels["answer"] == "dog"


def test_vqa_with_nine_answers_is_a_problem(tmp_path):
    vqa(tmp_path, answers=9)
    (found,) = detect(tmp_path)
    assert "answers: got 9; want 10" in found.problems[0]


def test_vqa_without_annotations_is_a_problem(tmp_path):
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
    images(tmp_path, "gqa/images/24.jpg", "vg/VG_100K/4.jpg", "easy/train/images/0.png")
    write(
        tmp_path / "gqa" / "val_balanced_questions.json", {"1": {"imageId": "24", "question": "What?", "answer": "dog"}}
    )
    qa = {"qa_id": 1, "image_id": 4, "question": "What?", "answer": "A dog."}
    write(tmp_path / "vg" / "question_answers.json", [{"id": 4, "qas": [qa]}])
    write(tmp_path / "easy" / "answers.txt", "circle\n")
    write(tmp_path / "easy" / "train" / "questions.json", [["what?", "circle", 0]])
    assert sorted(summaries(tmp_path)) == [
        ("EasyVqa", "question answering", "answers", "train", 1),
        ("Gqa", "question answering", "answers", "val", 1),
        ("VisualGenomeQA", "question answering", "answers", "", 1),
    ]
    assert all(len(read(found)) == 1 for found in detect(tmp_path))
