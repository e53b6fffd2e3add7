"""Guesses the meaning of a table without images: sentences or pairs of them, and their classes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from motet.data.detect.column_names import CLASSES, SPLITS, Names, column_named
from motet.data.detect.guess import Guess, Row

_TEXTS: Names = (
    "text", "sentence", "review", "content", "comment", "tweet", "message", "body", "utterance", "headline", "title",
    "document", "texts", "sentences", "reviews", "review_text", "reviewtext", "clean_text", "comment_text",
    "description",
    "texte", "phrase", "satz", "bewertung", "rezension", "kommentar", "nachricht", "texto", "frase", "resena",
    "comentario", "testo", "recensione", "commento", "avis", "commentaire", "tekst", "zin", "текст", "отзыв",
    "комментарий", "文本", "评论", "内容", "テキスト", "レビュー", "텍스트", "리뷰",
)  # fmt: skip
_PAIRS = (
    ("sentence1", "sentence2"), ("premise", "hypothesis"), ("question1", "question2"), ("text1", "text2"),
    ("text_a", "text_b"), ("sentence_a", "sentence_b"), ("sentence_1", "sentence_2"), ("text_1", "text_2"),
)  # fmt: skip
_LABELS: Names = (
    "label", "labels", "sentiment", "polarity", "target", "emotion", "intent", "topic", "gold_label", "is_duplicate",
    "spam", "toxic", "stars", "rating", "airline_sentiment", *CLASSES, "etikett", "bezeichnung", "stimmung", "etiqueta",
    "sentimiento", "etiquette", "sentimento", "etichetta", "метка", "тональность", "标签", "情感", "ラベル", "라벨",
)  # fmt: skip
_MIN_ROWS = 2
_MOST_CLASSES = 200
_FEW = 0.05  # share of the rows that may lack a class: rows that cannot be read


def text_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Returns the column of sentences by its name, the two of pairs; none where no column has such a name.

    Examples:
        >>> text_columns(["id", "premise", "hypothesis"]), text_columns(["review", "stars"])
        (('premise', 'hypothesis'), ('review',))
    """
    pair = next((found for names in _PAIRS if all(found := tuple(column_named(columns, (n,)) for n in names))), ())
    return pair or tuple(filter(None, (column_named(columns, _TEXTS),)))


def guess_sentences(columns: Sequence[str], rows: Sequence[Row]) -> Guess | None:
    """Guesses the columns of sentences and their classes; None where there are none under the names that tables give.

    Examples:
        >>> guess_sentences(["review", "sentiment"], [{"review": "A dull film.", "sentiment": "bad"}] * 4).text
        'review'
    """
    texts = text_columns(columns)
    pair = texts if len(texts) > 1 else ()
    label = column_named([column for column in columns if column not in texts], _LABELS)
    if not texts or not label or len(rows) < _MIN_ROWS:
        return None
    if not all(isinstance(row.get(column), str) for row in rows for column in texts):
        return None
    classes = [one for row in rows if (one := row.get(label)) is not None and str(one).strip()]
    known = all(isinstance(one, str | int) and not isinstance(one, bool) for one in classes)
    few_lack_one = len(rows) - len(classes) <= _FEW * len(rows)
    if not known or not few_lack_one or len(set(classes)) > min(_MOST_CLASSES, max(2, len(rows) // 2)):
        return None
    if mean(len(str(row[texts[0]]).split()) for row in rows) < 2 and len({row[texts[0]] for row in rows}) < len(rows):
        return None  # words that repeat are no sentences
    split = column_named([column for column in columns if column not in (*texts, label)], SPLITS)
    return Guess(
        kind="sentences", image="", text=texts if pair else texts[0], labels={"class": label},
        languages={"class": "en"}, split=split, evidence=f"columns {', '.join((*texts, label))}",
    )  # fmt: skip
