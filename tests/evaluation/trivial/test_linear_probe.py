"""The linear probe: which tasks have one, on which features, and what it may read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from motet.core import ConfigError, Example, MemoryImage, ScalarPrediction, Score, Task, TextPrediction
from motet.data.source import Source
from motet.evaluation import evaluate, with_trivial_baselines
from motet.evaluation.trivial import linear_probe
from motet.evaluation.trivial.constant_answers import AnnotatedRows, score
from motet.evaluation.trivial.linear_probe import LinearProbe
from motet.evaluation.trivial.nearest_neighbour import nearest_neighbour_baseline
from motet.metrics import Accuracy
from motet.tasks import captioning, classification, detection, question_answering, referring, sentence, sentence_pair

KIND = classification("kind", ("a", "b"))


@dataclass
class KnownFeatures:
    """Stands in for `PretrainedFeatures`: the vectors of images and texts are given."""

    images: dict[str, np.ndarray]
    texts: Callable[[str], Sequence[float]] | None = None

    @property
    def has_images(self) -> bool:
        return bool(self.images)

    @property
    def has_texts(self) -> bool:
        return self.texts is not None

    def of_images(self, task: Task, examples: Sequence[Example]) -> np.ndarray:
        return np.stack([self.images[example.id] for example in examples])

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        assert self.texts is not None
        return np.array([self.texts(text) for text in texts], dtype=float)


def seen(name: str, text: Any = "", image: str = "", **labels: Any) -> Example:
    """A row with an image that no one opens."""
    key = image or name
    return Example(id=name, images=(MemoryImage(key, b""),), image_ids=(key,), text=text, labels=labels)


def known(task: Task, rows: Sequence[Example]) -> AnnotatedRows:
    return [(row, task.annotation_of(row)) for row in rows]


def hidden_class(rows: int, prefix: str, seed: int) -> tuple[list[Example], dict[str, np.ndarray]]:
    """Rows whose class is the sign of one dimension beside twelve that say nothing and weigh more."""
    rng = np.random.default_rng(seed)
    vectors = 4 * rng.normal(size=(rows, 13))
    classes = [i % 2 for i in range(rows)]
    vectors[:, 0] = [1.0 if one else -1.0 for one in classes]
    names = [f"{prefix}{i}" for i in range(rows)]
    examples = [seen(name, **{"class": one}) for name, one in zip(names, classes, strict=True)]
    return examples, dict(zip(names, vectors, strict=True))


def value_of(probe: LinearProbe | None, task: Task, rows: AnnotatedRows) -> float:
    assert probe is not None
    return score(task, rows, probe.predict([example for example, _ in rows]))


def test_classes_that_one_direction_separates_are_found_where_neighbours_are_lost() -> None:
    train, vectors = hidden_class(100, "train", 0)
    held_out, others = hidden_class(60, "test", 1)
    features: Any = KnownFeatures(vectors | others)
    rows = known(KIND, held_out)
    nearest = nearest_neighbour_baseline(features, KIND, known(KIND, train), rows)["nearest neighbour"]
    probe = LinearProbe.fit(features, KIND, known(KIND, train))
    assert value_of(probe, KIND, rows) == 100.0
    assert nearest < 85
    assert probe is not None
    assert probe.about == (
        "linear probe of kind: logistic regression on 13 features (mean image features) of 100 training rows, "
        f"strength {probe.model.strength:g}"
    )


def test_a_fit_is_the_same_for_a_seed_and_rows_of_a_large_set_are_drawn() -> None:
    rows, vectors = hidden_class(60, "train", 0)
    features: Any = KnownFeatures(vectors)
    first, again, other = (
        LinearProbe.fit(features, KIND, known(KIND, rows), seed=seed, max_rows=30) for seed in (3, 3, 4)
    )
    assert first is not None
    assert again is not None
    assert other is not None
    assert (first.model.weights == again.model.weights).all()
    assert (first.model.weights != other.model.weights).any()
    assert "of 30 training rows" in first.about


def test_rows_of_one_image_are_in_one_fold() -> None:
    rows = [seen(f"{i}", image=f"image{i % 7}", **{"class": i % 2}) for i in range(42)]
    folds = linear_probe._folds(rows, 0, "kind")
    assert set(folds.tolist()) == {0, 1, 2, 3, 4}
    assert len({(row.image_ids, fold) for row, fold in zip(rows, folds.tolist(), strict=True)}) == 7


def test_large_problems_are_solved_in_closed_form(monkeypatch) -> None:
    train, vectors = hidden_class(60, "train", 0)
    monkeypatch.setattr(linear_probe, "_MAX_LOGISTIC", 100)
    features: Any = KnownFeatures(vectors)
    probe = LinearProbe.fit(features, KIND, known(KIND, train))
    assert probe is not None
    assert "ridge regression" in probe.about
    assert value_of(probe, KIND, known(KIND, train)) == 100.0


def test_a_sentence_is_classified_by_its_states_and_a_pair_by_their_difference() -> None:
    def states(text: str) -> list[float]:
        return [float(len(text)), float(text.count("x"))]

    rng = np.random.default_rng(0)
    task = sentence("long", ("no", "yes"))
    texts = ["o" * n for n in rng.integers(1, 40, size=60)]
    rows = known(task, [Example(id=str(i), text=t, labels={"class": int(len(t) > 20)}) for i, t in enumerate(texts)])
    features: Any = KnownFeatures({}, states)
    probe = LinearProbe.fit(features, task, rows)
    assert value_of(probe, task, rows) > 90
    assert probe is not None
    assert "2 features (mean text states)" in probe.about

    pair = sentence_pair("equal", ("no", "yes"))
    numbers = rng.integers(0, 2, size=(60, 2))
    pairs = [("x" * a, "x" * b) for a, b in numbers]
    rows = known(pair, [Example(id=str(i), text=p, labels={"class": int(p[0] == p[1])}) for i, p in enumerate(pairs)])
    assert value_of(LinearProbe.fit(features, pair, rows), pair, rows) == 100.0


def test_without_a_text_encoder_a_sentence_is_a_bag_of_words() -> None:
    task = sentence("mood", ("bad", "good"))
    texts = ["a fine film", "a dull film", "fine !", "so dull"] * 5
    rows = known(task, [Example(id=str(i), text=t, labels={"class": int("fine" in t)}) for i, t in enumerate(texts)])
    features: Any = KnownFeatures({})
    probe = LinearProbe.fit(features, task, rows)
    assert value_of(probe, task, rows) == 100.0
    assert probe is not None
    assert "(bag of words)" in probe.about


def test_a_question_is_answered_from_image_and_words_among_the_commonest_answers(monkeypatch) -> None:
    monkeypatch.setattr(linear_probe, "MAX_ANSWERS", 4)
    task = question_answering("vqa")
    questions = [("Is it red?", ("no", "yes")), ("Which is it?", ("cat", "dog"))]
    rows = []
    for i in range(40):
        text, answers = questions[i % 2]
        rows.append(seen(f"{i}", text, answers=(answers[i // 2 % 2],)))
    rows.append(seen("rare", "Is it red?", answers=("perhaps",)))
    vectors = {row.id: np.array([float(i // 2 % 2), 1.0]) for i, row in enumerate(rows)}
    features: Any = KnownFeatures(vectors)
    probe = LinearProbe.fit(features, task, known(task, rows))
    assert probe is not None
    assert "of 40 training rows" in probe.about
    assert "mean image features and bag of words" in probe.about
    assert {output.text for output in probe.outputs if isinstance(output, TextPrediction)} == {
        "no",
        "yes",
        "cat",
        "dog",
    }
    assert value_of(probe, task, known(task, rows[:40])) == 100.0


def test_a_number_is_predicted_by_ridge_regression() -> None:
    task = Task(name="x", inputs=frozenset({"image"}), label="y", target=Score(0, 9), metrics=(Accuracy,))
    rng = np.random.default_rng(0)
    rows = [seen(f"{i}", y=float(i % 10)) for i in range(50)]
    vectors = {row.id: np.append(rng.normal(size=3), 2 * row.labels["y"]) for row in rows}
    features: Any = KnownFeatures(vectors)
    probe = LinearProbe.fit(features, task, known(task, rows))
    assert probe is not None
    (answer,) = probe.predict([rows[7]])
    assert isinstance(answer, ScalarPrediction)
    assert answer.value == pytest.approx(7, abs=0.1)


def test_other_targets_inputs_and_training_rows_have_no_probe() -> None:
    rows, vectors = hidden_class(20, "train", 0)
    features: Any = KnownFeatures(vectors)
    nothing: Any = KnownFeatures({})
    labels = {"captions": ("a dog",), "boxes": None, "region": (0, 0, 9, 9)}
    others = [seen(row.id, "it", **labels) for row in rows]
    for task in (captioning(), detection("find", ("cat",)), referring()):
        assert LinearProbe.fit(features, task, [(row, row.labels.get(task.label)) for row in others]) is None
    train = known(KIND, rows)
    assert LinearProbe.fit(features, KIND, train) is not None
    assert LinearProbe.fit(nothing, KIND, train) is None  # no encoder
    assert LinearProbe.fit(features, KIND, []) is None
    assert LinearProbe.fit(features, KIND, train[:1]) is None
    assert LinearProbe.fit(features, KIND, [row for row in train if row[1] == 1]) is None  # one class
    pair = [(Example(id=r.id, images=r.images * 2, labels=r.labels), one) for r, one in train]
    assert LinearProbe.fit(features, KIND, pair) is None  # two images per row


def sources(toy: Any, test_classes: Sequence[int]) -> tuple[Source, Source]:
    words = ["cat", "dog", "cow"] * 4
    train = [toy["row"](i, word, **{"class": ("cat", "dog", "cow").index(word)}) for i, word in enumerate(words)]
    test = [toy["row"](100 + i, words[i], **{"class": one}) for i, one in enumerate(test_classes)]
    task = classification("pets", ("cat", "dog", "cow"))
    return (
        Source(name="train", reader=toy["reader"](tuple(train)), tasks=(task,)),
        Source(name="test", reader=toy["reader"](tuple(test)), tasks=(task,), role="test"),
    )


def test_a_report_has_the_probe_and_its_line_and_held_out_rows_never_change_its_fit(toy) -> None:
    fitted, values = [], []
    for classes in ([0, 1, 2], [2, 2, 2]):
        train, test = sources(toy, classes)
        system = toy["system"](*train.tasks)
        report = with_trivial_baselines(evaluate(system, [test], batch_size=4), system, [train], [test], batch_size=4)
        values.append(report.trivial_baselines["pets"]["linear probe"])
        fitted.append([note for note in report.notes if note.startswith("linear probe of pets: logistic")])
    # Cat and cow begin with the same letter, the only thing that the features show.
    assert values[0] == pytest.approx(200 / 3)
    assert values[1] in (0.0, pytest.approx(200 / 3))
    assert len(fitted[0]) == 1
    assert fitted[0] == fitted[1]


def test_encoders_whose_weights_are_gone_leave_a_note_instead_of_ending_the_run(toy, monkeypatch) -> None:
    train, test = sources(toy, [0, 1, 2])
    system = toy["system"](*train.tasks)

    def fail() -> None:
        raise ConfigError("TimmEncoder.name: got no network")

    monkeypatch.setattr(system, "pretrained_encoder", fail)
    report = with_trivial_baselines(evaluate(system, [test], batch_size=4), system, [train], [test], batch_size=4)
    assert set(report.trivial_baselines["pets"]) == {"majority", "image shuffled"}
    assert "trivial baselines without pretrained features: TimmEncoder.name: got no network" in report.notes


def test_the_probe_of_a_fine_tuned_encoder_reads_its_weights_of_before_the_training() -> None:
    from motet.nn.encoders import BundledLite0
    from motet.nn.tower import Finetune, FromScratch, Frozen, Tower

    tower = Tower(BundledLite0(size=32), Finetune())
    pixels = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        before = tower.eval()(pixels)
        for parameter in tower.parameters():
            parameter.mul_(1.5)
        pretrained = tower.pretrained()
        assert pretrained is not None
        assert torch.allclose(pretrained(pixels), before, atol=1e-5)
        assert not torch.allclose(tower(pixels), before, atol=1e-2)
    assert Tower(BundledLite0(size=32), FromScratch()).pretrained() is None
    frozen = Tower(BundledLite0(size=32), Frozen())
    assert frozen.pretrained() is frozen
