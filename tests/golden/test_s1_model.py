"""The LiT decoder's parts against the numbers of big_vision, with its weights in the classes that ship."""

import numpy as np
import pytest
import torch
from golden_files import check_all_read, vectors
from PIL import Image
from torch.nn import functional as F

from motet.core import CheckpointError
from motet.nn.heads import MapHead
from motet.nn.pretrained.big_vision import load_decoder_block, load_encoder_block, load_map_head, part
from motet.nn.transformer import DecoderBlock, EncoderBlock, sincos_positions
from motet.preprocess.images import Geometry, InceptionCrop
from motet.systems.lit_decoder.decoder import TextDecoder, TokenEmbeddings, row_means, token_loss
from motet.systems.lit_decoder.scoring import score_names
from motet.systems.lit_decoder.weights import load_cappa_decoder

PARTS, LOSS = vectors("s1_model_parts"), vectors("s1_loss_schedule")
RESIZE, CROPS = vectors("s1_resize"), vectors("s1_inception_crop_stats")
LAYER, LAYERS = 1e-5, 1e-4


def far(got, wanted) -> float:
    return float((got.detach() - torch.from_numpy(np.asarray(wanted))).abs().max())


def sizes(prefix: str, attention: str, mlp: str) -> tuple[int, int, int]:
    """Width, heads and hidden channels of a block, as its arrays have them."""
    width, heads, _ = PARTS[f"{prefix}{attention}/query/kernel"].shape
    return width, heads, PARTS[f"{prefix}{mlp}/Dense_0/kernel"].shape[1]


def decoder(bias: str) -> TextDecoder:
    """The whole decoder of two forms, of the size of its arrays, with its weights."""
    prefix = f"dec_bias{bias}_params/"
    width, heads, hidden = sizes(f"{prefix}EncDecBlock0/", "SelfAttn", "MLP")
    vocabulary, length = len(PARTS[f"{prefix}EmbedTargets/embedding"]), PARTS[f"dec_pos_bias{bias}"].shape[1]
    depth = PARTS.count(rf"{prefix}EncDecBlock(\d+)/.*")
    model = TextDecoder(
        TokenEmbeddings(vocabulary, {}, vocabulary, width), width, depth, heads, hidden, memory_width=width,
        max_tokens=length, bias=bias == "True",
    ).eval()  # fmt: skip
    load_cappa_decoder(model, part(PARTS, prefix), PARTS[f"dec_pos_bias{bias}"])
    return model


def block() -> DecoderBlock:
    made = DecoderBlock(*sizes("blk_params/", "SelfAttn", "MLP"))
    load_decoder_block(made, part(PARTS, "blk_params/"))
    return made


def test_gelu_is_the_tanh_approximation() -> None:
    assert far(F.gelu(PARTS.tensor("gelu_x"), approximate="tanh"), PARTS["gelu_y"]) < 1e-6
    assert far(F.gelu(PARTS.tensor("gelu_x")), PARTS["gelu_y"]) > 1e-4


def test_fixed_positions_of_a_grid() -> None:
    for height, width, channels in PARTS.found(r"posemb_sincos_(\d+)x(\d+)_(\d+)"):
        wanted = PARTS[f"posemb_sincos_{height}x{width}_{channels}"]
        assert far(sincos_positions(int(height), int(width), int(channels))[None], wanted) < 1e-6


def test_the_map_head_pools_as_theirs() -> None:
    head = MapHead(*sizes("map_params/", "MultiHeadDotProductAttention_0", "MlpBlock_0"))
    load_map_head(head, part(PARTS, "map_params/"))
    assert far(head(PARTS.tensor("x")), PARTS["map_out"]) < LAYER


def test_the_encoder_block_gives_their_tokens() -> None:
    made = EncoderBlock(*sizes("encblock_params/", "MultiHeadDotProductAttention_0", "MlpBlock_0"))
    load_encoder_block(made, part(PARTS, "encblock_params/"))
    assert far(made(PARTS.tensor("x")), PARTS["encblock_out"]) < LAYER


def test_the_decoder_block_gives_their_tokens() -> None:
    made = block()
    memory = made.cross_attention.keys_values(PARTS.tensor("enc"))
    whole, _ = made(PARTS.tensor("blk_targets"), memory)
    assert far(whole, PARTS["blk_out"]) < LAYER


def test_the_decoder_block_gives_their_tokens_one_place_at_a_time() -> None:
    made = block()
    memory = made.cross_attention.keys_values(PARTS.tensor("enc"))
    past, places = None, []
    targets = PARTS.tensor("blk_targets")
    for place in targets.split([2, 1, targets.shape[1] - 3], dim=1):
        y, past = made(place, memory, past)
        places.append(y)
    assert far(torch.cat(places, dim=1), PARTS["blk_out"]) < LAYER


@pytest.mark.parametrize("bias", ["True", "False"])
def test_the_whole_decoder_gives_their_logits(bias: str) -> None:
    logits = decoder(bias)(PARTS.tensor("txt").long(), PARTS.tensor("enc"))
    assert far(logits, PARTS[f"dec_bias{bias}_logits"]) < LAYERS


