"""The readers built on scenes: whole, reproducible rows that pickle, and classes equally often."""

import hashlib
import pickle
import re
from collections import Counter

import numpy as np
import pytest

from motet.core import ConfigError, Example, Reader
from motet.scenes import (
    COLOURS,
    MOTIONS,
    SENTENCE_NAMES,
    SceneChoices,
    SceneDialogs,
    ScenePairs,
    SceneReferring,
    Scenes,
    SceneSentences,
    SceneStatements,
    SceneVideos,
)
from motet.scenes.drawings import drawings_of
from motet.scenes.nouns import noun_by_name

SMALL = Scenes(part="train", count=40, kinds=20, num_things=(1, 4))
MANY = Scenes(part="train", count=900, kinds=20)
READERS = [
    SceneStatements(SMALL),
    SceneStatements(SMALL, "entailment"),
    ScenePairs(SMALL),
    SceneReferring(SMALL),
    SceneReferring(SMALL, "look", "question", absent_share=0.3),
    SceneDialogs(SMALL),
    SceneChoices(SMALL),
    SceneChoices(SMALL, "images"),
    *[SceneSentences(SMALL, kind) for kind in SENTENCE_NAMES],
    SceneVideos(part="train", count=12, kinds=20, frames=3, size_hw=(48, 64)),
]


@pytest.mark.parametrize("reader", READERS, ids=[f"{type(reader).__name__}-{i}" for i, reader in enumerate(READERS)])
def test_rows_are_whole_and_the_same_every_time(reader: Reader) -> None:
    copy = pickle.loads(pickle.dumps(reader))
    ids = set()
    for index in range(min(12, len(reader))):
        row, again = reader[index], copy[index]
        assert isinstance(row, Example)
        ids.add(row.id)
        assert (row.id, row.text, row.candidates, row.image_ids) == (
            again.id,
            again.text,
            again.candidates,
            again.image_ids,
        )
        assert row.image_ids == reader.keys(index)
        assert len(row.images) == len(row.image_ids)
        assert [image.fingerprint() for image in row.images] == [image.fingerprint() for image in again.images]
        assert len(row.labels) > 0
    assert len(ids) == min(12, len(reader))
    with pytest.raises(IndexError):
        reader[len(reader)]


@pytest.mark.parametrize(
    "reader",
    [
        SceneStatements(MANY),
        SceneStatements(MANY, "entailment"),
        ScenePairs(MANY),
        *[SceneSentences(MANY, kind) for kind in SENTENCE_NAMES],
        SceneVideos(part="train", count=900, kinds=20),
    ],
    ids=lambda reader: f"{type(reader).__name__}-{'-'.join(reader.names[:2])}",
)
def test_classes_are_balanced(reader: SceneStatements) -> None:
    counts = Counter(reader[i].labels["class"] for i in range(len(reader)))
    share = 1 / len(reader.names)
    spread = 4 * (share * (1 - share) / len(reader)) ** 0.5
    assert set(counts) == set(range(len(reader.names)))
    assert all(abs(count / len(reader) - share) < spread for count in counts.values())


@pytest.mark.parametrize("kinds", [2, 20, None])
def test_entailment_between_sentences_follows_from_the_premise(kinds: int | None) -> None:
    reader = SceneSentences(Scenes(part="train", count=250, kinds=kinds), "entailment")
    numbers = ["no", "one", "two", "three", "four", "five", "six"]
    for index in range(250):
        row = reader[index]
        premise, hypothesis = row.text
        relation = reader.names[row.labels["class"]]
        told: dict[str, tuple[int, str]] = {}
        for noun in reader.scenes.nouns:
            form = noun.forms["en"]
            for words in re.split(r", | and ", premise.removeprefix("there is ").removeprefix("there are ")):
                first, _, rest = words.partition(" ")
                count = 1 if first in ("a", "an") else numbers.index(first)
                if rest == (form.singular if count == 1 else form.plural):
                    told[noun.name] = (count, "")
                elif rest.partition(" ")[2] == (form.singular if count == 1 else form.plural):
                    told[noun.name] = (count, rest.partition(" ")[0])
        plural = {noun.forms["en"].plural: noun.name for noun in reader.scenes.nouns}
        if found := re.fullmatch(r"there is (a|an|no) (.*)", hypothesis):
            known = found[2] in told
            annotation = "neutral" if not known else "contradiction" if found[1] == "no" else "entailment"
        elif found := re.fullmatch(r"there (?:is|are) (\w+) (.*)", hypothesis):
            name = plural.get(found[2], found[2])
            count = numbers.index(found[1])
            annotation = "neutral" if name not in told else "entailment" if told[name][0] == count else "contradiction"
        else:
            found = re.fullmatch(r"the (.*) (?:is|are) (\w+)", hypothesis)
            assert found, hypothesis
            colour = told[plural.get(found[1], found[1])][1]
            annotation = "neutral" if not colour else "entailment" if colour == found[2] else "contradiction"
        assert annotation == relation, row.text


def test_a_hypothesis_alone_says_little() -> None:
    """The best guess from the hypothesis's form stays far below certainty."""
    reader = SceneSentences(MANY, "entailment")
    counts: dict[str, Counter[int]] = {}
    for index in range(900):
        row = reader[index]
        form = " ".join(word for word in row.text[1].split() if word in ("no", "a", "an", "one", "two", "three", "the"))
        counts.setdefault(form, Counter())[row.labels["class"]] += 1
    guessed = sum(max(counter.values()) for counter in counts.values()) / 900
    assert guessed < 0.6


