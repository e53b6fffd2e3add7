"""12-in-1's parts against the numbers of its official code, with its weights loaded into our classes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from motet.core import Answer, Label, Masked, Match, Region, Target, Task
from motet.metrics import Accuracy
from motet.nn.text_encoders import TextEncoder
from motet.nn.tower import FromScratch
from motet.preprocess.regions import ImageRegions
from motet.systems import build_system
from motet.systems.twelve_in_one import RegionMasking, TwelveInOneConfig
from motet.systems.twelve_in_one.answers import (
    EncodedPairs,
    FusedClassAnswers,
    MatchAnswers,
    PointingAnswers,
    ReferringAnswers,
)
from motet.systems.twelve_in_one.body import PairStates
from motet.systems.twelve_in_one.layers import BertLayer, CoAttentionLayer
from motet.systems.twelve_in_one.masked_answers import MaskedRegionAnswers, MaskedWordAnswers
from motet.systems.twelve_in_one.masking import mask_regions, mask_words
from motet.systems.twelve_in_one.model import TwelveInOne
from motet.systems.twelve_in_one.regions import PaddedRegions, RegionMask, iou_px, prepend_image_region
from motet.systems.twelve_in_one.vilbert_weights import NAMES as OFFICIAL_NAMES
from motet.systems.twelve_in_one.vilbert_weights import load_vilbert
from motet.systems.twelve_in_one.weights import convert_co_attention, convert_layer, merge_qkv

HERE = Path(__file__).parent
LAYER, LAYERS = 1e-5, 1e-4


def tensors(name: str) -> dict:
    found = np.load(HERE / name)
    return {key: torch.from_numpy(found[key]) if found[key].dtype.kind in "fib" else found[key] for key in found.files}


@pytest.fixture(scope="module")
def official():
    return tensors("s3_vilbert.npz")


@pytest.fixture(scope="module")
def pretraining():
    return tensors("s3_pretraining.npz")


@pytest.fixture(scope="module")
def masking():
    return tensors("s3_region_masking.npz")


@pytest.fixture(scope="module", params=["s3_task_losses.npz", "s3_task_losses_more.npz"])
def losses(request):
    found = tensors(request.param)
    return {key.rpartition("/")[0]: found for key in found if key.endswith("/loss")}


DETECTED = 101  # rows of detected regions before the candidates, in `task_utils.py`


def far(got, wanted) -> float:
    return float((got - wanted).detach().abs().max())


def mean_of(loss) -> float:
    return float((loss.total / loss.weight).detach())


def under(found, prefix: str) -> dict:
    return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}


# --- layers


def loaded(module, weights, part: Callable):
    state: dict = {}
    for name, value in weights.items():
        state |= part(name, value)
    module.load_state_dict(merge_qkv(state))
    return module.eval()


def test_a_layer_of_words_and_one_of_regions(official) -> None:
    options = options_of(official)
    for name, x, mask, heads in (
        ("txtlayer", "t", "text_mask", options["num_attention_heads"]),
        ("imglayer", "v", "image_mask", options["v_num_attention_heads"]),
    ):
        weights = under(official, f"{name}/")
        hidden, width = weights["intermediate.dense.weight"].shape
        layer = loaded(BertLayer(width, heads, hidden, 0.1, 0.1), weights, convert_layer)
        assert far(layer(official[x], official[mask].bool()), official[f"{name}_out"]) < LAYER


def test_a_co_attention(official) -> None:
    weights, heads = under(official, "coattn/"), options_of(official)["bi_num_attention_heads"]
    text_hidden, text_width = weights["t_intermediate.dense.weight"].shape
    image_hidden, image_width = weights["v_intermediate.dense.weight"].shape
    width = len(weights["biattention.query1.weight"])
    sizes = (text_width, image_width, width, heads, text_hidden, image_hidden)
    layer = loaded(CoAttentionLayer(*sizes, 0.1, 0.1), weights, convert_co_attention)
    text_valid, image_valid = official["text_mask"].bool(), official["image_mask"].bool()
    maps: list = []
    text, image = layer(official["t"], text_valid, official["v"], image_valid, maps)
    assert far(text, official["coattn_out_t"]) < LAYER
    assert far(image, official["coattn_out_v"]) < LAYER
    value = layer.image_query_key_value(official["v"])[..., 2 * width :].unflatten(-1, (heads, -1)).transpose(1, 2)
    context = (maps[0].words_to_regions @ value).transpose(1, 2).flatten(2)
    assert far(context, official["coattn_bi_context_for_text(attends_image)"]) < LAYER
    value = layer.text_query_key_value(official["t"])[..., 2 * width :].unflatten(-1, (heads, -1)).transpose(1, 2)
    context = (maps[0].regions_to_words @ value).transpose(1, 2).flatten(2)
    assert far(context, official["coattn_bi_context_for_image(attends_text)"]) < LAYER


# --- the whole model


def options_of(found) -> dict[str, Any]:
    """The official configuration: numbers of heads, which no array shows."""
    options: dict[str, Any] = json.loads(str(found["config"]))
    return options


@dataclass(frozen=True)
class OfficialBert:
    """A BERT of the official test's sizes."""

    words: int
    width: int
    depth: int
    heads: int
    hidden: int
    positions: int
    types: int

    @property
    def trains_words(self) -> None:
        return None

    def tokenizer(self):
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel

        words = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2} | {f"w{i}": i for i in range(3, self.words)}
        return Tokenizer(WordLevel(words, unk_token="[UNK]")), 0

    def build(self, *, pretrained: bool, num_pieces: int) -> TextEncoder:
        from transformers import BertConfig, BertModel

        config = BertConfig(
            vocab_size=self.words, hidden_size=self.width, num_hidden_layers=self.depth,
            num_attention_heads=self.heads, intermediate_size=self.hidden, max_position_embeddings=self.positions,
            type_vocab_size=self.types, pad_token_id=None,
        )  # fmt: skip
        return TextEncoder(BertModel(config, add_pooling_layer=False))


