"""The feed-forward baselines; what holds for all systems is tested in tests/contract."""

import io

import pytest
import torch
from PIL import Image

from motet.core import Answer, ConfigError, Example, Label, MemoryImage, Task, Text, UnsupportedTask
from motet.metrics import Accuracy
from motet.nn.encoders import PlainViT, TimmEncoder
from motet.nn.tower import FromScratch, Frozen
from motet.systems import build_system
from motet.systems.lit_decoder.feedforward import (
    ConcatTokens,
    Feedforward,
    FeedforwardConfig,
    MapFrozen,
    MapReset,
    MeanToken,
)

VIT = PlainViT(size=16, patch=8, width=16, depth=1, heads=2)
COLOUR = Task(
    name="colour", inputs=frozenset({"image"}), label="class", target=Label(("red", "blue")), metrics=(Accuracy,)
)
CLOSED = Task(
    name="vqa.closed", inputs=frozenset({"image"}), label="answers", target=Answer(("yes", "no")), metrics=(Accuracy,)
)


def rows() -> list[Example]:
    made = []
    for i, colour in enumerate(("red", "blue")):
        buffer = io.BytesIO()
        Image.new("RGB", (20, 18), colour).save(buffer, "PNG")
        labels = {"class": i, "answers": (("yes",) * 10, ("never",) * 10)[i]}
        made.append(Example(id=str(i), images=(MemoryImage(f"{i}.png", buffer.getvalue()),), labels=labels))
    return made


def build(tasks=(COLOUR, CLOSED), **changes) -> Feedforward:
    torch.manual_seed(0)
    system = build_system(FeedforwardConfig(**{"encoder": VIT, "mode": FromScratch(), **changes}), tasks, texts=list)
    assert isinstance(system, Feedforward)
    return system


def batch(system):
    tasks = tuple(system.tasks.values())
    return system.processor.collate([system.processor.row(row, tasks, None) for row in rows()], keep_annotations=True)


@pytest.mark.parametrize("pooling", [ConcatTokens(), MeanToken(), MapReset(2)], ids=repr)
@pytest.mark.parametrize("hidden", [None, 12])
def test_every_pooling_and_depth_learns(pooling, hidden) -> None:
    system = build(pooling=pooling, hidden=hidden)
    optimizer = torch.optim.Adam(system.parameters(), lr=1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        sum(loss.total for loss in system.losses(batch(system)).tasks.values()).backward()
        optimizer.step()
    assert [found.name for found in system.eval().predict(batch(system))["colour"]] == ["red", "blue"]


def test_an_annotation_that_is_none_of_the_names_has_no_weight() -> None:
    system = build()
    losses = system.losses(batch(system)).tasks
    assert float(losses["colour"].weight) == 2
    assert float(losses["vqa.closed"].weight) == 1


def test_the_backbones_own_head_pools_and_is_never_trained() -> None:
    options = {"img_size": 16, "patch_size": 8, "embed_dim": 12, "depth": 1, "num_heads": 2}
    encoder = TimmEncoder("vit_base_patch16_siglip_224", size=16, options=options)
    system = build_system(
        FeedforwardConfig(encoder=encoder, mode=Frozen(), pooling=MapFrozen()), [COLOUR], texts=list, assets={}
    )
    trainable = {name for name, p in system.named_parameters() if p.requires_grad}
    assert trainable == {"heads.colour.classify.out.weight", "heads.colour.classify.out.bias"}
    sum(loss.total for loss in system.losses(batch(system)).tasks.values()).backward()
    with pytest.raises(ConfigError, match="MapFrozen: got an encoder without an attention-pooling head"):
        build(pooling=MapFrozen())


def test_open_answers_texts_and_questions_are_refused() -> None:
    for target in (Answer(), Text(5)):
        with pytest.raises(UnsupportedTask, match="chooses from names"):
            build((Task(name="t", inputs=frozenset({"image"}), label="x", target=target, metrics=(Accuracy,)),))
    asked = Task(
        name="t", inputs=frozenset({"image", "text"}), label="x", target=Label(("a", "b")), metrics=(Accuracy,)
    )
    with pytest.raises(UnsupportedTask, match=r"got \['image', 'text'\]"):
        build((asked,))


def test_options_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"hidden: got 0"):
        FeedforwardConfig(hidden=0)
    with pytest.raises(ConfigError, match=r"dropout: got 1"):
        FeedforwardConfig(dropout=1.0)
