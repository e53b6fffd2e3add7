"""UniT's parts against the numbers of its official code, with its weights loaded into our classes."""

import json
import re

import numpy as np
import pytest
import torch
from golden_files import check_all_read, vectors
from torch import nn
from torch.nn import functional as F

from motet.core import Answer, Label, Target, Task
from motet.metrics import Accuracy
from motet.nn.heads import BertHead
from motet.nn.matching import MatchCosts, corners, generalised_iou, match
from motet.nn.text_encoders import TextEncoder, TextTower, load_bert
from motet.nn.tower import FromScratch
from motet.preprocess.regions import box_iou
from motet.systems.unit import DetectionConfig, UniTConfig
from motet.systems.unit.answers import ClassAnswers, DetectionAnswers
from motet.systems.unit.criterion import BoxTargets, detection_losses
from motet.systems.unit.heads import AttributeHead, BoxMlp, DetectionHead
from motet.systems.unit.model import _join_memories
from motet.systems.unit.text import TextMemory
from motet.systems.unit.transformer import DetrDecoder
from motet.systems.unit.vision import ImageLayers, sine_positions
from motet.systems.unit.weights import decoder_state, encoder_state

LAYER, LAYERS = 1e-5, 1e-4
TRANSFORMER, DETECTION, READING = (
    vectors(name) for name in ("s2_unit_transformer", "s2_detection_criterion", "s2_unit_text_and_heads")
)
CONFIG = json.loads(str(TRANSFORMER["config"]))
# The official table's rows that the two tasks with images use.
DET, VQA2 = (str(row) for row in TRANSFORMER["task_embeddings_rows_used"])


def far(got, wanted) -> float:
    return float((got - wanted).detach().abs().max())


def under(weights, prefix: str) -> dict:
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}


# --- transformers


def image_layers(name: str, *, task_token: bool = True, pre_norm: bool = False):
    """The official image encoder's weights in ours; tasks are called by their index in the official table."""
    width = CONFIG["encoder_hidden_dim"]
    layers = ImageLayers(
        width, width, width if pre_norm else CONFIG["decoder_hidden_dim"], CONFIG["enc_layers"], CONFIG["nheads"],
        CONFIG["dim_feedforward"], [DET, VQA2], task_token=task_token, residual=not pre_norm, pre_norm=pre_norm,
    )  # fmt: skip
    state = {key: value for key, value in layers.state_dict().items() if key.startswith("input.")}
    state |= encoder_state(TRANSFORMER.under(f"{name}/encoder."))
    if task_token:
        rows = TRANSFORMER.tensor(f"{name}/task_embeddings_enc.weight")
        state |= {f"tokens.{i}": rows[int(i)] for i in (DET, VQA2)}
    if not pre_norm:
        for ours, theirs in (("out", "enc2dec_proj"), ("out_positions", "pos_embed_proj")):
            weights = TRANSFORMER.under(f"{name}/{theirs}.")
            state |= {f"{ours}.{part}": weights[part] for part in ("weight", "bias")}
    layers.load_state_dict(state)
    return layers.eval()


def decoder_of(prefix: str, *, width: int, pre_norm: bool = False):
    decoder = DetrDecoder(CONFIG["dec_layers"], width, CONFIG["nheads"], CONFIG["dim_feedforward"], pre_norm=pre_norm)
    decoder.load_state_dict(decoder_state(TRANSFORMER.under(prefix)))
    return decoder.eval()


def image_memory(layers, task: str):
    rows = TRANSFORMER.tensor("img").flatten(2).transpose(1, 2)
    positions = TRANSFORMER.tensor("pos_sine").flatten(2).transpose(1, 2)
    return layers.encode(rows, positions, ~TRANSFORMER.tensor("img_mask").bool().flatten(1), task)


def test_sine_positions_on_the_real_part() -> None:
    wanted = TRANSFORMER.tensor("pos_sine")
    positions = sine_positions(~TRANSFORMER.tensor("img_mask").bool(), wanted.shape[1])
    assert far(positions, wanted.flatten(2).transpose(1, 2)) < LAYER


@pytest.mark.parametrize("kind", ["shared", "separate"])
def test_the_decoder_reads_images_texts_and_both(kind: str) -> None:
    found = TRANSFORMER
    layers = image_layers(kind)
    own = {"det": "decoders.detection.det.", "vqa2": "decoders.vl.vqa2.", "sst2": "decoders.glue.sst2."}
    text = (found.tensor("txt"), found.tensor("txt_pos")[None], found.tensor("txt_mask") == 1)
    memories = {"det": [image_memory(layers, DET)], "vqa2": [image_memory(layers, VQA2), text], "sst2": [text]}
    for task, parts in memories.items():
        memory, positions, valid = _join_memories(parts)
        assert far(memory.transpose(1, 2), found.tensor(f"{kind}_{task}_memory")) < LAYERS
        # The shared decoder is registered under every data set's name.
        prefixes = [f"{kind}/{own[task]}", *([f"{kind}/decoder."] if kind == "shared" else [])]
        for prefix in prefixes:
            decoder = decoder_of(prefix, width=CONFIG["decoder_hidden_dim"])
            states = decoder(found.tensor(f"query_{task}"), memory, positions, valid)
            assert far(states, found.tensor(f"{kind}_{task}_hs")) < LAYERS