@dataclass(frozen=True)
class NoRegions:
    """A source with the official test's sizes; nothing is read from it here."""

    width: int
    num_classes: int

    def regions(self, image, image_id: str) -> ImageRegions:
        raise NotImplementedError

    def at(self, image, image_id: str, boxes_xyxy) -> ImageRegions:
        raise NotImplementedError


def task(name: str, target: Any) -> Task:
    return Task(name=name, inputs=frozenset({"image", "text"}), label="x", target=target, metrics=(Accuracy,))


HEADS = {
    "vil_prediction": "vqa", "vil_prediction_gqa": "gqa", "vil_logit": "retrieve", "vil_binary_prediction": "nlvr2",
    "vil_tri_prediction": "snli", "vision_logit": "refer", "cls.predictions": "words",
    "cls.imagePredictions": "regions", "cls.bi_seq_relationship": "aligned",
}  # fmt: skip
ENTAILMENT = ("entailment", "neutral", "contradiction")  # of our readers; the official order is the reverse


def answers(weights, head: str) -> tuple[str, ...]:
    """Names for the rows of a head of questions; two where the weights have no such head."""
    bias = weights.get(f"{head}.logit_fc.3.bias")
    return tuple(f"{head} {row}" for row in range(2 if bias is None else len(bias)))


def tasks(weights) -> tuple[Task, ...]:
    return (
        task("vqa", Answer(answers(weights, "vil_prediction"))),
        task("gqa", Answer(answers(weights, "vil_prediction_gqa"))), task("retrieve", Match("images", "split")),
        task("nlvr2", Label(("false", "true"))), task("snli", Label(ENTAILMENT)), task("refer", Region()),
        task("words", Masked("words")), task("regions", Masked("regions")), task("aligned", Label(("yes", "no"))),
    )  # fmt: skip


