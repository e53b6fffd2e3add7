"""Normalisation of answers as in the VQA challenge's official script, its errors included."""

from __future__ import annotations

import re

_REMOVED = ';/[]"{}()=+\\_-><@`,?!'
_NUMBERS = {
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
_ARTICLES = frozenset({"a", "an", "the"})
_DIGIT_COMMA = re.compile(r"\d,\d")
# An error of the script: "(?!<=" is a look-ahead in place of a look-behind, so a full stop stays before a digit only.
_FULL_STOP = re.compile(r"(?!<=\d)(\.)(?!\d)")
_STOPS_REMOVED = 32  # the script passes re.UNICODE, which is 32, where `sub` takes its count

_ONE_APOSTROPHE = (
    "ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's how'd how'll how's "
    "isn't it'd it'll ma'am mightn't might've mustn't must've needn't not've o'clock oughtn't shan't should've "
    "shouldn't somebody'll somebody's someone'd someone'll someone's something'd something'll that's there'd "
    "there're there's they'd they'll they're they've 'twas wasn't we've weren't what'll what're what's what've "
    "when's where'd where's where've who'd who'll who's who've why'll why're why's won't would've wouldn't y'all "
    "you'd you'll you're you've "
)
_TWO_APOSTROPHES = (
    "couldn't've hadn't've he'd've it'd've mightn't've she'd've shouldn't've somebody'd've someone'd've "
    "something'd've there'd've they'd've we'd've who'd've wouldn't've y'all'll you'd've "
)


def _without_one(word: str) -> list[str]:
    """Returns the word without its first, second, ... apostrophe in turn."""
    return [word[:i] + word[i + 1 :] for i, letter in enumerate(word) if letter == "'"]


_CONTRACTIONS = (
    {word.replace("'", ""): word for word in _ONE_APOSTROPHE.split()}
    | {part: word for word in _TWO_APOSTROPHES.split() for part in _without_one(word)}
    | dict.fromkeys(("yall'd've", "y'alld've", "y'all'dve"), "y'all'd've")
    | dict.fromkeys(("ow's'at", "'ows'at", "'ow'sat"), "'ow's'at")
    | {"somebody'd": "somebodyd"}  # reversed in the script, and so here
)


def tidy(text: str) -> str:
    """Replaces line ends and tabs by spaces and strips the ends, as the script does with every answer."""
    return text.replace("\n", " ").replace("\t", " ").strip()


def normalise(text: str) -> str:
    """Normalises punctuation, number words, articles and contractions as the official script does.

    Source: GT-Vision-Lab/VQA, `vqaEval.py`, `processPunctuation` then `processDigitArticle`. Its contractions that
    begin with a capital ("Im", "Ive") can never match lower-cased words and are left out.

    Examples:
        >>> normalise("The T-shirt, dont you think"), normalise("two 1,000")
        ("t shirt don't you think", '2 1000')
    """
    words = [_NUMBERS.get(word, word) for word in _punctuation(text).lower().split()]
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def vocabulary_answer(text: str) -> str:
    """Normalises an answer as the usual list of 3,129 answers to VQAv2 has it.

    Source: hengyuan-hu/bottom-up-attention-vqa, `tools/compute_softscore.py`, `preprocess_answer`; MMF's list is the
    same one.

    Examples:
        >>> vocabulary_answer("A T-shirt, of two")
        't shirt of 2'
    """
    return normalise(text).replace(",", "")


def _punctuation(text: str) -> str:
    # As in the script, each sign is looked up in the original text; with a comma between digits all signs are removed
    # without a space.
    result = text
    digits = _DIGIT_COMMA.search(text) is not None
    for sign in _REMOVED:
        touches_space = f"{sign} " in text or f" {sign}" in text
        result = result.replace(sign, "" if touches_space or digits else " ")
    return _FULL_STOP.sub("", result, count=_STOPS_REMOVED)
