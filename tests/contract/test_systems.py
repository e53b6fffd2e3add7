"""What every system of the table promises, whatever its architecture."""

import copy
import io
import json
import pickle
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from fake_cuda import losses_of, place_of
from PIL import Image
from tiny_vlms import folder as tiny_vlm
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from motet.core import (
    Answer,
    Boxes,
    BoxSet,
    ClassPrediction,
    ConfigError,
    DataError,
    Dense,
    DenseMap,
    Example,
    Label,
    Masked,
    Match,
    MemoryImage,
    Region,
    Score,
    Task,
    Text,
    TextPrediction,
    UnsupportedTask,
    rng_for,
)
from motet.core.codec import from_json, to_json
from motet.core.graphs import TorchGraphs
from motet.metrics import Accuracy
from motet.nn.encoders import PlainViT
from motet.nn.feature_maps import GridOf
from motet.nn.lora import DoRA, LoRA, merge_adapters
from motet.nn.text_encoders import TinyBert
from motet.nn.tower import Finetune, FromScratch, Frozen
from motet.preprocess.regions import BoxGrid
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems import SYSTEMS, build_system
from motet.systems.graphs import GRAPHS, graphs_of
from motet.systems.lit_decoder import FeedforwardConfig, LiTDecoderConfig
from motet.systems.twelve_in_one import TwelveInOneConfig
from motet.systems.uni_perceiver import EncoderSize, Experts, UniPerceiverConfig
from motet.systems.unit import UniTConfig
from motet.systems.vit_adapters import Adapters, SwinUnet, TimmTrunk, ViTAdaptersConfig
from motet.systems.vlm import VlmConfig
from motet.training.saved_names import saved_names

