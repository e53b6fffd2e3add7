import pytest
import torch

from motet.nn.transformer import sincos_positions
from motet.nn.vit import ViT


def test_one_token_per_patch_row_by_row() -> None:
    vit = ViT((2, 3), 4, 8, 0, 2, 16, learned_positions=False).eval()
    pixels = torch.zeros(1, 3, 8, 12)
    changed = pixels.clone()
    changed[0, :, 4:, 8:] = 1.0
    before, after = vit(pixels), vit(changed)
    assert before.shape == (1, 6, 8)
    assert (before != after).any(-1)[0].tolist() == [False] * 5 + [True]


@pytest.mark.parametrize("learned", [True, False])
def test_fixed_positions_are_no_weights(learned) -> None:
    vit = ViT((2, 2), 4, 8, 1, 2, 16, learned_positions=learned)
    assert ("positions" in vit.state_dict()) == learned
    if not learned:
        assert torch.equal(vit.positions[0], sincos_positions(2, 2, 8))
