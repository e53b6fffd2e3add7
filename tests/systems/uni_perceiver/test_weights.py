"""Official weights: names, token ids and errors; their numbers are tested in `tests/golden/test_s5_model.py`."""

import pytest
import torch

from motet.core import CheckpointError
from motet.systems.uni_perceiver.weights import load_uni_perceiver

NORM = "fused_encoder.layers.0.norm1.weight"


def test_weights_of_another_model_are_refused(make) -> None:
    with pytest.raises(CheckpointError, match=r"got 'bert\.x' and others; want 'fused_encoder\.layers"):
        load_uni_perceiver(make("class"), {"bert.x": torch.zeros(1)})


def test_rows_of_the_table_go_to_the_ids_of_the_tokeniser(make) -> None:
    system = make("class")
    before = system.embedding.words.weight.detach().clone()
    table = torch.arange(4.0)[:, None].expand(4, 16).contiguous()
    published = {NORM: torch.full((16,), 3.0), "token_embed.embeddings.weight": table}
    report = load_uni_perceiver(system, published, token_ids={0: 7, 3: 2, 9: 5, 1: 10_000})
    after = system.embedding.words.weight.detach()
    assert after[7].tolist() == [0.0] * 16
    assert after[2].tolist() == [3.0] * 16
    others = [i for i in range(len(after)) if i not in (7, 2)]
    assert torch.equal(after[others], before[others])
    assert set(report.loaded) == {"encoder.blocks.0.norm1.weight", "embedding.words.weight"}
    assert system.encoder.blocks[0].norm1.weight.tolist() == [3.0] * 16


def test_other_shapes_and_unknown_names_are_reported(make) -> None:
    system = make("class")
    before = {name: value.clone() for name, value in system.state_dict().items()}
    report = load_uni_perceiver(system, {NORM: torch.zeros(5), "head.bias": torch.zeros(2)}, token_ids={})
    assert report.unexpected == ("head.bias",)
    assert report.mismatched == (("encoder.blocks.0.norm1.weight", (5,), (16,)),)
    assert all(torch.equal(value, before[name]) for name, value in system.state_dict().items())


def test_every_published_scale_finds_its_family(make) -> None:
    system = make("class", "pair", "caption", "masked", "match", "motion")
    names = {
        "img_cls": "picture", "video_cls": "video", "downstream": "sentence", "caption": "said", "text_mlm": "word",
        "retrieve": "fit",
    }  # fmt: skip
    published = {f"loss_prepare.logit_scale_{name}": torch.tensor(float(i)) for i, name in enumerate(names)}
    report = load_uni_perceiver(system, {NORM: torch.ones(16), **published}, token_ids={})
    assert not report.unexpected
    scales = system.similarity.log_scales
    assert [float(scales[key].detach()) for key in names.values()] == [0, 1, 2, 3, 4, 5]