VIT = PlainViT(size=16, patch=8, width=16, depth=1, heads=2)
NAMES = ("red", "green", "blue", "grey")
COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220), "grey": (128, 128, 128)}
CAPTIONS = tuple(f"it is all {name}" for name in NAMES)
SPECS = (
    Label(NAMES), Answer(), Answer(NAMES), Text(8), Boxes(NAMES), Region(), Dense(4, "class", NAMES), Match("texts"),
    Masked("words"), Score(0, 5),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A system small enough to train in a test, what it says it can answer, parameters whose gradient is zero, and how
    long and fast it learns four rows by heart; whether it sees videos, and whether an open answer wants a question."""

    config: Any
    answers: tuple[type, ...]
    silent: tuple[str, ...] = ()
    steps: int = 60
    lr: float = 1e-2
    videos: bool = False
    wants_question: bool = False

    def tasks(self) -> tuple[Task, ...]:
        return tuple(task(spec) for spec in SPECS if self.can(spec))

    def can(self, spec: Any) -> bool:
        said = Text in self.answers and not self.wants_question
        closed = not isinstance(spec, Answer) or bool(spec.names) or said
        return isinstance(spec, self.answers) and closed


CASES = {
    "lit_decoder": Case(
        LiTDecoderConfig(
            encoder=VIT,
            mode=FromScratch(),
            depth=1,
            width=32,
            heads=2,
            dropout=0.0,
            tokenizer=TrainedTokenizer(size=300),
        ),
        (Label, Answer, Text),
    ),
    "feedforward": Case(FeedforwardConfig(encoder=VIT, mode=FromScratch(), hidden=8), (Label, Answer)),
    "unit": Case(
        UniTConfig(
            trunk=GridOf(VIT),
            mode=FromScratch(),
            image_width=32,
            image_depth=1,
            image_heads=2,
            width=32,
            depth=2,
            heads=2,
            hidden=64,
            dropout=0.0,
            attention_dropout=0.0,
            box_queries=5,
            other_queries=3,
        ),
        (Label, Answer, Boxes, Region),
        # As in DETR the first layer's queries look at each other's states, which are zeros.
        silent=("decoder.layers.0.self_attention.value.weight",),
    ),
    "twelve_in_one": Case(
        TwelveInOneConfig(
            trunk=GridOf(VIT),
            mode=FromScratch(),
            grid=BoxGrid(sides=(0.6,), shapes=(0.67,), step=0.25),
            text=TinyBert(width=32, depth=2, heads=2, words=300),
            text_mode=FromScratch(),
            image_width=32,
            image_depth=1,
            image_heads=2,
            image_hidden=32,
            co_width=32,
            co_heads=2,
            dropout=0.0,
            attention_dropout=0.0,
        ),
        (Label, Answer, Region, Match, Masked),
        # A softmax over candidates does not see what all of their scores have in common.
        silent=("heads.fit.out.bias",),
        # Norms after each part, two streams deep: it bears no larger steps.
        steps=140,
        lr=3e-3,
    ),
    "uni_perceiver": Case(
        UniPerceiverConfig(
            sizes=EncoderSize(width=32, depth=2, heads=2, hidden=64),
            blocks=Experts(num_experts=3),
            tokenizer=TrainedTokenizer(size=300),
            max_tokens=24,
            max_generated=12,
            encoder=VIT,
            mode=FromScratch(),
            max_frames=1,
            frames=1,
            layer_scale=1.0,
            drop_path=0.0,
            initial_std=None,
        ),
        (Label, Answer, Text, Match, Masked),
        videos=True,
        wants_question=True,
    ),
    "vit_adapters": Case(
        ViTAdaptersConfig(
            trunk=TimmTrunk(
                "swinv2_tiny_window8_256",
                64,
                False,
                {"embed_dim": 8, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 1, 1), "window_size": 4},
            ),
            adapters=Adapters(condition_width=8),
            decoder=SwinUnet(width=8, depths=(0, 1, 1, 1), window=4),
        ),
        (Label, Dense),
    ),
    "vlm": Case(
        VlmConfig(model=tiny_vlm("idefics3"), mode=FromScratch(), language=Finetune(1.0), max_generated=64),
        (Label, Answer, Text, Boxes, Region, Match),
        steps=140,
        lr=3e-3,
    ),
}


def task(spec: Any) -> Task:
    """A task of this kind, on one annotation all kinds can read."""
    names = {Label: "class", Answer: "answers", Text: "captions", Boxes: "things", Region: "place"}
    names |= {Match: "match", Masked: "captions", Dense: "map"}
    name = type(spec).__name__.lower() + ("_closed" if isinstance(spec, Answer) and spec.names else "")
    return Task(
        name=name, inputs=frozenset({"image"}), label=names.get(type(spec), "class"), target=spec, metrics=(Accuracy,),
        category=name, invariant=frozenset({"crop", "hflip"}),
    )  # fmt: skip


def example(index: int) -> Example:
    """A picture of one colour with a little noise."""
    name = NAMES[index % 4]
    noise = rng_for("noise", index).integers(-15, 16, (20, 24, 3))
    pixels = np.clip(np.array(COLOURS[name]) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    place = (2.0 + index, 3.0, 14.0 + index, 18.0)
    labels = {
        "class": index % 4, "answers": (name,) * 10, "captions": (f"it is all {name}",), "place": place,
        "things": BoxSet(np.array([place]), np.array([index % 4]), np.ones(1)), "match": frozenset({index % 4}),
        "map": np.full((20, 24), index % 4),
    }  # fmt: skip
    image = MemoryImage(f"{index}.png", buffer.getvalue())
    return Example(id=f"e/{index}", images=(image,), candidates=CAPTIONS, labels=labels)


ROWS = [example(i) for i in range(4)]


def texts() -> list[str]:
    return [*NAMES, *(caption for row in ROWS for caption in row.labels["captions"])] * 3


def build(name: str, **changes: Any):
    """The system at its initial weights."""
    torch.manual_seed(0)
    case = CASES[name]
    return build_system(replace(case.config, **changes), case.tasks(), texts=texts)


def batch(system, rows=ROWS, *, train: bool, keep_annotations: bool = False):
    """One batch of these rows with all tasks."""
    tasks = tuple(system.tasks.values())
    encoded = [system.processor.row(row, tasks, rng_for("row", row.id) if train else None) for row in rows]
    return system.processor.collate(encoded, keep_annotations=keep_annotations)


def mean(losses) -> torch.Tensor:
    weight = sum(loss.weight for loss in losses.tasks.values())
    rows = sum(loss.total for loss in losses.tasks.values()) / weight
    return rows + sum(loss.total / loss.weight for loss in losses.terms.values()) / len(losses.tasks)


def overlap(one, other) -> float:
    """IoU of two boxes by their corners."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    both = np.prod(np.clip(high - low, 0, None))
    return float(both / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - both))


