"""Pooling and classifying."""

import pytest
import torch

from motet.nn.heads import BertHead, MapHead, MlpHead


def test_the_pooled_token_does_not_depend_on_the_order_of_tokens() -> None:
    head = MapHead(8, 2)
    x = torch.randn(2, 5, 8)
    assert head(x).shape == (2, 8)
    torch.testing.assert_close(head(x), head(x[:, torch.randperm(5)]))


@pytest.mark.parametrize("hidden", [None, 16])
def test_a_classifier_starts_undecided(hidden: int | None) -> None:
    head = MlpHead(8, hidden, 3)
    assert head(torch.randn(4, 8)).tolist() == torch.zeros(4, 3).tolist()
    assert (head.hidden is None) == (hidden is None)


def test_a_bert_head_normalises_the_gelu_of_its_hidden_layer() -> None:
    head = BertHead(2, 1, hidden=2)
    with torch.no_grad():
        head.hidden.weight.copy_(torch.eye(2))
        head.hidden.bias.zero_()
        head.out.weight.copy_(torch.tensor([[3.0, 1.0]]))
        head.out.bias.fill_(0.5)
    # Of two different numbers a layer norm makes 1 and -1.
    assert head(torch.tensor([[2.0, -1.0], [-1.0, 2.0]])).flatten().tolist() == pytest.approx([2.5, -1.5])


def test_a_bert_head_drops_inputs_in_training_only() -> None:
    torch.manual_seed(0)
    head, x = BertHead(64, 3, dropout=0.5), torch.randn(2, 64)
    assert not torch.equal(head(x), head(x))
    assert torch.equal(head.eval()(x), head(x))
    plain = BertHead(64, 3)
    assert torch.equal(plain(x), plain(x))
