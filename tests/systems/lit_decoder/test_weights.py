import numpy as np
import pytest
import torch

from motet.core import CheckpointError
from motet.systems.lit_decoder.decoder import TextDecoder, TokenEmbeddings
from motet.systems.lit_decoder.weights import load_cappa_decoder


def test_other_arrays_than_a_decoders_are_refused() -> None:
    decoder = TextDecoder(TokenEmbeddings(7, {}, 7, 8), 8, 1, 2, 16, memory_width=8, max_tokens=5)
    before = {name: value.clone() for name, value in decoder.state_dict().items()}
    with pytest.raises(CheckpointError, match="got 1 arrays without a decoder's; want 'EmbedTargets/embedding'"):
        load_cappa_decoder(decoder, {"LogitsDense/kernel": np.zeros((8, 7))}, np.zeros((1, 5, 8)))
    assert all(torch.equal(value, before[name]) for name, value in decoder.state_dict().items())
