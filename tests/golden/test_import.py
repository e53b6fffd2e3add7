"""Whole releases, written as their authors wrote them and read by `motet import`, answer as the official code does."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_files import vectors
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from motet.core import Target
from motet.core.batch import Batch
from motet.data.formats.regions import write_npz
from motet.hub import load_system
from motet.nn.pretrained.release import open_release
from motet.preprocess.regions import ImageRegions
from motet.preprocess.tokenizers import EOS, PAD
from motet.recipes.published.import_release import import_release, model_of
from motet.recipes.published.model import ExtraFiles
from motet.systems.lit_decoder.model import LiTDecoder
from motet.systems.twelve_in_one.body import PairStates
from motet.systems.twelve_in_one.model import TwelveInOne
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.systems.uni_perceiver.weights import CLIP_END, CLIP_SPECIAL

HERE = Path(__file__).parent
LAYERS = 1e-4


def tensors(name: str) -> dict[str, Tensor]:
    found = np.load(HERE / name)
    return {key: torch.from_numpy(found[key]) for key in found.files if found[key].dtype.kind in "fibu"}


def under(found: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): value for name, value in found.items() if name.startswith(start)}


def far(got: Tensor, wanted: Tensor) -> float:
    return float((got - wanted).detach().abs().max())


# --- ViLBERT and 12-in-1


@pytest.fixture(scope="module")
def twelve(tmp_path_factory):
    """The vectors, and the model that was imported from them and loaded again."""
    official, folder = tensors("s3_vilbert.npz"), tmp_path_factory.mktemp("twelve")
    weights = under(official, "vil/")
    torch.save({f"module.{name}": value for name, value in weights.items()}, folder / "multi_task_model.bin")
    (folder / "bert_base_6layer_6conect.json").write_text(str(np.load(HERE / "s3_vilbert.npz")["config"]))
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [f"w{i}" for i in range(len(words), len(weights["bert.embeddings.word_embeddings.weight"]))]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    _, region_width = weights["bert.v_embeddings.image_embeddings.weight"].shape
    regions = ImageRegions(np.ones((1, region_width), np.float32), np.array([[0, 0, 9, 9]], np.float32), (9, 9))
    write_npz(folder / "regions", "1", regions)
    names = {}
    for head in ("vil_prediction", "vil_prediction_gqa"):
        names[head] = folder / f"{head}.txt"
        names[head].write_text("\n".join(f"{head} {i}" for i in range(len(weights[f"{head}.logit_fc.3.bias"]))))
    found = import_release(
        folder / "multi_task_model.bin", folder / "model", given=ExtraFiles(names=names, regions=folder / "regions")
    )
    system = load_system(folder / "model")
    assert isinstance(system, TwelveInOne)
    return official, found, system


def test_a_12_in_1_has_all_its_weights(twelve) -> None:
    _, found, system = twelve
    assert found.match.missing == ()
    # The masked parts of pre-training and the order of sentences, which none of these tasks has.
    assert {name.split(".")[-3] if "cls." not in name else "cls" for name in found.match.unused} == {"cls"}
    assert found.notes == ()
    assert set(system.tasks) == {"vqav2", "gqa", "coco_retrieval", "refcoco", "nlvr2", "snli_ve"}


@torch.no_grad()
def test_a_12_in_1_answers_as_the_official_code(twelve) -> None:
    official, _, system = twelve
    table = official["vil/bert.embeddings.task_embeddings.weight"]
    assert torch.equal(system.token("snli_ve"), table[13])
    assert torch.equal(system.token("gqa"), table[15])
    body, parts = system.body, []
    for row, place in enumerate(official["task_ids"][:, 0]):
        one = slice(row, row + 1)
        valid = official["text_mask"][one].bool()
        texts = body.encode_texts(official["input_ids"][one], official["seg"][one], valid, table[place])
        images = body.encode_images(official["feats"][one], official["loc"][one], official["image_mask"][one].bool())
        parts.append(body.join(texts, images))
    kinds = ("text", "image", "text_pooled", "image_pooled")
    read = PairStates(**{name: torch.cat([getattr(part, name) for part in parts]) for name in kinds})
    fused = body.fuse(read)
    for task, head in (("vqav2", "vil_prediction"), ("gqa", "vil_prediction_gqa"), ("coco_retrieval", "vil_logit")):
        assert far(system.head(task)(fused), official[f"out/{head}"]) < LAYERS
    # The published rows are contradiction, neutral, entailment; our readers' order is the reverse.
    assert system.tasks["snli_ve"].target.names == ("entailment", "neutral", "contradiction")
    assert far(system.head("snli_ve")(fused), official["out/vil_tri_prediction"].flip(1)) < LAYERS
    pair = system.head("nlvr2")(fused.reshape(len(fused) // 2, -1))
    assert far(pair, official["out/vil_binary_prediction"]) < LAYERS
    known = official["image_mask"].bool()
    assert far(system.head("refcoco")(read.image)[known], official["out/vision_logit"][known]) < LAYERS


# --- Uni-Perceiver


@pytest.fixture(scope="module")
def perceiver(tmp_path_factory):
    """The vectors, and the model imported from them with CLIP's whole vocabulary.

    The official tiny model has 60 tokens. Token i of it becomes the letter with the i-th place here; its end and its
    special token are where CLIP has them.
    """
    official, folder = tensors("s5_full_tiny_model.npz"), tmp_path_factory.mktemp("perceiver")
    weights = under(official, "model/")
    table = weights["token_embed.embeddings.weight"]
    whole = torch.zeros(CLIP_SPECIAL + 1, table.shape[1])
    whole[256 : 256 + len(table)] = table  # single letters that end a word
    whole[CLIP_END], whole[CLIP_SPECIAL] = table[2], table[-1]
    torch.save({"module": {**weights, "token_embed.embeddings.weight": whole}}, folder / "tiny-8size.pt")
    (folder / "config.json").write_text(json.dumps({"num_attention_heads": 4}))
    _write_merges(folder / "merges.txt")
    (folder / "names.txt").write_text("".join(f"{letter}\n" for letter in "abcdefgh"[: len(official["target_names"])]))
    release = open_release(folder / "tiny-8size.pt")
    system, found = model_of(release, ExtraFiles(names={"classes": folder / "names.txt"}))
    assert isinstance(system, UniPerceiver)
    return official, found, system


def _write_merges(path: Path) -> None:
    """Merges at which no text of this test is merged: tokens are single letters."""
    from clip_merges import write_merges

    write_merges(path, {})


@torch.no_grad()
def test_a_uni_perceiver_names_classes_as_the_official_code(perceiver, monkeypatch) -> None:
    official, found, system = perceiver
    assert found.match.missing == ()
    spatial = official["model/video_embed.embeddings_st_pos.spatial_pos_embed.weight"]
    system.embedding.spatial_positions.copy_(spatial)  # the tiny official model draws its own
    # The official names, of which the longest has no end, in the ids that CLIP's tokeniser gives those letters.
    special = len(official["model/token_embed.embeddings.weight"]) - 1
    moved = official["target_names"].clone()
    moved.apply_(lambda i: {2: EOS, special: system.text_inputs.special}.get(i, 256 + i + 2))
    ids = moved.masked_fill(official["target_names_invalid"].bool(), PAD)
    monkeypatch.setitem(system.targets.ids, "classes", ids)
    task, rows = system.tasks["classes"], torch.arange(len(official["img"]))
    target = Target(rows, {"label": official["cls/targets_in"]})
    batch = Batch(tuple(map(str, rows.tolist())), {"pixels": official["img"]}, {"classes": target})
    scores, _ = system.classifier.scores(task, batch, target)
    assert far(scores, official["cls/logits0"]) < LAYERS
    predicted = system.predict(batch)["classes"]
    assert [one.index for one in predicted] == official["cls/logits0"].argmax(1).tolist()


# --- CapPa


@torch.no_grad()
def test_a_cappa_writes_with_the_official_probabilities(tmp_path) -> None:
    golden = vectors("s1_score_classes")
    arrays = {name: golden[name] for name in np.load(HERE / "s1_score_classes.npz").files if name.startswith("params/")}
    np.savez(tmp_path / "cappa.npz", **arrays)
    words = len(arrays["params/decoder/EmbedTargets/embedding"])
    _word_tokenizer(tmp_path, words)
    found = import_release(tmp_path / "cappa.npz", tmp_path / "model")
    assert found.match.missing == found.match.unused == ()
    system = load_system(tmp_path / "model")
    assert isinstance(system, LiTDecoder)
    pixels, labels = golden.tensor("image").permute(0, 3, 1, 2), torch.from_numpy(golden["label_tokens"])
    for row, wanted in zip(pixels, golden.tensor("scores"), strict=True):
        memory = system.encode(row[None].expand(len(labels), -1, -1, -1))
        scores = system.decoder(labels.long(), memory).log_softmax(-1)
        by_token = scores.gather(2, labels.long()[..., None])[..., 0] * (labels > 0)
        torch.testing.assert_close(by_token.sum(1), wanted, atol=1e-4, rtol=1e-4)


def _word_tokenizer(folder: Path, count: int) -> None:
    """A tokeniser whose padding is 0 and whose end is 1, as that of C4."""
    tokenizer = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1} | {f"w{i}": i for i in range(2, count)}, "w2"))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Whitespace(), decoders.Fuse()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "eos_token": "</s>"})
    )
