"""Uni-Perceiver's parts against the numbers of its official code, with its weights in the classes that ship."""

import json
import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from clip_merges import write_merges
from torch import nn
from torch.nn import functional as F

from motet.core import Label, Masked, Match, Target, Task, Text
from motet.core.batch import Batch
from motet.metrics import Accuracy
from motet.nn.experts import ConditionalLinear, Merged
from motet.nn.gates import best_of
from motet.preprocess.clip_tokenizer import ClipTokenizer
from motet.preprocess.tokenizers import EOS, PAD, Tokenizer
from motet.systems import build_system
from motet.systems.uni_perceiver import EncoderSize, Experts, Patches, UniPerceiverConfig
from motet.systems.uni_perceiver.answers import smoothed_loss
from motet.systems.uni_perceiver.attributes import TABLE, TokenAttributes, entries_of
from motet.systems.uni_perceiver.embedding import Embedding, grid_positions
from motet.systems.uni_perceiver.encoder import UnifiedEncoder
from motet.systems.uni_perceiver.layers import Block
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.systems.uni_perceiver.routing import Gate
from motet.systems.uni_perceiver.sequences import Span, TokenSequences, generation_mask
from motet.systems.uni_perceiver.similarity import Similarity
from motet.systems.uni_perceiver.targets import Family
from motet.systems.uni_perceiver.token_kinds import TokenKind, target_kind
from motet.systems.uni_perceiver.weights import CLIP_END, CLIP_SPECIAL, CLIP_SPECIALS, layer_state, load_uni_perceiver
from motet.training.lr_schedules import Cosine

HERE = Path(__file__).parent
LAYER, LAYERS = 1e-5, 1e-4
SCHEMES = ("code", "paper")
HEADS = 4  # of every tiny model; no array shows it


def tensors(name: str) -> dict:
    found = np.load(HERE / name)
    return {key: torch.from_numpy(found[key]) if found[key].dtype.kind in "fibu" else found[key] for key in found.files}


def part(found: dict, start: str) -> dict:
    return {name.removeprefix(start): value for name, value in found.items() if name.startswith(start)}


def far(got, wanted) -> float:
    return float((got - wanted).detach().abs().max())


def kinds_of(entry: str, side: str = "input") -> list[TokenKind]:
    return [TokenKind("t", attributes) for attributes in TABLE[entry][side]]


def official_table() -> dict[str, dict[str, list[list[int]]]]:
    found = json.loads((HERE / "s5_attribute_table.json").read_text())
    return {name: sides if isinstance(sides, dict) else {"target": sides} for name, sides in found.items()}


def test_the_table_of_attributes_is_the_official_one() -> None:
    ours = {
        entry: {side: [list(a.bits("code")) for a in kinds] for side, kinds in sides.items()}
        for entry, sides in TABLE.items()
    }
    assert ours == official_table()
    assert len(TABLE) == len(official_table())


def test_the_papers_attributes_are_the_codes_in_another_order() -> None:
    assert TABLE["image_classification"]["input"][0].bits("paper") == (1, 0, 0, 1, 1, 0, 0, 1)  # table 2's example
    for sides in TABLE.values():
        for attributes in (each for side in sides.values() for each in side):
            code, paper = attributes.bits("code"), attributes.bits("paper")
            assert (paper[6], paper[7]) == (code[7], 1 - code[6])
            assert TokenAttributes.of_bits(code, "code") == TokenAttributes.of_bits(paper, "paper") == attributes
            assert entries_of(code, "code") == entries_of(paper, "paper")


@pytest.fixture(scope="module")
def moe():
    return tensors("s5_conditional_moe.npz")


def gate_of(found: dict, scheme: str = "code", **options) -> Gate:
    experts, width = found["moe/gate.wg.weight"].shape
    gate = Gate(Experts(num_experts=experts, scheme=scheme, **options), width, 2, ("t",))
    named = {f"linear1.gate.{name}": value for name, value in part(found, "moe/gate.").items()}
    state = layer_state(named, scheme)
    gate.load_state_dict({name.removeprefix("mlp_gate."): value for name, value in state.items()})
    return gate.eval()