def trained(system, steps: int):
    """The system after some steps on the four rows, and its last loss in evaluation."""
    case = CASES[name_of(system)]
    groups = system.parameter_groups()
    optimizer = torch.optim.Adam([p for group in groups for p in group["params"]], lr=case.lr)
    system.train()
    for _ in range(steps):
        optimizer.zero_grad()
        mean(system.losses(batch(system, train=False))).backward()
        optimizer.step()
    return system.eval()


def name_of(system) -> str:
    return system.config.name


KINDS = {kind.name: kind for kind in SYSTEMS}


@pytest.fixture(scope="module", params=sorted(KINDS))
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def learned(name: str):
    return trained(build(name), CASES[name].steps)


def test_every_system_of_the_table_has_a_case_here() -> None:
    assert set(CASES) == set(KINDS)


def test_its_configuration_is_plain_and_comes_back(name: str) -> None:
    config = CASES[name].config
    assert isinstance(config, KINDS[name])
    assert from_json(json.loads(json.dumps(to_json(config))), saved_names()) == config


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_it_is_built_for_what_it_answers_and_refuses_the_rest_at_once(name: str, spec) -> None:
    case = CASES[name]
    if case.can(spec):
        assert list(build_system(case.config, [task(spec)], texts=texts).tasks) == [task(spec).name]
        return
    with pytest.raises(UnsupportedTask, match=rf"task '{task(spec).name}'.*got .*; want "):
        build_system(case.config, [task(spec)], texts=texts)


def test_a_task_that_sees_videos_is_refused_where_it_sees_none(name: str) -> None:
    if CASES[name].videos:
        assert build_system(
            CASES[name].config, [replace(task(SPECS[0]), inputs=frozenset({"video"}))], texts=texts
        ).tasks
        return
    with pytest.raises(UnsupportedTask, match="video"):
        build_system(CASES[name].config, [replace(task(SPECS[0]), inputs=frozenset({"video"}))], texts=texts)


def test_every_trainable_parameter_stands_in_one_group_and_gets_a_gradient(name: str) -> None:
    system = build(name)
    groups = system.parameter_groups()
    grouped = [id(p) for group in groups for p in group["params"]]
    assert len(set(grouped)) == len(grouped)
    assert set(grouped) == {id(p) for p in system.parameters() if p.requires_grad}
    assert all(set(group) == {"name", "params", "lr_scale", "decay"} for group in groups)
    # Output kernels start at zero, which hides what is behind them from the first gradient.
    for parameter in system.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    loss = mean(system.losses(batch(system, train=False)))
    assert torch.isfinite(loss)
    loss.backward()
    trained = {n: p.grad for n, p in system.named_parameters() if p.requires_grad}
    moved = {n: 0.0 if grad is None else float(grad.abs().sum()) for n, grad in trained.items()}
    # What the loss cancels out (one bias for all candidates) has a gradient of rounding errors.
    assert all(moved[n] < 1e-5 for n in CASES[name].silent)
    assert [n for n, size in moved.items() if not size > 0 and n not in CASES[name].silent] == []


