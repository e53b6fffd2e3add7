"""Uni-Perceiver as a whole: inputs, similarities, generation, cached targets, prompt tuning and merged experts."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from motet.core import ConfigError, DataError, Label, TextPrediction, rng_for
from motet.core.model_folder import write_model
from motet.hub import restore
from motet.preprocess.tokenizers import EOS
from motet.systems.uni_perceiver import Experts, LossConfig, PromptTuning, TaskSpecificBlocks
from motet.systems.uni_perceiver.attributes import TokenAttributes, entries_of
from motet.systems.uni_perceiver.merge_experts import merge_experts
from motet.systems.uni_perceiver.parts import is_tuned
from motet.systems.uni_perceiver.retrieval import MatchedPairs, compared, in_batch_loss

ROUTINGS = ("token", "context", "modality", "task", "attribute")
BLOCKS = {name: Experts(routing=name, num_experts=3, where="all") for name in ROUTINGS}
BLOCKS |= {"plain": None, "task specific": TaskSpecificBlocks()}


def total(system, batch):
    losses = system.losses(batch)
    return sum(loss.total / loss.weight for loss in (*losses.tasks.values(), *losses.terms.values()) if loss.weight)


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_a_text_has_the_same_probability_step_by_step_and_in_one_pass(make, rows, batch, blocks) -> None:
    system = make("caption", "open", blocks=blocks).eval()
    # Questions of two lengths: padding of the shorter one must not change its answer.
    found = batch(system, [rows(0), rows(1, text="what")])
    words = torch.tensor([[5, 9, 12], [7, 5, 30]])
    for name, target in found.targets.items():
        task = system.tasks[name]
        generator = system.generator
        with torch.no_grad():
            inputs = generator.inputs.of_task(task, found, target)
            sequences = generator.inputs.with_text(task, inputs, words)
            whole = generator.word_log_probs(task, system.encoder(sequences).states[:, -3:])
            state, last = generator.start(inputs), None
            for place in range(3):
                log_probs, state = generator.step(task, state, last)
                assert torch.allclose(log_probs, whole[:, place], atol=1e-4)
                last = words[:, place] - EOS


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_every_way_of_making_blocks_learns(make, rows, batch, blocks) -> None:
    system = make("class", "pair", "vqa", "caption", "masked", "pairs", blocks=blocks)
    loss = total(system, batch(system, [rows(0), rows(1)]))
    loss.backward()
    assert torch.isfinite(loss)
    silent = [n for n, p in system.named_parameters() if p.grad is None]
    assert silent == []


def test_a_wrong_pair_is_never_another_caption_of_the_same_image() -> None:
    torch.manual_seed(0)
    images, texts = (F.normalize(torch.randn(4, 8), dim=-1) for _ in range(2))
    # Rows 0 and 1 have the same image; row 3's text is a caption of row 2's image, too.
    pairs = MatchedPairs(
        images, texts, torch.tensor([1, 1, 2, 3]), torch.tensor([10, 11, 12, 13]),
        torch.tensor([[10, 11], [10, 11], [12, 13], [13, 0]]),
    )  # fmt: skip
    to_texts, to_images = compared(pairs, pairs, torch.arange(4))
    assert to_texts.int().tolist() == [[1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert to_images.int().tolist() == [[1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]]
    loss = in_batch_loss(pairs, pairs, 0, torch.tensor(5.0), 0.0)
    scores = 5 * images @ texts.T
    expected = -(scores.masked_fill(~to_texts, -torch.inf).log_softmax(1).diagonal().sum())
    expected -= scores.T.masked_fill(~to_images, -torch.inf).log_softmax(1).diagonal().sum()
    assert float(loss.total) == pytest.approx(float(expected) / 2, abs=1e-4)
    assert float(loss.weight) == 4


def test_images_and_texts_of_a_split_are_encoded_apart(make, rows, batch) -> None:
    system = make("pairs").eval()
    images = batch(system, [rows(i, labels={}) for i in range(3)])
    texts = batch(system, [rows(i, images=(), labels={}, text=f"a cat {i}") for i in range(2)])
    sides = system.side(images, "pairs", "images"), system.side(texts, "pairs", "texts")
    assert system.score("pairs", *sides).shape == (3, 2)
    alone = system.side(batch(system, [rows(2, labels={})]), "pairs", "images")
    assert torch.allclose(sides[0]["features"][2:], alone["features"], atol=1e-5)
    with pytest.raises(ConfigError, match="got task 'none'; want a Match"):
        system.score("none", *sides)


def test_target_features_are_cached_until_a_weight_changes(make, rows, batch, monkeypatch) -> None:
    system = make("class").eval()
    found, calls = batch(system, [rows(0)]), []
    texts = system.targets.texts
    monkeypatch.setattr(system.targets, "texts", lambda *a: calls.append(1) or texts(*a))
    first = system.predict(found)
    assert system.predict(found) == first
    assert len(calls) == 1
    with torch.no_grad():
        system.similarity.project.weight.mul_(-1.5)
    assert system.predict(found) == system.predict(found)
    assert len(calls) == 2
    system.train()
    system.losses(found)
    system.losses(found)
    assert len(calls) == 4


def test_other_names_after_training_need_no_new_weights(make, rows, batch, tmp_path) -> None:
    system = make("class").eval()
    write_model(tmp_path, system)
    (old,) = system.tasks.values()
    again = restore(tmp_path, tasks=[replace(old, target=Label(("cow", "cat", "dog", "big bird", "fish")))])
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


def test_a_sample_of_the_vocabulary_has_the_words_of_the_batch(make, rows, batch) -> None:
    system = make("caption", loss=LossConfig(sampled_words=40))
    ids = torch.tensor([9, 4, 9, 30])
    features, index = system.targets.words_with(system.tasks["caption"], ids)
    assert len(features) == 40
    every = system.targets.words(system.tasks["caption"])
    assert torch.allclose(features[index], every[ids - EOS], atol=1e-5)
    assert torch.isfinite(total(system, batch(system, [rows(0), rows(1)])))


def test_masked_words_are_predicted(make, rows, batch) -> None:
    system = make("masked").eval()
    (prediction,) = system.predict(batch(system, [rows(0)]))["masked"]
    assert isinstance(prediction, TextPrediction)
    assert prediction.log_prob < 0


def test_a_video_is_read_frame_by_frame(make, rows, batch) -> None:
    system = make("motion")
    found = batch(system, [rows(0, frames=5), rows(1, frames=1)])
    assert found.inputs["frames"].shape == (2, 2, 3, 8, 8)
    assert torch.isfinite(total(system, found))
    with pytest.raises(DataError, match="e/0: frames: got 0; want at least one"):
        batch(system, [rows(0, images=())])


def test_mixup_trains_labels_on_images_only(make, rows, batch) -> None:
    system = make("class", loss=LossConfig(mixup_tasks=("class",)))
    torch.manual_seed(0)
    assert torch.isfinite(total(system, batch(system, [rows(0), rows(1)])))
    with pytest.raises(ConfigError, match=r"loss\.mixup_tasks: got 'pair'; want a Label on images"):
        make("pair", loss=LossConfig(mixup_tasks=("pair",)))


def test_a_load_balancing_loss_is_a_term_of_its_own(make, rows, batch) -> None:
    system = make("class", blocks=replace(BLOCKS["token"], balance=0.1))
    terms = system.losses(batch(system, [rows(0), rows(1)])).terms
    assert 0.1 <= float(terms["class", "balance"].total.detach()) / 2 < 0.3
    with pytest.raises(ConfigError, match=r"balance: got 0\.1 with 'task' routing; want 0"):
        replace(BLOCKS["task"], balance=0.1)


def test_errors_name_value_and_limit() -> None:
    with pytest.raises(ConfigError, match=r"Experts\.k: got 4 of 3 experts; want from 1 to 3"):
        Experts(num_experts=3, k=4)
    with pytest.raises(ConfigError, match="which no entry of the official table has"):
        entries_of((0, 1, 1, 1, 0, 1, 0, 1), "paper")
    with pytest.raises(
        ConfigError, match="got a visual token, but the inputs have no such modality; want visual_inputs=True"
    ):
        TokenAttributes(text_inputs=True, text_targets=True, visual=True)


def test_prompt_tuning_leaves_all_else_bit_equal(make, rows, batch) -> None:
    system = make("class", "vqa", "caption", tuning=PromptTuning(length=2))
    before = {name: value.clone() for name, value in system.state_dict().items()}
    groups = system.parameter_groups()
    optimizer = torch.optim.AdamW([p for g in groups for p in g["params"]], lr=1e-2, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        total(system, batch(system, [rows(0), rows(1)])).backward()
        optimizer.step()
    moved = {name for name, value in system.state_dict().items() if not torch.equal(value, before[name])}
    assert all(is_tuned(name) for name in moved)
    assert {n for n, p in system.named_parameters() if p.requires_grad} == moved


@pytest.mark.parametrize("routing", ["modality", "task", "attribute"])
@pytest.mark.parametrize("name", ["class", "open", "caption", "masked", "match"])
def test_merged_experts_answer_alike_and_load_without_them(make, rows, batch, tmp_path, routing, name) -> None:
    system = make(
        "class", "open", "caption", "masked", "match", blocks=replace(BLOCKS[routing], where="every other")
    ).eval()
    dense = merge_experts(system, name)
    write_model(tmp_path, dense)
    loaded = restore(tmp_path).eval()
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
        merge_experts(make("class", blocks=BLOCKS["token"]), "class")
    with pytest.raises(ConfigError, match="got task 'clas'; did you mean 'class'"):
        merge_experts(make("class"), "clas")


def test_blocks_that_tasks_share_go_from_shallow_to_deep(make) -> None:
    found = make("class", "caption").shared_blocks()
    assert list(found) == ["images", "texts", "attention0", "mlp0", "attention1", "mlp1", "similarity"]