@torch.no_grad()
def test_texts_score_as_theirs() -> None:
    """The sum over all words but padding, as the loss has them and, up to the end, as the scoring of names has them."""
    model, text, memory = decoder("True"), PARTS.tensor("txt").long(), PARTS.tensor("enc")
    logits, real = model(text, memory), text != 0
    sums = row_means(-token_loss(logits[real], text[real], label_smoothing=0.0), real) * real.sum(dim=1)
    assert far(sums, PARTS["score_sum"]) < LAYERS
    for row, tokens in enumerate(text.tolist()):
        if 1 not in tokens or any(tokens[tokens.index(1) + 1 :]):
            continue  # it does not end, or goes on behind the end, which no name does
        nothing, none = torch.zeros(1, 0, dtype=torch.long), torch.zeros(1, dtype=torch.long)
        score = score_names(model, model.start(memory[row : row + 1]), nothing, none, [tokens[: tokens.index(1)]])
        assert far(score[0], PARTS["score_sum"][row : row + 1]) < LAYERS


def test_weights_of_another_shape_are_refused() -> None:
    width, heads, hidden = sizes("map_params/", "MultiHeadDotProductAttention_0", "MlpBlock_0")
    with pytest.raises(CheckpointError, match="size mismatch"):
        load_map_head(MapHead(width, heads, hidden + 8), part(PARTS, "map_params/"))
    with pytest.raises(CheckpointError, match="arrays without"):
        load_encoder_block(EncoderBlock(width, heads, hidden), part(PARTS, "map_params/"))


@pytest.mark.parametrize(("smoothing", "weights"), LOSS.found(r"xent_ls(.+)_normTrue_(now|w)"))
def test_the_loss_is_theirs(smoothing: str, weights: str) -> None:
    labels, logits = LOSS.tensor("labels").long(), LOSS.tensor("logits")
    # Their "now" gives no weights: every place counts, padding too.
    counted = torch.ones_like(labels, dtype=torch.bool) if weights == "now" else LOSS.tensor("weights") > 0
    words = token_loss(logits[counted], labels[counted], label_smoothing=float(smoothing))
    by_row = row_means(words, counted)
    sums = by_row * counted.sum(dim=1)
    for ours, norm in ((by_row, "True"), (sums, "False")):
        assert far(ours, LOSS[f"xent_ls{smoothing}_norm{norm}_{weights}"]) < 1e-5
        assert far(ours.mean(), LOSS[f"xent_ls{smoothing}_norm{norm}_{weights}_reduced"]) < 1e-5


def test_label_smoothing_spreads_over_the_wrong_words_only() -> None:
    labels, logits = LOSS.tensor("labels").long().flatten(), LOSS.tensor("logits").flatten(0, 1)
    ours = token_loss(logits, labels, label_smoothing=0.1)
    torchs = F.cross_entropy(logits, labels, label_smoothing=0.1, reduction="none")
    assert float((ours - torchs).abs().max()) > 1e-3


@pytest.mark.parametrize(("height", "width", "antialias"), RESIZE.found(r"bilinear_(\d+)x(\d+)_aa(True|False)"))
def test_resizing_gives_their_pixels(height: str, width: str, antialias: str) -> None:
    filtered, size_hw = antialias == "True", (int(height), int(width))
    pixels = RESIZE["image"]
    source_hw = pixels.shape[:2]
    ours = Geometry((0, 0, source_hw[1], source_hw[0]), False, size_hw, source_hw).pixels(
        Image.fromarray(pixels), antialias=filtered
    )
    off = np.abs(ours.astype(int) - RESIZE[f"bilinear_{height}x{width}_aa{antialias}"].astype(int))
    # Without antialias both cut the same values to whole ones, and differ where rounding of floats decides. With it
    # Pillow rounds after each of its two passes, and they cut once at the end.
    assert off.max() <= (2 if filtered else 1)
    assert filtered or (off > 0).mean() < 0.02
    assert off.mean() < 0.75


@pytest.mark.parametrize("shape", [shape for (shape,) in CROPS.found(r"(.+)_hw")])
def test_crops_are_distributed_as_theirs(shape: str) -> None:
    height, width = (int(side) for side in CROPS[f"{shape}_hw"])
    theirs_y, theirs_x, theirs_h, theirs_w = CROPS[f"{shape}_y0_x0_h_w"].astype(int).T
    rng = np.random.default_rng(0)
    boxes = np.array([InceptionCrop(0.5).box((height, width), rng) for _ in range(4000)])
    x0, y0, x1, y1 = boxes.T
    area = height * width
    # Kolmogorov and Smirnov: this gap is passed once in 10,000 times.
    most = 2.23 * np.sqrt(1 / len(boxes) + 1 / len(theirs_y))
    for ours, theirs in (
        (y0, theirs_y), (x0, theirs_x), (height - y1, height - theirs_y - theirs_h),
        (width - x1, width - theirs_x - theirs_w), (y1 - y0, theirs_h), (x1 - x0, theirs_w),
        ((y1 - y0) * (x1 - x0) / area, theirs_h * theirs_w / area), ((x1 - x0) / (y1 - y0), theirs_w / theirs_h),
    ):  # fmt: skip
        grid = np.sort(np.concatenate([ours, theirs]))
        cumulated = (np.searchsorted(np.sort(each), grid, "right") / len(each) for each in (ours, theirs))
        assert np.abs(np.subtract(*cumulated)).max() < most
    assert ((y1 - y0) * (x1 - x0) >= 0.5 * area).all()
    # No crop that is smaller than the image touches the far edge, theirs or ours.
    for far_edge, size, side in (
        (y1, y1 - y0, height), (x1, x1 - x0, width),
        (theirs_y + theirs_h, theirs_h, height), (theirs_x + theirs_w, theirs_w, width),
    ):  # fmt: skip
        assert (far_edge[size < side] < side).all()


def test_every_array_is_read(request: pytest.FixtureRequest) -> None:
    LOSS.under("sched_")  # held by test_s1_optim.py
    check_all_read(request, "s1_model_parts", "s1_loss_schedule", "s1_resize", "s1_inception_crop_stats")
