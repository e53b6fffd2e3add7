"""A file of merges in CLIP's published layout that gives the official ids of some texts.

The published file (49,152 merges) is no part of this repository. Here only the merges that the texts need are at
their official ranks; all other lines merge letters that no text has.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import regex  # type: ignore[import-untyped]

from motet.preprocess.clip_tokenizer import NUM_MERGES, WORD_END, _byte_letters

_WORDS = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
_ORDER = [*_PRINTABLE, *(byte for byte in range(256) if byte not in _PRINTABLE)]
_LETTER = dict(zip(_ORDER, _byte_letters(), strict=True))


def write_merges(path: Path, known: Mapping[str, Sequence[int]]) -> None:
    """Writes merges that give each text its ids."""
    token_of = _solve([(_words(text), list(ids)) for text, ids in known.items()])
    ranks = {index - 512: name for index, name in token_of.items() if index >= 512}
    lines: dict[int, tuple[str, str]] = {}
    made: set[str] = set()
    free = iter(rank for rank in range(NUM_MERGES) if rank not in ranks)
    for rank, name in sorted(ranks.items()):
        parts = _symbols(name)
        left = parts[0]
        for part in parts[1:-1]:
            if left + part not in made | set(ranks.values()):
                made.add(left + part)
                lines[next(free)] = (left, part)
            left += part
        lines[rank] = (left, parts[-1])
    rare = [chr(256 + place) for place in range(33)]
    fillers = ((a, b) for a in _fill(rare) for b in rare)
    for rank in range(NUM_MERGES):
        if rank not in lines:
            lines[rank] = next(fillers)
    path.write_text("\n".join(["#version: 0.2", *(" ".join(lines[rank]) for rank in range(NUM_MERGES))]) + "\n")


def _fill(rare: list[str]) -> Iterator[str]:
    made = list(rare)
    for first in made:
        yield first
        if len(made) < NUM_MERGES:
            made += [first + other for other in rare]


def _words(text: str) -> list[str]:
    return ["".join(_LETTER[byte] for byte in word.encode()) for word in _WORDS.findall(text.lower())]


def _symbols(name: str) -> list[str]:
    letters = list(name.removesuffix(WORD_END))
    return [*letters[:-1], letters[-1] + WORD_END] if name.endswith(WORD_END) else letters


def _solve(known: list[tuple[list[str], list[int]]], found: Mapping[int, str] | None = None) -> dict[int, str]:
    """Returns the text of each id such that every word is cut into as many tokens as there are ids for it."""
    found = dict(found or {})
    if not known:
        return found
    (words, ids), *others = known
    if not words:
        return _solve(others, found) if not ids else {}
    for count in range(1, len(ids) - len(words) + 2):
        for cuts in combinations(range(1, len(words[0])), count - 1):
            pieces = [words[0][a:b] for a, b in zip((0, *cuts), (*cuts, len(words[0])), strict=True)]
            named = dict(zip(ids[:count], [*pieces[:-1], pieces[-1] + WORD_END], strict=True))
            if all(found.get(i, name) == name and _fits(i, name) for i, name in named.items()):
                rest = _solve([(words[1:], ids[count:]), *others], found | named)
                if rest:
                    return rest
    return {}


def _fits(index: int, name: str) -> bool:
    single = len(name.removesuffix(WORD_END)) == 1
    if index < 512:
        return single and _byte_letters()[index % 256] + (WORD_END if index >= 256 else "") == name
    return not single
