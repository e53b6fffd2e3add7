"""The log-probabilities of class names under big_vision's own tiny CapPa model, in the classes that ship."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motet.nn.vit import ViT
from motet.systems.lit_decoder.decoder import TextDecoder, TokenEmbeddings
from motet.systems.lit_decoder.scoring import score_names

HERE = Path(__file__).parent
WIDTH, HEADS, HIDDEN, WORDS, PLACES = 8, 2, 16, 13, 6


class Flax:
    """Weights under a prefix, as PyTorch lays them out: kernels are (out, in), heads are channels."""

    def __init__(self, arrays, prefix):
        self.arrays, self.prefix = arrays, prefix

    def __getitem__(self, name):
        return torch.from_numpy(self.arrays[f"{self.prefix}/{name}"])

    def kernel(self, name, num_in=1):
        """A kernel whose first `num_in` axes are read."""
        return self[f"{name}/kernel"].flatten(0, num_in - 1).flatten(1).T

    def linear(self, name):
        return {"weight": self.kernel(name), "bias": self[f"{name}/bias"].flatten()}

    def norm(self, name):
        return {"weight": self[f"{name}/scale"], "bias": self[f"{name}/bias"]}

    def attention(self, name, *, bias):
        state = {"query.weight": self.kernel(f"{name}/query"), "out.weight": self.kernel(f"{name}/out", num_in=2)}
        state["key_value.weight"] = torch.cat([self.kernel(f"{name}/key"), self.kernel(f"{name}/value")])
        if bias:
            state["query.bias"], state["out.bias"] = self[f"{name}/query/bias"].flatten(), self[f"{name}/out/bias"]
            state["key_value.bias"] = torch.cat([self[f"{name}/{part}/bias"].flatten() for part in ("key", "value")])
        return state


def under(prefix, state):
    return {f"{prefix}.{name}": value for name, value in state.items()}


def encoder(arrays):
    flax = Flax(arrays, "params/encoder")
    vit = ViT((2, 2), 4, WIDTH, 1, HEADS, HIDDEN)
    block = "Transformer/encoderblock_0"
    state = {"patches.weight": flax["embedding/kernel"].permute(3, 2, 0, 1), "patches.bias": flax["embedding/bias"]}
    state["positions"] = flax["pos_embedding"]
    state |= under("norm", flax.norm("Transformer/encoder_norm"))
    state |= under("blocks.0.norm1", flax.norm(f"{block}/LayerNorm_0"))
    state |= under("blocks.0.norm2", flax.norm(f"{block}/LayerNorm_1"))
    state |= under("blocks.0.attention", flax.attention(f"{block}/MultiHeadDotProductAttention_0", bias=True))
    state |= under("blocks.0.mlp.up", flax.linear(f"{block}/MlpBlock_0/Dense_0"))
    state |= under("blocks.0.mlp.down", flax.linear(f"{block}/MlpBlock_0/Dense_1"))
    vit.load_state_dict(state)
    return vit.eval()


def decoder(arrays):
    flax, block = Flax(arrays, "params/decoder"), "EncDecBlock0"
    pieces = TokenEmbeddings(WORDS, {}, WORDS, WIDTH)
    built = TextDecoder(pieces, WIDTH, 1, HEADS, HIDDEN, memory_width=WIDTH, max_tokens=PLACES)
    state = {"pieces.embedding": flax["EmbedTargets/embedding"], "pieces.kernel": flax.kernel("LogitsDense")}
    state["pieces.bias"] = flax["LogitsDense/bias"]
    state["positions"] = Flax(arrays, "params")["pos_embedding_decoder"][0]
    state |= under("norm", flax.norm("LayerNorm"))
    for index in (1, 2, 3):
        state |= under(f"blocks.0.norm{index}", flax.norm(f"{block}/LayerNorm{index}"))
    state |= under("blocks.0.self_attention", flax.attention(f"{block}/SelfAttn", bias=False))
    state |= under("blocks.0.cross_attention", flax.attention(f"{block}/CrossAttn", bias=False))
    state |= under("blocks.0.mlp.up", flax.linear(f"{block}/MLP/Dense_0"))
    state |= under("blocks.0.mlp.down", flax.linear(f"{block}/MLP/Dense_1"))
    built.load_state_dict(state)
    return built.eval()


@pytest.mark.parametrize("forced", [0, 1])
def test_names_have_the_official_log_probabilities(forced):
    """The same when what the names have in common is scored as part of them or, for two of them, forced as a prefix."""
    arrays = dict(np.load(HERE / "s1_score_classes.npz"))
    pixels = torch.from_numpy(arrays["image"]).permute(0, 3, 1, 2)
    model = decoder(arrays)
    with torch.no_grad():
        state = model.start(encoder(arrays)(pixels))
    names = [[int(token) for token in row if token > 1] for row in arrays["label_tokens"]]
    official = torch.from_numpy(arrays["scores"])
    if not forced:
        nothing = torch.zeros(3, 0, dtype=torch.long)
        ours = score_names(model, state, nothing, torch.zeros(3, dtype=torch.long), names)
        torch.testing.assert_close(ours, official, atol=1e-4, rtol=0)
    else:
        # Names 0 and 2 begin with the same token: forced, it adds the same to neither.
        prefix = torch.full((3, 1), names[0][0])
        ours = score_names(model, state, prefix, torch.ones(3, dtype=torch.long), [names[0][1:], names[2][1:]])
        torch.testing.assert_close(ours[:, 0] - ours[:, 1], official[:, 0] - official[:, 2], atol=1e-4, rtol=0)