def predictions_alike(found, wanted) -> None:
    """Checks that every answer is the same, and every number within 1e-4."""
    assert list(found) == list(wanted)
    for name in wanted:
        for one, other in zip(found[name], wanted[name], strict=True):
            match one, other:
                case ClassPrediction(), ClassPrediction():
                    assert (one.index, one.name) == (other.index, other.name)
                    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
                case TextPrediction(), TextPrediction():
                    assert one.text == other.text
                    assert one.log_prob == pytest.approx(other.log_prob, abs=1e-4)
                case BoxSet(), BoxSet():
                    assert one.labels.tolist() == other.labels.tolist()
                    np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=1e-3)
                    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
                case DenseMap(), DenseMap():
                    assert (one.values == other.values).mean() > 0.999
                case _:
                    raise TypeError(one)


def exported_batches(system, left_out):
    """Batches of one, two and all rows, without tasks that are not exported."""
    tasks = [task for name, task in system.tasks.items() if name not in left_out]
    for rows in (ROWS[:1], ROWS[1:3], ROWS):
        encoded = [system.processor.row(row, tasks, None) for row in rows]
        yield system.processor.collate(encoded, keep_annotations=False)


def test_its_graphs_predict_as_it_does_without_its_weights(name: str, learned) -> None:
    if name == "vlm":
        with pytest.raises(ConfigError, match="export: got a system of VlmConfig; want one of"):
            graphs_of(learned)
        return
    system, split = copy.deepcopy(learned).eval(), graphs_of(copy.deepcopy(learned).eval())
    run = TorchGraphs(graphs_of(system).graphs())
    split.system.to("meta")  # a weight that is read outside a graph is an error now
    assert set(split.left_out) == {task.name for task in system.tasks.values() if isinstance(task.target, Masked)}
    for one in exported_batches(system, split.left_out):
        with torch.inference_mode():
            found = split.predict(run, one)
        predictions_alike(found, system.predict(one))


def test_every_system_has_graphs() -> None:
    assert set(SYSTEMS) - set(GRAPHS) == {VlmConfig}


@pytest.mark.slow
def test_its_onnx_export_predicts_as_it_does(name: str, learned, tmp_path) -> None:
    if name == "vlm":
        pytest.skip("a vision-language model is exported by its own tools")
    pytest.importorskip("onnxscript")
    from motet.hub import load_system
    from motet.hub.exported import write_onnx

    system = copy.deepcopy(learned).eval()
    index = write_onnx(system, tmp_path / "out")
    exported = load_system(tmp_path / "out")
    assert set(exported.tasks) == set(system.tasks) - set(index["left_out"])
    for one in exported_batches(system, index["left_out"]):
        predictions_alike(exported.predict(one), system.predict(one))


def test_shared_blocks_are_disjoint_and_trainable(name: str) -> None:
    for mode in (Frozen(), FromScratch()):
        blocks = build(name, mode=mode).shared_blocks()
        parameters = [p for block in blocks.values() for p in block]
        assert len({id(p) for p in parameters}) == len(parameters)
        assert all(p.requires_grad for p in parameters)
        assert all(len(block) for block in blocks.values())


def test_a_frozen_encoder_gets_no_gradient_and_its_features_have_a_key(name: str) -> None:
    system = build(name, mode=Frozen())
    mean(system.losses(batch(system, train=True))).backward()
    frozen = [p for p in system.parameters() if not p.requires_grad]
    assert frozen
    assert all(p.grad is None for p in frozen)
    assert system.encoder_key() == build(name, mode=Frozen()).encoder_key()
    assert build(name, mode=Finetune()).encoder_key() is None


def test_training_rows_of_the_same_generator_are_the_same(name: str) -> None:
    system = build(name)
    first, second = (batch(system, train=True) for _ in range(2))
    assert list(first.targets) == list(second.targets)
    for key in first.inputs:
        assert torch.equal(first.inputs[key], second.inputs[key])