def test_norm_before_no_task_token_and_no_projection() -> None:
    name, width = "prenorm_notask_sameDim", CONFIG["encoder_hidden_dim"]
    layers = image_layers(name, task_token=False, pre_norm=True)
    memory, positions, valid = image_memory(layers, DET)
    assert far(memory.transpose(1, 2), TRANSFORMER.tensor(f"{name}_det_memory")) < LAYERS
    for part in ("decoder", *(f"decoders.{each}" for each in ("detection.det", "vl.vqa2", "glue.sst2"))):
        decoder = decoder_of(f"{name}/{part}.", width=width, pre_norm=True)
        states = decoder(TRANSFORMER.tensor("query_det")[:, :width], memory, positions, valid)
        assert far(states, TRANSFORMER.tensor(f"{name}_det_hs")) < LAYERS


def test_the_box_head() -> None:
    weights = TRANSFORMER.under("bbox_mlp/")
    head = BoxMlp(len(weights["layers.0.bias"]))
    head.load_state_dict(weights)
    assert far(head(TRANSFORMER.tensor("shared_det_hs")), TRANSFORMER.tensor("bbox_mlp_out_sigmoid")) < LAYER


def test_layers_of_separate_decoders_start_different_unlike_theirs() -> None:
    assert bool(TRANSFORMER["separate_decoder_layers_identical_at_init"])
    assert not bool(TRANSFORMER["shared_decoder_layers_identical_at_init"])
    first, second = DetrDecoder(2, 8, 2, 16).layers
    assert far(first.mlp.up.weight, second.mlp.up.weight) > 0


# --- detection


IMAGES = DETECTION.count(r"target(\d+)/labels")
LAYERS_OF_DECODER = DETECTION.count(r"layer(\d+)/pred_logits")
LAST = LAYERS_OF_DECODER - 1


def annotations() -> BoxTargets:
    """The boxes of the images, padded by two more than the most of them."""
    counts = [len(DETECTION[f"target{image}/labels"]) for image in range(IMAGES)]
    most, slots = max(counts) + 2, DETECTION["target0/attributes"].shape[1]
    boxes, labels = torch.zeros(IMAGES, most, 4), torch.zeros(IMAGES, most, dtype=torch.long)
    attributes = torch.full((IMAGES, most, slots), -1)
    valid = torch.zeros(IMAGES, most, dtype=torch.bool)
    for image, count in enumerate(counts):
        boxes[image, :count] = DETECTION.tensor(f"target{image}/boxes")
        labels[image, :count] = DETECTION.tensor(f"target{image}/labels")
        attributes[image, :count] = DETECTION.tensor(f"target{image}/attributes")
        valid[image, :count] = True
    return BoxTargets(boxes, labels, attributes, valid)


def layers_of(part: str) -> torch.Tensor:
    return torch.stack([DETECTION.tensor(f"layer{layer}/{part}") for layer in range(LAYERS_OF_DECODER)])


def matched(*, log: bool = False) -> torch.Tensor:
    wanted = annotations()
    return match(
        layers_of("pred_logits"), layers_of("pred_boxes"), wanted.labels, wanted.boxes_cxcywh, wanted.valid,
        MatchCosts(log=log),
    )  # fmt: skip


def test_overlaps_of_all_pairs() -> None:
    predicted = corners(DETECTION.tensor(f"layer{LAST}/pred_boxes").flatten(0, 1))
    wanted = corners(torch.cat([DETECTION.tensor(f"target{i}/boxes") for i in range(IMAGES)]))
    assert far(generalised_iou(predicted[:, None], wanted[None]), DETECTION.tensor("giou_pairwise")) < LAYER
    plain = box_iou(predicted.double().numpy(), wanted.double().numpy())
    assert np.abs(plain - DETECTION["iou_pairwise"]).max() < LAYER


@pytest.mark.parametrize("setting", ["unit", "unit_attr", "unit_bcl"])
def test_every_layer_is_matched_as_theirs(setting: str) -> None:
    found = matched(log=setting == "unit_bcl")
    for layer in range(LAYERS_OF_DECODER):
        for image in range(IMAGES):
            queries = (found[layer, image] >= 0).nonzero()[:, 0]
            assert queries.tolist() == DETECTION[f"{setting}/match/layer{layer}/img{image}/pred"].tolist()
            places = found[layer, image, queries].tolist()
            assert places == DETECTION[f"{setting}/match/layer{layer}/img{image}/tgt"].tolist()


