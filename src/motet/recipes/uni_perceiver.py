"""Runs of Uni-Perceiver with conditional experts: the paper's, small ones on scenes, one on real data.

motet train uni_perceiver:tiny        scenes: names, hidden words, captions, pairs; under 90 seconds on two cores
motet train uni_perceiver:video       scenes in short clips: object and motion, by class name, caption and retrieval
motet train uni_perceiver:real        real data under $MOTET_DATA
motet train uni_perceiver:fights      videos there
motet plan uni_perceiver:paper_base   every value of the paper, on the data sets it names
motet list recipes                    also shows uni_perceiver_transfer: tasks that were never trained
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from motet.core import Match
from motet.data.drawn_batches import DrawnBatches
from motet.data.sampling_rates import FixedRates
from motet.data.source import Source
from motet.nn.encoders import BundledLite0
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.recipes.data.scene_sources import SceneSources
from motet.recipes.data.uni_perceiver import REAL_RATES, assembled
from motet.recipes.data.uni_perceiver import fights as clips_of_fights
from motet.recipes.lit_decoder import stored
from motet.recipes.paper.uni_perceiver import published, released
from motet.scenes import CREDIT
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.uni_perceiver.options import BASE, LARGE, Blocks, EncoderSize, Experts, LossConfig
from motet.training.balancers import TaskMean
from motet.training.config import TrainConfig
from motet.training.lr_schedules import Cosine
from motet.training.run import Run

TINY_SHARES: Mapping[str, float] = {"largest": 3, "number": 2, "words": 2, "caption": 4, "retrieve": 4}
"""How often each task of `tiny` is drawn."""

FOUR = Experts(num_experts=4)
"""Fewer experts than the paper's eight, two of which are chosen all the same."""


