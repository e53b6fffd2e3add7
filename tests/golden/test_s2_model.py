"""UniT's parts against the numbers of its official code, with its weights loaded into our classes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from motet.core import Answer, Label, Target, Task
from motet.metrics import Accuracy
from motet.nn.heads import BertHead
from motet.nn.matching import MatchCosts, corners, generalised_iou, match
from motet.nn.text_encoders import TextEncoder, TextTower, load_bert
from motet.nn.tower import FromScratch
from motet.systems.unit import DetectionConfig, UniTConfig
from motet.systems.unit.answers import ClassAnswers, DetectionAnswers
from motet.systems.unit.criterion import BoxTargets, detection_losses
from motet.systems.unit.heads import AttributeHead, BoxMlp, DetectionHead
from motet.systems.unit.model import _join_memories
from motet.systems.unit.text import TextMemory
from motet.systems.unit.transformer import DetrDecoder
from motet.systems.unit.vision import ImageLayers, sine_positions
from motet.systems.unit.weights import decoder_state, encoder_state

HERE = Path(__file__).parent
LAYER, LAYERS = 1e-5, 1e-4


def tensors(name: str) -> dict:
    found = np.load(HERE / name)
    return {key: torch.from_numpy(found[key]) if found[key].dtype.kind in "fib" else found[key] for key in found.files}


@pytest.fixture(scope="module")
def detection():
    return tensors("s2_detection.npz")


@pytest.fixture(scope="module")
def transformer():
    return tensors("s2_transformer.npz")


@pytest.fixture(scope="module")
def reading():
    return tensors("s2_text_and_heads.npz")


def far(got, wanted) -> float:
    return float((got - wanted).detach().abs().max())


def under(found, prefix: str) -> dict:
    return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}


# --- transformers


def image_layers(found, name: str, config, *, width: int, task_token: bool = True, pre_norm: bool = False):
    """The official image encoder's weights in ours; tasks are called by their index in the official table."""
    layers = ImageLayers(
        width, config["encoder_hidden_dim"], width if pre_norm else config["decoder_hidden_dim"],
        config["enc_layers"], config["nheads"], config["dim_feedforward"], ["0", "3"], task_token=task_token,
        residual=not pre_norm, pre_norm=pre_norm,
    )  # fmt: skip
    weights = under(found, f"{name}/")
    state = {key: value for key, value in layers.state_dict().items() if key.startswith("input.")}
    state |= encoder_state(under(weights, "encoder."))
    if task_token:
        state |= {f"tokens.{i}": weights["task_embeddings_enc.weight"][i] for i in (0, 3)}
    if not pre_norm:
        for ours, theirs in (("out", "enc2dec_proj"), ("out_positions", "pos_embed_proj")):
            state |= {f"{ours}.{part}": weights[f"{theirs}.{part}"] for part in ("weight", "bias")}
    layers.load_state_dict(state)
    return layers.eval()


def decoder_of(found, prefix: str, config, *, width: int, pre_norm: bool = False):
    decoder = DetrDecoder(config["dec_layers"], width, config["nheads"], config["dim_feedforward"], pre_norm=pre_norm)
    decoder.load_state_dict(decoder_state(under(found, prefix)))
    return decoder.eval()


def image_memory(found, layers, task: str):
    rows = found["img"].flatten(2).transpose(1, 2)
    positions = found["pos_sine"].flatten(2).transpose(1, 2)
    return layers.encode(rows, positions, ~found["img_mask"].bool().flatten(1), task)


def test_sine_positions_on_the_real_part(transformer) -> None:
    positions = sine_positions(~transformer["img_mask"].bool(), 16)
    assert far(positions, transformer["pos_sine"].flatten(2).transpose(1, 2)) < LAYER


@pytest.mark.parametrize("kind", ["shared", "separate"])
def test_the_decoder_reads_images_texts_and_both(transformer, kind: str) -> None:
    found, config = transformer, json.loads(str(transformer["config"]))
    layers = image_layers(found, kind, config, width=16)
    own = {"det": "decoders.detection.det.", "vqa2": "decoders.vl.vqa2.", "sst2": "decoders.glue.sst2."}
    text = (found["txt"], found["txt_pos"][None], found["txt_mask"] == 1)
    memories = {"det": [image_memory(found, layers, "0")], "vqa2": [image_memory(found, layers, "3"), text]}
    memories["sst2"] = [text]
    for task, parts in memories.items():
        memory, positions, valid = _join_memories(parts)
        assert far(memory.transpose(1, 2), found[f"{kind}_{task}_memory"]) < LAYERS
        prefix = f"{kind}/decoder." if kind == "shared" else f"{kind}/{own[task]}"
        decoder = decoder_of(found, prefix, config, width=24)
        states = decoder(found[f"query_{task}"], memory, positions, valid)
        assert far(states, found[f"{kind}_{task}_hs"]) < LAYERS


