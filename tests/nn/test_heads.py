"""Pooling and classifying."""

import pytest
import torch

from motet.nn.heads import MapHead, MlpHead


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
