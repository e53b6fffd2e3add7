"""Uni-Perceiver as a whole: what it learns, reads, freezes and shares."""

import copy
from dataclasses import replace

import pytest
import torch
from toy_uni_perceiver import BLOCKS, total_loss

from motet.core import ConfigError, DataError, Label
from motet.core.model_folder import write_model
from motet.hub import load_system
from motet.preprocess.tokenizers import EOS
from motet.systems.uni_perceiver import LossConfig, PromptTuning
from motet.systems.uni_perceiver.parts import is_tuned


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_every_composition_of_blocks_trains_all_its_weights(make, rows, batch, blocks) -> None:
    system = make("class", "pair", "vqa", "caption", "masked", "pairs", blocks=blocks)
    loss = total_loss(system, batch(system, [rows(0), rows(1)]))
    loss.backward()
    assert torch.isfinite(loss)
    silent = [n for n, p in system.named_parameters() if p.grad is None]
    assert silent == []


def test_other_names_after_training_need_no_new_weights(make, rows, batch, tmp_path) -> None:
    system = make("class").eval()
    write_model(tmp_path, system)
    (old,) = system.tasks.values()
    again = load_system(tmp_path, tasks=[replace(old, target=Label(("cow", "cat", "dog", "big bird", "fish")))])
    (new,), (was,) = (s.predict(batch(s, [rows(0)]))["class"] for s in (again, system))
    assert len(new.scores) == 5
    order = torch.tensor(new.scores)[[1, 2, 0]].log_softmax(0)
    assert torch.allclose(order, torch.tensor(was.scores), atol=1e-5)
    with pytest.raises(ConfigError, match="names: got none"):
        replace(old, target=Label(()))


def test_a_name_longer_than_the_positions_is_refused_and_a_caption_cut(make, rows, batch) -> None:
    with pytest.raises(ConfigError, match=r"task 'class': name 'cat': got .* tokens; want at most 4"):
        make("class", max_tokens=4, max_generated=4, tokenizer=replace(make("class").config.tokenizer, size=258))
    system = make("caption", "masked")
    long = batch(system, [rows(0, labels={"caption": ("cat " * 90,)})]).targets
    assert long["caption"].value["text_ids"].shape == (1, 16)
    assert long["caption"].value["text_ids"][0, -1] == EOS
    assert long["masked"].value["ids"].shape[2] == 40


def test_a_video_is_read_frame_by_frame(make, rows, batch) -> None:
    system = make("motion")
    found = batch(system, [rows(0, frames=5), rows(1, frames=1)])
    assert found.inputs["frames"].shape == (2, 2, 3, 8, 8)
    assert torch.isfinite(total_loss(system, found))
    with pytest.raises(DataError, match="e/0: frames: got 0; want at least one"):
        batch(system, [rows(0, images=())])


def test_mixup_trains_labels_on_images_only(make, rows, batch) -> None:
    system = make("class", loss=LossConfig(mixup_tasks=("class",)))
    torch.manual_seed(0)
    assert torch.isfinite(total_loss(system, batch(system, [rows(0), rows(1)])))
    with pytest.raises(ConfigError, match=r"loss\.mixup_tasks: got 'pair'; want a Label on images"):
        make("pair", loss=LossConfig(mixup_tasks=("pair",)))


def test_a_load_balancing_loss_is_a_term_of_its_own(make, rows, batch) -> None:
    system = make("class", blocks=replace(BLOCKS["token"], balance=0.1))
    terms = system.losses(batch(system, [rows(0), rows(1)])).terms
    assert 0.1 <= float(terms["class", "balance"].total.detach()) / 2 < 0.3
    with pytest.raises(ConfigError, match=r"balance: got 0\.1 with 'task' routing; want 0"):
        replace(BLOCKS["task"], balance=0.1)


def test_prompt_tuning_leaves_all_else_bit_equal(make, rows, batch) -> None:
    system = make("class", "vqa", "caption", tuning=PromptTuning(length=2))
    before = {name: value.clone() for name, value in system.state_dict().items()}
    groups = system.parameter_groups()
    optimizer = torch.optim.AdamW([p for g in groups for p in g["params"]], lr=1e-2, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        total_loss(system, batch(system, [rows(0), rows(1)])).backward()
        optimizer.step()
    moved = {name for name, value in system.state_dict().items() if not torch.equal(value, before[name])}
    assert all(is_tuned(name) for name in moved)
    assert {n for n, p in system.named_parameters() if p.requires_grad} == moved


def test_blocks_that_tasks_share_go_from_shallow_to_deep(make) -> None:
    found = make("class", "caption").shared_blocks()
    assert list(found) == ["images", "texts", "attention0", "mlp0", "attention1", "mlp1", "similarity"]


def test_matrices_decay_and_norms_tables_scales_and_gates_do_not(make) -> None:
    system = make("class", "caption", tuning=None)
    name_of = {id(p): n for n, p in system.named_parameters()}
    groups = {g["name"]: {name_of[id(p)] for p in g["params"]} for g in system.parameter_groups()}
    assert set(groups) == {"rest", "rest_plain"}
    assert {"encoder.blocks.0.qkv.weight", "similarity.project.weight", "embedding.patches.weight"} <= groups["rest"]
    assert not any("norm" in name or "_gate" in name or name.endswith("bias") for name in groups["rest"])
    assert {"embedding.words.weight", "similarity.log_scales.said"} <= groups["rest_plain"]
    assert len(name_of) == sum(map(len, groups.values()))


def test_a_copy_of_the_model_is_a_model_of_its_own(make, rows, batch) -> None:
    system = make("class", "caption").eval()
    found = batch(system, [rows(0)])
    before = system.predict(found)
    copied = copy.deepcopy(system)
    assert copied.predict(found) == before
    with torch.no_grad():
        copied.similarity.project.weight.mul_(-1.5)
        copied.embedding.words.weight.mul_(0.5)
    assert copied.predict(found) != before
    assert system.predict(found) == before
    assert copied.generator.encoder is copied.encoder


def test_parts_that_compose_the_model_register_no_weight_twice(make) -> None:
    system = make("class", "caption", "masked", "match")
    prefixes = {name.split(".")[0] for name in system.state_dict()}
    assert prefixes == {"embedding", "encoder", "similarity"}