def test_norm_before_no_task_token_and_no_projection(transformer) -> None:
    name, config = "prenorm_notask_sameDim", json.loads(str(transformer["config"]))
    layers = image_layers(transformer, name, config, width=16, task_token=False, pre_norm=True)
    memory, positions, valid = image_memory(transformer, layers, "0")
    assert far(memory.transpose(1, 2), transformer[f"{name}_det_memory"]) < LAYERS
    decoder = decoder_of(transformer, f"{name}/decoders.detection.det.", config, width=16, pre_norm=True)
    states = decoder(transformer["query_det"][:, :16], memory, positions, valid)
    assert far(states, transformer[f"{name}_det_hs"]) < LAYERS


def test_the_box_head(transformer) -> None:
    head = BoxMlp(24)
    head.load_state_dict(under(transformer, "bbox_mlp/"))
    assert far(head(transformer["shared_det_hs"]), transformer["bbox_mlp_out_sigmoid"]) < LAYER


def test_layers_of_separate_decoders_start_different_unlike_theirs(transformer) -> None:
    assert bool(transformer["separate_decoder_layers_identical_at_init"])
    first, second = DetrDecoder(2, 8, 2, 16).layers
    assert far(first.mlp.up.weight, second.mlp.up.weight) > 0


# --- detection


def annotations(found, max_boxes: int = 6) -> BoxTargets:
    """The boxes of the three images, padded."""
    boxes, labels = torch.zeros(3, max_boxes, 4), torch.zeros(3, max_boxes, dtype=torch.long)
    attributes = torch.full((3, max_boxes, 16), -1)
    valid = torch.zeros(3, max_boxes, dtype=torch.bool)
    for image in range(3):
        count = len(found[f"target{image}/labels"])
        boxes[image, :count] = found[f"target{image}/boxes"]
        labels[image, :count] = found[f"target{image}/labels"]
        attributes[image, :count] = found[f"target{image}/attributes"]
        valid[image, :count] = True
    return BoxTargets(boxes, labels, attributes, valid)


def layers_of(found, part: str) -> torch.Tensor:
    return torch.stack([found[f"layer{layer}/{part}"] for layer in range(3)])


def test_generalised_iou_of_all_pairs(detection) -> None:
    predicted = corners(detection["layer2/pred_boxes"].flatten(0, 1))
    wanted = corners(torch.cat([detection[f"target{i}/boxes"] for i in range(3)]))
    assert far(generalised_iou(predicted[:, None], wanted[None]), detection["giou_pairwise"]) < LAYER


@pytest.mark.parametrize("setting", ["unit", "unit_attr", "unit_bcl"])
def test_every_layer_is_matched_as_theirs(detection, setting: str) -> None:
    wanted = annotations(detection)
    found = match(
        layers_of(detection, "pred_logits"), layers_of(detection, "pred_boxes"), wanted.labels, wanted.boxes_cxcywh,
        wanted.valid, MatchCosts(log=setting == "unit_bcl"),
    )  # fmt: skip
    for layer in range(3):
        for image in range(3):
            queries = (found[layer, image] >= 0).nonzero()[:, 0]
            assert queries.tolist() == detection[f"{setting}/match/layer{layer}/img{image}/pred"].tolist()
            places = found[layer, image, queries].tolist()
            assert places == detection[f"{setting}/match/layer{layer}/img{image}/tgt"].tolist()


def attribute_head(found) -> AttributeHead:
    head = AttributeHead(20, 7, 12, relu="after")
    weights = under(found, "attr_head/")
    head.labels.weight.data = weights["cls_embed.weight"]
    for ours, theirs in ((head.hidden, "attr_linear1"), (head.out, "attr_linear2")):
        ours.weight.data, ours.bias.data = weights[f"{theirs}.weight"], weights[f"{theirs}.bias"]
    return head


def losses(found, setting: str, logits, boxes):
    options = DetectionConfig(balanced=setting == "unit_bcl", relu="after")
    head = attribute_head(found)
    states = layers_of(found, "hs_for_attr")
    scores = (lambda labels: head(states, labels)) if setting == "unit_attr" else None
    return detection_losses(logits, boxes, annotations(found), options, scores)


@pytest.mark.parametrize("setting", ["unit", "unit_attr", "unit_bcl"])
def test_the_loss_of_a_set_and_its_gradient(detection, setting: str) -> None:
    logits = layers_of(detection, "pred_logits").requires_grad_()
    boxes = layers_of(detection, "pred_boxes").requires_grad_()
    found = losses(detection, setting, logits, boxes)
    weights = json.loads(str(detection[f"{setting}/weight_dict"]))
    theirs = under(detection, f"{setting}/loss/")
    by_part = {"class": "loss_ce", "background": "loss_ce", "box": "loss_", "attribute": "loss_attr"}
    wanted = dict.fromkeys(set(by_part.values()), 0.0)
    for name, value in theirs.items():
        kind = "loss_" if name.startswith(("loss_bbox", "loss_giou")) else name.rstrip("_01")
        if kind in wanted:
            wanted[kind] += weights[name] * float(value)
    got = dict.fromkeys(wanted, 0.0)
    for part, loss in found.items():
        got[by_part[part]] += float((loss.total / loss.weight).detach())
    assert got == pytest.approx(wanted, abs=LAYERS)
    total = sum(loss.total / loss.weight for loss in found.values())
    assert float(total.detach()) == pytest.approx(float(detection[f"{setting}/total"]), abs=LAYERS)
    total.backward()
    assert far(logits.grad[2], detection[f"{setting}/grad/last_logits"]) < LAYERS
    assert far(boxes.grad[2], detection[f"{setting}/grad/last_boxes"]) < LAYERS
    assert far(logits.grad[0], detection[f"{setting}/grad/aux0_logits"]) < LAYERS


