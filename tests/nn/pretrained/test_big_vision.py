"""Key maps of big_vision; the numbers are compared with the official ones in tests/golden."""

import numpy as np
import pytest
import torch
from published_names import arrays, big_vision_vit

from motet.core import CheckpointError
from motet.nn.pretrained.big_vision import load_vit, norm_state, part, read_arrays, vit_arrays
from motet.nn.vit import ViT


def test_a_missing_array_is_named() -> None:
    vit = ViT((2, 2), 4, 8, 1, 2, 16)
    with pytest.raises(CheckpointError, match=r"got 1 arrays without 'embedding/kernel'"):
        load_vit(vit, {"pos_embedding": np.zeros((1, 4, 8))})


def test_a_part_of_the_arrays_loses_its_first_name() -> None:
    arrays = {"a/scale": np.ones(2), "a/bias": np.zeros(2), "b/scale": np.ones(3)}
    state = norm_state(part(arrays, "a/"), "")
    assert {name: value.tolist() for name, value in state.items()} == {"weight": [1.0, 1.0], "bias": [0.0, 0.0]}
    assert all(value.dtype == torch.float32 for value in state.values())


SMALL = {"patch": 4, "places": 4, "width": 8, "depth": 2, "heads": 2, "hidden": 16}


def small() -> ViT:
    return ViT((2, 2), 4, 8, 2, 2, 16)


@pytest.mark.parametrize("start", ["", "params/img/", "params/encoder/"])
def test_files_of_every_layout_give_the_same_encoder(tmp_path, start: str) -> None:
    plain = arrays(big_vision_vit(**SMALL, scanned=False))
    scanned = {name: value for name, value in plain.items() if "encoderblock" not in name}
    for name in big_vision_vit(**SMALL, scanned=True):
        if "encoderblock/" in name:
            blocks = [plain[name.replace("encoderblock/", f"encoderblock_{i}/")] for i in range(2)]
            scanned[name] = np.stack(blocks)
    # SigLIP and PaliGemma hold a text model too.
    more = {"params/txt/Embed_0/embedding": np.zeros((3, 2)), "params/t": np.zeros(1)} if start else {}
    np.savez(tmp_path / "file.npz", **{f"{start}{name}": value for name, value in scanned.items()}, **more)
    first, second = small(), small()
    left = load_vit(first, plain)
    assert left == load_vit(second, read_arrays(tmp_path / "file.npz"))
    assert len(left) == 15
    assert all(name.startswith("MAPHead_0/") for name in left)
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_arrays_that_a_vit_lacks_are_refused() -> None:
    plain = arrays(big_vision_vit(**SMALL, scanned=False, map_head=False))
    for extra in ("cls", "Transformer/encoderblock_2/LayerNorm_0/bias"):
        with pytest.raises(CheckpointError, match=f"got '{extra}' and 0 others .*; want a ViT without a class token"):
            load_vit(small(), {**plain, extra: np.zeros((1, 1, 8))})
    assert load_vit(small(), {**plain, "head/kernel": np.zeros((8, 3)), "pre_logits/bias": np.zeros(8)}) == (
        "head/kernel",
        "pre_logits/bias",
    )
    older = {name.replace("pos_emb", "Transformer/posembed_input/pos_emb"): value for name, value in plain.items()}
    assert load_vit(small(), older) == ()


def test_files_without_one_encoder_and_broken_ones_are_named(tmp_path) -> None:
    plain = arrays(big_vision_vit(**SMALL, scanned=False))
    with pytest.raises(CheckpointError, match="got 2 arrays 'embedding/kernel'"):
        vit_arrays({f"{at}/{name}": value for at in "ab" for name, value in plain.items()})
    (tmp_path / "bad.npz").write_bytes(b"no")
    np.savez(tmp_path / "object.npz", a=np.array([{}], dtype=object))
    for name in ("bad", "object", "none"):
        with pytest.raises(CheckpointError, match=rf"{name}\.npz: got .*; want a complete \.npz file"):
            read_arrays(tmp_path / f"{name}.npz")


def test_bfloat16_arrays_are_read() -> None:
    values = torch.tensor([1.5, -2.0]).bfloat16()
    raw = values.view(torch.int16).numpy().view("V2")
    assert norm_state({"scale": raw, "bias": raw}, "")["weight"].tolist() == [1.5, -2.0]


@pytest.mark.filterwarnings("ignore:.*no-op")  # what is copied to "meta" is nowhere
def test_a_vit_b_16_of_siglip_at_its_whole_size() -> None:
    shapes = big_vision_vit(patch=16, places=196, width=768, depth=12, heads=12, hidden=3072, scanned=True)
    published = {f"params/img/{name}": np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}
    with torch.device("meta"):
        vit = ViT((14, 14), 16, 768, 12, 12, 3072)
    assert len(load_vit(vit, published)) == 15