def layer_of(found: dict) -> ConditionalLinear:
    named = {name.replace("moe/", "linear1."): value for name, value in part(found, "").items() if "/experts" in name}
    state = {name.removeprefix("up."): value for name, value in layer_state(named).items()}
    experts, out, width = state["weight"].shape
    layer = ConditionalLinear(width, out, experts)
    layer.load_state_dict(state)
    return layer


def number_in(name: str) -> int:
    """The number that a vector's name ends in, as "y_caption(data_cum_length[1]=5)"."""
    return int(re.findall(r"\d+", name)[-1])


def name_of(found: dict, start: str) -> str:
    (name,) = (name for name in found if name.startswith(start))
    return name


@pytest.mark.parametrize("scheme", SCHEMES)
def test_gates_choose_as_the_official_ones(moe, scheme) -> None:
    gate, count = gate_of(moe, scheme), 0
    for name in (name for name in moe if name.startswith("gate/") and name.endswith("/attr")):
        entry, side = name.removeprefix("gate/").removesuffix("/attr").split("|")
        at = name.removesuffix("attr")
        gates = gate.of_kinds(kinds_of(entry, side))
        assert far(gates.probabilities, moe[f"{at}logits"].softmax(-1)) < LAYER
        assert gates.experts.T.tolist() == moe[f"{at}indices(top1;top2)"].tolist()
        assert far(gates.weights.T, moe[f"{at}gates(renormalised)"]) < LAYER
        count += 1
    assert count == sum(name.endswith("/attr") for name in moe if name.startswith("gate/")) > 0


def test_gates_with_the_official_noise(moe) -> None:
    logits = moe["gate/image_caption|input/logits"] + moe["noisy/noise(std=1/num_experts)"]
    gates = best_of(logits, 2)
    assert gates.experts.T.tolist() == moe["noisy/indices"].tolist()
    assert far(gates.weights.T, moe["noisy/gates"]) < LAYER


def test_one_expert_of_eight_keeps_its_share_of_the_softmax(moe) -> None:
    gates = gate_of(moe, k=1).of_kinds(kinds_of("image_caption"))
    assert gates.experts.T.tolist() == moe["top1/indices"].tolist()
    assert far(gates.weights.T, moe["top1/gates(NOT renormalised)"]) < LAYER


def test_the_layer_of_experts_for_one_kind_of_token_and_for_two(moe) -> None:
    gate, layer = gate_of(moe), layer_of(moe)
    length, name = moe["x"].shape[1], name_of(moe, "y_caption(")
    first = number_in(name)
    one = Merged(gate.of_kinds(kinds_of("image_classification")), ((length, 0),))
    assert far(layer(moe["x"], one), moe["y_unimodal(image_classification)"]) < LAYER
    two = Merged(gate.of_kinds(kinds_of("image_caption")), ((first, 0), (length - first, 1)))
    assert far(layer(moe["x"], two), moe[name]) < LAYER
    dense = layer.linear(one.gates)
    assert far(dense(moe["x"]), moe["y_unimodal(image_classification)"]) < LAYER


def spans(entry: str, counts: tuple[int, ...], side: str = "input") -> tuple[Span, ...]:
    return tuple(Span(count, kind) for count, kind in zip(counts, kinds_of(entry, side), strict=True))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_encoder_of_a_layer_with_experts_and_one_without(scheme) -> None:
    found = tensors("s5_moe_encoder.npz")
    depth, (rows, length, width) = len({n.split(".")[1] for n in found if n.startswith("enc/")}), found["x"].shape
    hidden = found["enc/layers.1.linear1.bias"].shape[0]  # a dense one
    experts = found["enc/layers.0.linear1.gate.wg.weight"].shape[0]
    size, options = EncoderSize(width, depth, HEADS, hidden), Experts(num_experts=experts, scheme=scheme)
    encoder = UnifiedEncoder(size, options, ("t",), layer_scale=0.5)
    assert [type(block.up) is ConditionalLinear for block in encoder.blocks] == [
        bool(each) for each in found[name_of(found, "layer_is_moe")][:, 0]
    ]
    for place, block in enumerate(encoder.blocks):
        block.load_state_dict(layer_state(part(found, f"enc/layers.{place}."), scheme))
    encoder.eval()
    x = found["x"]
    valid = found["pad_invalid"] == 0
    plain = encoder(TokenSequences(x, spans("image_classification", (9,)))).states
    assert far(plain, found["out_image_classification"]) < LAYERS
    first = encoder.blocks[0](x, spans("image_classification", (length,)))[0]
    assert far(first, found["layer0_out_image_classification"]) < LAYER
    padded = encoder(TokenSequences(x, spans("text_mlm", (length,)), valid)).states
    assert far(padded[valid], found["out_text_mlm_padded"][valid]) < LAYERS
    name = name_of(found, "caption_attn_mask")
    special, image, text = (int(re.search(rf"{part}(\d+)", name)[1]) for part in ("spe", "img", "text"))
    mask = generation_mask(special + image, text)
    assert torch.equal(~mask, found[name].bool())
    lengths = (special + image, length - special - image)
    caption = encoder(TokenSequences(x, spans("image_caption", lengths), None, mask, special + image)).states
    assert far(caption, found["out_image_caption"]) < LAYERS
    words = encoder(TokenSequences(x, spans("Vocab_Word", (length,), "target"), valid)).states
    assert far(words[valid], found["out_target_vocab"][valid]) < LAYERS
    assert rows == len(valid)