@pytest.mark.parametrize("kinds", [2, 20])
def test_questions_are_answerable_from_their_premise_or_not(kinds: int) -> None:
    reader = SceneSentences(Scenes(part="train", count=200, kinds=kinds), "answerable")
    for index in range(200):
        row = reader[index]
        premise, question = row.text
        if found := re.fullmatch(r"how many (.*) are there\?", question):
            (form,) = [n.forms["en"] for n in reader.scenes.nouns if n.forms["en"].plural == found[1]]
            told = bool(re.search(rf"\b({form.singular}|{form.plural})\b", premise))
        else:
            found = re.fullmatch(r"what colour (?:is|are) the (.*)\?", question)
            assert found, question
            told = any(f"{colour} {found[1]}" in premise for colour in COLOURS)
        assert told == bool(row.labels["class"]), row.text


def test_paraphrases_name_the_same_things() -> None:
    reader = SceneSentences(SMALL, "paraphrase")
    forms = {form: noun.name for noun in SMALL.nouns for form in (noun.name, noun.forms["en"].plural)}

    def things(text: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        for words in re.split(r", | and ", text.removeprefix("from left to right: ")):
            first, _, rest = words.partition(" ")
            counts[forms[rest]] += {"two": 2, "three": 3, "four": 4, "five": 5}.get(first, 1)
        return counts

    for index in range(40):
        row = reader[index]
        assert (things(row.text[0]) == things(row.text[1])) == bool(row.labels["class"])


def test_faces_of_sentiment_differ_between_parts() -> None:
    happy = noun_by_name("happy face")
    train = set(drawings_of(happy, "train", shared=False))
    assert not train & set(drawings_of(happy, "test", shared=False))


def test_a_region_is_the_box_of_the_match() -> None:
    for reader in (SceneReferring(SMALL, absent_share=0.4), SceneDialogs(SMALL)):
        regions = []
        for index in range(30):
            row = reader[index]
            labels = row.labels
            assert len(row.candidates) == len(labels["names"])
            if labels["region"] is None:
                assert labels["match"] == frozenset()
                assert row.text.removeprefix("the ") not in labels["names"]
            else:
                (which,) = labels["match"]
                assert row.candidates[which] == labels["region"] == tuple(labels["boxes"].boxes_xyxy[which])
            regions.append(labels["region"])
        assert (None in regions) == isinstance(reader, SceneReferring)


def test_choices_have_one_right_candidate_and_it_stands_anywhere() -> None:
    places: Counter[int] = Counter()
    for index in range(40):
        row = SceneChoices(SMALL)[index]
        (which,) = row.labels["match"]
        assert len(set(row.candidates)) == 4
        assert row.candidates[which] == row.labels["captions"][0]
        places[which] += 1
        row = SceneChoices(SMALL, "images")[index]
        (which,) = row.labels["match"]
        assert row.candidates[which] == SMALL.keys(index)[0]
        captions = [SMALL[int(name.split("/")[3])].labels["captions"][0] for name in row.candidates]
        assert [said == row.text for said in captions].count(True) == 1
        assert captions[which] == row.text
    assert set(places) == {0, 1, 2, 3}


def test_a_clip_shows_its_motion_in_order() -> None:
    reader = SceneVideos(part="val", count=60, kinds=20)
    seen = set()
    for index in range(60):
        row = reader[index]
        motion = MOTIONS[row.labels["class"]]
        seen.add(motion)
        name = reader.object_names[row.labels["object"]]
        path = [next(t for t in image.scene.things if t.layer == 1) for image in row.images]
        assert {thing.name for thing in path} == {name}
        assert name in row.labels["captions"][0]
        moves = np.diff([(thing.x, thing.y, thing.side) for thing in path], axis=0)
        sign = {"left": (0, -1), "right": (0, 1), "up": (1, -1), "down": (1, 1), "nearer": (2, 1), "further": (2, -1)}
        if motion in sign:
            axis, direction = sign[motion]
            assert (direction * moves[:, axis] > 0).all()
            assert (np.delete(moves, axis, axis=1) == 0).all()
        else:
            assert (moves != 0).any() == (motion == "shaking")
    assert seen == set(MOTIONS)


def test_the_frames_of_a_clip_are_reproducible_and_differ() -> None:
    reader = SceneVideos(part="test", count=30, kinds=20, frames=4, size_hw=(64, 64))
    for index in range(30):
        digests = [hashlib.sha256(image.read()).hexdigest() for image in reader[index].images]
        again = [hashlib.sha256(image.read()).hexdigest() for image in reader[index].images]
        assert digests == again
        still = MOTIONS[reader[index].labels["class"]] == "still"
        assert len(set(digests)) == (1 if still else 4)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="got count 1"):
        ScenePairs(Scenes(part="train", count=1))
    with pytest.raises(ConfigError, match=r"got 1\.5; want a share from 0 to 1"):
        SceneReferring(SMALL, absent_share=1.5)
    with pytest.raises(ConfigError, match="want 16 images or more"):
        SceneChoices(Scenes(part="train", count=3))
    with pytest.raises(ConfigError, match="frames 1"):
        SceneVideos(part="train", count=1, frames=1)
    with pytest.raises(ConfigError, match="got 'dev'"):
        SceneVideos(part="dev", count=1)
