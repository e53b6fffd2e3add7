import numpy as np
import pytest

from motet.core import BoxSet, Example, Masked, ScalarPrediction, Score, Task
from motet.data.source import Source
from motet.evaluation import evaluate, with_trivial_baselines
from motet.evaluation.trivial.constant_answers import annotation_as_prediction, constant_baselines
from motet.evaluation.trivial.shuffled_images import ShuffledImages
from motet.metrics import Accuracy, MaskedRegionAccuracy
from motet.tasks import (
    captioning,
    classification,
    detection,
    matching,
    pointing,
    question_answering,
    referring,
    sentence_pair,
    verification,
)

NAMES = ("cat", "dog", "cow")


def known(task: Task, rows):
    """Rows with their annotations."""
    return [(row, task.annotation_of(row)) for row in rows]


def test_the_majority_is_that_of_training_rows(toy) -> None:
    task = classification("pets", NAMES)
    train = known(task, [toy["row"](i, "cat", **{"class": c}) for i, c in enumerate([1, 1, 2])])
    held_out = known(task, [toy["row"](i, "cat", **{"class": c}) for i, c in enumerate([2, 2, 2, 1])])
    assert constant_baselines(task, train, held_out) == {"majority": 25.0}


def test_a_question_has_a_majority_of_its_own(toy) -> None:
    task = question_answering("vqa")
    predicted = [("Is it?", "yes"), ("Is it?", "yes"), ("How many?", "2"), ("How many?", "2"), ("Is it?", "yes")]
    rows = [toy["row"](i, "", text=q, answers=(a,)) for i, (q, a) in enumerate(predicted)]
    new = toy["row"](9, "", text="Which?", answers=("yes",))
    baselines = constant_baselines(task, known(task, rows), known(task, [*rows, new]))
    assert baselines == {"majority": pytest.approx(400 / 6), "question majority": 100.0}


def test_the_best_caption_for_all_images_is_found(toy) -> None:
    task = captioning()
    texts = ["a dog runs", "a cat runs", "a dog runs", "the dog runs fast", "a bird"]
    rows = known(task, [toy["row"](i, "", captions=(text,)) for i, text in enumerate(texts)])
    best = constant_baselines(task, rows, rows)["constant"]
    assert best > 0
    assert best == constant_baselines(task, rows, rows)["constant"]


def test_a_number_has_the_median_for_a_baseline_and_no_rows_no_baseline() -> None:
    assert constant_baselines(classification("pets", NAMES), [], []) == {}
    task = Task(name="x", inputs=frozenset({"image"}), label="y", target=Score(0, 9), metrics=(Accuracy,))
    assert annotation_as_prediction(task, 3) == ScalarPrediction(3.0)


def sources(toy):
    """Pictures whose first letter decides the class; the system reads the whole word."""
    words = ["cat", "dog", "cat", "cat", "dog", "cat"]
    task = classification("pets", NAMES)
    rows = tuple(toy["row"](i, word, **{"class": NAMES.index(word)}) for i, word in enumerate(words))
    train = Source(name="train", reader=toy["reader"](rows), tasks=(task,))
    held_out = Source(name="val", reader=toy["reader"](rows), tasks=(task,), role="val")
    return train, held_out, toy["system"](task)


def test_a_report_gets_every_baseline_and_a_note_on_its_rows(toy) -> None:
    train, held_out, system = sources(toy)
    report = evaluate(system, [held_out], batch_size=2)
    whole = with_trivial_baselines(report, system, [train], [held_out], batch_size=4)
    baselines = whole.trivial_baselines["pets"]
    assert baselines["majority"] == pytest.approx(400 / 6)
    assert baselines["nearest neighbour"] == 100.0
    assert baselines["image shuffled"] < report.main("pets").value == 100.0
    assert "trivial baselines of pets: evaluated on 6 of 6 rows, predictions from 6 training rows" in whole.notes
    assert whole.results == report.results


def test_baselines_use_few_rows_and_note_it(toy) -> None:
    train, held_out, system = sources(toy)
    report = evaluate(system, [held_out], batch_size=2)
    whole = with_trivial_baselines(report, system, [train], [held_out], batch_size=4, max_train=3, max_rows=4)
    assert "trivial baselines of pets: evaluated on 4 of 6 rows, predictions from 3 training rows" in whole.notes


