"""Tasks of Label Studio's two JSON exports; the reader's tests have the rest."""

import json

import pytest

from motet.data.formats.label_studio_tasks import is_label_studio, read_studio_export

MIN = {"image": "a.jpg", "annotator": 1, "annotation_id": 2}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([{"data": {}, "annotations": []}], True),
        ([{"data": {}, "completions": []}], True),
        ([MIN], True),
        ([{"image": "a.jpg", "annotator": 1}], False),
        ([{**MIN, "image": "no image"}], False),
        ([{"data": {}}], False),
        ([], False),
        ({"data": {}, "annotations": []}, False),
    ],
)
def test_exports_are_known_by_their_keys(data, expected):
    assert is_label_studio(data) == expected


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["cat", "dog", "cat", "dog"], "class"),
        (["a cat", "a dog"], "class"),
        (["cat", "dog", "cow", "hen", "pig"], "captions"),
        (["A cat that sleeps on a sofa.", "A cat that sleeps on a sofa."], "captions"),
    ],
)
def test_texts_of_json_min_are_classes_where_they_are_few_and_short(tmp_path, write, texts, kind):
    tasks = [{**MIN, "id": number, "answer": text} for number, text in enumerate(texts)]
    export = read_studio_export(write(tmp_path / "p.json", json.dumps(tasks)))
    assert export.controls == {"answer": kind}
    assert [task.values["answer"] for task in export.tasks] == [(text,) for text in texts]
