"""12-in-1's parts against the numbers of its official code, with its weights loaded into our classes."""

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
from motet.systems.twelve_in_one.weights import convert_co_attention, convert_layer, load_vilbert, merge_qkv

HERE = Path(__file__).parent
LAYER, LAYERS = 1e-5, 1e-4
NAMES = tuple("abcdefg")


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
    for name, x, mask, width, hidden in (
        ("txtlayer", "t", "text_mask", 24, 40),
        ("imglayer", "v", "image_mask", 20, 20),
    ):
        layer = loaded(BertLayer(width, 4, hidden, 0.1, 0.1), under(official, f"{name}/"), convert_layer)
        assert far(layer(official[x], official[mask].bool()), official[f"{name}_out"]) < LAYER


def test_a_co_attention(official) -> None:
    layer = loaded(CoAttentionLayer(24, 20, 16, 4, 40, 20, 0.1, 0.1), under(official, "coattn/"), convert_co_attention)
    text_valid, image_valid = official["text_mask"].bool(), official["image_mask"].bool()
    maps: list = []
    text, image = layer(official["t"], text_valid, official["v"], image_valid, maps)
    assert far(text, official["coattn_out_t"]) < LAYER
    assert far(image, official["coattn_out_v"]) < LAYER
    value = layer.image_query_key_value(official["v"])[..., 32:].unflatten(-1, (4, 4)).transpose(1, 2)
    context = (maps[0].words_to_regions @ value).transpose(1, 2).flatten(2)
    assert far(context, official["coattn_bi_context_for_text(attends_image)"]) < LAYER
    value = layer.text_query_key_value(official["t"])[..., 32:].unflatten(-1, (4, 4)).transpose(1, 2)
    context = (maps[0].regions_to_words @ value).transpose(1, 2).flatten(2)
    assert far(context, official["coattn_bi_context_for_image(attends_text)"]) < LAYER


# --- the whole model


@dataclass(frozen=True)
class ThirtyWords:
    """A BERT of the official test's size with thirty words."""

    @property
    def trains_words(self) -> None:
        return None

    def tokenizer(self):
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel

        words = {"[PAD]": 0, "[UNK]": 1, "[MASK]": 2} | {f"w{i}": i for i in range(3, 30)}
        return Tokenizer(WordLevel(words, unk_token="[UNK]")), 0

    def build(self, *, pretrained: bool, num_pieces: int) -> TextEncoder:
        from transformers import BertConfig, BertModel

        config = BertConfig(
            vocab_size=30, hidden_size=24, num_hidden_layers=4, num_attention_heads=4, intermediate_size=40,
            max_position_embeddings=16, pad_token_id=None,
        )  # fmt: skip
        return TextEncoder(BertModel(config, add_pooling_layer=False))


@dataclass(frozen=True)
class NoRegions:
    """A source with the official test's sizes; nothing is read from it here."""

    width: int = 12
    num_classes: int = 9

    def regions(self, image, image_id: str) -> ImageRegions:
        raise NotImplementedError

    def at(self, image, image_id: str, boxes_xyxy) -> ImageRegions:
        raise NotImplementedError


def task(name: str, target: Any) -> Task:
    return Task(name=name, inputs=frozenset({"image", "text"}), label="x", target=target, metrics=(Accuracy,))


TASKS = (
    task("vqa", Answer(NAMES)), task("gqa", Answer(NAMES[:6])), task("retrieve", Match("images", "split")),
    task("nlvr2", Label(("false", "true"))), task("snli", Label(NAMES[:3])), task("refer", Region()),
    task("words", Masked("words")), task("regions", Masked("regions")), task("aligned", Label(("yes", "no"))),
)  # fmt: skip
HEADS = {
    "vil_prediction": "vqa", "vil_prediction_gqa": "gqa", "vil_logit": "retrieve", "vil_binary_prediction": "nlvr2",
    "vil_tri_prediction": "snli", "vision_logit": "refer", "cls.predictions": "words",
    "cls.imagePredictions": "regions", "cls.bi_seq_relationship": "aligned",
}  # fmt: skip