def test_rows_and_processors_cross_processes(name: str) -> None:
    system = build(name)
    processor = pickle.loads(pickle.dumps(system.processor))
    tasks = tuple(system.tasks.values())
    rows = [pickle.loads(pickle.dumps(processor.row(row, tasks, None))) for row in ROWS]
    there, here = processor.collate(rows, keep_annotations=True), batch(system, train=False, keep_annotations=True)
    assert there.ids == here.ids
    assert there.targets.keys() == here.targets.keys()
    for key, target in there.targets.items():
        assert all(
            np.array_equal(a, b) for a, b in zip(target.annotations, here.targets[key].annotations, strict=True)
        ) or (target.annotations == here.targets[key].annotations), key


def test_annotations_are_kept_on_demand_and_asked_for_only_then(name: str) -> None:
    system = build(name)
    assert all(target.annotations == () for target in batch(system, train=False).targets.values())
    kept = batch(system, train=False, keep_annotations=True)
    for task_name, target in kept.targets.items():
        label = system.tasks[task_name].label
        assert target.annotations == tuple(row.labels[label] for row in ROWS)
        assert target.rows.tolist() == [0, 1, 2, 3]
    bare = [replace(row, labels={}) for row in ROWS]
    answers = system.eval().predict(batch(system, bare, train=False))
    assert all(len(found) == 4 for found in answers.values())
    with pytest.raises(DataError, match="e/0"):
        batch(system, bare, train=False, keep_annotations=True)
    with pytest.raises(DataError, match="e/0"):
        batch(system, bare, train=True)


def test_it_learns_four_rows_by_heart(learned) -> None:
    for task_name, found in learned.predict(batch(learned, train=False)).items():
        target = learned.tasks[task_name].target
        for row, prediction in zip(ROWS, found, strict=True):
            if isinstance(prediction, BoxSet):
                best = int(prediction.scores.argmax())
                assert overlap(prediction.boxes_xyxy[best], np.array(row.labels["place"])) > 0.5
                assert isinstance(target, Region) or prediction.labels[best] == row.labels["class"]
                continue
            if isinstance(prediction, DenseMap):
                assert (prediction.values == row.labels["map"]).mean() > 0.9
                continue
            said = prediction.text if isinstance(prediction, TextPrediction) else prediction.name
            in_words = isinstance(target, Text | Match | Masked)
            want = row.labels["captions"][0] if in_words else NAMES[row.labels["class"]]
            assert said == want


def test_its_answers_fit_the_kind_that_is_asked(learned) -> None:
    for task_name, found in learned.predict(batch(learned, train=False)).items():
        for prediction in found:
            assert isinstance(prediction, TextPrediction | ClassPrediction | BoxSet | DenseMap)
            if isinstance(prediction, BoxSet):
                assert prediction.boxes_xyxy.shape == (len(prediction.labels), 4)
                assert (prediction.boxes_xyxy[:, :2] <= prediction.boxes_xyxy[:, 2:]).all()
                assert set(prediction.labels.tolist()) <= set(range(len(NAMES)))
            elif isinstance(prediction, DenseMap):
                assert prediction.values.shape == (20, 24)
                assert set(np.unique(prediction.values)) <= set(range(len(NAMES)))
            elif isinstance(prediction, ClassPrediction):
                names = CAPTIONS if isinstance(learned.tasks[task_name].target, Match) else NAMES
                assert prediction.name == names[prediction.index]
                assert len(prediction.scores) == len(NAMES)
            else:
                assert prediction.log_prob <= 0, task_name


def test_asking_twice_gives_the_same(learned) -> None:
    rows = batch(learned, train=False)
    assert learned.predict(rows) == learned.predict(rows)


