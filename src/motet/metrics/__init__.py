"""How answers are judged: one file a kind of answer."""

from motet.core import Metric
from motet.metrics.answer import AnswerMatch as AnswerMatch
from motet.metrics.answer import VqaAccuracy as VqaAccuracy
from motet.metrics.label import Accuracy as Accuracy
from motet.metrics.said import said as said
from motet.metrics.text import Bleu1 as Bleu1
from motet.metrics.text import Bleu2 as Bleu2
from motet.metrics.text import Bleu3 as Bleu3
from motet.metrics.text import Bleu4 as Bleu4
from motet.metrics.text import CharacterErrorRate as CharacterErrorRate
from motet.metrics.text import Cider as Cider
from motet.metrics.text import ExactText as ExactText
from motet.metrics.text import RougeL as RougeL

METRICS: dict[str, type[Metric]] = {
    "accuracy": Accuracy,
    "answer_match": AnswerMatch,
    "bleu1": Bleu1,
    "bleu2": Bleu2,
    "bleu3": Bleu3,
    "bleu4": Bleu4,
    "cer": CharacterErrorRate,
    "cider": Cider,
    "exact": ExactText,
    "rouge_l": RougeL,
    "vqa_accuracy": VqaAccuracy,
}