def test_an_image_of_several_tasks_is_encoded_once(toy) -> None:
    train, held_out, _ = sources(toy)
    pets, again = classification("pets", NAMES), classification("again", NAMES)
    train, held_out = (toy["replace"](source, tasks=(pets, again)) for source in (train, held_out))
    system = toy["system"](pets, again)
    report = evaluate(system, [held_out], batch_size=4)
    baselines = with_trivial_baselines(report, system, [train], [held_out], batch_size=4).trivial_baselines
    assert baselines["again"]["nearest neighbour"] == baselines["pets"]["nearest neighbour"] == 100.0
    assert system.encoded == 6


def test_a_system_without_a_frozen_encoder_has_no_neighbours(toy, monkeypatch) -> None:
    train, held_out, system = sources(toy)
    monkeypatch.setattr(system, "encoder_key", lambda: None)
    report = evaluate(system, [held_out], batch_size=2)
    assert (
        "nearest neighbour"
        not in with_trivial_baselines(report, system, [train], [held_out], batch_size=4).trivial_baselines["pets"]
    )


def test_composed_questions_are_drawn_for_the_baselines(toy) -> None:
    task = question_answering("vqa")
    rows = tuple(toy["row"](i, "yes", text="Is it?", answers=("yes",)) for i in range(3))
    bare = tuple(toy["row"](i, "yes") for i in range(3))
    train = Source(
        name="train", reader=toy["reader"](bare), tasks=(task,), compose=lambda reader, index, rng: rows[index]
    )
    held_out = Source(name="val", reader=toy["reader"](rows), tasks=(task,), role="val")
    system = toy["system"](task)
    whole = with_trivial_baselines(
        evaluate(system, [held_out], batch_size=2), system, [train], [held_out], batch_size=2
    )
    assert whole.trivial_baselines["vqa"]["majority"] == 100.0
    assert "nearest neighbour" not in whole.trivial_baselines["vqa"]


def test_no_image_keeps_its_place_when_images_are_shuffled(toy) -> None:
    rows = tuple(toy["row"](i, f"content {i // 2}", image=f"image{i // 2}", text=str(i)) for i in range(10))
    reader = toy["reader"](rows)
    shuffled = ShuffledImages.of(reader, range(10))
    assert shuffled is not None
    for place in range(10):
        example = shuffled[place]
        assert (example.id, example.text) == (rows[place].id, rows[place].text)
        assert example.image_ids == shuffled.keys(place) != rows[place].image_ids
        assert example.images[0].read() != rows[place].images[0].read()
    assert sorted({shuffled.keys(place) for place in range(10)}) == sorted({row.image_ids for row in rows})


def test_a_map_gets_the_size_of_the_image_that_replaces_its_own(toy) -> None:
    maps = [np.full((2, 4), 1), np.full((6, 2), 2), None]
    labels = [{"other": 0} if values is None else {"segmentation": values, "other": 0} for values in maps]
    rows = tuple(toy["row"](i, "a", image=f"image{i}", **found) for i, found in enumerate(labels))
    shuffled = ShuffledImages.of(toy["reader"](rows), range(3), map_label="segmentation")
    assert shuffled is not None
    for place in range(3):
        taken, own = maps[shuffled.instead[place]], maps[place]
        if taken is None or own is None:
            assert not shuffled[place].labels
        else:
            found = shuffled[place].labels["segmentation"]
            assert found.shape == taken.shape
            assert (found == own.flat[0]).all()


def test_one_image_or_none_cannot_be_shuffled(toy) -> None:
    rows = (toy["row"](0, "a", image="one"), toy["row"](1, "a", image="one"))
    assert ShuffledImages.of(toy["reader"](rows), [0, 1]) is None
    assert ShuffledImages.of(toy["reader"]((Example(id="text"), Example(id="more"))), [0, 1]) is None


def seen(*corners, labels, crowd=()) -> BoxSet:
    """Annotated boxes, one per label."""
    return BoxSet(
        np.array(corners, dtype=np.float64).reshape(-1, 4),
        np.array(labels, dtype=np.int64),
        np.ones(len(labels)),
        crowd=np.array(crowd, dtype=bool),
    )


def test_boxes_have_the_mean_box_of_every_class_for_a_baseline() -> None:
    task = detection("find", ("cat", "dog"))
    first = seen((0, 0, 40, 40), (50, 50, 90, 90), labels=[0, 1])
    second = seen((20, 0, 60, 40), labels=[0])
    train = [(Example(id="a"), first), (Example(id="b"), second), (Example(id="c"), seen(labels=[]))]
    held_out = [(Example(id="d"), seen((10, 0, 50, 40), (50, 50, 90, 90), labels=[0, 1]))]
    assert constant_baselines(task, train, held_out) == {"constant": pytest.approx(100.0)}
    elsewhere = [(Example(id="d"), seen((200, 200, 240, 240), labels=[0]))]
    assert constant_baselines(task, train, elsewhere) == {"constant": 0.0}


