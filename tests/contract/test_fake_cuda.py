"""What a pretended GPU finds: tensors of the CPU, and waits for the device."""

import pytest
import torch
from fake_cuda import losses_of
from torch import nn

from motet.core import Batch


class Fault(nn.Module):
    """Adds a fault to the losses of a system."""

    def __init__(self, fault) -> None:
        super().__init__()
        self.weight, self.fault = nn.Parameter(torch.ones(3)), fault

    def losses(self, batch: Batch):
        return self.fault(self.weight)


@pytest.mark.parametrize(
    "fault",
    [
        lambda weight: weight + torch.zeros(3),
        lambda weight: weight.sum().item() + 1 > 0 and weight,
        lambda weight: [row for row in weight.tolist() if row > 0],
        lambda weight: weight + torch.tensor([1.0, 2.0, 3.0]),
    ],
    ids=("made on the CPU", "item", "tolist", "constants of the CPU"),
)
def test_a_tensor_of_the_cpu_or_a_wait_would_be_found(fault) -> None:
    with pytest.raises(Exception, match=r"device|data-dependent"):
        losses_of(Fault(fault), Batch(("a",), {}, {}))
