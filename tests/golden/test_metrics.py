"""The published metrics against numbers that the official code gave (see README.md beside this file)."""

import json
from pathlib import Path

import pytest
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider as OfficialCider
from pycocoevalcap.rouge.rouge import Rouge

from motet.core import Answer, Text, TextPrediction
from motet.losses import soft_score
from motet.metrics import Bleu1, Bleu2, Bleu3, Bleu4, Cider, RougeL, VqaAccuracy
from motet.metrics.answer import leave_one_out, vqa_accuracy
from motet.metrics.ptb import tokenise
from motet.metrics.vqa_words import normalise

HERE = Path(__file__).parent
VQA = json.loads((HERE / "vqa_accuracy.json").read_text())
CAPTIONS = json.loads((HERE / "caption_metrics.json").read_text())
SOFT = json.loads((HERE / "vqa_soft_score.json").read_text())
TOKENS = json.loads((HERE / "ptb_tokens.json").read_text())
BLEUS = (Bleu1, Bleu2, Bleu3, Bleu4)


@pytest.mark.parametrize("case", VQA["cases"], ids=lambda case: repr(case["pred"]))
def test_an_answer_is_worth_what_the_official_script_says(case) -> None:
    assert vqa_accuracy(case["pred"], case["gts"]) == pytest.approx(case["official_accuracy"], abs=1e-8)
    if case["normalisation_applied"]:
        assert normalise(case["pred"].strip()) == case["official_normalised_pred"]
        assert [normalise(answer) for answer in case["gts"]] == case["official_normalised_gts"]


def test_the_overall_vqa_accuracy_is_the_official_one() -> None:
    metric = VqaAccuracy()
    for number, case in enumerate(VQA["cases"]):
        metric.update(str(number), TextPrediction(case["pred"]), tuple(case["gts"]), Answer())
    assert metric.compute() == pytest.approx(100 * VQA["overall"], abs=1e-6)


def test_soft_targets_and_leave_one_out_are_the_published_ones() -> None:
    for number, soft, left_out in zip(
        SOFT["occurrences"], SOFT["get_score(bottom-up-attention-vqa)"], SOFT["leave_one_out_of_10"], strict=True
    ):
        assert soft_score(number) == pytest.approx(soft)
        assert leave_one_out(number, 10) == pytest.approx(left_out)


@pytest.mark.parametrize(("text", "tokens"), TOKENS)
def test_tokens_are_those_of_the_java_tokeniser(text: str, tokens: str) -> None:
    assert " ".join(tokenise(text)) == tokens


def test_the_caption_vectors_are_tokenised_as_in_java() -> None:
    for kind in ("gts", "res"):
        for image, texts in CAPTIONS[f"raw_{kind}"].items():
            assert [" ".join(tokenise(text)) for text in texts] == CAPTIONS[kind][image]


def filled(metric, annotations, answers):
    """The metric with one row an image."""
    for image, (answer,) in answers.items():
        metric.update(image, TextPrediction(answer), tuple(annotations[image]), Text(50))
    return metric


@pytest.mark.parametrize("raw", ["raw_", ""])
def test_caption_scores_are_those_of_pycocoevalcap(raw: str) -> None:
    annotations, answers = CAPTIONS[f"{raw}gts"], CAPTIONS[f"{raw}res"]
    images = list(answers)
    cider, rouge = filled(Cider(), annotations, answers), filled(RougeL(), annotations, answers)
    assert cider.compute() == pytest.approx(100 * CAPTIONS["cider"], abs=1e-6)
    assert cider.row_scores(images) == pytest.approx([100 * x for x in CAPTIONS["cider_per_image"]], abs=1e-6)
    assert rouge.compute() == pytest.approx(100 * CAPTIONS["rouge_l"], abs=1e-6)
    assert rouge.row_scores(images) == pytest.approx([100 * x for x in CAPTIONS["rouge_per_image"]], abs=1e-6)
    for order, kind in enumerate(BLEUS):
        bleu = filled(kind(), annotations, answers)
        assert bleu.compute() == pytest.approx(100 * CAPTIONS["bleu"][order], abs=1e-6)
        each = [100 * score for score in CAPTIONS["bleu_per_image"][order]]
        assert bleu.row_scores(images) == pytest.approx(each, abs=1e-6)


def test_the_synthetic_corpus_gives_the_same_scores() -> None:
    corpus = CAPTIONS["synthetic"]
    # Its words are single lower-case letters, which the tokeniser leaves as they are.
    cider = filled(Cider(), corpus["gts"], corpus["res"])
    assert cider.compute() == pytest.approx(100 * corpus["cider"], abs=1e-6)
    assert cider.row_scores(list(corpus["res"])) == pytest.approx(
        [100 * x for x in corpus["cider_per_image"]], abs=1e-6
    )
    for order, kind in enumerate(BLEUS):
        assert filled(kind(), corpus["gts"], corpus["res"]).compute() == pytest.approx(100 * corpus["bleu"][order])


def test_rows_drawn_twice_count_twice_as_in_the_official_classes() -> None:
    annotations, answers = CAPTIONS["gts"], CAPTIONS["res"]
    drawn = ["1", "3", "3", "4"]
    twice = ({str(i): annotations[k] for i, k in enumerate(drawn)}, {str(i): answers[k] for i, k in enumerate(drawn)})
    assert filled(Cider(), annotations, answers).compute(drawn) == pytest.approx(
        100 * OfficialCider().compute_score(*twice)[0]
    )
    assert filled(RougeL(), annotations, answers).compute(drawn) == pytest.approx(
        100 * Rouge().compute_score(*twice)[0]
    )
    official = Bleu(4).compute_score(*twice, verbose=0)[0]
    for order, kind in enumerate(BLEUS):
        assert filled(kind(), annotations, answers).compute(drawn) == pytest.approx(100 * official[order])
