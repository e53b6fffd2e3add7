"""Published weights: the decoder of big_vision's captioners (CapPa), the nearest released ones to this system's."""

from __future__ import annotations

import numpy as np
import torch

from motet.core import CheckpointError
from motet.nn.pretrained.big_vision import Arrays, decoder_block_state, load, norm_state
from motet.systems.lit_decoder.decoder import TextDecoder


def load_cappa_decoder(decoder: TextDecoder, arrays: Arrays, positions: np.ndarray) -> None:
    """Loads the weights of big_vision's CapPa decoder (`models/proj/cappa/cappa.py`, Decoder).

    The special tokens (prompts, separators, classes), which those models do not have, keep their values.

    Args:
        decoder: of the same shape, with the same number of plain pieces.
        arrays: by name, from ``"EmbedTargets/embedding"`` on.
        positions: the decoder's position embeddings, (1, t, d).

    Raises:
        CheckpointError: a missing or unexpected name, or another shape.
    """
    if "EmbedTargets/embedding" not in arrays or "LogitsDense/kernel" not in arrays:
        raise CheckpointError(
            f"weights: got {len(arrays)} arrays without a decoder's; want 'EmbedTargets/embedding' "
            "and 'LogitsDense/kernel' among them"
        )
    specials = {f"pieces.{name}": value for name, value in decoder.pieces.state_dict().items() if "special" in name}
    state = {
        **specials,
        "pieces.embedding": torch.from_numpy(np.array(arrays["EmbedTargets/embedding"], dtype=np.float32)),
        "pieces.kernel": torch.from_numpy(np.array(arrays["LogitsDense/kernel"], dtype=np.float32)).T,
        "pieces.bias": torch.from_numpy(np.array(arrays["LogitsDense/bias"], dtype=np.float32)),
        "positions": torch.from_numpy(np.array(positions, dtype=np.float32))[0],
    }
    state |= {f"norm.{name}": value for name, value in norm_state(arrays, "LayerNorm/").items()}
    for i in range(len(decoder.blocks)):
        block = decoder_block_state(arrays, f"EncDecBlock{i}/")
        state |= {f"blocks.{i}.{name}": value for name, value in block.items()}
    load(decoder, state)
