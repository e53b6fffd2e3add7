import pytest
import torch

from motet.nn.generate.step import remaining_items, reordered_rows, selected_rows


def test_selected_rows_are_those_of_a_view_by_item():
    values = torch.arange(12).view(4, 3)
    items = torch.tensor([3, 0, 3])
    assert torch.equal(values.flatten()[selected_rows(items, 3)], values[items].flatten())


def test_reordered_rows_are_those_of_a_gather_by_item():
    values = torch.arange(6).view(2, 3)
    parents = torch.tensor([[2, 2, 0, 1], [1, 0, 0, 2]])
    assert torch.equal(values.flatten()[reordered_rows(parents, 3)], values.gather(1, parents).flatten())


def mask(length: int, *places: int) -> torch.Tensor:
    return torch.isin(torch.arange(length), torch.tensor(places))


@pytest.mark.parametrize(
    ("num_items", "done", "full", "remaining"),
    [
        (8, (3,), (), [0, 1, 2, 4, 5, 6, 7]),
        (9, (3,), (), None),
        (9, (3,), (3,), [0, 1, 2, 4, 5, 6, 7, 8]),
        (9, (3, 0), (), [1, 2, 4, 5, 6, 7, 8]),
        (4, (), (), None),
        (2, (0, 1), (), []),
    ],
)
def test_items_leave_from_an_eighth_of_the_batch_on_or_where_one_is_full(num_items, done, full, remaining):
    found = remaining_items(mask(num_items, *done), mask(num_items, *full))
    assert (None if found is None else found.tolist()) == remaining
