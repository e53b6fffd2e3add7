"""Uni-Perceiver-MoE's published runs: sizes of the models, sampling of the sixteen sets, both stages of the code."""

from dataclasses import replace
from pathlib import Path

import pytest
from published_sizes import millions, on_meta, word_assets
from uni_perceiver_paper_data import write_uni_perceiver_paper_data

from motet.core import Label, Task
from motet.data.formats.video_rows import RandomFrames
from motet.preprocess.augment import RandAugment
from motet.preprocess.crops import SquareCrop
from motet.recipes.paper.uni_perceiver import PAIRS, SIXTEEN, WEIGHTS, published, published_model, released
from motet.systems.uni_perceiver import BASE, LARGE, TINY, Experts, UniPerceiverConfig
from motet.systems.uni_perceiver.options import EncoderSize
from motet.tasks import captioning, classification, masked_words, retrieval, video_classification
from motet.training.lr_schedules import Cosine
from motet.training.run import Run

TASKS: tuple[Task, ...] = (
    classification("imagenet22k", ("w1", "w2")),
    video_classification("kinetics700", ("w3", "w4")),
    video_classification("moments", ("w5", "w6")),
    masked_words("bookswiki", label="text"),
    captioning("coco_caption"),
    retrieval("coco_retrieval"),
)
PIECES = 49_408  # of CLIP's tokeniser


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("perceiver")
    write_uni_perceiver_paper_data(folder)
    return folder


def recipe(root: Path, make, *args, **changes) -> Run:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MOTET_DATA", str(root))
        return make(*args, **changes)


def model_of(size: EncoderSize) -> UniPerceiverConfig:
    return published_model(size).restrict([task.name for task in TASKS], [])


@pytest.mark.parametrize(("size", "published_millions"), [(BASE, 124), (LARGE, 354)])
def test_a_deployed_model_has_the_size_of_table_4(size: EncoderSize, published_millions: int) -> None:
    """124 and 354 million "during model deployment", with experts or without: merged, they cost nothing."""
    plain = on_meta(replace(model_of(size), blocks=None), TASKS, word_assets(PIECES))
    assert millions(plain) == pytest.approx(published_millions, rel=0.01)


def test_experts_are_eight_of_every_matrix_in_every_other_layer() -> None:
    assets = word_assets(PIECES)
    plain = on_meta(replace(model_of(BASE), blocks=None), TASKS, assets)
    whole = on_meta(model_of(BASE), TASKS, assets)
    layer = (768 * 3 * 768 + 3 * 768) + (768 * 768 + 768) + (768 * 3072 + 3072) + (3072 * 768 + 768)
    # A gate per kind of matrix: eight bits to 768 channels, their norm, and scores of eight experts. Those of the
    # attention's output and of the second layer reuse the decision of the first.
    gates = 2 * (8 * 768 + 768 + 2 * 768 + 768 * 8)
    assert millions(whole) - millions(plain) == pytest.approx(6 * (7 * layer + gates) / 1e6, rel=1e-6)


def test_sizes_are_those_of_vit_and_tiny_has_experts_in_all_layers() -> None:
    assert [(s.width, s.depth, s.heads, s.hidden) for s in (TINY, BASE, LARGE)] == [
        (192, 12, 3, 768), (768, 12, 12, 3072), (1024, 24, 16, 4096),
    ]  # fmt: skip
    where = {size: published_model(size).blocks for size in (TINY, BASE, LARGE)}
    assert where == {TINY: Experts(where="all"), BASE: Experts(), LARGE: Experts()}
    assert Experts() == Experts(routing="attribute", num_experts=8, k=2, where="every other", balance=0.0)


def test_sixteen_sets_are_sampled_as_in_the_official_configuration() -> None:
    assert len(SIXTEEN) == 16
    pairs = {"yfcc": 0.584, "cc12m": 0.5057, "cc3m": 0.26295, "visual_genome": 0.1766, "coco": 0.1144, "sbu": 0.1383}
    assert pairs == PAIRS
    for name, rate in pairs.items():
        assert (SIXTEEN[f"{name}_caption"], SIXTEEN[f"{name}_retrieval"]) == ((rate, 300), (rate, 512))
    others = {name: SIXTEEN[name] for name in ("imagenet22k", "kinetics700", "moments", "bookswiki")}
    assert others == {
        "imagenet22k": (2.486, 720), "kinetics700": (0.76, 64), "moments": (0.44, 112), "bookswiki": (2.75, 512),
    }  # fmt: skip
    assert set(WEIGHTS) == set(others) - {"imagenet22k"}


def test_the_papers_rate_warms_up_for_10_000_of_230_000_steps_and_falls_to_zero(root: Path) -> None:
    plan = recipe(root, published, BASE).train
    assert (plan.steps, plan.lr_schedule, plan.precision) == (230_000, Cosine(warmup=10_000), "bfloat16")
    assert plan.lr_schedule.factor(120_000, 230_000) == pytest.approx(0.5)
    assert plan.lr_schedule.factor(230_000, 230_000) == pytest.approx(0, abs=1e-9)


