"""Classification: the state of the answer, class scores of prompt tuning, smoothing and mixup."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from toy_uni_perceiver import CONFIG, task

from motet.core import Loss
from motet.nn.encoders import PlainViT
from motet.systems import build_system
from motet.systems.uni_perceiver import LossConfig, PromptTuning


@torch.no_grad()
def scores_of(system, found, name):
    return system.classifier.scores(system.tasks[name], found, found.targets[name])[0]


def test_padding_behind_a_question_changes_no_score(make, rows, batch) -> None:
    system = make("vqa").eval()
    short, long = rows(0, text="is it"), rows(1, text="is it a cat")
    together = scores_of(system, batch(system, [short, long]), "vqa")
    assert torch.allclose(together[:1], scores_of(system, batch(system, [short]), "vqa"), atol=1e-4)
    assert not torch.allclose(together[:1], scores_of(system, batch(system, [rows(0, text="cat")]), "vqa"), atol=1e-2)


def test_class_scores_start_without_effect_and_add_to_the_similarity(make, rows, batch) -> None:
    plain, tuned = make("class").eval(), make("class", tuning=PromptTuning(length=0)).eval()
    # Parameters of the toy are random: those of tuning are set to their initial values.
    tuned.load_state_dict(plain.state_dict(), strict=False)
    with torch.no_grad():
        tuned.embedding.special_bias.zero_()
        tuned.class_scores["class"].weight.zero_()
        tuned.class_scores["class"].bias.zero_()
        tuned.similarity_weights["class"].fill_(1.0)
    found = batch(plain, [rows(0), rows(1)])
    before = scores_of(plain, found, "class")
    assert torch.allclose(scores_of(tuned, found, "class"), before, atol=1e-5)
    with torch.no_grad():
        tuned.class_scores["class"].bias.fill_(2.0)
        tuned.similarity_weights["class"].fill_(0.5)
    assert torch.allclose(scores_of(tuned, found, "class"), 0.5 * before + 2, atol=1e-5)


@pytest.mark.parametrize(("name", "smoothing"), [("class", 0.3), ("pair", 0.0)])
def test_labels_of_images_are_smoothed_and_those_of_texts_are_not(make, rows, batch, name, smoothing) -> None:
    system = make(name, loss=LossConfig(smoothing=0.3)).eval()
    found = batch(system, [rows(0), rows(1)])
    with torch.no_grad():
        loss, _ = system.classifier.loss(system.tasks[name], found, found.targets[name])
    label = found.targets[name].value["label"]
    expected = F.cross_entropy(scores_of(system, found, name), label, label_smoothing=smoothing, reduction="sum")
    assert float(loss.total) == pytest.approx(float(expected), rel=1e-5)


def test_a_task_may_bring_its_own_loss(make, rows, batch) -> None:
    system = make("class").eval()
    own = replace(system.tasks["class"], loss=lambda scores, label: Loss(scores.sum() * 0 + 5, torch.tensor(1.0)))
    found = batch(system, [rows(0)])
    assert float(system.classifier.loss(own, found, found.targets["class"])[0].total.detach()) == 5


def test_mixup_is_for_training(make, rows, batch, monkeypatch) -> None:
    system = make("class", loss=LossConfig(mixup_tasks=("class",)))
    task, found = system.tasks["class"], batch(system, [rows(0), rows(1)])
    calls, sample = [], torch.distributions.Beta.sample
    monkeypatch.setattr(torch.distributions.Beta, "sample", lambda self: calls.append(1) or sample(self))
    system.eval().classifier.loss(task, found, found.targets["class"])
    assert not calls
    system.train().classifier.loss(task, found, found.targets["class"])
    assert len(calls) == 1


@pytest.mark.parametrize(("name", "frames"), [("class", 1), ("motion", 2)])
def test_classes_start_as_a_linear_classifier_of_the_mean_features(make, rows, batch, name, frames) -> None:
    system = build_system(
        replace(CONFIG, linear=True, encoder=PlainViT(size=8, patch=4, width=8, depth=1, heads=2)), [task(name)],
        texts=lambda: ["cat dog"],
    ).eval()  # fmt: skip
    (head,) = system.linear_heads().values()
    assert not head.weight.any()
    nn.init.normal_(head.weight)
    found = batch(system, [rows(0, frames=frames), rows(1, frames=frames)])
    pixels = found.inputs["frames" if frames > 1 else "pixels"]
    features = system.pretrained_encoder()(pixels.flatten(0, -4)).reshape(2, -1, head.in_features)
    assert torch.allclose(scores_of(system, found, name), head(features.mean(1)), atol=1e-5)
    with torch.no_grad():
        system.similarity_weights[name].fill_(1.0)  # and learns from its own similarities beside them
    assert not torch.allclose(scores_of(system, found, name), head(features.mean(1)), atol=1e-2)


def test_a_linear_classifier_is_of_images_or_videos_alone_and_off_by_default() -> None:
    encoder = PlainViT(size=8, patch=4, width=8, depth=1, heads=2)
    tasks = [task(name) for name in ("class", "motion", "pair", "vqa", "caption")]
    for config, expected in ((CONFIG, set()), (replace(CONFIG, encoder=encoder), set()), (
        replace(CONFIG, encoder=encoder, linear=True), {"class", "motion"}
    ), (replace(CONFIG, linear=True), set())):  # fmt: skip
        system = build_system(config, tasks, texts=lambda: ["cat dog"])
        assert set(system.linear_heads()) == expected
        assert set(system.similarity_weights) == expected
        assert [system.answer_weights(name) for name in sorted(expected)] == [
            (f"linear.{name}.",) for name in sorted(expected)
        ]
