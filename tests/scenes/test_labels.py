"""Annotations are computed when read, once, and the rest never."""

import pytest

from motet.scenes import Scenes, labels


def test_nothing_is_computed_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def spied(name: str, compute):
        return lambda row: (read.append(name), compute(row))[1]

    monkeypatch.setattr(labels, "COMPUTE", {name: spied(name, compute) for name, compute in labels.COMPUTE.items()})
    row = Scenes(part="train", count=1)[0].labels
    assert list(row)
    assert len(row) == len(list(row))
    assert "boxes" in row
    assert "text" not in row
    assert read == []
    assert row["edges"] is row["edges"]
    assert read == ["edges", "instances"]
    assert row["instances"] is row["instances"]
    assert read == ["edges", "instances"]


def test_an_unknown_annotation_is_a_key_error() -> None:
    row = Scenes(part="train", count=1)[0].labels
    with pytest.raises(KeyError, match="bones"):
        row["bones"]
    assert row.get("text") is None


def test_a_rows_own_annotations_come_with_the_scene_s() -> None:
    row = Scenes(part="train", count=1, question_kinds="size")[0].labels
    assert row["answers"] == (row["answer"],)
    assert {"answer", "answers", "captions", "captions_de", "class"} <= set(row)
    assert dict(row)["answer"] == row["answer"]