def count(weights, layers: str) -> int:
    return len({name.split(".")[3] for name in weights if name.startswith(f"bert.encoder.{layers}.")})


def system(weights, options) -> TwelveInOne:
    """A model of the sizes of official weights."""
    words, width = weights["bert.embeddings.word_embeddings.weight"].shape
    image_width, region_width = weights["bert.v_embeddings.image_embeddings.weight"].shape
    depth, image_depth = count(weights, "layer"), count(weights, "v_layer")
    bert = OfficialBert(
        words, width, depth, options["num_attention_heads"],
        len(weights["bert.encoder.layer.0.intermediate.dense.weight"]),
        len(weights["bert.embeddings.position_embeddings.weight"]),
        len(weights["bert.embeddings.token_type_embeddings.weight"]),
    )  # fmt: skip
    config = TwelveInOneConfig(
        source=NoRegions(region_width, len(weights["cls.imagePredictions.decoder.bias"])), text=bert,
        text_mode=FromScratch(), max_tokens=bert.positions, image_width=image_width, image_depth=image_depth,
        image_heads=options["v_num_attention_heads"],
        image_hidden=len(weights["bert.encoder.v_layer.0.intermediate.dense.weight"]),
        co_width=len(weights["bert.t_pooler.dense.bias"]), co_heads=options["bi_num_attention_heads"],
        connections=tuple(zip(options["v_biattention_id"], options["t_biattention_id"], strict=True)),
        pairs=("nlvr2",), linear=("snli", "aligned"), binary=("snli", "nlvr2"),
        masking=RegionMasking(alignment_task="aligned", neighbours="uncounted"),
    )  # fmt: skip
    built = build_system(config, tasks(weights), texts=list)
    assert isinstance(built, TwelveInOne)
    return built.eval()


def names_of(weights) -> dict[str, tuple[str, ...]]:
    return {head: answers(weights, head) for head in ("vil_prediction", "vil_prediction_gqa")}


@pytest.fixture(scope="module")
def whole_model(official):
    weights = under(official, "vil/")
    built = system(weights, options_of(official))
    tokens = dict(enumerate(("gqa", "retrieve", "nlvr2", "snli", "refer", "vqa")))
    report = load_vilbert(built, weights, heads=HEADS, tokens=tokens, names=names_of(weights))
    assert report.lines() == ()
    table = weights["bert.embeddings.task_embeddings.weight"]
    for row, name in tokens.items():
        assert torch.equal(built.token(name), table[row])
    return built


@pytest.fixture(scope="module")
def task_tokens(official):
    """The row of the official table that each text takes."""
    return official["vil/bert.embeddings.task_embeddings.weight"][official["task_ids"][:, 0]]


