"""The gallery of a page: cards of evaluated rows, task by task, to be filtered and enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from motet.report.content import PredictionCard
from motet.report.html import attribute, image_url, muted

_CHOICES = {"surest wrong": "surest and wrong", "worst": "among the worst", "evenly spaced": ""}


def html_gallery(cards: Sequence[PredictionCard], tasks: Sequence[str], credit: Sequence[str]) -> str:
    """Returns cards by task, those of a task in their own order, with the credit of their images below.

    Args:
        cards: of any tasks.
        tasks: whose order the page has; further tasks come last.
        credit: licence lines.
    """
    if not cards:
        return muted("No predictions were saved.")
    found = dict.fromkeys(card.task for card in cards)
    parts = []
    for task in [*(task for task in tasks if task in found), *(task for task in found if task not in tasks)]:
        own = "".join(_card(card) for card in cards if card.task == task)
        parts.append(f'<div class="group"><h3>{escape(task)}</h3><div class="cards">{own}</div></div>')
    return f'<div class="gallery">{"".join(parts)}</div>' + "".join(muted(line) for line in credit)


def _card(card: PredictionCard) -> str:
    mark = {True: " correct", False: " wrong", None: ""}[card.correct]
    prompt = f'<span class="prompt">{escape(card.prompt)}</span>' if card.prompt else ""
    score = f" · {escape(card.score)}" if card.score else ""
    wide = ' class="double"' if card.wide else ""
    sure = "" if card.confidence is None else f"confidence {100 * card.confidence:.0f} %"
    remark = ", ".join(filter(None, (_CHOICES[card.choice], sure)))
    choice = f'<span class="choice">{remark}</span>' if remark else ""
    ground_truth = ""
    if card.ground_truth or score:
        ground_truth = f'<span class="ground-truth">ground truth: {escape(card.ground_truth)}{score}</span>'
    return (
        f'<figure{wide} data-task="{attribute(card.task)}" data-choice="{card.choice}" data-mark="{mark.strip()}">'
        f'<img src="{image_url(card.image)}" alt="image of a row of {attribute(card.task)}">'
        f'<figcaption>{prompt}<span class="prediction{mark}">{escape(card.prediction) or "(nothing)"}</span>'
        f"{_ranked_texts(card)}{ground_truth}{choice}</figcaption></figure>"
    )


def _ranked_texts(card: PredictionCard) -> str:
    """Returns the ranked texts in their order, the correct ones marked."""
    lines = [f"<li{' class=correct' if correct else ''}>{escape(text)}</li>" for text, correct in card.ranked_texts]
    return f"<ol>{''.join(lines)}</ol>" if lines else ""