def test_prompts_are_keys_and_values_without_queries() -> None:
    found = tensors("s5_deep_prompt_layer.npz")
    state = layer_state(part(found, "layer/"))
    (experts, hidden, width), prompts = state["up.weight"].shape, len(state["input_prompts"])
    size = EncoderSize(width, 1, HEADS, hidden)
    block = Block(size, 0, Experts(num_experts=experts, scheme="code"), ("t",), prompts=prompts)
    block.load_state_dict(state)
    block.eval()
    valid = found["pad_invalid"] == 0
    x, length, keys = found["x"], found["x"].shape[1], {"valid": valid, "attention_mask": valid[:, None, None]}
    one = spans("image_classification", (length,))
    assert far(block(x, one, **keys)[0], found["out_input"]) < LAYER
    # Of the caption the text and its special tokens are two each, as in the encoder's vectors.
    lengths = (length - 4, 4)
    mask = generation_mask(lengths[0], 2)[None, None]
    caption = block(x, spans("image_caption", lengths), attention_mask=mask)[0]
    assert far(caption, found["out_caption"]) < LAYER
    # The vector has the target's prompts beside an input's attributes.
    block.input_prompts = block.target_prompts
    assert far(block(x, one, **keys)[0], found["out_target"]) < LAYER


@pytest.fixture(scope="module")
def predictor():
    found = tensors("s5_predictor.npz")
    names = {
        Family.IMAGE_CLASS: "img_cls", Family.MASKED_WORD: "text_mlm", Family.GENERATION: "caption",
        Family.MATCH: "retrieve",
    }  # fmt: skip
    similarity = Similarity(len(found["pred/ln_post.weight"]), tuple(names))
    state = {f"log_scales.{ours.value}": found[f"pred/logit_scale_{theirs}"] for ours, theirs in names.items()}
    state |= {f"norm.{end}": found[f"pred/ln_post.{end}"] for end in ("weight", "bias")}
    state |= {f"project.{end}": found[f"pred/proj.{end}"] for end in ("weight", "bias")}
    similarity.load_state_dict(state)
    return found, similarity


def test_scores_of_names_words_and_pairs(predictor) -> None:
    found, similarity = predictor
    inputs, names = similarity.features(found["q1"]), similarity.features(found["q2"][:, 0])
    assert far(similarity.scores(inputs[:, 0], names, Family.IMAGE_CLASS), found["cls/logits"]) < LAYERS
    for kind in ("cls", "ret"):
        assert found[f"{kind}/targets"].shape == found[f"{kind}/logits" if kind == "cls" else "ret/i2t"].shape[:1]
    labels = found["mlm/labels"]
    assert torch.equal(labels[labels != -1], found["mlm/targets"])
    masked = inputs[:, -labels.shape[1] :][labels != -1]
    assert far(similarity.scores(masked, names, Family.MASKED_WORD), found["mlm/logits"]) < LAYERS
    texts = similarity.features(found["ret/target_data"][:, 0])
    scores = similarity.scores(inputs[:, 0], texts, Family.MATCH)
    assert far(scores, found["ret/i2t"]) < LAYERS
    assert far(scores.T, found["ret/t2i"]) < LAYERS
    assert far(inputs[:, 0], F.normalize(found["ret_eval/input_feats"], dim=-1)) < LAYERS
    assert far(texts, F.normalize(found["ret_eval/tgt_feats"], dim=-1)) < LAYERS


