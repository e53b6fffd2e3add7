"""GQA, Visual Genome and easy-VQA, and files that are broken."""

from user_folders import coco, image, images, read, summaries, write

from motet.data.detect import detect


def test_a_truncated_json_is_a_problem(tmp_path):
    coco(tmp_path)
    path = tmp_path / "annotations" / "captions_val2017.json"
    path.write_text(path.read_text()[:-3])
    broken = [found for found in detect(tmp_path) if found.problems]
    assert [(found.reader, found.split) for found in broken] == [("CocoCaptions", "val")]
    assert "JSON: got" in broken[0].problems[0]


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


def test_visual_genome_objects_with_attributes(tmp_path):
    image(tmp_path / "VG_100K" / "7.jpg")
    thing = {"object_id": 1, "names": ["cat"], "x": 1, "y": 1, "w": 5, "h": 5}
    write(tmp_path / "objects.json", [{"image_id": 7, "objects": [thing]}])
    given = [{"image_id": 7, "attributes": [{**thing, "attributes": ["red"]}]}]
    write(tmp_path / "attributes.json", given)
    write(tmp_path / "image_data.json", [{"image_id": 7, "coco_id": 99, "url": "", "width": 12, "height": 10}])
    (found,) = detect(tmp_path)
    reader = read(found)
    assert (found.reader, found.kind, found.problems) == ("VisualGenomeObjects", "detection", ())
    assert (reader.names, reader.attribute_names, reader.keys(0)) == (("cat",), ("red",), ("coco/99",))
    assert reader[0].labels["boxes"].attributes == ((0,),)
    (tmp_path / "attributes.json").unlink()
    (found,) = detect(tmp_path)
    assert read(found).attribute_names == ()
