import pytest
import torch

from motet.nn.generate.step import reordered_rows, selected_rows, should_drop


def test_selected_rows_are_those_of_a_view_by_item():
    values = torch.arange(12).view(4, 3)
    items = torch.tensor([3, 0, 3])
    assert torch.equal(values.flatten()[selected_rows(items, 3)], values[items].flatten())


def test_reordered_rows_are_those_of_a_gather_by_item():
    values = torch.arange(6).view(2, 3)
    parents = torch.tensor([[2, 2, 0, 1], [1, 0, 0, 2]])
    assert torch.equal(values.flatten()[reordered_rows(parents, 3)], values.gather(1, parents).flatten())


@pytest.mark.parametrize(("num_done", "num_items", "worth"), [(1, 8, True), (1, 9, False), (2, 9, True), (0, 4, False)])
def test_items_are_dropped_from_an_eighth_of_the_batch_on(num_done, num_items, worth):
    assert should_drop(num_done, num_items) == worth
