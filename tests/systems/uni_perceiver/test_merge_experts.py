"""Merged experts: the predictions of the model with experts."""

from dataclasses import replace

import pytest
from toy_uni_perceiver import BLOCKS

from motet.core import ConfigError, TextPrediction
from motet.core.model_folder import write_model
from motet.hub import load_system


@pytest.mark.parametrize("routing", ["modality", "task", "attribute"])
@pytest.mark.parametrize("name", ["class", "open", "caption", "masked", "match"])
def test_merged_experts_answer_alike_and_load_without_them(make, rows, batch, tmp_path, routing, name) -> None:
    system = make(
        "class", "open", "caption", "masked", "match", blocks=replace(BLOCKS[routing], where="every other")
    ).eval()
    dense = system.merge_experts(name)
    write_model(tmp_path, dense)
    loaded = load_system(tmp_path).eval()
    assert not any("gate" in key or value.ndim == 3 for key, value in loaded.state_dict().items())
    # All tokens of a text without an image have one modality.
    alike = routing == "task" or (routing == "modality" and name == "masked")
    assert (loaded.config.blocks is None) == alike
    examples = [rows(i, candidates=("a cat", "a dog", "x", "y")) for i in range(2)]
    own = batch(system, examples)
    alone = replace(own, targets={name: own.targets[name]})
    for got, want in zip(loaded.predict(alone)[name], system.predict(alone)[name], strict=True):
        if isinstance(want, TextPrediction):
            assert got.text == want.text
            assert got.log_prob == pytest.approx(want.log_prob, abs=1e-3)
        else:
            assert got.scores == pytest.approx(want.scores, abs=1e-4)


def test_experts_chosen_by_the_data_cannot_be_merged(make) -> None:
    with pytest.raises(ConfigError, match="got 'token' routing; want experts chosen by modality, task or attribute"):
        make("class", blocks=BLOCKS["token"]).merge_experts("class")
    with pytest.raises(ConfigError, match="got task 'clas'; did you mean 'class'"):
        make("class").merge_experts("clas")


def test_merging_leaves_the_mode_of_the_model(make) -> None:
    for training in (True, False):
        system = make("class", blocks=BLOCKS["attribute"]).train(training)
        assert not system.merge_experts("class").training
        assert system.training is training