def system() -> TwelveInOne:
    config = TwelveInOneConfig(
        source=NoRegions(), text=ThirtyWords(), text_mode=FromScratch(), max_tokens=16, image_width=20, image_depth=2,
        image_heads=4, image_hidden=20, co_width=16, co_heads=4, pairs=("nlvr2",), linear=("snli", "aligned"),
        binary=("snli", "nlvr2"), masking=RegionMasking(alignment_task="aligned", neighbours="uncounted"),
    )  # fmt: skip
    built = build_system(config, TASKS, texts=list)
    assert isinstance(built, TwelveInOne)
    return built.eval()


@pytest.fixture(scope="module")
def whole_model(official):
    built = system()
    rows = {9: "vqa"} | dict(enumerate(("gqa", "retrieve", "nlvr2", "snli", "refer")))
    heads = {official_name: built.head(name) for official_name, name in HEADS.items()}
    tokens = {row: built.token(name) for row, name in rows.items()}
    report = load_vilbert(built.body, under(official, "vil/"), heads=heads, tokens=tokens)
    assert report.lines() == ()
    return built


@pytest.fixture(scope="module")
def read(official, whole_model):
    body = whole_model.body
    token = whole_model.tokens["vqa"]
    texts = body.encode_texts(official["input_ids"], official["seg"], official["text_mask"].bool(), token)
    images = body.encode_images(official["feats"], official["loc"], official["image_mask"].bool())
    return body.join(texts, images)


def test_the_first_states_with_the_task_behind_cls(official, whole_model) -> None:
    body = whole_model.body
    words = body.words(official["input_ids"], official["seg"], whole_model.tokens["vqa"])
    assert far(words, official["emb_text_with_task"]) < LAYER
    assert far(body.regions(official["feats"], official["loc"]), official["emb_image"]) < LAYER


def test_the_two_streams_and_the_pooled_states(official, read) -> None:
    assert far(read.text, official["seq_t"]) < LAYERS
    assert far(read.image, official["seq_v"]) < LAYERS
    assert far(read.text_pooled, official["pooled_t"]) < LAYERS
    assert far(read.image_pooled, official["pooled_v"]) < LAYERS


def test_every_head(official, whole_model, read) -> None:
    fused = whole_model.body.fuse(read)
    for name, wanted in (("vqa", "vil_prediction"), ("gqa", "vil_prediction_gqa"), ("retrieve", "vil_logit"),
                         ("snli", "vil_tri_prediction")):  # fmt: skip
        assert far(whole_model.head(name)(fused), official[f"out/{wanted}"]) < LAYERS
    pair = whole_model.head("nlvr2")(fused.reshape(1, -1))
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
    weights["bert.encoder.layer.0.output.dense.weight"] = torch.zeros(3, 3)
    del weights["bert.t_pooler.dense.bias"]
    built = system()
    report = load_vilbert(built.body, weights, heads={"vil_logit": built.head("retrieve")})
    said = "\n".join(report.lines())
    assert "bert.encoder.layer.0.output.dense.weight: got shape (3, 3); want (24, 40); not loaded" in said
    assert "not in the weights: body.streams.text.0.feedforward.down.out.weight, body.text_pooler.dense.bias" in said
    assert "vil_prediction.logit_fc.0.weight" in said


# --- pre-training


