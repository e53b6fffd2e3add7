"""The text memory: the task token is stripped, [CLS] alone if wanted, padding masked."""

import torch


def parts(make):
    text = make("pair", "vqa").eval().text
    ids, types = torch.randint(5, 30, (2, 6)), torch.zeros(2, 6, dtype=torch.long)
    return text, ids, types, torch.arange(6) < torch.tensor([[6], [4]])


@torch.no_grad()
def test_cls_only_is_the_first_state_of_all(make) -> None:
    text, ids, types, valid = parts(make)
    memory, positions, mask = text(ids, types, valid, "pair", cls_only=False)
    first, first_position, first_mask = text(ids, types, valid, "pair", cls_only=True)
    assert memory.shape == (2, 6, 32)
    assert torch.equal(mask, valid)
    torch.testing.assert_close(first, memory[:, :1])
    torch.testing.assert_close(first_position, positions[:, :1])
    assert first_mask.tolist() == [[True], [True]]


@torch.no_grad()
def test_padding_changes_nothing_and_the_task_does(make) -> None:
    text, ids, types, valid = parts(make)
    whole = text(ids, types, valid, "pair", cls_only=False)[0]
    cut = text(ids[1:, :4], types[1:, :4], valid[1:, :4], "pair", cls_only=False)[0]
    torch.testing.assert_close(whole[1:, :4], cut, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(whole, text(ids, types, valid, "vqa", cls_only=False)[0])


def test_blocks_leave_out_task_tokens(make) -> None:
    text = parts(make)[0]
    held = {id(p) for modules in text.blocks().values() for module in modules for p in module.parameters()}
    assert held.isdisjoint(id(token) for token in text.tokens.values())
    assert next(iter(text.blocks())) == "words"
