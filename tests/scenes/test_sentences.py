"""Text tasks about scenes."""

from collections import Counter

import pytest

from motet.scenes import SENTENCE_NAMES, Scenes, SceneSentences

SCENES = Scenes(part="train", count=300, kinds=20)


@pytest.mark.parametrize("kind", SENTENCE_NAMES)
def test_classes_are_equally_likely_and_rows_have_no_images(kind) -> None:
    reader = SceneSentences(SCENES, kind)
    rows = [reader[index] for index in range(len(reader))]
    counts = Counter(row.labels["class"] for row in rows)
    assert set(counts) == set(range(len(reader.names)))
    assert min(counts.values()) > 300 / len(reader.names) * 0.7
    assert all(row.images == () and reader.keys(0) == () for row in rows)
    assert all(row.labels["answer"] == reader.names[row.labels["class"]] for row in rows)


def test_a_hypothesis_about_presence_agrees_with_its_premise() -> None:
    checked = 0
    for index in range(300):
        row = SceneSentences(SCENES, "entailment")[index]
        premise, hypothesis = row.text
        if hypothesis.startswith("there is no "):
            mentioned = hypothesis.removeprefix("there is no ") in premise
            assert row.labels["answer"] == ("contradiction" if mentioned else "neutral")
            checked += 1
    assert checked > 20


def test_an_answerable_question_of_colour_has_its_answer_in_the_premise() -> None:
    from motet.scenes import COLOURS

    for index in range(300):
        row = SceneSentences(SCENES, "answerable")[index]
        premise, question = row.text
        if question.startswith("what colour") and row.labels["answer"] == "answerable":
            assert any(colour in premise for colour in COLOURS)


def test_faces_of_train_and_test_are_different() -> None:
    train, test = (
        {
            SceneSentences(Scenes(part=part, count=150), "sentiment")[index].text.split(" ", 2)[-1]
            for index in range(150)
        }
        for part in ("train", "test")
    )
    faces = [{text.rpartition(" a ")[2] for text in texts} for texts in (train, test)]
    assert not faces[0] & faces[1]
