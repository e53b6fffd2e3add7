"""Features of targets: cached until weights change, in chunks, and sampled vocabularies."""

import copy

import torch
from toy_uni_perceiver import total_loss

from motet.preprocess.tokenizers import EOS
from motet.systems.uni_perceiver import LossConfig, target_features
from motet.systems.uni_perceiver.token_kinds import target_kind


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


def test_an_evaluation_between_fused_steps_uses_the_new_weights(make, rows, batch) -> None:
    system = make("caption", "class")
    found = batch(system, [rows(0), rows(1)])
    optimizer = torch.optim.AdamW(system.parameters(), lr=0.1, fused=True)
    with torch.no_grad():
        system.eval().targets.words(system.tasks["caption"])
    system.train()
    total_loss(system, found).backward()
    optimizer.step()
    with torch.no_grad():
        kept = system.eval().targets.words(system.tasks["caption"])
        system.targets.clear()
        assert torch.equal(kept, system.targets.words(system.tasks["caption"]))


def test_a_sample_of_the_vocabulary_has_the_words_of_the_batch(make, rows, batch) -> None:
    system = make("caption", loss=LossConfig(sampled_words=40))
    ids = torch.tensor([9, 4, 9, 30])
    features, index = system.targets.words_with(system.tasks["caption"], ids)
    assert len(features) == 40
    every = system.targets.words(system.tasks["caption"])
    assert torch.allclose(features[index], every[ids - EOS], atol=1e-5)
    assert torch.isfinite(total_loss(system, batch(system, [rows(0), rows(1)])))


def test_chunks_change_nothing(make, monkeypatch) -> None:
    system = make("class").eval()
    kind, ids = target_kind(system.tasks["class"]), system.targets.ids["class"]
    with torch.no_grad():
        whole = system.targets.texts(ids, kind)
        monkeypatch.setattr(target_features, "_CHUNK", 2)
        assert torch.allclose(system.targets.texts(ids, kind), whole, atol=1e-6)


@torch.no_grad()
def test_tasks_share_a_vocabulary_unless_their_weights_differ(make) -> None:
    attribute = make("caption", "masked").eval()
    assert attribute.targets.words(attribute.tasks["caption"]) is attribute.targets.words(attribute.tasks["masked"])
    by_task = make("caption", "masked", blocks=None).eval()
    assert by_task.targets.words(by_task.tasks["caption"]) is by_task.targets.words(by_task.tasks["masked"])


@torch.no_grad()
def test_a_copy_starts_with_an_empty_cache(make) -> None:
    system = make("class").eval()
    system.targets.names(system.tasks["class"])
    assert system.targets._cache
    assert not copy.deepcopy(system.targets)._cache


@torch.no_grad()
def test_a_word_is_a_target_as_a_name_is(make) -> None:
    """The official vocabulary is [token, end] for every token, the end among them."""
    system = make("caption", word_targets="with end").eval()
    task, targets = system.tasks["caption"], system.targets
    words = targets.words(task)
    for word in (EOS, 7, 30):
        as_text = targets.texts(torch.tensor([[word, EOS]]), target_kind(task))
        assert torch.allclose(words[word - EOS], as_text[0], atol=1e-6)
    alone = targets.texts(torch.tensor([[7]]), target_kind(task))[0]
    assert not torch.allclose(words[7 - EOS], alone, atol=1e-3)
    short = make("caption", word_targets="alone").eval()
    short.load_state_dict(system.state_dict())
    assert torch.allclose(short.targets.words(task)[7 - EOS], alone, atol=1e-6)
