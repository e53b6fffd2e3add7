"""Scores of all pairs are the same in blocks of any size, with and without projections made once per side."""

from types import SimpleNamespace

import pytest
import torch

from motet.systems.twelve_in_one import retrieval
from motet.systems.twelve_in_one.body import Body, UnimodalStates
from motet.systems.twelve_in_one.retrieval import pairs_at_once, score_pairs
from motet.systems.twelve_in_one.streams import StreamSizes


@pytest.fixture(scope="module")
def body() -> Body:
    torch.manual_seed(0)
    text = SimpleNamespace(
        vocab_size=30, hidden_size=8, type_vocab_size=1, max_position_embeddings=12, layer_norm_eps=1e-12
    )
    sizes = StreamSizes(
        text_width=8, text_depth=3, text_heads=2, text_hidden=16, image_width=12, image_depth=2, image_heads=2,
        image_hidden=20, co_width=16, co_heads=2, connections=((0, 1), (1, 2)),
    )  # fmt: skip
    built = Body(text, sizes, 12, 5, dropout=0.1, attention_dropout=0.1, fusion="product").eval()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return built


@pytest.fixture(scope="module")
def sides(body) -> tuple[UnimodalStates, UnimodalStates]:
    """Five images of three to five regions, seven texts of one to eight words."""
    generator = torch.Generator().manual_seed(1)
    lengths, counts = torch.tensor([3, 8, 1, 5, 8, 2, 4]), torch.tensor([3, 5, 4, 5, 3])
    read = torch.arange(8) < lengths[:, None]
    valid = torch.arange(5) < counts[:, None]
    ids = torch.randint(0, 30, (7, 8), generator=generator)
    features = torch.randn(5, 5, 5, generator=generator)
    with torch.no_grad():
        texts = body.encode_texts(ids, torch.zeros_like(ids), read, None)
        return body.encode_images(features, torch.rand(5, 5, 5, generator=generator), valid), texts


def head(fused: torch.Tensor) -> torch.Tensor:
    return fused.sum(-1, keepdim=True)


@torch.no_grad()
def one_by_one(body: Body, images: UnimodalStates, texts: UnimodalStates) -> torch.Tensor:
    """Scores each pair alone."""
    scores = torch.empty(len(images.states), len(texts.states))
    for i in range(len(images.states)):
        for t in range(len(texts.states)):
            pair = body.join(texts.rows(torch.tensor([t])).trim(), images.rows(torch.tensor([i])).trim())
            scores[i, t] = head(body.fuse(pair))[0, 0]
    return scores


@pytest.mark.parametrize("pairs", [1, 3, 6, 100, None])
def test_blocks_of_any_size_score_as_pairs_one_by_one(body, sides, pairs) -> None:
    with torch.no_grad():
        found = score_pairs(body, head, *sides, pairs=pairs)
    assert torch.allclose(found, one_by_one(body, *sides), atol=1e-5)
    assert len(found.unique()) == 35


def test_each_side_is_projected_once_and_no_pair_without(body, sides, monkeypatch) -> None:
    asked, joined = [], []
    project, join = body.project_qkv, body.join
    monkeypatch.setattr(body, "project_qkv", lambda side, of: asked.append((of, len(side.states))) or project(side, of))
    monkeypatch.setattr(body, "join", lambda texts, images: joined.append((texts, images)) or join(texts, images))
    with torch.no_grad():
        score_pairs(body, head, *sides, pairs=4)
    for of, whole in (("images", 5), ("texts", 7)):
        assert sum(count for side, count in asked if side == of) == whole
    assert sum(len(texts.states) for texts, _ in joined) == 35
    assert all(side.qkv is not None for pair in joined for side in pair)
    # Texts of similar lengths are grouped: two of eight words, and neither of them with one of one word.
    assert {texts.states.shape[1] for texts, _ in joined} == {2, 4, 8}


def test_fewer_pairs_of_longer_sides_are_joined_at_once(body, sides, monkeypatch) -> None:
    images, texts = sides
    monkeypatch.setattr(retrieval, "_MAX_VALUES", 5_000)
    few, one = pairs_at_once(body, images, texts), pairs_at_once(body, images, texts.rows(torch.tensor([2])).trim())
    assert 1 < few < one
    monkeypatch.setattr(retrieval, "_MAX_VALUES", 1)
    assert pairs_at_once(body, images, texts) == 1
