import pytest
import torch

from motet.nn.generate.vocabulary import logsumexp_, top_k


def test_logsumexp_is_that_of_torch_and_overwrites_its_input():
    logits = torch.randn(5, 300, generator=torch.Generator().manual_seed(0)) * 20
    logits[0, 3] = float("-inf")
    want, before = logits.logsumexp(-1), logits.clone()
    torch.testing.assert_close(logsumexp_(logits), want)
    assert not torch.equal(logits, before)


@pytest.mark.parametrize(("words", "k"), [(5, 2), (64, 1), (130, 1), (640, 4), (1000, 4), (1023, 7)])
def test_the_largest_are_found_wherever_they_are(words, k):
    draw = torch.Generator().manual_seed(words)
    logits = torch.randn(200, words, generator=draw)
    logits[:50, -words % 64 :] += 3.0
    logits[50:60] = float("-inf")
    values, places = top_k(logits, k)
    assert torch.equal(values, logits.topk(k).values)
    assert torch.equal(logits.gather(1, places), values)
    assert all(len(row.unique()) == k for row in places)