def attribute_head() -> AttributeHead:
    weights = DETECTION.under("attr_head/")
    states, classes = DETECTION["layer0/hs_for_attr"].shape[-1], len(weights["cls_embed.weight"])
    head = AttributeHead(states, classes, len(weights["attr_linear2.bias"]), relu="after")
    head.labels.weight.data = weights["cls_embed.weight"]
    for ours, theirs in ((head.hidden, "attr_linear1"), (head.out, "attr_linear2")):
        ours.weight.data, ours.bias.data = weights[f"{theirs}.weight"], weights[f"{theirs}.bias"]
    return head


def losses(setting: str, logits, boxes):
    options = DetectionConfig(balanced=setting == "unit_bcl", relu="after")
    head = attribute_head()
    states = layers_of("hs_for_attr")
    scores = (lambda labels: head(states, labels)) if setting == "unit_attr" else None
    return detection_losses(logits, boxes, annotations(), options, scores)


@pytest.mark.parametrize("setting", ["unit", "unit_attr", "unit_bcl"])
def test_the_loss_of_a_set_and_its_gradient(setting: str) -> None:
    logits = layers_of("pred_logits").requires_grad_()
    boxes = layers_of("pred_boxes").requires_grad_()
    found = losses(setting, logits, boxes)
    weights = json.loads(str(DETECTION[f"{setting}/weight_dict"]))
    theirs = DETECTION.under(f"{setting}/loss/")
    by_part = {"class": "loss_ce", "background": "loss_ce", "box": "loss_", "attribute": "loss_attr"}
    wanted = dict.fromkeys(set(by_part.values()), 0.0)
    for name, value in theirs.items():
        kind = "loss_" if name.startswith(("loss_bbox", "loss_giou")) else re.sub(r"_\d+$", "", name)
        if kind in wanted:
            wanted[kind] += weights[name] * float(value)
    got = dict.fromkeys(wanted, 0.0)
    for part, loss in found.items():
        got[by_part[part]] += float((loss.total / loss.weight).detach())
    assert got == pytest.approx(wanted, rel=1e-5, abs=LAYERS)
    total = sum(loss.total / loss.weight for loss in found.values())
    assert float(total.detach()) == pytest.approx(float(DETECTION[f"{setting}/total"]), rel=1e-5, abs=LAYERS)
    total.backward()
    assert far(logits.grad[LAST], DETECTION.tensor(f"{setting}/grad/last_logits")) < LAYERS
    assert far(boxes.grad[LAST], DETECTION.tensor(f"{setting}/grad/last_boxes")) < LAYERS
    for (layer,) in DETECTION.found(rf"{setting}/grad/aux(\d+)_logits"):
        assert far(logits.grad[int(layer)], DETECTION.tensor(f"{setting}/grad/aux{layer}_logits")) < LAYERS


def test_the_loss_is_that_of_detr_itself() -> None:
    theirs, unit = DETECTION.under("detr/loss/"), DETECTION.under("unit/loss/")
    assert set(unit) == set(theirs) - {"class_error"}
    for name, value in unit.items():
        assert far(value, theirs[name]) < LAYER


@pytest.mark.parametrize("setting", ["unit", "unit_attr", "unit_bcl", "detr"])
def test_what_they_log_beside_the_loss_follows_from_scores_and_matches(setting: str) -> None:
    """How far the number of detections is off, by layer; the matched queries of another class, in percent."""
    wanted, logits = annotations(), layers_of("pred_logits")
    counts = wanted.valid.sum(dim=1).float()
    for layer in range(LAYERS_OF_DECODER):
        name = "cardinality_error" if layer == LAST else f"cardinality_error_{layer}"
        found = (logits[layer].argmax(-1) != logits.shape[-1] - 1).sum(dim=1).float()
        assert far(F.l1_loss(found, counts), DETECTION.tensor(f"{setting}/loss/{name}")) < LAYER
    if setting == "detr":
        places = matched()[LAST]
        taken = places >= 0
        labels = wanted.labels.gather(1, places.clamp(min=0))[taken]
        wrong = 100 * (logits[LAST].argmax(-1)[taken] != labels).float().mean()
        assert far(wrong, DETECTION.tensor("detr/loss/class_error")) < 1e-3


class Given(nn.Module):
    """Returns a fixed value."""

    def __init__(self, value) -> None:
        super().__init__()
        self.value = value

    def forward(self, states):
        return self.value


