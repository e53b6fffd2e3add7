"""Multi-task visual grounding consistency: agreement of answers about an object with the localisation of the object."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from motet.core import ConfigError

Terms: TypeAlias = Callable[[str], Iterable[str]]
"""A function from a sentence to its words that name or describe objects."""

_WORD = re.compile(r"[a-z]+")
# Words of questions and phrases that are neither nouns nor adjectives; all others count.
_OTHER = frozenset(
    """a about above across after again against all am an and any are around as at away back be because been before
    behind being below beneath beside besides between beyond both but by can could did do does doing done down during
    each either else ever every few for from get gets give go goes going got had has have having he her here hers
    herself him himself his how i if in inside into is it its itself just least less let like look looking looks made
    make makes many may me might more most much must my near neither no nor not now of off on one ones only onto or
    other others our ours out outside over own per please put same say see seen shall she should show shown shows so
    some such than that the their theirs them themselves then there these they this those through to too toward
    towards under until up upon us use used very was we were what when where which while who whom whose why will with
    within without would yes yet you your yours""".split()  # noqa: SIM905  a list of 250 quoted words reads worse
)


@dataclass(frozen=True)
class ScoredPhrase:
    """A question or phrase about one image, with the score of its prediction.

    Args:
        image: the image id.
        text: the words.
        score: the VQA accuracy from 0 to 1, or the IoU of predicted and annotated box.
    """

    image: str
    text: str
    score: float


@dataclass(frozen=True)
class Consistency:
    """The result of `grounding_consistency`.

    Args:
        value: the consistency, from 0 to 1.
        pairs: number of question-phrase pairs that share a term.
        images: number of images with such a pair.
        both: number of pairs in which both predictions are right.
        weight: the sum of all overlaps.
    """

    value: float
    pairs: int
    images: int
    both: int
    weight: float


def grounding_consistency(
    questions: Sequence[ScoredPhrase],
    phrases: Sequence[ScoredPhrase],
    *,
    min_accuracy: float = 0.5,
    min_iou: float = 0.5,
    overlap: Literal["set", "count"] = "set",
    terms: Terms | None = None,
) -> Consistency:
    """Returns the share of question-phrase pairs about the same thing in an image in which both predictions are right.

        C = sum_ijk d(q_ij, r_ik) [q_ij answered and r_ik found] / sum_ijk d(q_ij, r_ik)

    over images i, their questions j and phrases k; d is the number of nouns and adjectives that the two share. Pairs
    without a shared term do not count.

    The paper leaves three points open. "Answered correctly based on the VQA accuracy metric" is an accuracy of at least
    `min_accuracy` here, 0.5 by default. Terms count once ("set"), or as often as both sentences have them ("count").
    Nouns and adjectives are all words outside a list of other words; pass `terms` to use a tagger.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 8.8, equation 5. No code was released.

    Args:
        questions: questions with their accuracies.
        phrases: phrases with the IoU of their boxes.
        min_accuracy: a question is right from this accuracy on.
        min_iou: a phrase is right above this IoU.
        overlap: how shared terms are counted.
        terms: returns the terms of a sentence; None for `plain_terms`.

    Raises:
        ConfigError: no question and phrase of one image share a term, or a threshold outside 0 to 1.

    Examples:
        >>> questions = [ScoredPhrase("1", "What color is the dog?", 1.0), ScoredPhrase("1", "Is the cat asleep?", 1.0)]
        >>> phrases = [ScoredPhrase("1", "the black dog", 0.8), ScoredPhrase("1", "sleeping cat", 0.2)]
        >>> grounding_consistency(questions, phrases).value
        0.5
    """
    if not (0 < min_accuracy <= 1 and 0 <= min_iou < 1):
        raise ConfigError(
            f"consistency: got min_accuracy {min_accuracy} and min_iou {min_iou}; want numbers from 0 to 1"
        )
    terms_of = plain_terms if terms is None else terms
    by_image: dict[str, list[tuple[ScoredPhrase, Counter[str]]]] = {}
    for phrase in phrases:
        by_image.setdefault(phrase.image, []).append((phrase, Counter(terms_of(phrase.text))))
    weight = right = 0.0
    pairs = both = 0
    images: set[str] = set()
    for question in questions:
        question_terms = Counter(terms_of(question.text))
        for phrase, phrase_terms in by_image.get(question.image, ()):
            shared = _shared(question_terms, phrase_terms, overlap)
            if not shared:
                continue
            both_right = question.score >= min_accuracy and phrase.score > min_iou
            weight, right = weight + shared, right + shared * both_right
            pairs, both = pairs + 1, both + both_right
            images.add(question.image)
    if not pairs:
        raise ConfigError(
            f"consistency: got no pair among {len(questions)} questions and {len(phrases)} phrases that share an image "
            "and a term; want both tasks on the same images"
        )
    return Consistency(right / weight, pairs, len(images), both, weight)


def plain_terms(text: str) -> list[str]:
    """Returns the words of a sentence in lower case and singular, without those that are no nouns or adjectives.

    Examples:
        >>> plain_terms("How many black dogs are there in the boxes?")
        ['black', 'dog', 'box']
    """
    return [_singular(word) for word in _WORD.findall(text.lower()) if word not in _OTHER and len(word) > 1]


def _singular(word: str) -> str:
    """Returns the singular of a regular plural, which is enough to match words."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _shared(one: Mapping[str, int], other: Mapping[str, int], overlap: Literal["set", "count"]) -> int:
    common = one.keys() & other.keys()
    return len(common) if overlap == "set" else sum(min(one[term], other[term]) for term in common)


def mean_score(scores: Mapping[str, float]) -> float:
    """Returns the mean "MT score" of a multi-task model: the mean over tasks of the main metric in percent.

    Source: Lu et al. 2020 (arXiv 1912.02315), table 2, "All Tasks Average".

    Raises:
        ConfigError: no task, or a score that is not a percentage.

    Examples:
        >>> mean_score({"vqa": 72.0, "nlvr2": 78.0})
        75.0
    """
    wrong = {name: score for name, score in scores.items() if not 0 <= score <= 100}
    if wrong or not scores:
        raise ConfigError(f"mean score: got {wrong or 'no task'}; want a percentage for each of one or more tasks")
    return sum(scores.values()) / len(scores)