def test_a_scale_above_a_hundred_counts_as_a_hundred(predictor) -> None:
    found, similarity = predictor
    assert float(similarity.log_scales[Family.GENERATION.value].detach().exp()) > 150
    inputs, names = similarity.features(found["q1"]), similarity.features(found["q2"][:, 0])
    labels = found["cap/labels"]
    assert torch.equal(labels[labels != -1], found["cap/targets"])
    predicting = inputs[:, -labels.shape[1] :][labels != -1]
    assert far(similarity.scores(predicting, names, Family.GENERATION), found["cap/logits(temp clipped at 100)"]) < 1e-3
    last = similarity.scores(inputs[:, -1], names, Family.GENERATION)
    assert far(last, found["cap_eval/logits(last token)"]) < 1e-3


def test_smoothed_labels(predictor) -> None:
    found, _ = predictor
    loss = smoothed_loss(found["loss_logits"], found["loss_targets"], 0.1)
    assert float(loss.total / loss.weight) == pytest.approx(float(found["label_smoothing_0.1"]), abs=LAYER)


def test_positions_in_images_and_in_time() -> None:
    found = tensors("s5_misc.npz")
    for name in (name for name in found if name.startswith("sincos_")):
        rows, columns, width = map(int, re.match(r"sincos_(\d+)x(\d+)_(\d+)", name).groups())
        scale = re.search(r"scale(\d+)/(\d+)", name)
        factor = 1.0 if scale is None else int(scale[1]) / int(scale[2])
        assert far(grid_positions(rows, columns, width, factor), found[name]) < LAYER
    cells, width = found["stpos/spatial_pos_embed.weight"].shape
    most, side = len(found["stpos/temporal_pos_embed.weight"]), math.isqrt(cells)
    patches = nn.Linear(width, width)
    embedding = Embedding(width, 4, 3, 4, patches=patches, grid_hw=(side, side), max_frames=most).eval()
    with torch.no_grad():
        embedding.spatial_positions.copy_(found["stpos/spatial_pos_embed.weight"])
        embedding.frames.weight.copy_(found["stpos/temporal_pos_embed.weight"])
        name = name_of(found, "stpos_out_t")
        frames = number_in(name)
        wanted = found[name].reshape(1, frames * cells, width)
        nn.init.zeros_(embedding.patches.weight)
        nn.init.zeros_(embedding.patches.bias)
        got = embedding.images(torch.zeros(1, frames, cells, width), features=True)
        assert far(got, F.layer_norm(wanted, (width,), eps=1e-5)) < LAYER


def test_the_rate_warms_up_and_falls_to_its_least() -> None:
    found = tensors("s5_misc.npz")
    rate = Cosine(warmup=100, min_factor=1e-3)
    for step, wanted in zip(found["warmup_cosine_steps"].tolist(), found["warmup_cosine_lr"].tolist(), strict=True):
        assert 1e-3 * rate.factor(step, 1000) == pytest.approx(wanted, abs=1e-6)


END_THERE = 2  # a plain token of the tiny official model; here the end of a text


@dataclass(frozen=True)
class OfficialWords:
    """Tokens of the tiny official model, each a word: "w5" is token 5 there; the last is the special one."""

    count: int

    def build(self, texts) -> Tokenizer:
        import tokenizers
        from tokenizers import models, pre_tokenizers

        names = [f"w{i}" for i in range(1, self.count - 1) if i != END_THERE]
        tokenizer = tokenizers.Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="w1"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        return Tokenizer(tokenizer, tuple(i + 2 for i in range(len(names))))


def token_ids(official: dict) -> dict[int, int]:
    """The ids here of the official tokens."""
    count = len(official["model/token_embed.embeddings.weight"])
    plain = {i: j + 2 for j, i in enumerate(i for i in range(1, count - 1) if i != END_THERE)}
    return {END_THERE: EOS, count - 1: count - 1} | plain


@pytest.fixture(scope="module")
def official():
    return tensors("s5_full_tiny_model.npz")


