"""Text tasks without images: entailment, paraphrase, answerable questions, sentiment."""

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
from motet.scenes.sampling import one_of
from motet.scenes.statements import RELATIONS, Relation, count_sentence, true_or_near_count

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
    """The part of a premise about equal things.

    Args:
        form: of their noun.
        count: their number.
        colour: of all of them; "" where the premise does not mention it.
    """

    form: Form
    count: int
    colour: str

    @property
    def words(self) -> str:
        """The noun phrase, as in a caption."""
        return phrase(self.form, self.count, "en", self.colour or MIXED)


@dataclass(frozen=True)
class SceneSentences:
    """Sentences about scenes without the images; "class" is an index of `names`, all names equally often.

    Premises mention the colours of some things only, and the second sentence has the same forms in every class, so
    that it alone carries little information.

    Args:
        scenes: that the sentences are about, one row per scene.
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
        """The class names."""
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
    """Samples one part per noun; it mentions the colour in half of the cases where all its things share a clear one."""
    forms = {noun.name: noun.forms["en"] for noun in nouns}
    names = [thing.name for thing in scene.things]
    parts = []
    for name in dict.fromkeys(names):
        colours = {colour_of(thing.drawing) for thing in scene.things if thing.name == name}
        known = len(colours) == 1 and colours != {MIXED} and bool(rng.random() < 0.5)
        parts.append(PremisePart(forms[name], names.count(name), colours.pop() if known else ""))
    return parts


def _premise_text(parts: Sequence[PremisePart]) -> str:
    return f"there {'is' if parts[0].count == 1 else 'are'} {join([one.words for one in parts])}"


def _unmentioned(parts: Sequence[PremisePart], nouns: Sequence[Noun]) -> list[Form]:
    spoken = {one.form.singular for one in parts}
    return [noun.forms["en"] for noun in nouns if noun.name not in spoken]


def sample_entailment(
    scene: Scene, nouns: Sequence[Noun], relation: Relation, rng: np.random.Generator
) -> tuple[str, str]:
    """Samples a premise, and a hypothesis that it entails, contradicts, or leaves open.

    A premise states the exact number of things per noun, and nothing about other nouns.
    """
    parts = _sample_premise(scene, nouns, rng)
    unspoken = _unmentioned(parts, nouns)
    if relation == "neutral" and not unspoken:
        parts = [replace(one, colour="") for one in parts]  # without colours, a statement about a colour is left open
    coloured = [one for one in parts if bool(one.colour) == (relation != "neutral")]
    ways = (["colour"] if coloured else []) + (["presence", "number"] if unspoken or relation != "neutral" else [])
    match one_of(ways, rng):
        case "colour":
            return _premise_text(parts), _colour_hypothesis(one_of(coloured, rng), relation, rng)
        case "presence":
            form = one_of(unspoken, rng) if relation == "neutral" else one_of(parts, rng).form
            negated = relation == "contradiction" or (relation == "neutral" and bool(rng.random() < 0.5))
            return _premise_text(parts), f"there is no {form.singular}" if negated else f"there is {phrase(form, 1)}"
        case _:
            one = one_of(parts, rng)
            if relation == "neutral":
                one = PremisePart(one_of(unspoken, rng), one.count, "")
            count = true_or_near_count(one.count, relation != "contradiction", rng)
            return _premise_text(parts), count_sentence(count, one.form.singular, one.form.plural)


def _colour_hypothesis(one: PremisePart, relation: Relation, rng: np.random.Generator) -> str:
    colour = one.colour if relation == "entailment" else one_of([c for c in COLOURS if c != one.colour], rng)
    return f"the {one.form.singular} is {colour}" if one.count == 1 else f"the {one.form.plural} are {colour}"


def sample_answerable(scene: Scene, nouns: Sequence[Noun], possible: bool, rng: np.random.Generator) -> tuple[str, str]:
    """Samples a premise, and a question that it answers or does not."""
    parts = _sample_premise(scene, nouns, rng)
    unspoken = _unmentioned(parts, nouns)
    if not possible and not unspoken:
        parts = [replace(one, colour="") for one in parts]
    fitting = [one for one in parts if bool(one.colour) == possible]
    counted = [one.form for one in parts] if possible else unspoken
    if fitting and (not counted or rng.random() < 0.5):
        one = one_of(fitting, rng)
        subject = f"is the {one.form.singular}" if one.count == 1 else f"are the {one.form.plural}"
        return _premise_text(parts), f"what colour {subject}?"
    return _premise_text(parts), f"how many {one_of(counted, rng).plural} are there?"
