"""Text without images: entailment, paraphrase, questions that can be answered or not, sentiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from motet.core import Example, rng_for
from motet.scenes.captions import caption, join, phrase
from motet.scenes.choices import alter_scene
from motet.scenes.drawings import COLOURS, MIXED, colour_of, drawing_name, drawings_of
from motet.scenes.layout import Scene
from motet.scenes.nouns import Form, Noun, noun_by_name
from motet.scenes.reader import Scenes
from motet.scenes.statements import RELATIONS, Relation, count_sentence, one_of, true_or_near_count

SentenceKind: TypeAlias = Literal["entailment", "paraphrase", "answerable", "sentiment"]
SENTENCE_NAMES: dict[SentenceKind, tuple[str, ...]] = {
    "entailment": RELATIONS,
    "paraphrase": ("different", "same"),
    "answerable": ("unanswerable", "answerable"),
    "sentiment": ("sad", "happy"),
}
_FRAMES = (
    "this picture shows {}",
    "here is {}",
    "all she sent me was {}",
    "his message ended with {}",
    "the card has {} on it",
)


@dataclass(frozen=True)
class PremisePart:
    """What a premise says of some equal things.

    Args:
        form: of their noun.
        count: how many.
        colour: told, or "" when it is not.
    """

    form: Form
    count: int
    colour: str

    @property
    def words(self) -> str:
        """As in a caption."""
        return phrase(self.form, self.count, "en", self.colour or MIXED)


@dataclass(frozen=True)
class SceneSentences:
    """Sentences about scenes that are not shown; "class" is an index of `names`, each name equally often.

    Premises tell the colour of some things and not of others, and the second sentence has the same forms whatever the
    class, so that it alone says little.

    Args:
        scenes: whose things are spoken of, one row for each.
        kind: "entailment": a premise and a hypothesis; "paraphrase": two captions; "answerable": a premise and a
            question; "sentiment": one sentence about a happy or sad face (disjoint faces for train, val and test).

    Examples:
        >>> row = SceneSentences(Scenes(part="train", count=2, kinds=20), "paraphrase")[0]
        >>> len(row.text), row.images, row.labels["class"] in (0, 1)
        (2, (), True)
    """

    scenes: Scenes
    kind: SentenceKind

    @property
    def names(self) -> tuple[str, ...]:
        """What "class" is an index of."""
        return SENTENCE_NAMES[self.kind]

    def __len__(self) -> int:
        return len(self.scenes)

    def keys(self, index: int) -> tuple[str, ...]:
        del index
        return ()

    def __getitem__(self, index: int) -> Example:
        row_id = f"{self.scenes[index].id}/{self.kind}"
        rng = rng_for("scene sentence", row_id)
        annotation = int(rng.integers(len(self.names)))
        scene, nouns = self.scenes.scene(index // self.scenes.questions_per_image), self.scenes.nouns
        text: str | tuple[str, ...]
        match self.kind:
            case "entailment":
                text = sample_entailment(scene, nouns, RELATIONS[annotation], rng)
            case "paraphrase":
                other = scene if annotation else alter_scene(scene, nouns, rng)
                text = (caption(scene, nouns), caption(_shuffled(other, rng), nouns, style=_style(rng)))
            case "answerable":
                text = sample_answerable(scene, nouns, bool(annotation), rng)
            case "sentiment":
                faces = drawings_of(noun_by_name(f"{self.names[annotation]} face"), self.scenes.part, shared=False)
                name = drawing_name(one_of(faces, rng))
                text = one_of(_FRAMES, rng).format(f"{'an' if name[0] in 'aeiou' else 'a'} {name}")
        return Example(id=row_id, text=text, labels={"class": annotation, "answer": self.names[annotation]})


def _style(rng: np.random.Generator) -> Literal["list", "order"]:
    return "list" if rng.random() < 0.5 else "order"


def _shuffled(scene: Scene, rng: np.random.Generator) -> Scene:
    return replace(scene, things=tuple(scene.things[int(i)] for i in rng.permutation(len(scene.things))))


def _sample_premise(scene: Scene, nouns: Sequence[Noun], rng: np.random.Generator) -> list[PremisePart]:
    """Each noun once with its number; the colour in half of the cases where all of them have the same clear one."""
    forms = {noun.name: noun.forms["en"] for noun in nouns}
    names = [thing.name for thing in scene.things]
    told = []
    for name in dict.fromkeys(names):
        colours = {colour_of(thing.drawing) for thing in scene.things if thing.name == name}
        known = len(colours) == 1 and colours != {MIXED} and bool(rng.random() < 0.5)
        told.append(PremisePart(forms[name], names.count(name), colours.pop() if known else ""))
    return told


def _premise_text(parts: Sequence[PremisePart]) -> str:
    return f"there {'is' if parts[0].count == 1 else 'are'} {join([one.words for one in parts])}"


def _unmentioned(told: Sequence[PremisePart], nouns: Sequence[Noun]) -> list[Form]:
    spoken = {one.form.singular for one in told}
    return [noun.forms["en"] for noun in nouns if noun.name not in spoken]


def sample_entailment(
    scene: Scene, nouns: Sequence[Noun], relation: Relation, rng: np.random.Generator
) -> tuple[str, str]:
    """A premise, and a hypothesis that follows from it, contradicts it, or is left open by it.

    A premise says exactly how many of each of its nouns there are, and nothing about other nouns.
    """
    told = _sample_premise(scene, nouns, rng)
    unspoken = _unmentioned(told, nouns)
    if relation == "neutral" and not unspoken:
        told = [replace(one, colour="") for one in told]  # nothing else would be open
    coloured = [one for one in told if bool(one.colour) == (relation != "neutral")]
    ways = (["colour"] if coloured else []) + (["presence", "number"] if unspoken or relation != "neutral" else [])
    match one_of(ways, rng):
        case "colour":
            return _premise_text(told), _colour_hypothesis(one_of(coloured, rng), relation, rng)
        case "presence":
            form = one_of(unspoken, rng) if relation == "neutral" else one_of(told, rng).form
            denied = relation == "contradiction" or (relation == "neutral" and bool(rng.random() < 0.5))
            return _premise_text(told), f"there is no {form.singular}" if denied else f"there is {phrase(form, 1)}"
        case _:
            one = one_of(told, rng)
            if relation == "neutral":
                one = PremisePart(one_of(unspoken, rng), one.count, "")
            count = true_or_near_count(one.count, relation != "contradiction", rng)
            return _premise_text(told), count_sentence(count, one.form.singular, one.form.plural)


def _colour_hypothesis(one: PremisePart, relation: Relation, rng: np.random.Generator) -> str:
    colour = one.colour if relation == "entailment" else one_of([c for c in COLOURS if c != one.colour], rng)
    return f"the {one.form.singular} is {colour}" if one.count == 1 else f"the {one.form.plural} are {colour}"


def sample_answerable(scene: Scene, nouns: Sequence[Noun], possible: bool, rng: np.random.Generator) -> tuple[str, str]:
    """A premise, and a question that it answers or does not."""
    told = _sample_premise(scene, nouns, rng)
    unspoken = _unmentioned(told, nouns)
    if not possible and not unspoken:
        told = [replace(one, colour="") for one in told]
    fitting = [one for one in told if bool(one.colour) == possible]
    counted = [one.form for one in told] if possible else unspoken
    if fitting and (not counted or rng.random() < 0.5):
        one = one_of(fitting, rng)
        subject = f"is the {one.form.singular}" if one.count == 1 else f"are the {one.form.plural}"
        return _premise_text(told), f"what colour {subject}?"
    return _premise_text(told), f"how many {one_of(counted, rng).plural} are there?"
