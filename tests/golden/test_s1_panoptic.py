"""UViM's autoencoder of label maps and panoptic quality against the official code's numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_files import check_all_read, vectors

from motet.core.panoptic import PanopticMap
from motet.metrics.panoptic import PanopticQuality, RecognitionQuality, SegmentationQuality
from motet.nn.panoptic_labels import from_logits
from motet.nn.pretrained.uvim import load_vqvae
from motet.nn.vqvae import Codebook, LabelVQVAE, VQVAEConfig

GOLDEN = vectors("s1_uvim_vqvae")
CLOSE = 2e-5
KINDS = ("semantics", "instances")


@pytest.fixture
def model() -> LabelVQVAE:
    patches = {name: GOLDEN[f"in/{name}"].shape for name in KINDS}
    _, places, _, pixels = patches["semantics"]
    patch = round(pixels**0.5)
    codes, code_width = GOLDEN["state0/dictionary"].shape
    width = GOLDEN["params/pos_embedding_encoder"].shape[2]
    config = VQVAEConfig(
        size=patch * round(places**0.5), patch=patch,
        code_length=GOLDEN["params/bottleneck_downsample"].shape[1], num_codes=codes, code_width=code_width,
        width=width,
        heads=GOLDEN["params/encoder/encoderblock_0/MultiHeadDotProductAttention_0/query/kernel"].shape[1],
        hidden=GOLDEN["params/encoder/encoderblock_0/MlpBlock_0/Dense_0/kernel"].shape[1],
        encoder_depth=GOLDEN.count(r"params/encoder/encoderblock_(\d+)/.+"),
        decoder_depth=GOLDEN.count(r"params/decoder/encoderblock_(\d+)/.+"), bottleneck="linear", context=False,
        momentum=float(GOLDEN["dict_momentum"]), min_count=float(GOLDEN["min_count"]), code_dropout=False,
    )  # fmt: skip
    built = LabelVQVAE(config, {name: shape[2] for name, shape in patches.items()}).eval()
    arrays = {key: GOLDEN[key] for key in GOLDEN if key.startswith("params/")}
    load_vqvae(built, arrays | {f"state/{name}": GOLDEN[f"state0/{name}"] for name in ("dictionary", "counts")})
    return built


def patches() -> dict[str, torch.Tensor]:
    return {name: GOLDEN.tensor(f"in/{name}") for name in KINDS}


@torch.no_grad()
def test_codes_words_and_logits(model) -> None:
    torch.testing.assert_close(model.codebook.words(), GOLDEN.tensor("codewords"), atol=CLOSE, rtol=0)
    vectors_ = model.vectors(patches())
    torch.testing.assert_close(vectors_, GOLDEN.tensor("bottleneck"), atol=CLOSE, rtol=0)
    words, codes = model.codebook(vectors_)
    assert torch.equal(codes, GOLDEN.tensor("code").long())
    torch.testing.assert_close(words, GOLDEN.tensor("bottleneck_q"), atol=CLOSE, rtol=0)
    for name in KINDS:
        by_words, by_codes = model.decode_vectors(words)[name], model.decode(codes)[name]
        torch.testing.assert_close(by_words, GOLDEN.tensor(f"logits/{name}"), atol=CLOSE, rtol=0)
        torch.testing.assert_close(by_codes, GOLDEN.tensor(f"decode_from_codes/{name}"), atol=CLOSE, rtol=0)


@torch.no_grad()
def test_maps_become_patches_and_maps_again(model) -> None:
    """The order of places and pixels: that of the official rearrangement "b (hn wn) c (hp wp)"."""
    size, patch = model.config.size, model.config.patch
    labels = {name: torch.randint(count, (2, size, size)) for name, count in model.kinds.items()}
    found = model.patches(labels)
    for name, value in model.maps(found).items():
        assert torch.equal(value.argmax(-1), labels[name])
        corner = found[name][0, 1].argmax(0).view(patch, patch)
        assert torch.equal(corner, labels[name][0, :patch, patch : 2 * patch])
    assert torch.equal(model.encode(labels), model.codebook(model.vectors(found))[1])


@torch.no_grad()
def test_the_dictionary_after_one_step(model) -> None:
    vectors_ = model.vectors(patches())
    model.codebook.update(vectors_, model.codebook(vectors_)[1])
    torch.testing.assert_close(model.codebook.counts, GOLDEN.tensor("state1/counts"), atol=CLOSE, rtol=0)
    torch.testing.assert_close(model.codebook.sums, GOLDEN.tensor("state1/dictionary"), atol=CLOSE, rtol=0)


def test_the_gradient_passes_the_code_words(model) -> None:
    x, weight = GOLDEN.tensor("st_x").requires_grad_(), GOLDEN.tensor("st_w")
    (model.codebook(x)[0] * weight).sum().backward()
    torch.testing.assert_close(x.grad, GOLDEN.tensor("st_grad"), atol=CLOSE, rtol=0)


def test_a_rare_word_becomes_half_of_the_most_frequent() -> None:
    book = Codebook(3, 4, momentum=0.5, min_count=0.4)
    book.counts.copy_(torch.tensor([8.0, 0.2, 3.0]))
    before = book.sums.clone()
    book.update(torch.zeros(1, 1, 4), torch.tensor([[2]]))
    assert book.counts.tolist() == [2.0, 2.0, 2.5]
    torch.testing.assert_close(book.sums[0], before[0] / 4)
    torch.testing.assert_close(book.sums[1], before[0] / 4, rtol=1.1e-3, atol=0)
    assert not torch.equal(book.sums[0], book.sums[1])


@pytest.mark.parametrize("fraction", [part for (part,) in GOLDEN.found(r"pan/out_minfraction(.+)")])
def test_instances_of_one_class_each(fraction: str) -> None:
    maps = {name: GOLDEN.tensor(f"pan/{name}") for name in KINDS}
    found = from_logits(maps, min_fraction=float(fraction))
    assert torch.equal(found, GOLDEN.tensor(f"pan/out_minfraction{fraction}").long())


def test_panoptic_quality_and_its_parts() -> None:
    found = np.load(Path(__file__).parent / "panoptic_pq.npz")
    annotations, categories = json.loads(str(found["annotations"])), json.loads(str(found["categories"]))
    result, per_class = json.loads(str(found["result"])), json.loads(str(found["per_class"]))
    names = tuple(categories)

    class Target:
        pass

    target = Target()
    target.names = names
    metrics = {"pq": PanopticQuality(), "sq": SegmentationQuality(), "rq": RecognitionQuality()}
    for i, (annotated, predicted) in enumerate(annotations):
        maps = []
        for described, pixels in ((annotated, found[f"gt{i}"]), (predicted, found[f"pred{i}"])):
            infos = described["segments_info"]
            segments = sum((pixels == info["id"]) * (place + 1) for place, info in enumerate(infos))
            labels = np.array([names.index(str(info["category_id"])) for info in infos])
            maps.append(PanopticMap(segments, labels, np.array([bool(info["iscrowd"]) for info in infos])))
        for metric in metrics.values():
            metric.update(str(i), maps[1], maps[0], target)
    for name, metric in metrics.items():
        assert metric.compute() == pytest.approx(100 * result["All"][name])
        for label, value in metric.by_class().items():
            assert value == pytest.approx(100 * per_class[names[label]][name])
        things = [value for label, value in metric.by_class().items() if categories[names[label]]["isthing"]]
        assert np.mean(things) == pytest.approx(100 * result["Things"][name])


def test_every_array_of_the_file_was_read(request) -> None:
    check_all_read(request, "s1_uvim_vqvae")
