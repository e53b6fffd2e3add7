"""12-in-1 on a trunk's map: extra boxes, stored features, parameter groups, weights of a BERT, box sources."""

from functools import partial

import numpy as np
import pytest
import torch
import toy_twelve_in_one
from toy_twelve_in_one import image, task

from motet.core import CheckpointError, DataError, Label, Match, Region, rng_for
from motet.nn.feature_maps import BundledLite0Map
from motet.nn.text_encoders import BundledMiniLM, TinyBert
from motet.nn.tower import FromScratch, Frozen
from motet.preprocess.regions import BoxGrid, DetectedBoxes, ImageRegions
from motet.systems import build_system
from motet.systems.twelve_in_one import ReferringConfig, TwelveInOneConfig
from motet.systems.twelve_in_one.weights import load_bert

SIDE = 64
row = partial(toy_twelve_in_one.row, size_hw=(SIDE, 2 * SIDE))


TASKS = (
    task("refer", Region(), "region"), task("pair", Label(("false", "true")), "class"),
    task("point", Match("regions"), "match"), task("entail", Label(("no", "maybe", "yes")), "class"),
)  # fmt: skip


def make(**changes):
    torch.manual_seed(0)
    options = {
        "trunk": BundledLite0Map(size=SIDE), "grid": BoxGrid(sides=(0.5,)), "text_mode": FromScratch(),
        "text": TinyBert(width=16, depth=2, heads=2, words=300), "max_tokens": 12, "image_width": 8, "image_depth": 1,
        "image_heads": 2, "image_hidden": 8, "co_width": 8, "co_heads": 2, "initial_std": 0.3, "pairs": ("pair",),
    }  # fmt: skip
    return build_system(
        TwelveInOneConfig(**(options | changes)), TASKS, texts=lambda: ["two dogs", "a red thing"] * 3
    ).eval()


@pytest.fixture(scope="module")
def system():
    return make(referring=ReferringConfig(add_ground_truth=True))


def batch(system, rows, name: str, *, train: bool = False, store=None):
    processor = system.processor.with_features(store)
    encoded = [processor.row(one, [system.tasks[name]], rng_for(one.id) if train else None) for one in rows]
    return processor.collate(encoded, keep_annotations=False)


BOX = (8.0, 8.0, 50.0, 40.0)


def test_the_ground_truth_box_is_among_the_regions_in_training_only(system) -> None:
    rows = [row(0, labels={"region": BOX}), row(1, labels={"region": None})]
    value = batch(system, rows, "refer", train=True).targets["refer"].value
    assert value["extra_boxes"][0].tolist() == [list(BOX)]
    assert value["valid"].tolist() == [[True], [False]]
    assert "extra_boxes" not in batch(system, rows, "refer").targets["refer"].value


def test_known_candidates_replace_it(system) -> None:
    candidates = (BOX, (60.0, 0.0, 100.0, 30.0))
    known = row(0, labels={"region": BOX}, candidates=candidates)
    value = batch(system, [known, row(1, labels={"region": BOX})], "refer", train=True).targets["refer"].value
    assert value["extra_boxes"][0].tolist() == [list(box) for box in candidates]
    assert value["valid"].tolist() == [[True, True], [True, False]]


def test_a_place_that_no_grid_box_has_is_learned_where_it_is_given(system) -> None:
    """No box of the grid matches a tiny box; with that box among the regions there is a match."""
    rows = [row(0, labels={"region": (3.0, 3.0, 9.0, 9.0)})]
    with torch.no_grad():
        blind = make(referring=ReferringConfig(add_ground_truth=True))
        blind.heads["place"].out.weight.zero_()
        blind.heads["place"].out.bias.fill_(-20.0)
        given, alone = (
            float(blind.losses(batch(reads, rows, "refer", train=True)).tasks["refer"].total)
            for reads in (system, make())
        )
    assert given == pytest.approx(20.0, abs=1e-3)
    assert alone == pytest.approx(0.0, abs=1e-3)


class Store:
    """A store of features in half precision, of the plain view."""

    def __init__(self, system) -> None:
        self.system, self.view = system, system.processor.view

    @torch.no_grad()
    def read(self, image, invariant, rng):
        return self.system.encode(torch.from_numpy(self.view(image, 0))[None])[0].half().numpy()

    def read_view(self, image, allowed, rng):
        return self.read(image, allowed, rng), 0


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("entail", [row(0), row(1)]),
        ("pair", [row(0, 2), row(1, 2)]),
        ("refer", [row(0), row(1)]),
        ("point", [row(0, candidates=(BOX, (0.0, 0.0, 30.0, 30.0))), row(1, candidates=(BOX,))]),
    ],
)
def test_stored_features_answer_as_pixels_do(system, name: str, rows) -> None:
    stored, plain = batch(system, rows, name, store=Store(system)), batch(system, rows, name)
    assert "pixels" in plain.inputs
    assert "features" in stored.inputs
    assert "pixels" not in stored.inputs
    for one, other in zip(system.predict(stored)[name], system.predict(plain)[name], strict=True):
        assert one.scores == pytest.approx(other.scores, abs=5e-3)


def groups_of(system) -> dict[str, dict]:
    return {group["name"]: group for group in system.parameter_groups()}