@pytest.mark.parametrize("mismatched", ["learned", "skipped"])
def test_losses_of_pretraining(pretraining, mismatched: str) -> None:
    found, built = pretraining, system()
    names = ("cls.predictions", "cls.imagePredictions", "cls.bi_seq_relationship")
    heads = {name: built.head(HEADS[name]) for name in names}
    assert load_vilbert(built.body, under(found, "model/"), heads=heads).lines() == ()
    body = built.body
    everywhere = torch.ones(found["input_ids"].shape, dtype=torch.bool)
    texts = body.encode_texts(found["input_ids"], torch.zeros_like(found["input_ids"]), everywhere, None)
    regions = torch.ones(found["feats"].shape[:2], dtype=torch.bool)
    states = body.join(texts, body.encode_images(found["feats"], found["loc"], regions))
    inside = regions[:, 1:]
    seen = PaddedRegions(
        found["feats"][:, 1:], found["loc"][:, 1:, :4], inside, torch.ones(4, 2), inside, found["image_target"]
    )
    hidden = RegionMask(inside, found["image_label"] == 1, inside, inside)
    read = EncodedPairs(states, body.fuse(states), seen, hidden)
    learned = (found["is_next"] == 0) if mismatched == "skipped" else torch.ones(4, dtype=torch.bool)
    value = {"masked_ids": found["lm_label"][:, None], "in_loss": learned, "label": found["is_next"]}
    target = Target(torch.arange(4), value)
    index = {"learned": 0, "skipped": 1}[mismatched]
    words = MaskedWordAnswers(lambda x: built.head("words")(x, body.words.words.weight), str).losses(read, target)
    classes = MaskedRegionAnswers(built.head("regions"), features=False).losses(read, target)
    aligned = FusedClassAnswers(TASKS[-1], built.head("aligned"), binary=False).losses(read, target)
    for loss, wanted in ((words[1]["word"], "lm"), (classes[1]["region"], "img"), (aligned[0], "nsp")):
        assert mean_of(loss) == pytest.approx(float(found[f"obj{index}_loss_{wanted}"]), abs=1e-4)


def cases(found) -> list[str]:
    return sorted(key.removesuffix("/draws") for key in found if key.endswith("/draws"))


def hidden_of(found, case: str, options: RegionMasking) -> tuple[PaddedRegions, RegionMask]:
    boxes = found["boxes"].float()[None]
    features = torch.arange(1.0, 9.0)[None, :, None].expand(1, 8, 4)
    size = float(boxes.max())
    valid = torch.ones(1, 8, dtype=torch.bool)
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
    seen, hidden = hidden_of(masking, "forced_mask0", RegionMasking())
    features, _, _ = prepend_image_region(seen, hidden)
    assert hidden.is_target[0].tolist() == [True] + [False] * 7
    # Regions 1 and 4 overlap region 0 by more than 0.4; region 7 by 0.396.
    assert features[0, 1:, 0].tolist() == [0, 0, 3, 4, 0, 6, 7, 8]
    assert float(features[0, 0, 0]) == pytest.approx((3 + 4 + 6 + 7 + 8) / 5)
    kept_seen, kept = hidden_of(masking, "forced_keep0", RegionMasking())
    assert prepend_image_region(kept_seen, kept)[0][0, 1:, 0].tolist() == [1, 0, 3, 4, 0, 6, 7, 8]


def test_words_are_masked_as_in_the_code(masking) -> None:
    seeds = [case for case in cases(masking) if f"{case}/word_draws" in masking]
    assert len(seeds) == 6
    for case in seeds:
        ids, draws = list(range(1000, 1020)), masking[f"{case}/word_draws"].numpy()
        hidden, told = mask_words(ids, [False] * 20, draws, np.full(20, -7), mask_id=103)
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
        of = FusedClassAnswers(task(kind, Answer(NAMES[:2])), same, binary=False)
        return of.losses(read_of(logits), Target(rows, {"answers": target}))
    if kind in ("nlvr2", "snli_ve"):
        of = FusedClassAnswers(task(kind, Label(NAMES[:3])), same, binary=True)
        return of.losses(read_of(logits), Target(rows, {"label": target.argmax(-1)}))
    if kind == "retrieval":
        right = F.one_hot(target, 4).bool()
        return MatchAnswers(same).losses(
            read_of(logits), Target(rows, {"valid": torch.ones_like(right), "is_match": right})
        )
    choices = found[f"{prefix}/multiple_choice_ids"]
    image = logits[:, 101:].gather(1, choices[..., None])
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
