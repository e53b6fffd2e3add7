"""BERT-like encoders: the same as transformers' own forward, rows in front, built again from a description."""

import pytest
import torch

from motet.core import CheckpointError, ConfigError
from motet.nn.text_encoders import (
    BundledMiniLM,
    HfBert,
    TextEncoder,
    TextTower,
    TinyBert,
    encoder_from_description,
    load_bert,
)
from motet.nn.tower import Finetune, FromScratch, Frozen
from motet.preprocess.sentence_tokenizer import SentenceTokenizer

TINY = TinyBert(width=16, depth=2, heads=2, max_tokens=12)
IDS = torch.tensor([[5, 6, 7, 0], [5, 8, 0, 0]])
TYPES, VALID = torch.zeros_like(IDS), torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]]).bool()


def tiny() -> TextEncoder:
    torch.manual_seed(0)
    return TINY.build(pretrained=True, num_pieces=20).eval()


def test_it_reads_as_transformers_does_and_padding_changes_nothing() -> None:
    encoder = tiny()
    with torch.no_grad():
        theirs = encoder.model(input_ids=IDS, token_type_ids=TYPES, attention_mask=VALID.long()).last_hidden_state
        ours = encoder(IDS, TYPES, VALID)
        assert torch.allclose(ours[VALID], theirs[VALID], atol=1e-5)
        alone = encoder(IDS[1:, :2], TYPES[1:, :2], VALID[1:, :2])
        assert torch.allclose(ours[1, :2], alone[0], atol=1e-5)


def test_rows_in_front_come_first_and_are_read_by_all() -> None:
    encoder = tiny()
    front = torch.randn(2, 16)
    with torch.no_grad():
        states = encoder(IDS, TYPES, VALID, front)
        assert states.shape == (2, 6, 16)
        assert not torch.allclose(states[:, 2:], encoder(IDS, TYPES, VALID))


def test_it_attends_as_transformers_own_kernels_do() -> None:
    encoder = tiny()
    assert encoder.model.config._attn_implementation == "motet"
    with torch.no_grad():
        ours = encoder(IDS, TYPES, VALID)
        for name in ("eager", "sdpa"):
            encoder.model.set_attn_implementation(name)
            assert torch.allclose(encoder(IDS, TYPES, VALID)[VALID], ours[VALID], atol=1e-5)


def test_attention_stays_in_32_bits_under_autocast_on_a_cpu(monkeypatch) -> None:
    kinds, kernel = [], torch.nn.functional.scaled_dot_product_attention

    def noted(query, *given, **named):
        kinds.append(query.dtype)
        return kernel(query, *given, **named)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", noted)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.isfinite(tiny()(IDS, TYPES, VALID)).all()
    assert kinds == [torch.float32] * 2


def test_its_description_builds_its_like() -> None:
    encoder = tiny()
    again = encoder_from_description(encoder.description())
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again.eval()(IDS, TYPES, VALID), encoder(IDS, TYPES, VALID))
    assert again.positions(5).shape == (5, 16)
    assert again.max_tokens == 12
    with pytest.raises(CheckpointError, match="saved text encoder"):
        encoder_from_description(b"{")


def test_modes() -> None:
    for mode, scale in ((Frozen(), 0.0), (Finetune(0.3), 0.3), (FromScratch(), 1.0)):
        tower = TextTower(tiny(), mode).train()
        assert tower.lr_scale == scale
        assert tower.encoder.training is not isinstance(mode, Frozen)
        assert any(p.requires_grad for p in tower.parameters()) is not isinstance(mode, Frozen)


def test_the_bundled_encoder_knows_what_is_alike() -> None:
    encoder = BundledMiniLM().build(pretrained=True, num_pieces=0).eval()
    sentences = SentenceTokenizer(*BundledMiniLM().tokenizer())

    def said(text: str) -> torch.Tensor:
        ids, types = (torch.tensor([part]) for part in sentences.encode((text,), 32))
        with torch.no_grad():
            return torch.nn.functional.normalize(encoder(ids, types, torch.ones_like(ids).bool())[0].mean(0), dim=0)

    dog, puppy, tax = said("a dog runs on the grass"), said("a puppy is playing outside"), said("the tax form is due")
    assert float(dog @ puppy) > float(dog @ tax) + 0.2


def test_a_folder_of_transformers_with_any_prefix(tmp_path) -> None:
    encoder = tiny()
    encoder.model.save_pretrained(tmp_path)
    again = HfBert(str(tmp_path)).build(pretrained=True, num_pieces=0).eval()
    assert torch.equal(again(IDS, TYPES, VALID), encoder(IDS, TYPES, VALID))
    other = TINY.build(pretrained=False, num_pieces=20)
    old = {f"bert.{name}".replace("LayerNorm.weight", "LayerNorm.gamma"): value
           for name, value in encoder.model.state_dict().items()}  # fmt: skip
    load_bert(other.model, old, where="here")
    assert torch.equal(other.eval()(IDS, TYPES, VALID), encoder(IDS, TYPES, VALID))
    with pytest.raises(CheckpointError, match=r"here: .*got shape"):
        load_bert(TINY.build(pretrained=False, num_pieces=21).model, old, where="here")


def test_what_cannot_be_had_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"HfBert\.name: got"):
        HfBert(str(tmp_path)).build(pretrained=True, num_pieces=0)
    with pytest.raises(ConfigError, match=r"HfBert\.name: got"):
        HfBert(str(tmp_path)).tokenizer()
    with pytest.raises(ConfigError, match=r"TinyBert\.heads: got 3"):
        TinyBert(width=16, heads=3)
    with pytest.raises(ConfigError, match="got a Linear; want a BERT-like one"):
        TextEncoder(torch.nn.Linear(2, 2))
