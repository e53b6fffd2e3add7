"""Uni-Perceiver's parts against the numbers of its official code, with its weights in the classes that ship."""

import json
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
    assert len(TABLE) == 21


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
    gate = Gate(Experts(num_experts=8, scheme=scheme, **options), 16, 2, ("t",))
    named = {f"linear1.gate.{name}": value for name, value in part(found, "moe/gate.").items()}
    state = layer_state(named, scheme)
    gate.load_state_dict({name.removeprefix("mlp_gate."): value for name, value in state.items()})
    return gate.eval()


def layer_of(found: dict) -> ConditionalLinear:
    layer = ConditionalLinear(16, 12, 8)
    named = {name.replace("moe/", "linear1."): value for name, value in part(found, "").items() if "/experts" in name}
    layer.load_state_dict({name.removeprefix("up."): value for name, value in layer_state(named).items()})
    return layer


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
    assert count == 23


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
    one = Merged(gate.of_kinds(kinds_of("image_classification")), ((7, 0),))
    assert far(layer(moe["x"], one), moe["y_unimodal(image_classification)"]) < LAYER
    two = Merged(gate.of_kinds(kinds_of("image_caption")), ((5, 0), (2, 1)))
    assert far(layer(moe["x"], two), moe["y_caption(data_cum_length[1]=5)"]) < LAYER
    dense = layer.linear(one.gates)
    assert far(dense(moe["x"]), moe["y_unimodal(image_classification)"]) < LAYER


def spans(entry: str, counts: tuple[int, ...], side: str = "input") -> tuple[Span, ...]:
    return tuple(Span(count, kind) for count, kind in zip(counts, kinds_of(entry, side), strict=True))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_encoder_of_a_layer_with_experts_and_one_without(scheme) -> None:
    found = tensors("s5_moe_encoder.npz")
    hidden = found["enc/layers.1.linear1.bias"].shape[0]
    encoder = UnifiedEncoder(EncoderSize(16, 2, 4, hidden), Experts(scheme=scheme), ("t",), layer_scale=0.5)
    for place, block in enumerate(encoder.blocks):
        block.load_state_dict(layer_state(part(found, f"enc/layers.{place}."), scheme))
    encoder.eval()
    x = found["x"]
    valid = found["pad_invalid"] == 0
    plain = encoder(TokenSequences(x, spans("image_classification", (9,)))).states
    assert far(plain, found["out_image_classification"]) < LAYERS
    first = encoder.blocks[0](x, spans("image_classification", (9,)))[0]
    assert far(first, found["layer0_out_image_classification"]) < LAYER
    padded = encoder(TokenSequences(x, spans("text_mlm", (9,)), valid)).states
    assert far(padded[valid], found["out_text_mlm_padded"][valid]) < LAYERS
    mask = generation_mask(5, 2)
    assert torch.equal(~mask, found["caption_attn_mask(True=blocked) spe1 img4 text2 spe2"].bool())
    caption = encoder(TokenSequences(x, spans("image_caption", (5, 4)), None, mask, 5)).states
    assert far(caption, found["out_image_caption"]) < LAYERS
    words = encoder(TokenSequences(x, spans("Vocab_Word", (9,), "target"), valid)).states
    assert far(words[valid], found["out_target_vocab"][valid]) < LAYERS


def test_prompts_are_keys_and_values_without_queries() -> None:
    found = tensors("s5_deep_prompt_layer.npz")
    block = Block(EncoderSize(16, 1, 4, 24), 0, Experts(scheme="code"), ("t",), prompts=3)
    block.load_state_dict(layer_state(part(found, "layer/")))
    block.eval()
    valid = found["pad_invalid"] == 0
    x, keys = found["x"], {"valid": valid, "attention_mask": valid[:, None, None]}
    assert far(block(x, spans("image_classification", (9,)), **keys)[0], found["out_input"]) < LAYER
    caption = block(x, spans("image_caption", (5, 4)), attention_mask=generation_mask(5, 2)[None, None])[0]
    assert far(caption, found["out_caption"]) < LAYER
    # The vector has the target's prompts beside an input's attributes.
    block.input_prompts = block.target_prompts
    assert far(block(x, spans("image_classification", (9,)), **keys)[0], found["out_target"]) < LAYER