def test_without_any_training_box_no_box_is_predicted() -> None:
    task, empty = detection("find", ("cat",)), [(Example(id="a"), seen(labels=[]))]
    held_out = [(Example(id="b"), seen((0, 0, 9, 9), labels=[0]))]
    assert constant_baselines(task, empty, held_out) == {"constant": 0.0}


def test_crowds_of_a_neighbour_are_not_predicted() -> None:
    annotation = seen((0, 0, 9, 9), (0, 0, 90, 90), labels=[0, 0], crowd=[False, True])
    predicted = annotation_as_prediction(detection("find", ("cat",)), annotation)
    assert isinstance(predicted, BoxSet)
    assert predicted.boxes_xyxy.tolist() == [[0, 0, 9, 9]]


def test_a_second_sentence_may_give_the_answer_away() -> None:
    task = sentence_pair("follows", ("no", "yes"))
    pairs = [("a dog", "there is no dog", 0), ("a cat", "there is no dog", 0), ("a dog", "there is a dog", 1)] * 2
    rows = known(task, [Example(id=str(i), text=(a, b), labels={"class": c}) for i, (a, b, c) in enumerate(pairs)])
    new = known(task, [Example(id="n", text=("a cow", "there is a dog"), labels={"class": 1})])
    baselines = constant_baselines(task, rows, new)
    assert baselines == {"majority": 0.0, "question majority": 0.0, "second sentence": 100.0}


def test_pointing_and_retrieval_rows_have_chance_and_the_largest_box_for_baselines() -> None:
    boxes = ((0.0, 0.0, 9.0, 9.0), (0.0, 0.0, 4.0, 4.0), (0.0, 0.0, 5.0, 5.0))
    rows = [
        Example(id=str(i), text="that one", candidates=boxes, labels={"match": frozenset({i % 2})}) for i in range(4)
    ]
    point = pointing()
    assert constant_baselines(point, known(point, rows), known(point, rows)) == {
        "chance": pytest.approx(100 / 3),
        "largest box": 50.0,
    }
    match = matching()
    texts = [Example(id=str(i), candidates=("a", "b", "c", "d"), labels={"match": frozenset({0})}) for i in range(2)]
    assert constant_baselines(match, known(match, texts), known(match, texts)) == {"chance": 25.0}
    alone = [Example(id="x", labels={"match": frozenset({0})})]
    assert constant_baselines(match, known(match, texts), known(match, alone)) == {}


def test_a_place_has_the_mean_box_and_the_largest_candidate_for_baselines() -> None:
    task = referring()
    train = known(task, [Example(id=str(i), text="it", labels={"region": (0, 0, 8 + 4 * i, 10)}) for i in range(2)])
    boxes = ((0.0, 0.0, 3.0, 3.0), (0.0, 0.0, 40.0, 40.0))
    held_out = [Example(id="a", text="it", candidates=boxes, labels={"region": (0, 0, 10, 10)})]
    held_out += [Example(id="b", text="it", candidates=boxes, labels={"region": (0, 0, 40, 40)})]
    assert constant_baselines(task, train, known(task, held_out)) == {"constant": 50.0, "largest box": 50.0}
    nothing = known(task, [Example(id="n", text="it", labels={"region": None})] * 3)
    assert constant_baselines(task, nothing, nothing[:1]) == {"constant": 100.0}


def test_a_statement_has_its_majority_and_that_of_its_words_for_baselines() -> None:
    task = verification()
    predicted = [("all are red", 1), ("all are red", 1), ("none is", 0), ("none is", 0), ("none is", 0)]
    rows = known(task, [Example(id=str(i), text=text, labels={task.label: c}) for i, (text, c) in enumerate(predicted)])
    assert constant_baselines(task, rows, rows) == {"majority": 60.0, "question majority": 100.0}


def test_hidden_regions_are_evaluated_against_the_mean_of_those_in_sight() -> None:
    task = Task(
        name="regions",
        inputs=frozenset({"image"}),
        label="x",
        target=Masked("regions"),
        metrics=(MaskedRegionAccuracy,),
    )
    rows = [(Example(id="a"), None), (Example(id="b"), None)]
    assert constant_baselines(task, rows, rows) == {"mean of visible regions": 0.0}