def names_of(official: dict) -> tuple[str, ...]:
    """As many different names as the official model compares with."""
    return tuple(f"w{3 + place} w4" for place in range(len(official["target_names"])))


@pytest.fixture(scope="module", params=SCHEMES)
def system(request, official) -> UniPerceiver:
    def task(name, target, inputs):
        return Task(name=name, inputs=frozenset({inputs}), label="x", target=target, metrics=(Accuracy,))

    weights = part(official, "model/")
    words, width = weights["token_embed.embeddings.weight"].shape
    layers = {name.split(".")[2] for name in weights if name.startswith("fused_encoder.layers.")}
    experts, hidden = 0, 0
    for name, value in weights.items():
        experts = max(experts, len(value) if name.endswith("linear1.gate.wg.weight") else 0)
        hidden = max(hidden, len(value) if re.search(r"linear1\..*bias", name) and "gate" not in name else 0)
    config = UniPerceiverConfig(
        sizes=EncoderSize(width, len(layers), HEADS, hidden),
        blocks=Experts(num_experts=experts, noise=0.0, scheme=request.param),
        tokenizer=OfficialWords(words),
        max_tokens=len(weights["token_embed.embeddings_pos.position_embeddings.weight"]), max_generated=8,
        patches=Patches(size=official["img"].shape[-1], patch=weights["video_embed.embeddings.weight"].shape[-1]),
        frames=1, max_frames=len(weights["video_embed.embeddings_st_pos.temporal_pos_embed.weight"]), drop_path=0.0,
    )  # fmt: skip
    tasks = [
        task("cls", Label(names_of(official)), "image"), task("mlm", Masked("words"), "text"),
        task("cap", Text(8), "image"), task("ret", Match("texts", "split"), "image"),
    ]  # fmt: skip
    system = build_system(config, tasks, texts=list)
    loaded = load_uni_perceiver(system, part(official, "model/"), token_ids=token_ids(official))
    assert not loaded.mismatched
    unread = (
        "gate",
        "embeddings_type",
        "spatial_pos_embed",
        "video_embed.embeddings_norm",
        "logit_scale_",
        "log_scales.",
    )
    assert [name for name in loaded.unexpected if not any(word in name for word in unread)] == []
    assert set(loaded.loaded) == set(system.state_dict())
    with torch.no_grad():
        system.embedding.spatial_positions.copy_(
            official["model/video_embed.embeddings_st_pos.spatial_pos_embed.weight"]
        )
    return system.eval()


def here(official: dict, ids, invalid=None):
    """Returns ids of the official model as ids here; invalid ones are PAD."""
    known = token_ids(official)
    moved = ids.clone().apply_(lambda i: known.get(i, PAD))
    return moved if invalid is None else moved.masked_fill(invalid.bool(), PAD)


@pytest.fixture
def names(system, official, monkeypatch):
    """The official names, of which the longest has no end, as names of classes and as the whole vocabulary."""
    found = here(official, official["target_names"], official["target_names_invalid"])
    monkeypatch.setitem(system.targets.ids, "cls", found)
    monkeypatch.setattr(system.targets, "words", lambda task: system.targets.texts(found, target_kind(task)))
    return found


def batch(official, value: dict, name: str) -> Batch:
    rows = torch.arange(len(next(iter(value.values()))))
    return Batch(tuple(map(str, range(len(official["img"])))), {"pixels": official["img"]}, {name: Target(rows, value)})


def mean(losses, key):
    loss = losses.terms[key] if key in losses.terms else losses.tasks[key[0]]
    return float((loss.total / loss.weight).detach())


def test_the_whole_model_on_classes(system, official, names) -> None:
    rows = batch(official, {"label": official["cls/targets_in"]}, "cls")
    task = system.tasks["cls"]
    scores, encoded = system.classifier.scores(task, rows, rows.targets["cls"])
    assert far(encoded.states, official["cls/q1"]) < LAYERS
    assert far(scores, official["cls/logits0"]) < LAYERS
    assert torch.equal(official["cls/targets_in"], official["cls/targets0"])
    # The state of the special token before a target, before its projection.
    assert far(system.similarity.features(official["cls/q2"][:, 0]), system.targets.names(task)) < LAYERS
    assert mean(system.losses(rows), ("cls", "")) == pytest.approx(float(official["cls/LabelSmoothing"]), abs=LAYERS)