@pytest.fixture(scope="module")
def predictor():
    found = tensors("s5_predictor.npz")
    names = {
        Family.IMAGE_CLASS: "img_cls", Family.MASKED_WORD: "text_mlm", Family.GENERATION: "caption",
        Family.MATCH: "retrieve",
    }  # fmt: skip
    similarity = Similarity(16, tuple(names))
    state = {f"log_scales.{ours.value}": found[f"pred/logit_scale_{theirs}"] for ours, theirs in names.items()}
    state |= {f"norm.{end}": found[f"pred/ln_post.{end}"] for end in ("weight", "bias")}
    state |= {f"project.{end}": found[f"pred/proj.{end}"] for end in ("weight", "bias")}
    similarity.load_state_dict(state)
    return found, similarity


def test_scores_of_names_words_and_pairs(predictor) -> None:
    found, similarity = predictor
    inputs, names = similarity.features(found["q1"]), similarity.features(found["q2"][:, 0])
    assert far(similarity.scores(inputs[:, 0], names, Family.IMAGE_CLASS), found["cls/logits"]) < LAYERS
    labels = found["mlm/labels"]
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
    predicting = inputs[:, -2:][found["cap/labels"] != -1]
    assert far(similarity.scores(predicting, names, Family.GENERATION), found["cap/logits(temp clipped at 100)"]) < 1e-3
    last = similarity.scores(inputs[:, -1], names, Family.GENERATION)
    assert far(last, found["cap_eval/logits(last token)"]) < 1e-3


def test_smoothed_labels(predictor) -> None:
    found, _ = predictor
    loss = smoothed_loss(found["loss_logits"], found["loss_targets"], 0.1)
    assert float(loss.total / loss.weight) == pytest.approx(float(found["label_smoothing_0.1"]), abs=LAYER)


def test_positions_in_images_and_in_time() -> None:
    found = tensors("s5_misc.npz")
    assert far(grid_positions(4, 4, 16), found["sincos_4x4_16"]) < LAYER
    assert far(grid_positions(4, 4, 16, 160 / 224), found["sincos_4x4_16_scale160/224"]) < LAYER
    embedding = Embedding(16, 4, 3, 4, patches=nn.Linear(16, 16), grid_hw=(3, 3), max_frames=8).eval()
    with torch.no_grad():
        embedding.spatial_positions.copy_(found["stpos/spatial_pos_embed.weight"])
        embedding.frames.weight.copy_(found["stpos/temporal_pos_embed.weight"])
        wanted = found["stpos_out_t2"].reshape(1, 18, 16)
        nn.init.zeros_(embedding.patches.weight)
        nn.init.zeros_(embedding.patches.bias)
        got = embedding.images(torch.zeros(1, 2, 9, 16), features=True)
        assert far(got, F.layer_norm(wanted, (16,), eps=1e-5)) < LAYER


def test_the_rate_warms_up_and_falls_to_its_least() -> None:
    found = tensors("s5_misc.npz")
    rate = Cosine(warmup=100, min_factor=1e-3)
    for step, wanted in zip(found["warmup_cosine_steps"].tolist(), found["warmup_cosine_lr"].tolist(), strict=True):
        assert 1e-3 * rate.factor(step, 1000) == pytest.approx(wanted, abs=1e-6)


SPECIAL_THERE, END_THERE, COUNT = 59, 2, 60


@dataclass(frozen=True)
class Sixty:
    """Tokens of the tiny official model, each a word: "w5" is token 5 there."""

    def build(self, texts) -> Tokenizer:
        import tokenizers
        from tokenizers import models, pre_tokenizers

        names = [f"w{i}" for i in range(1, COUNT - 1) if i != END_THERE]
        tokenizer = tokenizers.Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="w1"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        return Tokenizer(tokenizer, tuple(i + 2 for i in range(len(names))))


@pytest.fixture(scope="module")
def official():
    return tensors("s5_full_tiny_model.npz")


NAMES = ("w5 w6 w7", "w8 w9", "w10", "w11 w12", "w13")


@pytest.fixture(scope="module", params=SCHEMES)
def system(request, official) -> UniPerceiver:
    def task(name, target, inputs):
        return Task(name=name, inputs=frozenset({inputs}), label="x", target=target, metrics=(Accuracy,))

    config = UniPerceiverConfig(
        sizes=EncoderSize(16, 2, 4, 24), blocks=Experts(num_experts=4, noise=0.0, scheme=request.param),
        tokenizer=Sixty(), max_tokens=12, max_generated=8, patches=Patches(size=8, patch=4), frames=1,
        max_frames=4, drop_path=0.0,
    )  # fmt: skip
    tasks = [
        task("cls", Label(NAMES), "image"), task("mlm", Masked("words"), "text"), task("cap", Text(8), "image"),
        task("ret", Match("texts", "split"), "image"),
    ]  # fmt: skip
    system = build_system(config, tasks, texts=list)
    loaded = load_uni_perceiver(system, part(official, "model/"), token_ids=TOKEN_IDS)
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


