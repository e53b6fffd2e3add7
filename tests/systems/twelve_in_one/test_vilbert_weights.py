"""Published heads and tokens into those of tasks: rows by the names of their classes, and what is refused."""

from pathlib import Path

import pytest
import torch
from toy_twelve_in_one import NamedRegions, task

from motet.core import Answer, CheckpointError, ConfigError, Label, Region
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import FromScratch
from motet.systems import build_system
from motet.systems.twelve_in_one import TwelveInOneConfig
from motet.systems.twelve_in_one.model import TwelveInOne
from motet.systems.twelve_in_one.vilbert_weights import NAMES, load_vilbert

ENTAILMENT = ("entailment", "neutral", "contradiction")
TASKS = (
    task("snli_ve", Label(ENTAILMENT)), task("nlvr2", Label(("true", "false"))),
    task("vqa", Answer(("no", "yes", "2"))), task("refer", Region()), task("other", Label(("entailment", "maybe"))),
)  # fmt: skip


def make() -> TwelveInOne:
    config = TwelveInOneConfig(
        source=NamedRegions(), text=TinyBert(width=8, depth=1, heads=2, words=300), text_mode=FromScratch(),
        max_tokens=12, image_width=8, image_depth=1, image_heads=2, image_hidden=8, co_width=8, co_heads=2,
        linear=("snli_ve",), pairs=("nlvr2",), task_token="task",
    )  # fmt: skip
    system = build_system(config, TASKS, texts=lambda: ["two dogs", "a red thing"] * 3)
    assert isinstance(system, TwelveInOne)
    return system


def published(**heads: int) -> dict[str, torch.Tensor]:
    """Weights whose every row holds its number."""
    weights = {"bert.encoder.c_layer.0.biattention.key2.bias": torch.full((8,), 3.0)}
    weights["bert.embeddings.task_embeddings.weight"] = torch.arange(24.0).view(3, 8)
    for name, rows in heads.items():
        layer = "" if name == "vil_tri_prediction" else "logit_fc.3."
        width = 8 if name == "vil_tri_prediction" else 16
        weights[f"module.{name}.{layer}bias"] = torch.arange(float(rows))
        weights[f"module.{name}.{layer}weight"] = torch.arange(float(rows))[:, None].expand(rows, width).clone()
    return weights


def test_entailment_takes_the_row_that_means_entailment() -> None:
    """`visual_entailment_dataset.py` has contradiction 0, neutral 1, entailment 2; SNLI-VE's reader the reverse."""
    system = make()
    load_vilbert(system, published(vil_tri_prediction=3), heads={"vil_tri_prediction": "snli_ve"})
    head = system.head("snli_ve").out
    assert NAMES["vil_tri_prediction"] == ("contradiction", "neutral", "entailment")
    assert head.bias.tolist() == head.weight[:, 0].tolist() == [2, 1, 0]


def test_names_are_compared_without_case_and_other_layers_keep_their_rows() -> None:
    system, weights = make(), published(vil_binary_prediction=2)
    weights["vil_binary_prediction.logit_fc.0.bias"] = torch.arange(16.0)
    load_vilbert(system, weights, heads={"vil_binary_prediction": "nlvr2"})
    assert system.head("nlvr2").out.bias.tolist() == [1, 0]
    assert system.head("nlvr2").hidden.bias.tolist() == list(range(16))


def test_answers_are_matched_by_the_order_that_is_given() -> None:
    system = make()
    names = {"vil_prediction": ["2", "left", "yes", "no"]}
    load_vilbert(system, published(vil_prediction=4), heads={"vil_prediction": "vqa"}, names=names)
    assert system.head("vqa").out.bias.tolist() == [3, 2, 0]


def test_tokens_and_streams_are_filled() -> None:
    system = make()
    loaded = load_vilbert(system, published(), tokens={1: "vqa"})
    assert system.token("vqa").tolist() == list(range(8, 16))
    assert system.body.streams.co[0].text_query_key_value.bias.tolist()[8:16] == [3.0] * 8
    assert "tokens.1" in loaded.loaded
    assert all(name.startswith("body.") for name in loaded.missing)


def test_a_head_of_another_form_is_left_alone_and_reported() -> None:
    system = make()
    before = system.head("vqa").out.weight.clone()
    weights = published() | {"vil_prediction.logit_fc.3.weight": torch.zeros(3, 5)}
    names = {"vil_prediction": ["no", "yes", "2"]}
    loaded = load_vilbert(system, weights, heads={"vil_prediction": "vqa"}, names=names)
    assert loaded.mismatched == (("vil_prediction.logit_fc.3.weight", (3, 5), (3, 16)),)
    assert torch.equal(system.head("vqa").out.weight, before)


@pytest.mark.parametrize(
    ("heads", "names", "wanted"),
    [
        ({"vil": "vqa"}, {}, r"heads: got \['vil'\]; want official names"),
        ({"vil_prediction": "vqa"}, {}, r"'vil_prediction' for task 'vqa': got no order .* want names="),
        ({"vil_prediction": "vqa"}, {"vil_prediction": ["yes", "no"]}, "got 1 of 3 names .* such as '2'"),
        ({"vil_prediction": "vqa"}, {"vil_prediction": ["no", "No", "yes", "2"]}, "got 'no' more than once"),
        (
            {"vil_tri_prediction": "other"},
            {},
            "such as 'maybe'; want a task with its names .'contradiction', 'neutral'",
        ),
    ],
)
def test_names_that_are_not_known_are_refused(heads: dict, names: dict, wanted: str) -> None:
    with pytest.raises(ConfigError, match=f"load_vilbert: .*{wanted}"):
        load_vilbert(make(), published(), heads=heads, names=names)


def test_what_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    system = make()
    names = {"vil_prediction": ["no", "yes", "2"]}
    with pytest.raises(CheckpointError, match=r"vil_prediction.logit_fc.3.bias: got 5 rows; want 3, one per"):
        load_vilbert(system, published(vil_prediction=5), heads={"vil_prediction": "vqa"}, names=names)
    with pytest.raises(CheckpointError, match="want a ViLBERT's names"):
        load_vilbert(system, {"fc.weight": torch.zeros(1)})


def test_the_published_file_is_read(tmp_path: Path) -> None:
    torch.save(published(vil_tri_prediction=3), tmp_path / "multi_task_model.bin")
    system = make()
    load_vilbert(system, tmp_path / "multi_task_model.bin", heads={"vil_tri_prediction": "snli_ve"})
    assert system.head("snli_ve").out.bias.tolist() == [2, 1, 0]