def test_the_whole_model_on_masked_words(system, official, names) -> None:
    label = official["mlm/label"]
    value = {
        "ids": here(official, official["mlm/text"])[:, None],
        "masked_ids": torch.where(label >= 0, label + EOS, -1),
    }
    rows = batch(official, value, "mlm")
    task = system.tasks["mlm"]
    states, encoded, _ = system.masked_words.states(task, rows, rows.targets["mlm"])
    assert far(encoded.states, official["mlm/q1"]) < LAYERS
    assert far(system.masked_words.vocabulary.scores(task, states), official["mlm/logits0"]) < LAYERS
    assert torch.equal(label[label >= 0], official["mlm/targets0"])
    assert far(system.similarity.features(official["mlm/q2"][:, 0]), system.targets.words(task)) < LAYERS
    loss = mean(system.losses(rows), ("mlm", "word"))
    assert loss == pytest.approx(float(official["mlm/CrossEntropy_Loss"]), abs=LAYERS)


def test_the_whole_model_on_captions(system, official, names) -> None:
    words = here(official, official["cap/text(words+spe)"], official["cap/invalid"])
    count = official["cap/label"].shape[1]  # of words; the special tokens follow them
    words = words[:, :count]
    rows = batch(official, {"text_ids": words}, "cap")
    task = system.tasks["cap"]
    states, encoded, _ = system.generator.states(task, rows, rows.targets["cap"])
    prefix = encoded.states.shape[1] - official["cap/invalid"].shape[1]
    image = torch.ones(len(words), prefix, dtype=torch.bool)
    real = torch.cat([image, official["cap/invalid"] == 0], 1)
    assert far(encoded.states[real], official["cap/q1"][real]) < LAYERS
    scores = system.generator.vocabulary.scores(task, states)
    assert far(scores, official["cap/logits0"]) < LAYERS
    label = official["cap/label"]
    assert torch.equal(label[label != -1], official["cap/targets0"])
    assert far(system.similarity.features(official["cap/q2"][:, 0]), system.targets.words(task)) < LAYERS
    loss = F.cross_entropy(scores, label[label != -1])
    assert float(loss.detach()) == pytest.approx(float(official["cap/CrossEntropy_Loss"]), abs=LAYERS)


def test_the_whole_model_on_pairs(system, official, names) -> None:
    count = len(official["img"])
    keys = torch.arange(count)
    value = {
        "ids": names[:count, None], "image_key": keys, "text_key": keys + 100, "caption_keys": (keys + 100)[:, None],
    }  # fmt: skip
    rows = batch(official, value, "ret")
    images = system.side(replace(rows, targets={}), "ret", "images")
    scores = system.score(
        "ret", images, {"features": system.targets.texts(names[:count], target_kind(system.tasks["ret"]))}
    )
    assert far(scores, official["ret/logits0"]) < LAYERS
    assert far(scores.T, official["ret/logits1"]) < LAYERS
    both = float(official["ret/LabelSmoothing (i2t)"]) + float(official["ret/LabelSmoothing (t2i)"])
    assert mean(system.losses(rows), ("ret", "")) == pytest.approx(both / 2, abs=LAYERS)


def test_clips_tokeniser_gives_the_official_ids(tmp_path: Path) -> None:
    """From a file in CLIP's published layout whose merges that the texts need are at their official ranks."""
    known = json.loads((HERE / "s5_clip_tokenizer.json").read_text())
    special = {text: ids for text, ids in known.items() if text in CLIP_SPECIALS}
    assert all(ids == [CLIP_SPECIALS[text]] for text, ids in special.items())
    assert (CLIP_SPECIALS["<|endoftext|>"], CLIP_SPECIALS["<|spe|>"]) == (CLIP_END, CLIP_SPECIAL)
    texts = {text: ids for text, ids in known.items() if text not in special}
    assert texts
    write_merges(tmp_path / "merges.txt", texts)
    tokenizer = ClipTokenizer(tmp_path).build([])
    for text, ids in texts.items():
        assert [tokenizer.ids.index(i) for i in tokenizer.encode(text)] == ids, text