TOKEN_IDS = {END_THERE: EOS, SPECIAL_THERE: COUNT - 1}
TOKEN_IDS |= {i: j + 2 for j, i in enumerate(i for i in range(1, COUNT - 1) if i != END_THERE)}


def here(ids, invalid=None):
    """Returns ids of the official model as ids here; invalid ones are PAD."""
    moved = ids.clone().apply_(lambda i: TOKEN_IDS.get(i, PAD))
    return moved if invalid is None else moved.masked_fill(invalid.bool(), PAD)


@pytest.fixture
def names(system, official, monkeypatch):
    """The official names, of which the longest has no end, as names of classes and as the whole vocabulary."""
    found = here(official["target_names"], official["target_names_invalid"])
    monkeypatch.setitem(system.targets.ids, "cls", found)
    monkeypatch.setattr(system.targets, "words", lambda task: system.targets.texts(found, target_kind(task)))
    return found


def batch(official, value: dict, name: str) -> Batch:
    rows = torch.arange(len(next(iter(value.values()))))
    return Batch(tuple("abc"), {"pixels": official["img"]}, {name: Target(rows, value)})


def mean(losses, key):
    loss = losses.terms[key] if key in losses.terms else losses.tasks[key[0]]
    return float((loss.total / loss.weight).detach())


def test_the_whole_model_on_classes(system, official, names) -> None:
    rows = batch(official, {"label": official["cls/targets_in"]}, "cls")
    task = system.tasks["cls"]
    scores, encoded = system.classifier.scores(task, rows, rows.targets["cls"])
    assert far(encoded.states, official["cls/q1"]) < LAYERS
    assert far(scores, official["cls/logits0"]) < LAYERS
    assert mean(system.losses(rows), ("cls", "")) == pytest.approx(float(official["cls/LabelSmoothing"]), abs=LAYERS)


def test_the_whole_model_on_masked_words(system, official, names) -> None:
    label = official["mlm/label"]
    value = {"ids": here(official["mlm/text"])[:, None], "masked_ids": torch.where(label >= 0, label + EOS, -1)}
    rows = batch(official, value, "mlm")
    task = system.tasks["mlm"]
    states, encoded, _ = system.masked_words.states(task, rows, rows.targets["mlm"])
    assert far(encoded.states, official["mlm/q1"]) < LAYERS
    assert far(system.masked_words.vocabulary.scores(task, states), official["mlm/logits0"]) < LAYERS
    loss = mean(system.losses(rows), ("mlm", "word"))
    assert loss == pytest.approx(float(official["mlm/CrossEntropy_Loss"]), abs=LAYERS)


def test_the_whole_model_on_captions(system, official, names) -> None:
    words = here(official["cap/text(words+spe)"], official["cap/invalid"])[:, :3]
    rows = batch(official, {"text_ids": words}, "cap")
    task = system.tasks["cap"]
    states, encoded, _ = system.generator.states(task, rows, rows.targets["cap"])
    real = torch.cat([torch.ones(3, 5, dtype=torch.bool), official["cap/invalid"] == 0], 1)
    assert far(encoded.states[real], official["cap/q1"][real]) < LAYERS
    scores = system.generator.vocabulary.scores(task, states)
    assert far(scores, official["cap/logits0"]) < LAYERS
    label = official["cap/label"]
    loss = F.cross_entropy(scores, label[label != -1])
    assert float(loss.detach()) == pytest.approx(float(official["cap/CrossEntropy_Loss"]), abs=LAYERS)


def test_the_whole_model_on_pairs(system, official, names) -> None:
    value = {
        "ids": names[:3, None], "image_key": torch.arange(3), "text_key": torch.arange(10, 13),
        "caption_keys": torch.arange(10, 13)[:, None],
    }  # fmt: skip
    rows = batch(official, value, "ret")
    images = system.side(replace(rows, targets={}), "ret", "images")
    scores = system.score(
        "ret", images, {"features": system.targets.texts(names[:3], target_kind(system.tasks["ret"]))}
    )
    assert far(scores, official["ret/logits0"]) < LAYERS
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
