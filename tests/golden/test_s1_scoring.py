"""The log-probabilities of class names under big_vision's own tiny CapPa model, in the classes that ship."""

import torch
from golden_files import check_all_read, vectors

from motet.nn.pretrained.big_vision import load_vit, part
from motet.nn.vit import ViT
from motet.systems.lit_decoder.decoder import TextDecoder, TokenEmbeddings
from motet.systems.lit_decoder.scoring import score_names
from motet.systems.lit_decoder.weights import load_cappa_decoder

GOLDEN = vectors("s1_score_classes")
_, PLACES, WIDTH = GOLDEN["params/pos_embedding_decoder"].shape
WORDS = len(GOLDEN["params/decoder/EmbedTargets/embedding"])
PATCH = len(GOLDEN["params/encoder/embedding/kernel"])
IMAGE_HW = GOLDEN["image"].shape[1:3]
_, HEADS, _ = GOLDEN["params/decoder/EncDecBlock0/SelfAttn/query/kernel"].shape
HIDDEN = GOLDEN["params/decoder/EncDecBlock0/MLP/Dense_0/kernel"].shape[1]
DEPTH = GOLDEN.count(r"params/decoder/EncDecBlock(\d+)/.*")
ENCODER = "params/encoder/Transformer/encoderblock_"
_, ENCODER_HEADS, _ = GOLDEN[f"{ENCODER}0/MultiHeadDotProductAttention_0/query/kernel"].shape
ENCODER_HIDDEN = GOLDEN[f"{ENCODER}0/MlpBlock_0/Dense_0/kernel"].shape[1]
ENCODER_DEPTH = GOLDEN.count(rf"{ENCODER}(\d+)/.*")


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


def empty_encoder():
    grid = tuple(side // PATCH for side in IMAGE_HW)
    return ViT(grid, PATCH, WIDTH, ENCODER_DEPTH, ENCODER_HEADS, ENCODER_HIDDEN)


def encoder(arrays):
    flax = Flax(arrays, "params/encoder")
    vit = empty_encoder()
    state = {"patches.weight": flax["embedding/kernel"].permute(3, 2, 0, 1), "patches.bias": flax["embedding/bias"]}
    state["positions"] = flax["pos_embedding"]
    state |= under("norm", flax.norm("Transformer/encoder_norm"))
    for i in range(ENCODER_DEPTH):
        block = f"Transformer/encoderblock_{i}"
        state |= under(f"blocks.{i}.norm1", flax.norm(f"{block}/LayerNorm_0"))
        state |= under(f"blocks.{i}.norm2", flax.norm(f"{block}/LayerNorm_1"))
        attention = flax.attention(f"{block}/MultiHeadDotProductAttention_0", bias=True)
        state |= under(f"blocks.{i}.attention", attention)
        state |= under(f"blocks.{i}.mlp.up", flax.linear(f"{block}/MlpBlock_0/Dense_0"))
        state |= under(f"blocks.{i}.mlp.down", flax.linear(f"{block}/MlpBlock_0/Dense_1"))
    vit.load_state_dict(state)
    return vit.eval()


def empty_decoder():
    pieces = TokenEmbeddings(WORDS, {}, WORDS, WIDTH)
    return TextDecoder(pieces, WIDTH, DEPTH, HEADS, HIDDEN, memory_width=WIDTH, max_tokens=PLACES)


def decoder(arrays):
    flax = Flax(arrays, "params/decoder")
    built = empty_decoder()
    state = {"pieces.embedding": flax["EmbedTargets/embedding"], "pieces.kernel": flax.kernel("LogitsDense")}
    state["pieces.bias"] = flax["LogitsDense/bias"]
    state["positions"] = Flax(arrays, "params")["pos_embedding_decoder"][0]
    state |= under("norm", flax.norm("LayerNorm"))
    for i in range(DEPTH):
        block = f"EncDecBlock{i}"
        for index in (1, 2, 3):
            state |= under(f"blocks.{i}.norm{index}", flax.norm(f"{block}/LayerNorm{index}"))
        state |= under(f"blocks.{i}.self_attention", flax.attention(f"{block}/SelfAttn", bias=False))
        state |= under(f"blocks.{i}.cross_attention", flax.attention(f"{block}/CrossAttn", bias=False))
        state |= under(f"blocks.{i}.mlp.up", flax.linear(f"{block}/MLP/Dense_0"))
        state |= under(f"blocks.{i}.mlp.down", flax.linear(f"{block}/MLP/Dense_1"))
    built.load_state_dict(state)
    return built.eval()


def loaded():
    """The same two parts, filled by the functions that ship."""
    built, model = empty_encoder(), empty_decoder()
    load_vit(built, part(GOLDEN, "params/encoder/"))
    load_cappa_decoder(model, part(GOLDEN, "params/decoder/"), GOLDEN["params/pos_embedding_decoder"])
    return built.eval(), model.eval()


def test_loaded_weights_are_those_written_out_here():
    pixels = GOLDEN.tensor("image").permute(0, 3, 1, 2)
    built, model = loaded()
    with torch.no_grad():
        memory = built(pixels)
        torch.testing.assert_close(memory, encoder(GOLDEN)(pixels), atol=1e-6, rtol=0)
    for name, value in decoder(GOLDEN).state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


@torch.no_grad()
def test_names_have_the_official_log_probabilities():
    """The same when what two names have in common is scored as part of them or is forced as a prefix."""
    pixels, official = GOLDEN.tensor("image").permute(0, 3, 1, 2), GOLDEN.tensor("scores")
    model = decoder(GOLDEN)
    state = model.start(encoder(GOLDEN)(pixels))
    names = [[int(token) for token in row if token > 1] for row in GOLDEN["label_tokens"]]
    rows = len(pixels)
    nothing = torch.zeros(rows, 0, dtype=torch.long)
    ours = score_names(model, state, nothing, torch.zeros(rows, dtype=torch.long), names)
    torch.testing.assert_close(ours, official, atol=1e-4, rtol=0)
    for first in range(len(names)):
        for second in range(first):
            one, other = names[first], names[second]
            if one[0] != other[0] or min(len(one), len(other)) < 2:
                continue
            # What is forced adds the same to neither.
            prefix = torch.full((rows, 1), one[0])
            ours = score_names(model, state, prefix, torch.ones(rows, dtype=torch.long), [one[1:], other[1:]])
            wanted = official[:, first] - official[:, second]
            torch.testing.assert_close(ours[:, 0] - ours[:, 1], wanted, atol=1e-4, rtol=0)


def test_every_array_is_read(request):
    check_all_read(request, "s1_score_classes")