@torch.no_grad()
def test_an_answer_does_not_depend_on_the_other_rows(learned) -> None:
    together = learned.predict(batch(learned, train=False))
    losses = learned.losses(batch(learned, train=False))
    totals = dict.fromkeys([*losses.tasks, *losses.terms], 0.0)
    for i, row in enumerate(ROWS):
        alone = learned.predict(batch(learned, [row], train=False))
        for task_name, (prediction,) in alone.items():
            other = together[task_name][i]
            assert type(prediction) is type(other)
            if isinstance(prediction, BoxSet):
                assert np.allclose(prediction.boxes_xyxy, other.boxes_xyxy, atol=1e-3)
                assert np.allclose(prediction.scores, other.scores, atol=1e-4)
            elif isinstance(prediction, TextPrediction):
                assert prediction.text == other.text
                assert prediction.log_prob == pytest.approx(other.log_prob, abs=1e-4)
            elif isinstance(prediction, DenseMap):
                assert (prediction.values == other.values).mean() > 0.99
            else:
                assert prediction.scores == pytest.approx(other.scores, abs=1e-4)
        of_row = learned.losses(batch(learned, [row], train=False))
        for key, loss in {**of_row.tasks, **of_row.terms}.items():
            totals[key] += float(loss.total)
    for key, loss in {**losses.tasks, **losses.terms}.items():
        assert float(loss.total) == pytest.approx(totals[key], rel=1e-4, abs=1e-4)
    for task_name, loss in losses.tasks.items():
        # A map counts its pixels.
        dense = isinstance(learned.tasks[task_name].target, Dense)
        assert float(loss.weight) % 4 == 0 if dense else float(loss.weight) == 4


def test_its_loss_has_the_terms_it_says(learned) -> None:
    losses = learned.losses(batch(learned, train=False))
    assert set(losses.terms) == {(name, term) for name, terms in learned.loss_terms.items() for term in terms}


def test_saved_and_built_again_it_answers_the_same(learned) -> None:
    case = CASES[name_of(learned)]

    def no_texts():
        raise AssertionError("a restored system asked for texts")

    again = build_system(case.config, case.tasks(), texts=no_texts, assets=learned.assets())
    again.load_state_dict(learned.state_dict())
    rows = batch(again.eval(), train=False)
    assert again.predict(rows) == learned.predict(batch(learned, train=False))


@dataclass(frozen=True)
class Store:
    """Features of the plain view, as a feature store gives them."""

    features: Any

    def read(self, image, invariant, rng):
        return self.features[image.name]

    def read_view(self, image, allowed, rng):
        return self.features[image.name], 0


def test_stored_features_answer_as_pixels_do(name: str) -> None:
    system = trained(build(name, mode=Frozen()), 20)
    live = batch(system, train=False)
    system.requires_grad_(False)
    features = {
        row.images[0].name: system.encode(torch.from_numpy(system.processor.view(row.images[0], 0))[None])[0]
        .to(torch.float16).numpy() for row in ROWS
    }  # fmt: skip
    system.processor = system.processor.with_features(Store(features))
    stored = batch(system, train=False)
    assert "pixels" not in stored.inputs
    assert stored.inputs["features"].dtype == torch.float16
    pixels, kept = system.losses(live), system.losses(stored)
    for task_name in pixels.tasks:
        assert float(kept.tasks[task_name].total) == pytest.approx(float(pixels.tasks[task_name].total), rel=1e-2)
    system.processor = system.processor.with_features(None)
    assert "pixels" in batch(system, train=False).inputs


def test_views_are_named_by_all_that_changes_them(name: str) -> None:
    config = CASES[name].config
    changes: list[dict[str, Any]] = [{}, {"hflip": not config.hflip}]
    # A pretrained processor resizes in its own way.
    changes += [{"antialias": not config.antialias}] if hasattr(config, "antialias") else []
    keys = {build(name, **change).processor.view_key() for change in changes}
    assert len(keys) == len(changes)
    assert build(name).processor.view_changes(0) == frozenset()


def test_a_row_without_its_image_is_named(name: str) -> None:
    system = build(name)
    tasks = tuple(system.tasks.values())
    with pytest.raises(DataError, match="e/0: images: got 0; want exactly one"):
        system.processor.row(replace(ROWS[0], images=()), tasks, None)
    with pytest.raises(DataError, match=r"broken.png"):
        system.processor.row(replace(ROWS[0], images=(MemoryImage("broken.png", b"no"),)), tasks, None)


def adapters(system):
    return {name: p for name, p in system.named_parameters() if "lora_" in name}


