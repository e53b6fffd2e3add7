"""Key maps from big_vision's weights (flax arrays by name, as in its `.npz` files) to the modules of `motet.nn`.

flax stores kernels as (in, out), and those of attentions as (in, heads, channels) or (heads, channels, out).
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from motet.core import CheckpointError
from motet.core.regular_files import file_size
from motet.nn.heads import MapHead
from motet.nn.transformer import DecoderBlock, EncoderBlock
from motet.nn.vit import ViT

Arrays = Mapping[str, np.ndarray]
State = dict[str, Tensor]


_HEADS = ("head/", "MAPHead_0/", "pre_logits/")
_SCANNED = "Transformer/encoderblock/"


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Returns the arrays of an ``.npz`` file of big_vision by name; nothing in it is run.

    Raises:
        CheckpointError: a file that cannot be read, or with anything but arrays of numbers.
    """
    try:
        file_size(Path(path))
        with np.load(path, allow_pickle=False) as found:
            if not isinstance(found, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            return {name: found[name] for name in found.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: got {error}; want a complete .npz file of big_vision") from error


def vit_arrays(arrays: Arrays) -> dict[str, np.ndarray]:
    """Returns the arrays of the image encoder in a file of big_vision, under the names of its ViT.

    They begin with "params/img/" in SigLIP and PaliGemma, with "params/encoder/" in CapPa and with nothing in a ViT;
    in files of scanned layers, those of all blocks are one array.

    Raises:
        CheckpointError: no image encoder, or several.
    """
    ends = "embedding/kernel"
    starts = [name.removesuffix(ends) for name in arrays if name == ends or name.endswith(f"/{ends}")]
    if len(starts) != 1:
        got = f"{len(starts)} arrays 'embedding/kernel'" if starts else f"{len(arrays)} arrays without {ends!r}"
        raise CheckpointError(f"weights: got {got}; want one image encoder of big_vision")
    found: dict[str, np.ndarray] = {}
    for name, value in part(arrays, starts[0]).items():
        if name.startswith(_SCANNED):
            rest = name.removeprefix(_SCANNED)
            found |= {f"Transformer/encoderblock_{i}/{rest}": block for i, block in enumerate(value)}
        else:
            found[name.removeprefix("Transformer/posembed_input/")] = value
    return found


def load_vit(vit: ViT, arrays: Arrays) -> tuple[str, ...]:
    """Loads the weights of big_vision's `models/vit.py`, without a class token, and returns what is left: its heads.

    Args:
        vit: of the same shape.
        arrays: of a whole file (see `vit_arrays`) or by name from ``"embedding/kernel"`` on.

    Raises:
        CheckpointError: a missing or unexpected name, or another shape.
    """
    arrays = vit_arrays(arrays)
    known = {"embedding/kernel", "embedding/bias", "pos_embedding"}
    blocks = tuple(f"Transformer/encoderblock_{i}/" for i in range(len(vit.blocks)))
    left = [name for name in arrays if name not in known]
    left = [name for name in left if not name.startswith((*blocks, "Transformer/encoder_norm/"))]
    if wrong := [name for name in left if not name.startswith(_HEADS)]:
        raise CheckpointError(
            f"weights: got {wrong[0]!r} and {len(wrong) - 1} others that this ViT does not have; want a ViT without a "
            f"class token, of {len(blocks)} blocks"
        )
    kernel = _take(arrays, "embedding/kernel")  # (h, w, in, out)
    state = {"patches.weight": kernel.permute(3, 2, 0, 1), "patches.bias": _take(arrays, "embedding/bias")}
    if "pos_embedding" in arrays:
        state["positions"] = _take(arrays, "pos_embedding")
    state |= _under("norm", norm_state(arrays, "Transformer/encoder_norm/"))
    for i in range(len(vit.blocks)):
        state |= _under(f"blocks.{i}", encoder_block_state(arrays, f"Transformer/encoderblock_{i}/"))
    load(vit, state)
    return tuple(left)


def load_map_head(head: MapHead, arrays: Arrays) -> None:
    """Loads the weights of big_vision's MAPHead. Raises CheckpointError, see `load_vit`."""
    state = {"probe": _take(arrays, "probe")}
    state |= _under("attention", attention_state(arrays, "MultiHeadDotProductAttention_0/"))
    state |= _under("norm", norm_state(arrays, "LayerNorm_0/"))
    state |= _under("mlp", mlp_state(arrays, "MlpBlock_0/"))
    load(head, state)


def load_encoder_block(block: EncoderBlock, arrays: Arrays) -> None:
    """Loads the weights of big_vision's Encoder1DBlock. Raises CheckpointError, see `load_vit`."""
    load(block, encoder_block_state(arrays, ""))


def load_decoder_block(block: DecoderBlock, arrays: Arrays) -> None:
    """Loads the weights of big_vision's EncoderDecoderBlock (CapPa). Raises CheckpointError, see `load_vit`."""
    load(block, decoder_block_state(arrays, ""))


def encoder_block_state(arrays: Arrays, at: str) -> State:
    """Returns the state dict of an `EncoderBlock` from the arrays whose names start with `at`."""
    return {
        **_under("norm1", norm_state(arrays, f"{at}LayerNorm_0/")),
        **_under("attention", attention_state(arrays, f"{at}MultiHeadDotProductAttention_0/")),
        **_under("norm2", norm_state(arrays, f"{at}LayerNorm_1/")),
        **_under("mlp", mlp_state(arrays, f"{at}MlpBlock_0/")),
    }


def decoder_block_state(arrays: Arrays, at: str) -> State:
    """Returns the state dict of a `DecoderBlock` from the arrays whose names start with `at`."""
    return {
        **_under("norm1", norm_state(arrays, f"{at}LayerNorm1/")),
        **_under("self_attention", attention_state(arrays, f"{at}SelfAttn/")),
        **_under("norm2", norm_state(arrays, f"{at}LayerNorm2/")),
        **_under("cross_attention", attention_state(arrays, f"{at}CrossAttn/")),
        **_under("norm3", norm_state(arrays, f"{at}LayerNorm3/")),
        **_under("mlp", mlp_state(arrays, f"{at}MLP/")),
    }


def attention_state(arrays: Arrays, at: str) -> State:
    """Returns the state dict of an `Attention`, in which keys and values share one matrix."""
    parts = {name: _take(arrays, f"{at}{name}/kernel") for name in ("query", "key", "value", "out")}
    state = {
        "query.weight": parts["query"].flatten(1).T,
        "key_value.weight": torch.cat([parts["key"].flatten(1).T, parts["value"].flatten(1).T]),
        "out.weight": parts["out"].flatten(0, 1).T,
    }
    if f"{at}out/bias" in arrays:
        biases = {name: _take(arrays, f"{at}{name}/bias").flatten() for name in parts}
        state["query.bias"], state["out.bias"] = biases["query"], biases["out"]
        state["key_value.bias"] = torch.cat([biases["key"], biases["value"]])
    return state


def mlp_state(arrays: Arrays, at: str) -> State:
    """Returns the state dict of an `Mlp`."""
    return {
        **_under("up", linear_state(arrays, f"{at}Dense_0/")),
        **_under("down", linear_state(arrays, f"{at}Dense_1/")),
    }


def linear_state(arrays: Arrays, at: str) -> State:
    """Returns the state dict of a linear layer."""
    bias = {"bias": _take(arrays, f"{at}bias")} if f"{at}bias" in arrays else {}
    return {"weight": _take(arrays, f"{at}kernel").T, **bias}


def norm_state(arrays: Arrays, at: str) -> State:
    """Returns the state dict of a layer norm."""
    bias = {"bias": _take(arrays, f"{at}bias")} if f"{at}bias" in arrays else {}
    return {"weight": _take(arrays, f"{at}scale"), **bias}


def load(module: nn.Module, state: State) -> None:
    """Loads a complete state dict; raises CheckpointError with the names and shapes that differ."""
    try:
        module.load_state_dict({name: value.contiguous() for name, value in state.items()}, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"weights for a {type(module).__name__}: {' '.join(str(error).split())}") from error


def _take(arrays: Arrays, name: str) -> Tensor:
    if name not in arrays:
        raise CheckpointError(
            f"weights: got {len(arrays)} arrays without {name!r}; want a file of the same architecture, with it"
        )
    value = arrays[name]
    if value.dtype.kind == "V" and value.dtype.itemsize == 2:  # bfloat16, which numpy has no name for
        return torch.from_numpy(value.view(np.int16).copy()).view(torch.bfloat16).float()
    return torch.from_numpy(np.array(value, dtype=np.float32))


def _under(name: str, state: State) -> State:
    return {f"{name}.{key}": value for key, value in state.items()}


def part(arrays: Arrays, at: str) -> dict[str, np.ndarray]:
    """Returns the arrays whose names start with `at`, under the rest of their names.

    Examples:
        >>> part({"decoder/a": np.zeros(1), "encoder/b": np.zeros(2)}, "decoder/")
        {'a': array([0.])}
    """
    return {name.removeprefix(at): arrays[name] for name in arrays if name.startswith(at)}
