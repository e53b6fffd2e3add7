"""The contrastive loss of pairs: its negatives, and its symmetry."""

import pytest
import torch
from torch.nn import functional as F

from motet.systems.uni_perceiver.retrieval import MatchedPairs, compared, in_batch_loss


def pairs_of(count: int) -> MatchedPairs:
    """Returns pairs without common images or texts."""
    generator = torch.Generator().manual_seed(1)
    images, texts = (F.normalize(torch.randn(count, 8, generator=generator), dim=-1) for _ in range(2))
    keys = torch.arange(10, 10 + count)
    return MatchedPairs(images, texts, torch.arange(count), keys, keys[:, None])


def test_a_wrong_pair_is_never_another_caption_of_the_same_image() -> None:
    torch.manual_seed(0)
    images, texts = (F.normalize(torch.randn(4, 8), dim=-1) for _ in range(2))
    # Rows 0 and 1 have the same image; row 3's text is a caption of row 2's image, too.
    pairs = MatchedPairs(
        images, texts, torch.tensor([1, 1, 2, 3]), torch.tensor([10, 11, 12, 13]),
        torch.tensor([[10, 11], [10, 11], [12, 13], [13, 0]]),
    )  # fmt: skip
    to_texts, to_images = compared(pairs, pairs, torch.arange(4))
    assert to_texts.int().tolist() == [[1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert to_images.int().tolist() == [[1, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]]
    loss = in_batch_loss(pairs, pairs, 0, torch.tensor(5.0), 0.0)
    scores = 5 * images @ texts.T
    expected = -(scores.masked_fill(~to_texts, -torch.inf).log_softmax(1).diagonal().sum())
    expected -= scores.T.masked_fill(~to_images, -torch.inf).log_softmax(1).diagonal().sum()
    assert float(loss.total) == pytest.approx(float(expected) / 2, abs=1e-4)
    assert float(loss.weight) == 4


def test_pairs_without_common_contents_have_the_symmetric_cross_entropy() -> None:
    pairs, scale = pairs_of(5), torch.tensor(7.0)
    scores, right = scale * pairs.images @ pairs.texts.T, torch.arange(5)
    for smoothing in (0.0, 0.1):
        expected = [F.cross_entropy(s, right, label_smoothing=smoothing, reduction="sum") for s in (scores, scores.T)]
        found = in_batch_loss(pairs, pairs, 0, scale, smoothing)
        assert float(found.total) == pytest.approx(float(sum(expected)) / 2, rel=1e-5)


def test_the_parts_of_two_ranks_add_up_to_the_whole() -> None:
    whole, scale = pairs_of(6), torch.tensor(7.0)

    def part(rows: slice) -> MatchedPairs:
        return MatchedPairs(*(getattr(whole, name)[rows] for name in whole.__dataclass_fields__))

    parts = [
        in_batch_loss(part(slice(0, 2)), whole, 0, scale, 0.1),
        in_batch_loss(part(slice(2, 6)), whole, 2, scale, 0.1),
    ]
    found = in_batch_loss(whole, whole, 0, scale, 0.1)
    assert float(sum(loss.total for loss in parts)) == pytest.approx(float(found.total), rel=1e-5)