def test_adapters_alone_are_trained_shared_and_restored(name: str) -> None:
    frozen, system = build(name, mode=Frozen()), build(name, mode=LoRA(rank=2))
    added, constant = adapters(system), {n for n, p in frozen.named_parameters() if not p.requires_grad}
    assert added
    trained = {n for n, p in system.named_parameters() if p.requires_grad}
    assert trained - set(added) == {n for n, p in frozen.named_parameters() if p.requires_grad}
    assert constant
    shared = {id(p) for block in system.shared_blocks().values() for p in block}
    assert {id(p) for p in added.values()} <= shared
    grouped = [id(p) for group in system.parameter_groups() for p in group["params"]]
    assert len(set(grouped)) == len(grouped)
    assert set(grouped) == {id(p) for p in system.parameters() if p.requires_grad}
    assert system.encoder_key() is None
    # All of them have an effect: none lies in a layer whose weights are read without calling it.
    for parameter in system.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    mean(system.train().losses(batch(system, train=False))).backward()
    assert [n for n, p in added.items() if p.grad is None or not float(p.grad.abs().sum()) > 0] == []
    again = build_system(system.config, CASES[name].tasks(), texts=list, assets=system.assets())
    again.load_state_dict(system.state_dict())
    rows = batch(system, train=False)
    assert again.eval().predict(rows) == system.eval().predict(rows)


def test_new_adapters_change_nothing_and_merged_ones_give_the_same(name: str) -> None:
    system = build(name, mode=LoRA(rank=2)).eval()
    rows = batch(system, train=False)
    with torch.no_grad():
        before = system.losses(rows)
        frozen, own = build(name, mode=Frozen()), system.state_dict()
        frozen.load_state_dict({n.replace("base_layer.", ""): value for n, value in own.items() if "lora_" not in n})
        plain = frozen.eval().losses(rows)
        for key, loss in before.tasks.items():
            assert float(loss.total) == pytest.approx(float(plain.tasks[key].total), rel=1e-5)
        for parameter in adapters(system).values():
            torch.nn.init.normal_(parameter, std=0.1)
        moved = system.losses(rows)
        merge_adapters(system)
        merged = system.losses(rows)
    assert not adapters(system)
    for key, loss in moved.tasks.items():
        assert float(loss.total) == pytest.approx(float(merged.tasks[key].total), rel=1e-4, abs=1e-5)


def test_adapters_in_a_text_stream_all_have_an_effect() -> None:
    system = build("twelve_in_one", text_mode=LoRA(rank=2))
    added = adapters(system)
    assert added
    for parameter in system.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    mean(system.train().losses(batch(system, train=False))).backward()
    assert [n for n, p in added.items() if p.grad is None or not float(p.grad.abs().sum()) > 0] == []
    assert not any(p.requires_grad for p in system.body.words.parameters())


def test_dora_trains_lengths_too() -> None:
    system = build("lit_decoder", mode=DoRA(rank=2))
    assert any("lora_magnitude_vector" in name for name in adapters(system))


WAITS = {
    # SciPy solves the assignment on the CPU.
    "unit": ("nn/matching.py", ".cpu().numpy()"),
    # Rows without a matching candidate have no loss: a boolean mask selects the others.
    "twelve_in_one": ("losses/answers.py", "log_probs[some]"),
    # The token ids of all class names are copied to the device.
    "uni_perceiver": ("systems/uni_perceiver/target_features.py", ".to(self._embedding.device)"),
}
"""The first place in the losses of a system that waits for the device, or copies to it; no entry: there is none."""


@pytest.mark.parametrize("name", CASES)
def test_losses_wait_for_the_device_only_where_it_is_listed(name: str) -> None:
    system = build(name)
    real = batch(system, train=True)
    if name not in WAITS:
        losses_of(system, real)
        return
    file, text = WAITS[name]
    with pytest.raises((RuntimeError, AssertionError, GuardOnDataDependentSymNode)) as error:
        losses_of(system, real)
    found = place_of(error.value)
    assert found[0] == file
    assert text in found[1]