def test_the_loss_is_that_of_detr_itself(detection) -> None:
    for name, value in under(detection, "detr/loss/").items():
        if name in under(detection, "unit/loss/"):
            assert far(value, detection[f"unit/loss/{name}"]) < LAYER


class Given(nn.Module):
    """Returns a fixed value."""

    def __init__(self, value) -> None:
        super().__init__()
        self.value = value

    def forward(self, states):
        return self.value


def test_boxes_come_back_in_pixels_of_the_file(detection) -> None:
    head = DetectionHead(8, 6)
    head.classes, head.boxes = Given(detection["layer2/pred_logits"]), Given(detection["layer2/pred_boxes"])
    sizes = [(480, 640), (300, 200), (100, 100)]
    geometry = torch.tensor([[0, 0, width, height, 0, 64, 32, height, width] for height, width in sizes])
    target = Target(torch.arange(3), {"geometry": geometry})
    found = DetectionAnswers(head, UniTConfig()).predict(torch.zeros(1, 3, 9, 8), target)
    for image, boxes in enumerate(found):
        wanted = under(detection, f"postprocess/img{image}/")
        assert np.abs(boxes.scores - wanted["scores"].numpy()).max() < LAYER
        assert boxes.labels.tolist() == wanted["labels"].tolist()
        assert np.abs(boxes.boxes_xyxy - wanted["boxes"].numpy()).max() < 1e-3


# --- texts and classifiers


@pytest.fixture(scope="module")
def bert(reading):
    from transformers import BertConfig, BertModel

    config = json.loads(str(reading["bert_config"]))
    config.pop("transformers_version")
    config.pop("model_type")
    model = BertModel(BertConfig(**config), add_pooling_layer=False)
    load_bert(model, under(reading, "bert/"), where="the golden file")
    return TextEncoder(model).eval()


def test_a_task_token_precedes_the_embedded_words(reading, bert) -> None:
    tower = TextTower(bert, FromScratch())
    for token in (True, False):
        memory = TextMemory(tower, 24, ["vqa2", "glue_qnli"], task_token=token).eval()
        if token:
            for name, row in (("vqa2", 3), ("glue_qnli", 5)):
                memory.tokens[name].data = reading["task_embeddings_lang"][row]
        memory.out, memory.out_positions = nn.Identity(), nn.Identity()
        for name, cls_only in (("vqa2", False), ("glue_qnli", False), ("vqa2", True)):
            states, positions, valid = memory(
                reading["input_ids"], reading["segment_ids"], reading["input_mask"] == 1, name, cls_only=cls_only
            )
            wanted = reading[f"text_seq_task{token}_{name}"]
            kept = 1 if cls_only else wanted.shape[1]
            assert far(states, wanted[:, :kept]) < LAYERS
            assert far(positions[0], reading["text_pos"][:kept]) < LAYER
            assert valid.shape == (2, kept)


NAMES = {"vqa2": ("vl.vqa2", 7), "visual_entailment": ("vl.visual_entailment", 3), "glue_qnli": ("glue.glue_qnli", 2)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("every_layer", [False, True])
def test_classifiers_and_their_losses(reading, name: str, every_layer: bool) -> None:
    key, count = NAMES[name]
    weights = under(reading, f"classifiers/{key}.")
    head = BertHead(24, count, dropout=0.1).eval()
    head.load_state_dict(
        {f"hidden.{p}": weights[f"0.dense.{p}"] for p in ("weight", "bias")}
        | {f"norm.{p}": weights[f"0.LayerNorm.{p}"] for p in ("weight", "bias")}
        | {f"out.{p}": weights[f"1.{p}"] for p in ("weight", "bias")}
    )
    names = tuple(str(i) for i in range(count))
    spec = Answer(names) if name == "vqa2" else Label(names)
    task = Task(name=name, inputs=frozenset({"text"}), label="a", target=spec, metrics=(Accuracy,))
    answers = ClassAnswers(task, head, UniTConfig(every_layer=every_layer))
    assert far(head(reading["hs"][-1, :, 0]), reading[f"cls_{name}_all{every_layer}_scores"]) < LAYER
    wanted = reading[f"target_{name}"]
    target = Target(torch.arange(2), {"answers" if name == "vqa2" else "label": wanted})
    loss, terms = answers.losses(reading["hs"], target)
    layers = under(reading, f"cls_{name}_all{every_layer}_loss_").values()
    assert not terms
    assert float((loss.total / loss.weight).detach()) == pytest.approx(
        sum(float(value) for value in layers), abs=LAYERS
    )
