"""Uni-Perceiver as a whole: what is read, compared, said, kept, tuned and merged."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from motet.core import ConfigError, DataError, Label, TextPrediction, rng_for
from motet.core.model_folder import write_model
from motet.hub import load_system
from motet.preprocess.tokenizers import EOS
from motet.systems.uni_perceiver import Experts, LossConfig, PromptTuning, TaskSpecificBlocks
from motet.systems.uni_perceiver.attributes import TokenAttributes, entries_of
from motet.systems.uni_perceiver.generation import TextState, TextStepModel, word_scores
from motet.systems.uni_perceiver.inputs import first_position, given_line, saying_line
from motet.systems.uni_perceiver.merge_experts import merged
from motet.systems.uni_perceiver.parts import is_tuned
from motet.systems.uni_perceiver.retrieval import MatchedPairs, in_batch, told_apart

ROUTINGS = ("token", "context", "modality", "task", "attribute")
BLOCKS = {name: Experts(routing=name, num_experts=3, where="all") for name in ROUTINGS}
BLOCKS |= {"plain": None, "separate": TaskSpecificBlocks()}


def total(system, batch):
    losses = system.losses(batch)
    return sum(loss.total / loss.weight for loss in (*losses.tasks.values(), *losses.terms.values()) if loss.weight)


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_texts_said_step_by_step_are_as_likely_as_when_read_whole(make, rows, batch, blocks) -> None:
    system = make("said", "open", blocks=blocks).eval()
    # Questions of two lengths: what fills up the shorter one must not move its answer.
    found = batch(system, [rows(0), rows(1, text="what")])
    words = torch.tensor([[5, 9, 12], [7, 5, 30]])
    for name, target in found.targets.items():
        task = system.tasks[name]
        given = given_line(system, task, found, target)
        with torch.no_grad():
            line = saying_line(system, task, given, words)
            whole = word_scores(system, task, system.encoder(line).states[:, -3:])
            first = first_position(given)
            position = torch.zeros(2, dtype=torch.long) if first is None else first
            state = TextState(system.encoder(replace(given, num_open=given.x.shape[1])).past, position)
            model = TextStepModel(system, task)
            logits, state = model.start(state)
            for place in range(3):
                assert torch.allclose(logits[:, EOS:], whole[:, place], atol=1e-4)
                assert bool((logits[:, :EOS] == -torch.inf).all())
                logits, state = model.step(state, words[:, place])


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_every_way_of_making_blocks_learns(make, rows, batch, blocks) -> None:
    system = make("class", "pair", "vqa", "said", "words", "fit", blocks=blocks)
    loss = total(system, batch(system, [rows(0), rows(1)]))
    loss.backward()
    assert torch.isfinite(loss)
    silent = [n for n, p in system.named_parameters() if p.grad is None]
    assert silent == []


def test_a_wrong_pair_is_never_another_caption_of_the_same_image() -> None:
    torch.manual_seed(0)
    images, texts = (F.normalize(torch.randn(4, 8), dim=-1) for _ in range(2))
    # Rows 0 and 1 show one picture; row 3's text is said of row 2's picture too.
    pairs = MatchedPairs(
        images, texts, torch.tensor([1, 1, 2, 3]), torch.tensor([10, 11, 12, 13]),
        torch.tensor([[10, 11], [10, 11], [12, 13], [13, 0]]),
    )  # fmt: skip
    to_texts, to_images = told_apart(pairs, pairs, torch.arange(4))
    assert to_texts.int().tolist() == [[1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert to_images.int().tolist() == [[1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]]
    loss = in_batch(pairs, pairs, 0, torch.tensor(5.0), 0.0)
    scores = 5 * images @ texts.T
    wanted = -(scores.masked_fill(~to_texts, -torch.inf).log_softmax(1).diagonal().sum())
    wanted -= scores.T.masked_fill(~to_images, -torch.inf).log_softmax(1).diagonal().sum()
    assert float(loss.total) == pytest.approx(float(wanted) / 2, abs=1e-4)
    assert float(loss.weight) == 4


def test_images_and_texts_of_a_split_are_encoded_apart(make, rows, batch) -> None:
    system = make("fit").eval()
    images = batch(system, [rows(i, labels={}) for i in range(3)])
    texts = batch(system, [rows(i, images=(), labels={}, text=f"a cat {i}") for i in range(2)])
    sides = system.side(images, "fit", "images"), system.side(texts, "fit", "texts")
    assert system.score("fit", *sides).shape == (3, 2)
    alone = system.side(batch(system, [rows(2, labels={})]), "fit", "images")
    assert torch.allclose(sides[0]["features"][2:], alone["features"], atol=1e-5)
    with pytest.raises(ConfigError, match="got task 'none'; want a Match"):
        system.score("none", *sides)


def test_targets_are_kept_until_a_weight_changes(make, rows, batch, monkeypatch) -> None:
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
    again = load_system(tmp_path, tasks=[replace(old, target=Label(("cow", "cat", "dog", "big bird", "fish")))])
    (new,), (was,) = (s.predict(batch(s, [rows(0)]))["class"] for s in (again, system))
    assert len(new.scores) == 5
    order = torch.tensor(new.scores)[[1, 2, 0]].log_softmax(0)
    assert torch.allclose(order, torch.tensor(was.scores), atol=1e-5)
    with pytest.raises(ConfigError, match="names: got none"):
        replace(old, target=Label(()))


def test_a_name_longer_than_the_positions_is_refused_and_a_caption_cut(make, rows, batch) -> None:
    with pytest.raises(ConfigError, match=r"task 'class': name 'cat': got .* pieces; want at most 4"):
        make("class", max_tokens=4, max_generated=4, tokenizer=replace(make("class").config.tokenizer, size=258))
    system = make("said", "words")
    long = batch(system, [rows(0, labels={"said": ("cat " * 90,)})]).targets
    assert long["said"].value["said"].shape == (1, 16)
    assert long["said"].value["said"][0, -1] == EOS
    assert long["words"].value["ids"].shape[2] == 40


def test_a_sample_of_the_vocabulary_has_the_words_of_the_batch(make, rows, batch) -> None:
    system = make("said", loss=LossConfig(sampled_words=40))
    wanted = torch.tensor([9, 4, 9, 30])
    features, index = system.targets.words_with(system.tasks["said"], wanted)
    assert len(features) == 40
    every = system.targets.words(system.tasks["said"])
    assert torch.allclose(features[index], every[wanted - EOS], atol=1e-5)
    assert torch.isfinite(total(system, batch(system, [rows(0), rows(1)])))


def test_hidden_words_are_hidden_whole_and_told(make, rows, batch) -> None:
    system = make("words").eval()
    reader = system.reader
    for seed in range(20):
        ids, told = reader.hide("unheard tremendous xylophones", rng_for("hide", seed), at_least_one=True)
        whole = [piece if want < 0 else want for piece, want in zip(ids, told, strict=True)]
        assert reader.words.decode(whole) == "unheard tremendous xylophones"
        text = reader.words.decode([w for w, want in zip(whole, told, strict=True) if want >= 0])
        assert text
        assert set(text.split()) <= {"unheard", "tremendous", "xylophones"}
    (said,) = system.predict(batch(system, [rows(0)]))["words"]
    assert said.log_prob < 0


def test_a_video_is_read_frame_by_frame(make, rows, batch) -> None:
    system = make("motion")
    found = batch(system, [rows(0, frames=5), rows(1, frames=1)])
    assert found.inputs["frames"].shape == (2, 2, 3, 8, 8)
    assert torch.isfinite(total(system, found))
    with pytest.raises(DataError, match="e/0: frames: got 0; want at least one"):
        batch(system, [rows(0, images=())])


def test_mixed_images_have_mixed_classes(make, rows, batch) -> None:
    system = make("class", loss=LossConfig(mixed=("class",)))
    torch.manual_seed(0)
    assert torch.isfinite(total(system, batch(system, [rows(0), rows(1)])))
    with pytest.raises(ConfigError, match=r"learning\.mixed: got 'pair'; want a Label on images"):
        make("pair", loss=LossConfig(mixed=("pair",)))


def test_a_loss_that_keeps_experts_evenly_used(make, rows, batch) -> None:
    system = make("class", blocks=replace(BLOCKS["token"], balance=0.1))
    terms = system.losses(batch(system, [rows(0), rows(1)])).terms
    assert 0.1 <= float(terms["class", "balance"].total.detach()) / 2 < 0.3
    with pytest.raises(ConfigError, match=r"balance: got 0\.1 with 'task' routing; want 0"):
        replace(BLOCKS["task"], balance=0.1)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ConfigError, match=r"Experts\.k: got 4 of 3 experts; want from 1 to 3"):
        Experts(num_experts=3, k=4)
    with pytest.raises(ConfigError, match="which no row of the table fits"):
        entries_of((0, 1, 1, 1, 0, 1, 0, 1), "paper")
    with pytest.raises(ConfigError, match="got a token of a picture, and none in the inputs"):
        TokenAttributes(text_inputs=True, text_targets=True, visual=True)


def test_prompt_tuning_leaves_all_else_bit_equal(make, rows, batch) -> None:
    system = make("class", "vqa", "said", tuning=PromptTuning(length=2))
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
@pytest.mark.parametrize("name", ["class", "open", "said", "words", "match"])
def test_merged_experts_answer_alike_and_load_without_them(make, rows, batch, tmp_path, routing, name) -> None:
    system = make(
        "class", "open", "said", "words", "match", blocks=replace(BLOCKS[routing], where="every other")
    ).eval()
    dense = merged(system, name)
    write_model(tmp_path, dense)
    loaded = load_system(tmp_path).eval()
    assert not any("gate" in key or value.ndim == 3 for key, value in loaded.state_dict().items())
    # Of a text without a picture all tokens have one modality.
    alike = routing == "task" or (routing == "modality" and name == "words")
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
        merged(make("class", blocks=BLOCKS["token"]), "class")
    with pytest.raises(ConfigError, match="got task 'clas'; did you mean 'class'"):
        merged(make("class"), "clas")


def test_blocks_that_tasks_share_go_from_shallow_to_deep(make) -> None:
    found = make("class", "said").shared_blocks()
    assert list(found) == ["pictures", "words", "attention0", "mlp0", "attention1", "mlp1", "similarity"]