def test_every_trained_parameter_is_in_one_group_and_heads_learn_faster(system) -> None:
    groups = groups_of(system)
    listed = [id(parameter) for group in groups.values() for parameter in group["params"]]
    assert sorted(listed) == sorted(id(p) for p in system.parameters() if p.requires_grad)
    assert {name: group["lr_scale"] for name, group in groups.items()} == {
        "text": 1.0, "text_plain": 1.0, "rest": 1.0, "rest_plain": 1.0, "heads": 5.0, "heads_plain": 5.0,
    }  # fmt: skip
    assert [group["decay"] for group in groups.values()] == [not name.endswith("_plain") for name in groups]
    members = {name: {id(p) for p in group["params"]} for name, group in groups.items()}
    # The official code's list of fast heads misses that of regions.
    assert id(system.heads["place"].out.weight) in members["rest"]
    assert all(id(token) in members["rest"] for token in system.tokens.values())
    assert id(system.body.words.norm.weight) in members["text_plain"]


@pytest.mark.parametrize("decay", [True, False])
def test_norms_of_co_attentions_decay_as_the_official_code_has_it(decay: bool) -> None:
    system = make(decay_co_norms=decay)
    members = {name: {id(p) for p in group["params"]} for name, group in groups_of(system).items()}
    norm = system.body.streams.co[0].text_added.norm
    assert (id(norm.weight) in members["rest"]) is decay
    assert id(norm.bias) in members["rest_plain"]


def test_frozen_words_are_in_no_group() -> None:
    system = make(text=BundledMiniLM(), text_mode=Frozen(), connections=((0, 5),))
    assert not {"text", "text_plain"} & set(groups_of(system))


@pytest.fixture(scope="module")
def bert(system):
    """A BERT of transformers, as wide as the system's words and one layer shallower."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    pieces = system.body.words.words.num_embeddings
    inside = system.body.streams.text[0].feedforward.up.out_features
    config = BertConfig(
        vocab_size=pieces, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=inside,
        max_position_embeddings=system.body.words.positions.num_embeddings, type_vocab_size=2,
    )  # fmt: skip
    return BertModel(config).eval()


def test_a_bert_fills_embeddings_and_layers_and_reports_the_rest(bert) -> None:
    built = make()
    loaded = load_bert(built.body, {f"bert.{name}": value for name, value in bert.state_dict().items()})
    layer, own = bert.encoder.layer[0], built.body.streams.text[0]
    assert torch.equal(built.body.words.words.weight, bert.embeddings.word_embeddings.weight)
    queries = torch.cat([getattr(layer.attention.self, part).weight for part in ("query", "key", "value")])
    assert torch.equal(own.query_key_value.weight, queries)
    x = torch.randn(2, 5, 16)
    with torch.no_grad():
        assert torch.allclose(own(x, None), layer(x)[0] if isinstance(layer(x), tuple) else layer(x), atol=1e-5)
    assert all(name.startswith("streams.text.1.") for name in loaded.missing)
    assert loaded.missing
    assert not loaded.unexpected


def test_other_weights_are_no_berts() -> None:
    with pytest.raises(CheckpointError, match=r"got 'fc.weight' and others; want the parameter names of BERT"):
        load_bert(make().body, {"fc.weight": torch.zeros(2)})


class Corners:
    """A source of three boxes per image, one more than the model takes."""

    def boxes_for(self, image, image_id):
        assert image_id.startswith("p")
        boxes = np.array([[0, 0, 64, 64], [64, 0, 128, 64], [0, 0, 128, 64]], np.float32)
        return boxes[: 3 if image.name.startswith("p0") else 1]


def test_a_map_is_pooled_in_the_boxes_of_a_source() -> None:
    system = make(box_source=Corners(), max_regions=2)
    made = batch(system, [row(0, labels={"class": 1}), row(1, labels={"class": 0})], "entail")
    assert made.inputs["valid"][:, 0].tolist() == [[True, True], [True, False]]
    assert made.inputs["boxes"][0, 0].tolist() == [[0, 0, 0.5, 1], [0.5, 0, 1, 1]]
    regions = system.region_extractor(made.inputs).regions
    tokens = system.encode(made.inputs["pixels"])
    torch.testing.assert_close(regions.features[0], system.region_extractor.pool(tokens, regions.boxes_xyxy)[0])
    assert not torch.allclose(regions.features[0, 0], regions.features[0, 1])
    # Padding of a row with fewer boxes changes no prediction.
    alone = batch(system, [row(1, labels={"class": 0})], "entail")
    scores = [system.predict(one)["entail"][-1].scores for one in (made, alone)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)
    assert torch.isfinite(system.train().losses(made).tasks["entail"].total)


def test_a_box_outside_its_image_is_an_error_of_the_data() -> None:
    class Far:
        def boxes_for(self, image, image_id):
            return np.array([[0, 0, 500, 64]], np.float32)

    system = make(box_source=Far())
    with pytest.raises(DataError, match=r"regions: box: got \(0, 0, 500, 64\)"):
        batch(system, [row(0, labels={"class": 1})], "entail")


def test_boxes_of_a_source_of_regions() -> None:
    class Source:
        width, num_classes = 3, 0

        def regions(self, image, image_id):
            return ImageRegions(np.zeros((1, 3), np.float32), np.array([[1, 2, 3, 4]], np.float32), (64, 128))

        def at(self, image, image_id, boxes_xyxy):
            raise NotImplementedError

    assert DetectedBoxes(Source()).boxes_for(image("p0-0"), "p0-0").tolist() == [[1, 2, 3, 4]]
