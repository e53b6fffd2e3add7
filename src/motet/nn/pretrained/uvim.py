"""Key map from big_vision's UViM autoencoder to `motet.nn.vqvae`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from motet.core import CheckpointError
from motet.nn.pretrained.big_vision import encoder_block_state, linear_state, load, norm_state
from motet.nn.vqvae import LabelVQVAE


def load_vqvae(model: LabelVQVAE, arrays: Mapping[str, np.ndarray]) -> None:
    """Loads the weights of `models/proj/uvim/vit.py`, with its dictionary.

    Args:
        model: of the same sizes.
        arrays: ``params/...`` and ``state/dictionary``, ``state/counts``, as in the files of big_vision.

    Raises:
        CheckpointError: a missing or unexpected name, or another shape.
    """
    state = {
        "encoder_positions": _tensor(arrays, "params/pos_embedding_encoder"),
        "decoder_positions": _tensor(arrays, "params/pos_embedding_decoder"),
        "codebook.sums": _tensor(arrays, "state/dictionary"),
        "codebook.counts": _tensor(arrays, "state/counts"),
    }
    for ours, theirs in (("down", "bottleneck_downsample"), ("up", "bottleneck_upsample")):
        if getattr(model, ours) is not None:
            state[ours] = _tensor(arrays, f"params/{theirs}")
    for ours, theirs in (("to_code", "encoder_head"), ("from_code", "decoder_stem")):
        state |= {f"{ours}.{name}": value for name, value in linear_state(arrays, f"params/{theirs}/").items()}
    for part, depth in (("encoder", model.config.encoder_depth), ("decoder", model.config.decoder_depth)):
        norm = norm_state(arrays, f"params/{part}/encoder_norm/")
        state |= {f"{part}_norm.{name}": value for name, value in norm.items()}
        for i in range(depth):
            block = encoder_block_state(arrays, f"params/{part}/encoderblock_{i}/")
            state |= {f"{part}.{i}.{name}": value for name, value in block.items()}
    for name in model.kinds:
        # flax keeps values and pixels of a patch as two axes of these kernels.
        kernel = _tensor(arrays, f"params/embedding_{name}/kernel")
        state[f"inputs.{name}.weight"] = kernel.flatten(0, 1).T
        state[f"inputs.{name}.bias"] = _tensor(arrays, f"params/embedding_{name}/bias")
        state[f"heads.{name}.weight"] = _tensor(arrays, f"params/head_{name}/kernel").flatten(1).T
        state[f"heads.{name}.bias"] = _tensor(arrays, f"params/head_{name}/bias").flatten()
    if model.config.context:
        for ours, theirs in (("encoder_context", "ctx_enc_embedding"), ("decoder_context", "ctx_dec_embedding")):
            state[f"{ours}.weight"] = _tensor(arrays, f"params/{theirs}/kernel").permute(3, 2, 0, 1)
            state[f"{ours}.bias"] = _tensor(arrays, f"params/{theirs}/bias")
    load(model, state)


def _tensor(arrays: Mapping[str, np.ndarray], name: str) -> Tensor:
    if name not in arrays:
        raise CheckpointError(f"weights: got {len(arrays)} arrays without {name!r}; want those of a UViM autoencoder")
    return torch.from_numpy(np.array(arrays[name], dtype=np.float32))