def test_boxes_come_back_in_pixels_of_the_file() -> None:
    logits, boxes = DETECTION.tensor(f"layer{LAST}/pred_logits"), DETECTION.tensor(f"layer{LAST}/pred_boxes")
    head = DetectionHead(8, logits.shape[-1] - 1)
    head.classes, head.boxes = Given(logits), Given(boxes)
    results = [DETECTION.under(f"postprocess/img{image}/") for image in range(IMAGES)]
    # The sizes of the images are not among the arrays; the largest box tells them.
    sizes = []
    for relative, wanted in zip(corners(boxes), results, strict=True):
        width, height = (round(float(wanted["boxes"][:, i].max() / relative[:, i].max())) for i in (2, 3))
        sizes.append((height, width))
    geometry = torch.tensor([[0, 0, width, height, 0, 64, 32, height, width] for height, width in sizes])
    target = Target(torch.arange(IMAGES), {"geometry": geometry})
    found = DetectionAnswers(head, UniTConfig()).predict(torch.zeros(1, *logits.shape[:2], 8), target)
    for predicted, wanted in zip(found, results, strict=True):
        assert np.abs(predicted.scores - wanted["scores"].numpy()).max() < LAYER
        assert predicted.labels.tolist() == wanted["labels"].tolist()
        assert np.abs(predicted.boxes_xyxy - wanted["boxes"].numpy()).max() < 1e-3


# --- texts and classifiers


@pytest.fixture(scope="module")
def bert():
    from transformers import BertConfig, BertModel

    config = json.loads(str(READING["bert_config"]))
    config.pop("transformers_version")
    assert READING["transformers_version"]
    config.pop("model_type")
    model = BertModel(BertConfig(**config), add_pooling_layer=False)
    load_bert(model, READING.under("bert/"), where="the golden file")
    return TextEncoder(model).eval()


def test_a_task_token_precedes_the_embedded_words(bert) -> None:
    tower = TextTower(bert, FromScratch())
    for token in (True, False):
        memory = TextMemory(tower, READING["hs"].shape[-1], ["vqa2", "glue_qnli"], task_token=token).eval()
        if token:
            for name, row in (("vqa2", 3), ("glue_qnli", 5)):
                memory.tokens[name].data = READING.tensor("task_embeddings_lang")[row]
        memory.out, memory.out_positions = nn.Identity(), nn.Identity()
        for name, cls_only in (("vqa2", False), ("glue_qnli", False), ("vqa2", True)):
            states, positions, valid = memory(
                READING.tensor("input_ids"), READING.tensor("segment_ids"), READING.tensor("input_mask") == 1, name,
                cls_only=cls_only,
            )  # fmt: skip
            wanted = READING.tensor(f"text_seq_task{token}_{name}")
            kept = 1 if cls_only else wanted.shape[1]
            assert far(states, wanted[:, :kept]) < LAYERS
            assert far(positions[0], READING.tensor("text_pos")[:kept]) < LAYER
            assert valid.shape == (len(wanted), kept)


NAMES = {"vqa2": "vl.vqa2", "visual_entailment": "vl.visual_entailment", "glue_qnli": "glue.glue_qnli"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("every_layer", [False, True])
def test_classifiers_and_their_losses(name: str, every_layer: bool) -> None:
    weights = READING.under(f"classifiers/{NAMES[name]}.")
    count, width = weights["1.weight"].shape
    head = BertHead(width, count, dropout=0.1).eval()
    head.load_state_dict(
        {f"hidden.{p}": weights[f"0.dense.{p}"] for p in ("weight", "bias")}
        | {f"norm.{p}": weights[f"0.LayerNorm.{p}"] for p in ("weight", "bias")}
        | {f"out.{p}": weights[f"1.{p}"] for p in ("weight", "bias")}
    )
    names = tuple(str(i) for i in range(count))
    spec = Answer(names) if name == "vqa2" else Label(names)
    task = Task(name=name, inputs=frozenset({"text"}), label="a", target=spec, metrics=(Accuracy,))
    answers = ClassAnswers(task, head, UniTConfig(every_layer=every_layer))
    assert far(head(READING.tensor("hs")[-1, :, 0]), READING.tensor(f"cls_{name}_all{every_layer}_scores")) < LAYER
    wanted = READING.tensor(f"target_{name}")
    target = Target(torch.arange(len(wanted)), {"answers" if name == "vqa2" else "label": wanted})
    loss, terms = answers.losses(READING.tensor("hs"), target)
    layers = READING.under(f"cls_{name}_all{every_layer}_loss_").values()
    assert not terms
    assert float((loss.total / loss.weight).detach()) == pytest.approx(
        sum(float(value) for value in layers), abs=LAYERS
    )


def test_every_array_is_read(request: pytest.FixtureRequest) -> None:
    check_all_read(request, "s2_unit_transformer", "s2_detection_criterion", "s2_unit_text_and_heads")
