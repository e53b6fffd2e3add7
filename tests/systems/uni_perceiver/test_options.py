"""Options outside their range, and properties of blocks."""

import pytest
import torch
from toy_uni_perceiver import BLOCKS

from motet.core import ConfigError
from motet.systems.uni_perceiver import (
    EncoderSize,
    Experts,
    GenerationConfig,
    LossConfig,
    MaskingConfig,
    MergedExperts,
    Patches,
    PromptTuning,
)
from motet.systems.uni_perceiver.options import is_expert_layer, is_task_specific, load_balance_weight
from motet.systems.uni_perceiver.token_kinds import target_kind


@pytest.mark.parametrize(
    ("make_options", "message"),
    [
        (lambda: EncoderSize(8, 0, 2, 8), r"EncoderSize: got .*; want at least 1 each"),
        (lambda: EncoderSize(12, 1, 5, 8), r"EncoderSize\.width: got 12; want a multiple of 4 and of the heads, 5"),
        (lambda: Experts(routing="both"), r"Experts\.routing: got 'both'; want one of \('token'"),
        (lambda: Experts(num_experts=0), r"Experts\.num_experts: got 0; want at least 1"),
        (lambda: Experts(num_experts=3, k=4), r"Experts\.k: got 4 of 3 experts; want from 1 to 3"),
        (lambda: Experts(where="odd"), r"Experts\.where: got 'odd'; want one of"),
        (lambda: Experts(scheme="mine"), r"Experts\.scheme: got 'mine'; want one of"),
        (lambda: Experts(noise=-1.0), r"Experts\.noise, balance: got -1\.0, 0\.0; want 0 or more"),
        (lambda: Experts(balance=0.1), r"balance: got 0\.1 with 'attribute' routing; want 0"),
        (lambda: MergedExperts({}), r"MergedExperts\.matrix_of: got none"),
        (lambda: Patches(size=20, patch=6), r"Patches\.patch: got 6 for images of 20; want a divisor"),
        (lambda: Patches(position_scale=0.0), r"Patches\.position_scale: got 0\.0; want above 0"),
        (lambda: MaskingConfig(0.0), r"MaskingConfig\.probability: got 0\.0; want above 0 and at most 1"),
        (lambda: GenerationConfig(num_beams=0), r"GenerationConfig\.num_beams: got 0; want at least 1"),
        (lambda: GenerationConfig(length_penalty=-0.5), r"GenerationConfig\.length_penalty: got -0\.5; want 0 or more"),
        (lambda: PromptTuning(length=-1), r"PromptTuning\.length: got -1; want 0 or more"),
        (lambda: LossConfig(smoothing=1.0), r"LossConfig\.smoothing: got 1\.0; want from 0 to below 1"),
        (lambda: LossConfig(sampled_words=0), r"LossConfig\.sampled_words: got 0; want at least 1, or None"),
        (lambda: LossConfig(mixup_alpha=0.0), r"LossConfig\.mixup_alpha: got 0\.0; want above 0"),
        (lambda: LossConfig(weights={"a": -1.0}), r"LossConfig\.weights: got \{'a': -1\.0\}; want 0 or more"),
    ],
)
def test_errors_name_field_value_and_range(make_options, message) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        make_options()
    assert "\n" not in str(error.value)


def test_layers_with_experts() -> None:
    assert [is_expert_layer("every other", i) for i in range(4)] == [True, False, True, False]
    assert all(is_expert_layer("all", i) for i in range(4))


def test_weights_of_the_load_balancing_loss() -> None:
    assert load_balance_weight(Experts(routing="token", balance=0.2)) == 0.2
    assert load_balance_weight(None) == 0.0


@pytest.mark.parametrize(("name", "blocks"), BLOCKS.items(), ids=BLOCKS)
def test_task_specific_blocks_are_those_where_a_target_has_features_per_task(make, name, blocks) -> None:
    assert is_task_specific(blocks) == (name in ("task", "task specific"))
    system = make("caption", "masked", blocks=blocks).eval()
    for parameter in system.encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ids = torch.tensor([[5, 1]])
    with torch.no_grad():
        one, other = (system.targets.texts(ids, target_kind(task)) for task in system.tasks.values())
    assert torch.allclose(one, other, atol=1e-5) != is_task_specific(blocks)
