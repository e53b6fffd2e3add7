"""The decoder; its numbers are held to the official ones in tests/golden."""

import math

import pytest
import torch

from motet.core import ConfigError
from motet.nn.parameter_names import parameter_name
from motet.systems.lit_decoder.decoder import Pieces, TextDecoder, row_means, shift_right, word_loss


def decoder(*, specials=None, num_answers=11, tables=(), add=False) -> TextDecoder:
    torch.manual_seed(0)
    pieces = Pieces(11, specials or {}, num_answers, 8)
    made = TextDecoder(
        pieces, 8, 2, 2, 16, memory_width=6, max_tokens=9, position_tables=tables, add_tables=add
    ).eval()  # fmt: skip
    torch.nn.init.normal_(pieces.kernel)
    return made


MEMORY = torch.randn(3, 5, 6, generator=torch.Generator().manual_seed(1))
TOKENS = torch.randint(2, 11, (3, 7), generator=torch.Generator().manual_seed(2))


def test_what_is_said_depends_on_what_stands_before_it_only() -> None:
    made = decoder()
    changed = TOKENS.clone()
    changed[:, 4] = (changed[:, 4] - 1) % 9 + 2
    before, after = made(TOKENS, MEMORY), made(changed, MEMORY)
    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


def test_it_starts_undecided() -> None:
    made = TextDecoder(Pieces(11, {"classes": 2}, 13, 8), 8, 1, 2, 16, memory_width=6, max_tokens=9)
    assert made(TOKENS, MEMORY).abs().max() == 0


def test_images_forgotten_and_rows_branched_go_on_as_if_alone() -> None:
    made = decoder()
    _, state = made.read(made.start(MEMORY), shift_right(TOKENS))
    state = state.truncate(torch.tensor([2, 7, 4])).select(torch.tensor([2, 0]))
    state = state.reorder(torch.zeros(2, 3, dtype=torch.long))
    new = torch.tensor([[2, 3], [4, 5], [6, 7], [2, 3], [4, 5], [6, 7]])
    features, state = made.read(state, new)
    state = state.reorder(torch.tensor([[1, 1], [2, 0]]))
    features, _ = made.read(state, torch.full((4, 1), 8))
    for row, (image, seen, follow) in enumerate([(2, 4, [4, 5]), (2, 4, [4, 5]), (0, 2, [6, 7]), (0, 2, [2, 3])]):
        whole = torch.cat([shift_right(TOKENS)[image, :seen], torch.tensor([*follow, 8])])
        alone, _ = made.read(made.start(MEMORY[[image]]), whole[None])
        torch.testing.assert_close(features[row, -1], alone[0, -1])


def test_images_that_keep_equally_much_need_no_mask() -> None:
    made = decoder()
    _, state = made.read(made.start(MEMORY), shift_right(TOKENS))
    kept = state.truncate(torch.tensor([3, 3, 3]))
    assert kept.valid is None
    assert kept.seen == 3
    assert kept.past[0].shape[-2] == 3


def test_prompt_lengths_that_do_not_fit_are_refused() -> None:
    made = decoder()
    with pytest.raises(ConfigError, match="want 3 numbers from 0 to 2"):
        made.prefill(made.start(MEMORY), TOKENS[:, :2], torch.tensor([1, 2, 3]))


@pytest.mark.parametrize("add", [False, True])
def test_each_task_has_places_of_its_own(add: bool) -> None:
    made = decoder(tables=("a", "b.c"), add=add)
    one, other = (made(TOKENS, MEMORY, torch.full((3,), table)) for table in (0, 1))
    assert not torch.allclose(one, other)
    assert (made.positions is not None) == add
    assert list(made.task_positions) == ["a", "b%2Ec"]
    with pytest.raises(ValueError, match="no position tables"):
        made(TOKENS, MEMORY)


def test_special_tokens_have_parameters_of_their_own_name() -> None:
    made = decoder(specials={"classes": 3, "prompt": 1}, num_answers=14)
    names = dict(made.named_parameters())
    assert names["pieces.special_embedding.classes"].shape == (3, 8)
    assert "pieces.special_kernel.classes" in names
    assert "pieces.special_kernel.prompt" not in names
    assert made.pieces.embed(torch.tensor([[12, 14, 3]])).tolist() == [
        [
            names["pieces.special_embedding.classes"][1].tolist(),
            names["pieces.special_embedding.prompt"][0].tolist(),
            names["pieces.embedding"][3].tolist(),
        ]
    ]
    assert made(TOKENS, MEMORY).shape == (3, 7, 14)


def test_other_tasks_take_over_what_has_the_same_name() -> None:
    old = decoder(specials={"prompt a": 1, "prompt b": 1})
    new = decoder(specials={"prompt b": 1, "prompt c": 1})
    state = old.state_dict()
    missing, unexpected = new.load_state_dict(state, strict=False)
    assert missing == ["pieces.special_embedding.prompt c"]
    assert unexpected == ["pieces.special_embedding.prompt a"]
    torch.testing.assert_close(new.pieces.embed(torch.tensor([[11]])), old.pieces.embed(torch.tensor([[12]])))


def test_the_loss_of_no_idea_is_the_logarithm_of_the_words() -> None:
    found = word_loss(torch.zeros(2, 7), torch.tensor([3, 0]), label_smoothing=0.1)
    assert found.tolist() == pytest.approx([math.log(7)] * 2)


def test_every_row_counts_the_same_however_long_it_is() -> None:
    counted = torch.tensor([[True, True, False], [False, False, True], [False, False, False]])
    assert row_means(torch.tensor([1.0, 3.0, 5.0]), counted).tolist() == [2.0, 5.0, 0.0]


def test_a_name_with_dots_is_one_name() -> None:
    assert parameter_name("a.b%2Ec") == "a%2Eb%252Ec"
    assert len({parameter_name(name) for name in ("a.b", "a%2Eb", "a%b")}) == 3