@pytest.fixture(scope="module")
def read(official, whole_model, task_tokens):
    body, parts = whole_model.body, []
    for row, token in enumerate(task_tokens):
        one = slice(row, row + 1)
        valid = official["text_mask"][one].bool()
        texts = body.encode_texts(official["input_ids"][one], official["seg"][one], valid, token)
        images = body.encode_images(official["feats"][one], official["loc"][one], official["image_mask"][one].bool())
        parts.append(body.join(texts, images))
    names = ("text", "image", "text_pooled", "image_pooled")
    return PairStates(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def test_the_first_states_with_the_task_behind_cls(official, whole_model, task_tokens) -> None:
    body = whole_model.body
    for row, token in enumerate(task_tokens):
        words = body.words(official["input_ids"][row : row + 1], official["seg"][row : row + 1], token)
        assert far(words[0], official["emb_text_with_task"][row]) < LAYER
    assert far(body.regions(official["feats"], official["loc"]), official["emb_image"]) < LAYER


def test_the_two_streams_and_the_pooled_states(official, read) -> None:
    assert far(read.text, official["seq_t"]) < LAYERS
    assert far(read.image, official["seq_v"]) < LAYERS
    assert far(read.text_pooled, official["pooled_t"]) < LAYERS
    assert far(read.image_pooled, official["pooled_v"]) < LAYERS


def test_every_head(official, whole_model, read) -> None:
    fused = whole_model.body.fuse(read)
    for name, wanted in (("vqa", "vil_prediction"), ("gqa", "vil_prediction_gqa"), ("retrieve", "vil_logit")):
        assert far(whole_model.head(name)(fused), official[f"out/{wanted}"]) < LAYERS
    # The published rows are contradiction, neutral, entailment.
    entailment = official["out/vil_tri_prediction"][
        :, [OFFICIAL_NAMES["vil_tri_prediction"].index(n) for n in ENTAILMENT]
    ]
    assert far(whole_model.head("snli")(fused), entailment) < LAYERS
    pair = whole_model.head("nlvr2")(fused.reshape(len(fused) // 2, -1))
    assert far(pair, official["out/vil_binary_prediction"]) < LAYERS
    valid = official["image_mask"].bool()
    places = whole_model.head("refer")(read.image)
    assert far(places[valid], official["out/vision_logit"][valid]) < LAYERS
    assert (official["out/vision_logit"][~valid] < -9_000).all()
    words = whole_model.head("words")(read.text, table=whole_model.body.words.words.weight)
    assert far(words, official["out/linguisic_prediction"]) < LAYERS
    assert far(whole_model.head("regions")(read.image), official["out/vision_prediction"]) < LAYERS


def test_a_weight_that_differs_is_reported(official) -> None:
    weights = under(official, "vil/")
    name = "bert.encoder.layer.0.output.dense.weight"
    wanted, weights[name] = tuple(weights[name].shape), torch.zeros(3, 3)
    built = system(weights, options_of(official))
    del weights["bert.t_pooler.dense.bias"]
    report = load_vilbert(built, weights, heads={"vil_logit": "retrieve"})
    said = "\n".join(report.lines())
    assert f"{name}: got shape (3, 3); want {wanted}; not loaded" in said
    assert "not in the weights: body.streams.text.0.feedforward.down.out.weight, body.text_pooler.dense.bias" in said
    assert "vil_prediction.logit_fc.0.weight" in said


# --- pre-training


@pytest.mark.parametrize("mismatched", ["learned", "skipped"])
def test_losses_of_pretraining(pretraining, official, mismatched: str) -> None:
    found, weights = pretraining, under(pretraining, "model/")
    built = system(weights, options_of(official))  # made with the same options
    names = ("cls.predictions", "cls.imagePredictions", "cls.bi_seq_relationship")
    assert load_vilbert(built, weights, heads={name: HEADS[name] for name in names}).lines() == ()
    body, rows = built.body, len(found["input_ids"])
    everywhere = torch.ones(found["input_ids"].shape, dtype=torch.bool)
    texts = body.encode_texts(found["input_ids"], torch.zeros_like(found["input_ids"]), everywhere, None)
    regions = torch.ones(found["feats"].shape[:2], dtype=torch.bool)
    states = body.join(texts, body.encode_images(found["feats"], found["loc"], regions))
    inside = regions[:, 1:]
    seen = PaddedRegions(
        found["feats"][:, 1:], found["loc"][:, 1:, :4], inside, torch.ones(rows, 2), inside, found["image_target"]
    )
    hidden = RegionMask(inside, found["image_label"] == 1, inside, inside)
    read = EncodedPairs(states, body.fuse(states), seen, hidden)
    learned = (found["is_next"] == 0) if mismatched == "skipped" else torch.ones(rows, dtype=torch.bool)
    value = {"masked_ids": found["lm_label"][:, None], "in_loss": learned, "label": found["is_next"]}
    target = Target(torch.arange(rows), value)
    index = {"learned": 0, "skipped": 1}[mismatched]
    words = MaskedWordAnswers(lambda x: built.head("words")(x, body.words.words.weight), str).losses(read, target)
    classes = MaskedRegionAnswers(built.head("regions"), features=False).losses(read, target)
    aligned = FusedClassAnswers(tasks(weights)[-1], built.head("aligned"), binary=False).losses(read, target)
    for loss, wanted in ((words[1]["word"], "lm"), (classes[1]["region"], "img"), (aligned[0], "nsp")):
        assert mean_of(loss) == pytest.approx(float(found[f"obj{index}_loss_{wanted}"]), abs=1e-4)


def cases(found) -> list[str]:
    return sorted(key.removesuffix("/draws") for key in found if key.endswith("/draws"))


def hidden_of(found, case: str, options: RegionMasking) -> tuple[PaddedRegions, RegionMask]:
    boxes = found["boxes"].float()[None]
    count, width = found[f"{case}/image_feat"].shape
    features = torch.arange(1.0, count + 1)[None, :, None].expand(1, count, width)
    size = float(boxes.max())
    valid = torch.ones(1, count, dtype=torch.bool)
    seen = PaddedRegions(features, boxes / size, valid, torch.full((1, 2), size), valid)
    return seen, mask_regions(seen, found[f"{case}/draws"].float()[None], options)


def test_overlaps_count_corners_as_whole_pixels(masking) -> None:
    boxes = masking["boxes"].float()
    assert far(iou_px(boxes, boxes), masking["iou_plus1"].float()) < LAYER
    found = tensors("s3_refexp_iou.npz")
    assert far(iou_px(found["anchors"], found["gt"]), found["iou"]) < LAYER


def test_regions_are_masked_as_in_the_code(masking) -> None:
    for case in cases(masking):
        seen, hidden = hidden_of(masking, case, RegionMasking(neighbours="uncounted"))
        features, _, _ = prepend_image_region(seen, hidden)
        assert torch.equal(hidden.is_target[0], masking[f"{case}/image_label"] == 1)
        assert torch.equal(hidden.not_counted[0], masking[f"{case}/masked_label"] == 1)
        assert far(features[0, 1:], masking[f"{case}/image_feat"].float()) == 0
        if f"{case}/global_feat" in masking:
            assert far(features[0, 0], masking[f"{case}/global_feat"][0].float()) < LAYER


def test_neighbours_of_a_masked_region_are_masked_too_as_in_the_paper(masking) -> None:
    overlaps = masking["iou_plus1"].float() > RegionMasking().overlap
    for case in cases(masking):
        seen, hidden = hidden_of(masking, case, RegionMasking())
        features, _, _ = prepend_image_region(seen, hidden)
        chosen = masking[f"{case}/image_label"] == 1
        assert torch.equal(hidden.is_target[0], chosen)
        # A chosen region may keep its feature (one in ten); what overlaps it is without one.
        zeroed = (masking[f"{case}/image_feat"] == 0).all(-1)
        near = overlaps[chosen].any(0) & ~chosen
        gone = features[0, 1:, 0] == 0
        assert torch.equal(gone, zeroed | near)
        counted = ~hidden.not_counted[0]
        if counted.any():
            wanted = torch.arange(1.0, len(counted) + 1)[counted].mean()
            assert float(features[0, 0, 0]) == pytest.approx(float(wanted))


def test_words_are_masked_as_in_the_code(masking) -> None:
    seeds = [case for case in cases(masking) if f"{case}/word_draws" in masking]
    assert seeds
    for case in seeds:
        draws = masking[f"{case}/word_draws"].numpy()
        count, ids = len(draws), list(range(1000, 1000 + len(draws)))
        hidden, told = mask_words(ids, [False] * count, draws, np.full(count, -7), mask_id=103)
        assert told == masking[f"{case}/word_labels"].tolist()
        # Another word is drawn from another generator there: only its place is compared.
        wanted = masking[f"{case}/word_tokens"].tolist()
        assert [-7 if a not in (103, own) else a for a, own in zip(wanted, ids, strict=True)] == hidden


# --- losses of tasks


def states_of(image: torch.Tensor) -> PairStates:
    nothing = torch.zeros(len(image), 1)
    return PairStates(nothing[:, None], image, nothing, nothing)


def read_of(fused=None, image=None, seen=None) -> EncodedPairs:
    some = fused if fused is not None else image
    image = torch.zeros(len(some), 1, 1) if image is None else image
    seen = seen if seen is not None else PaddedRegions(image, image, image[..., 0] > 0, image[:, 0], image[..., 0] > 0)
    return EncodedPairs(states_of(image), some if fused is None else fused, seen)


def loss_of(name: str, logits, target, found, prefix: str):
    rows = torch.arange(len(target))
    same = torch.nn.Identity()
    kind = name.removesuffix("_b")
    if kind in ("vqa", "gqa"):
        of = FusedClassAnswers(task(kind, Answer(("a", "b"))), same, binary=False)
        return of.losses(read_of(logits), Target(rows, {"answers": target}))
    if kind in ("nlvr2", "snli_ve"):
        of = FusedClassAnswers(task(kind, Label(("a", "b", "c"))), same, binary=True)
        return of.losses(read_of(logits), Target(rows, {"label": target.argmax(-1)}))
    if kind == "retrieval":
        right = F.one_hot(target, len(logits) // len(target)).bool()
        return MatchAnswers(same).losses(
            read_of(logits), Target(rows, {"valid": torch.ones_like(right), "is_match": right})
        )
    choices = found[f"{prefix}/multiple_choice_ids"]
    image = logits[:, DETECTED:].gather(1, choices[..., None])
    real = torch.ones(choices.shape, dtype=torch.bool)
    return PointingAnswers(same, same).losses(
        read_of(image=image), Target(rows, {"valid": real, "iou": target[..., 0]})
    )


def test_losses_of_every_task(losses) -> None:
    kinds = set()
    for prefix, found in losses.items():
        name = prefix.rpartition("/")[2]
        if name.startswith("refcoco"):
            continue
        kinds.add(name)
        loss, _ = loss_of(name, found[f"{prefix}/logits"], found[f"{prefix}/target"], found, prefix)
        assert mean_of(loss) == pytest.approx(float(found[f"{prefix}/loss"]), abs=1e-4), prefix
    assert {"vqa", "gqa", "retrieval", "visual7w", "nlvr2", "snli_ve"} <= kinds


def with_overlap(wanted: torch.Tensor) -> torch.Tensor:
    """Returns boxes in an image of 1000 x 1000 with given IoU with (0, 0, 1000, 1000), without a border."""
    high = wanted.clamp(min=0.01)
    return torch.stack([torch.zeros_like(high), torch.zeros_like(high), torch.ones_like(high), high], dim=-1)


def test_losses_of_referring_expressions(losses) -> None:
    for prefix, found in losses.items():
        if not prefix.rpartition("/")[2].startswith("refcoco"):
            continue
        logits, wanted = found[f"{prefix}/logits"], found[f"{prefix}/target"][..., 0]
        assert ((wanted == 0) | (wanted >= 0.5)).all()
        rows, valid = len(logits), torch.ones(wanted.shape, dtype=torch.bool)
        seen = PaddedRegions(logits, with_overlap(wanted), valid, torch.full((rows, 2), 1000.0), valid)
        # The whole image is the first region; it is the target box here, and has a high score.
        image = torch.cat([torch.full((rows, 1, 1), 20.0), logits], dim=1)
        box = torch.tensor([[0.0, 0, 1000, 1000]]).expand(rows, 4)
        target = Target(torch.arange(rows), {"box": box, "is_referred": torch.ones(rows, dtype=torch.bool)})
        same = torch.nn.Identity()
        loss, _ = ReferringAnswers(same, same, 0.5, 0.0).losses(read_of(image=image, seen=seen), target)
        assert mean_of(loss) == pytest.approx(float(found[f"{prefix}/loss"]), abs=1e-3), prefix