def test_the_second_released_stage_goes_on_at_a_low_rate_with_positions_scaled(root: Path) -> None:
    first, second = recipe(root, released, BASE), recipe(root, released, BASE, second=True)
    assert isinstance(first.system, UniPerceiverConfig)
    assert isinstance(second.system, UniPerceiverConfig)
    assert first.start is None
    assert second.start is not None
    assert second.start.made_by == "motet train uni_perceiver:released_base"
    assert second.train.lr_schedule.factor(2500, 50_000) == pytest.approx(0.5)  # a warm-up of 5,000
    for plan in (first.train, second.train):
        assert plan.lr * plan.lr_schedule.factor(plan.steps, plan.steps) == pytest.approx(1e-6)
    # The grid of 160 pixels is stretched over 224: the same places, at more points.
    patches = second.system.patches
    assert patches.position_scale * patches.size == pytest.approx(first.system.patches.size)
    changed = {"patches": first.system.patches, "frames_of": first.system.frames_of, "loss": first.system.loss}
    assert replace(second.system, **changed) == first.system


def test_the_second_stage_has_its_own_batches_rates_and_frames(root: Path) -> None:
    """`16tasks_training_basemoe_stage2_56gpu.yaml`; without mixup, with smoothed labels."""
    first, second = recipe(root, released, BASE), recipe(root, released, BASE, second=True)
    batches = second.schedule.batch_sizes
    assert [batches[name] for name in ("imagenet22k", "kinetics700", "moments", "bookswiki")] == [440, 12, 68, 512]
    assert {batches[f"{name}_caption"] for name in PAIRS} == {200}
    assert {batches[f"{name}_retrieval"] for name in PAIRS} == {320}
    rates = second.schedule.rates.by_source
    assert (rates["kinetics700"], rates["moments"], rates["imagenet22k"]) == (1.0, 0.2, 2.486)
    for run, frames in ((first, (4, 3)), (second, (8, 3))):
        sources = {source.name: source for source in run.sources}
        found = [sources[name].reader.frames for name in ("kinetics700", "moments")]
        assert [(one.count, one.stride) for one in found] == [(count, 32) for count in frames]
        assert tuple(run.system.frames_of.values()) == frames
        assert len(sources["kinetics700"].reader[0].images) == frames[0]
        assert isinstance(sources["kinetics700"].compose, RandomFrames)
    assert (first.system.loss.mixup_tasks, second.system.loss.mixup_tasks) == (("imagenet22k",), ())
    loss = first.system.loss
    assert (loss.mixup_alpha, loss.cutmix_alpha, loss.smoothing) == (0.8, 1.0, 0.1)


def test_texts_crops_and_augmentations_are_those_of_the_official_files(root: Path) -> None:
    run = recipe(root, published, BASE)
    lengths = run.system.max_tokens_of
    assert (lengths["bookswiki"], lengths["coco_caption"], lengths["visual_genome_retrieval"]) == (128, 50, 30)
    (lines,) = (source.reader for source in run.sources if source.name == "bookswiki")
    assert [lines[row].text for row in range(len(lines))] == ["A sentence. Another one."]
    assert run.system.augment_of == {"imagenet22k": RandAugment("rand-m9-mstd0.5-inc1", 0.25)}
    assert run.system.crop_of["sbu_caption"] == SquareCrop()
    tasks = {task.name: [metric.name for metric in task.metrics] for task in run.tasks}
    assert tasks["bookswiki"] == ["word_accuracy", "perplexity"]
    assert tasks["coco_caption"][-1] == "word_accuracy"


def test_coco_is_evaluated_in_words_and_by_retrieval_and_nothing_else_is(root: Path) -> None:
    run = recipe(root, published, BASE)
    assert [source.name for source in run.of_role("test")] == ["coco_caption/test", "coco_retrieval/test"]
    assert run.of_role("val") == ()
    learned = {source.name: source for source in run.of_role("train")}
    for name in ("coco_caption", "coco_retrieval"):
        assert learned[name].reader != next(s for s in run.of_role("test") if s.name == f"{name}/test").reader
    for name in PAIRS:  # one set of pairs, two tasks
        assert learned[f"{name}_caption"].reader == learned[f"{name}_retrieval"].reader


def test_classes_of_imagenet_22k_are_words_and_a_word_of_two_bears_its_synset(root: Path) -> None:
    run = recipe(root, published, BASE)
    (task,) = (task for task in run.tasks if task.name == "imagenet22k")
    assert isinstance(task.target, Label)
    lines = dict(line.split("\t") for line in (root / "imagenet22k" / "words.txt").read_text().splitlines())
    first = {synset: words.split(",")[0] for synset, words in lines.items()}
    folders = sorted(path.name for path in (root / "imagenet22k" / "train").iterdir())
    twice = [first[name] for name in folders if [first[other] for other in folders].count(first[name]) > 1]
    assert twice
    assert task.target.names == tuple(
        f"{first[name]} ({name})" if first[name] in twice else first[name] for name in folders
    )
