import pytest
import timm
import torch

from motet.core import CheckpointError
from motet.nn.pretrained.lite0 import load_lite0


def test_every_weight_of_the_model_is_loaded() -> None:
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    load_lite0(model)
    same = [name for name, value in model.state_dict().items() if torch.equal(value, before[name])]
    # The file has no counters of batches.
    assert [name for name in same if not name.endswith("num_batches_tracked")] == []


def test_another_model_is_refused() -> None:
    with pytest.raises(CheckpointError, match="BundledLite0: got weights of another model"):
        load_lite0(torch.nn.Linear(2, 2))
