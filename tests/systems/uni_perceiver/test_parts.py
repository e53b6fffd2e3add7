"""Builders of parts, and the checks of options against tasks."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from toy_uni_perceiver import CONFIG, task

from motet.core import ConfigError
from motet.nn.encoders import PlainViT
from motet.nn.experts import ConditionalLinear
from motet.systems.uni_perceiver import LossConfig, MergedExperts, PromptTuning
from motet.systems.uni_perceiver.parts import (
    build_class_scores,
    build_embedding,
    build_image_inputs,
    build_text_inputs,
    build_trunk,
    check_options,
    decays,
    initialise,
    name_ids,
)

TASKS = [task("class"), task("pair"), task("caption")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": LossConfig(weights={"clas": 1.0})}, r"loss\.weights: got \['clas'\]; want names of tasks"),
        ({"loss": LossConfig(mixup_tasks=("x",))}, r"loss\.mixup_tasks: got \['x'\]; want names of tasks"),
        ({"loss": LossConfig(mixup_tasks=("pair",))}, r"loss\.mixup_tasks: got 'pair'; want a Label on images"),
        ({"blocks": MergedExperts({"text target": "m"})}, r"blocks: got MergedExperts for \['caption', 'class', "),
    ],
)
def test_options_that_do_not_fit_the_tasks(changes, message) -> None:
    with pytest.raises(ConfigError, match=f"UniPerceiverConfig.{message}"):
        check_options(replace(CONFIG, **changes), TASKS)


def test_options_that_fit() -> None:
    check_options(replace(CONFIG, loss=LossConfig(mixup_tasks=("class",), weights={"pair": 0.5})), TASKS)
    check_options(replace(CONFIG, blocks=MergedExperts({"text target": "m"})), TASKS[:1])


def test_tasks_without_images_need_no_image_parts() -> None:
    texts = [task("pair"), task("masked")]
    config = replace(CONFIG, encoder=PlainViT(size=16, patch=8, width=16, depth=1, heads=2))
    assert build_trunk(config, texts, fetch=False) is None
    assert build_image_inputs(config, texts, None) is None
    text_inputs = build_text_inputs(CONFIG, lambda: ["a cat"], None)
    assert build_embedding(CONFIG, texts, text_inputs, None).patches is None
    assert build_embedding(CONFIG, TASKS, text_inputs, None).patches is not None


def test_class_scores_are_for_prompt_tuning_and_start_at_zero() -> None:
    assert not build_class_scores(CONFIG, TASKS)
    assert not build_class_scores(replace(CONFIG, tuning=PromptTuning(classes=False)), TASKS)
    layers = build_class_scores(replace(CONFIG, tuning=PromptTuning()), TASKS)
    assert set(layers) == {"class", "pair"}
    assert all(not parameter.any() for parameter in layers.parameters())


def test_names_have_ids_and_texts_have_none() -> None:
    ids = name_ids(build_text_inputs(CONFIG, lambda: ["a cat"], None), TASKS)
    assert set(ids) == {"class", "pair"}
    assert len(ids["class"]) == 3


def test_a_saved_tokeniser_is_restored_without_texts() -> None:
    first = build_text_inputs(CONFIG, lambda: ["a cat", "two dogs"], None)

    def texts():
        raise AssertionError("a saved model needs no texts")

    again = build_text_inputs(CONFIG, texts, {"words.json": first.tokenizer.to_bytes()})
    assert again.encode_target("two dogs") == first.encode_target("two dogs")
    assert again.special == first.special


@pytest.mark.parametrize("std", [0.02, None])
def test_experts_of_a_layer_start_alike_and_biases_at_zero(std) -> None:
    torch.manual_seed(0)
    experts, linear, table = ConditionalLinear(64, 32, 4), nn.Linear(64, 32), nn.Embedding(100, 64)
    initialise([experts, nn.Sequential(linear, table)], std)
    assert torch.equal(experts.weight, experts.weight[:1].expand_as(experts.weight))
    assert not experts.bias.any()
    assert not linear.bias.any()
    for module in (experts, linear, table):
        assert float(module.weight.detach().std()) == pytest.approx(0.125 if std is None else std, rel=0.1)


def test_weight_decay_is_for_matrices_of_layers() -> None:
    matrix, vector = nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(2))
    assert decays("encoder.blocks.0.qkv.weight", matrix)
    assert not decays("encoder.blocks.0.norm1.weight", vector)
    for name in ("encoder.blocks.0.qkv.bias", "encoder.blocks.0.mlp_gate.rule.out.weight", "embedding.words.weight"):
        assert not decays(name, matrix)
    assert not decays("encoder.blocks.0.input_prompts", matrix)