def small(
    *,
    width: int = 96,
    depth: int = 2,
    image_size: int = 128,
    stage: int | tuple[int, ...] = -1,
    blocks: Blocks = FOUR,
    pieces: int = 1000,
    max_tokens: int = 32,
    frames: int = 4,
    sampled_words: int | None = None,
    linear: bool = False,
) -> UniPerceiverConfig:
    """A Uni-Perceiver for a laptop: features of the bundled frozen EfficientNet-Lite0 replace patches of pixels.

    Runs of minutes underfit: nothing is dropped or smoothed, and images are only resized, so that features can be
    stored. Narrow layers start from larger weights than the paper's, and without small scales on their parts, or they
    learn nothing for hundreds of steps. A word that is predicted is encoded as its token alone, which costs a third
    less than the official token with its end. The paper's own values are in `paper_base`.

    Args:
        width: channels.
        depth: layers.
        image_size: height and width of images, in pixels.
        stage: of the encoder; at 128 pixels the last gives 16 tokens, the last two together 64, which help counting.
        blocks: the kind of the layers' blocks.
        pieces: maximum size of the tokeniser's vocabulary.
        max_tokens: maximum length of texts.
        frames: per video.
        sampled_words: number of sampled pieces in the softmax over words in training; None for all.
        linear: whether classes of images and videos begin as a linear probe's.
    """
    return UniPerceiverConfig(
        sizes=EncoderSize(width=width, depth=depth, heads=max(1, width // 32), hidden=4 * width),
        blocks=blocks,
        tokenizer=TrainedTokenizer(size=pieces),
        max_tokens=max_tokens,
        max_generated=min(24, max_tokens),
        word_targets="alone",
        encoder=BundledLite0(size=image_size, stage=stage),
        hflip=False,
        frames=frames,
        max_frames=2 * frames,
        layer_scale=None,
        drop_path=0.0,
        initial_std=None,
        loss=LossConfig(smoothing=0.0, sampled_words=sampled_words),
        linear=linear,
    )


def tiny() -> Run:
    """Uni-Perceiver on scenes: two kinds of names, hidden words, captions, pairs. Two cores, under 90 seconds."""
    scenes = SceneSources(task_names=tuple(TINY_SHARES), train=600, val=40, test=200, kinds=6, things=(1, 3))
    return replace(
        world(scenes, 400, TINY_SHARES),
        # Mean over 15 runs, and three of their standard deviations: five seeds in 32 bits with AVX-512, five more with
        # AVX2, and the first five in bfloat16.
        expect={
            ("largest", "accuracy"): (93.8, 3.4),
            ("number", "accuracy"): (78.9, 8.9),
            ("words", "masked_accuracy"): (56.9, 10.2),
            ("caption", "cider"): (308.3, 59.9),
            ("retrieve", "recall_at_1"): (33.8, 9.3),
        },
    )


def world(
    of: SceneSources,
    steps: int,
    shares: Mapping[str, float],
    *,
    system: UniPerceiverConfig | None = None,
    batch_size: int = 32,
    lr: float = 1e-3,
) -> Run:
    """Returns a run on scenes; each step is a batch of one task.

    Args:
        of: the scenes and tasks.
        steps: iterations.
        shares: sampling weight of each task, by name.
        system: `small()` by default.
        batch_size: rows of a step; the other pairs of a batch are the negatives.
        lr: peak learning rate.
    """
    return Run(
        system=system or small(),
        sources=tuple(in_batch(source) for source in of.sources()),
        schedule=DrawnBatches(
            rates=FixedRates({f"scenes/{name}": share for name, share in shares.items()}), batch_size=batch_size
        ),
        train=TrainConfig(steps=steps, lr=lr, lr_schedule=Cosine(warmup=20), weight_decay=0.02, seed=0),
        balancer=TaskMean(),
        features=stored(),
        credit=(CREDIT,),
    )


def in_batch(source: Source) -> Source:
    """Returns a source of pairs without candidates: the negatives are the other pairs of the batch."""
    return replace(source, compose=None) if isinstance(source.tasks[0].target, Match) else source


def video() -> Run:
    """Uni-Perceiver on short clips of scenes: object and motion by class name, as a caption, and by retrieval."""
    shares = {"motion": 4, "video_caption": 3, "video_retrieve": 2}
    clips = SceneSources(task_names=tuple(shares), train=400, val=20, test=200, kinds=6, frames=4)
    return world(clips, 600, shares)


def real() -> Run:
    """Uni-Perceiver on real data under $MOTET_DATA: two sets of names, hidden words, captions, pairs, sentences.

    Every data set is split so that no test photograph or sentence is in the training data.
    """
    return photographed(assembled(), REAL_RATES, steps=3000)


def fights() -> Run:
    """Uni-Perceiver on two hundred clips under $MOTET_DATA: is there a fight? A check that videos are read."""
    return photographed(clips_of_fights(), {"fight": 1.0}, steps=150)


def photographic() -> UniPerceiverConfig:
    """Returns a wider configuration, for real images and texts."""
    return small(width=128, stage=(-2, -1), pieces=4000, max_tokens=48, sampled_words=768)


def photographed(sources: tuple[Source, ...], rates: Mapping[str, float], *, steps: int) -> Run:
    """Returns a run on real images, texts or videos.

    Args:
        sources: of all roles.
        rates: sampling weight of each training source.
        steps: iterations.
    """
    return Run(
        system=photographic(),
        sources=sources,
        schedule=DrawnBatches(rates=FixedRates(rates), batch_size=32),
        train=TrainConfig(steps=steps, lr=7e-4, lr_schedule=Cosine(warmup=0.03), weight_decay=0.05, seed=0),
        balancer=TaskMean(),
        features=stored(),
    )


def paper_base() -> Run:
    """Uni-Perceiver-MoE-B on sixteen sets (section 4.1), the paper's optimiser; the data under $MOTET_DATA."""
    return published(BASE)


def paper_large() -> Run:
    """Uni-Perceiver-MoE-L on sixteen sets (section 4.1), the paper's optimiser; the data under $MOTET_DATA."""
    return published(LARGE)


def released_base() -> Run:
    """Uni-Perceiver-MoE-B as the released configuration trains it: first stage, at 160 pixels, with its optimiser."""
    return released(BASE)


def released_base_224() -> Run:
    """The second stage of `released_base`, at 224 pixels, from where `motet train uni_perceiver:released_base` ends."""
    return released(BASE, second=True)
