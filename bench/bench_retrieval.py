"""Pairs of images and captions: each side once up to where it meets the other, against the same batches without that.

python bench/bench_retrieval.py
python bench/bench_retrieval.py --sizes paper --images 8 --texts 40 --regions 100
python bench/bench_retrieval.py --run RUN --recipe twelve_in_one:tiny      also what two stages lose, on a run's tests
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from measure import Goal, in_turns, machine, ratio, write_table
from motet.core import Task, rng_for
from motet.evaluation.retrieval import Split, is_ranked, score_split
from motet.evaluation.task_evaluation import eval_mode
from motet.evaluation.two_stage_retrieval import (
    Ranking,
    estimate_scores,
    first_stage_recall,
    merge_stages,
    top_candidates,
)
from motet.metrics.match import rank_of
from motet.systems.twelve_in_one.body import Body, UnimodalStates
from motet.systems.twelve_in_one.retrieval import pairs_at_once, score_pairs
from motet.systems.twelve_in_one.streams import StreamSizes, last_layers

FEATURES, WORDS, PLACES = 256, 2000, 40

SIZES: Mapping[str, StreamSizes] = {
    "small": StreamSizes(
        text_width=96, text_depth=6, text_heads=4, text_hidden=384, image_width=96, image_depth=3, image_heads=4,
        image_hidden=192, co_width=96, co_heads=4, connections=last_layers(3, 6),
    ),
    "paper": StreamSizes(),
}  # fmt: skip


class Sides:
    """Images and captions as a processor would give them, and a body to read them.

    Args:
        sizes: of the body.
        images: how many images.
        texts: how many captions; of 5 to 16 pieces, about as those of COCO.
        regions: of an image.
        device: where.
    """

    def __init__(self, sizes: StreamSizes, images: int, texts: int, regions: int, device: str) -> None:
        torch.manual_seed(0)
        bert = SimpleNamespace(
            vocab_size=WORDS,
            hidden_size=sizes.text_width,
            type_vocab_size=2,
            max_position_embeddings=PLACES,
            layer_norm_eps=1e-12,
        )
        body = Body(bert, sizes, PLACES, FEATURES, dropout=0.0, attention_dropout=0.0, fusion="product")
        for parameter in body.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=1 / parameter.shape[-1] ** 0.5)
        self.body = body.to(device).eval()
        self.head = torch.nn.Linear(sizes.co_width, 1).to(device)
        rng = rng_for("bench retrieval")
        self.lengths = rng.integers(5, 17, texts)
        self.ids = torch.from_numpy(rng.integers(0, WORDS, (texts, 16))).to(device)
        self.read = (torch.arange(16) < torch.from_numpy(self.lengths)[:, None]).to(device)
        self.features = torch.from_numpy(rng.normal(size=(images, regions + 1, FEATURES)).astype(np.float32)).to(device)
        self.places = torch.from_numpy(rng.random((images, regions + 1, 5), dtype=np.float32)).to(device)
        self.valid = torch.ones(images, regions + 1, dtype=torch.bool, device=device)

    def images(self, rows: Tensor) -> UnimodalStates:
        return self.body.encode_images(self.features[rows], self.places[rows], self.valid[rows])

    def texts(self, rows: Tensor) -> UnimodalStates:
        read = self.read[rows]
        longest = int(read.any(0).nonzero().max()) + 1
        ids = self.ids[rows, :longest]
        return self.body.encode_texts(ids, torch.zeros_like(ids), read[:, :longest], None)

    @torch.inference_mode()
    def once(self) -> Tensor:
        """Each side once, then all pairs."""
        images, texts = (torch.arange(len(side), device=side.device) for side in (self.features, self.ids))
        return score_pairs(self.body, self.head, self.images(images), self.texts(texts))

    @torch.inference_mode()
    def each_time(self) -> Tensor:
        """The same batches of pairs, in which both sides are read from their beginning."""
        every = torch.arange(len(self.features), device=self.ids.device)
        texts = torch.arange(len(self.ids), device=self.ids.device)
        most = pairs_at_once(self.body, self.images(every[:1]), self.texts(texts))
        high = max(1, min(len(every), round(most**0.5)))
        order = self.read.sum(-1).argsort(stable=True)
        scores = torch.empty(len(every), len(order), device=every.device)
        for some_images in torch.split(every, high):
            for some_texts in torch.split(order, max(1, most // high)):
                i, t = len(some_images), len(some_texts)
                pairs = self.texts(some_texts.repeat(i)), self.images(some_images.repeat_interleave(t))
                scores[some_images[:, None], some_texts] = self.head(self.body.fuse(self.body.join(*pairs))).view(i, t)
        return scores

    def bound(self) -> float:
        """How many times more multiplications `each_time` has: all of a pair's, over its own and its share of sides."""
        sizes, regions = self.body.streams.sizes, self.features.shape[1]
        length = float(np.mean(self.lengths))
        text, image, together = multiplications(sizes, length, regions)
        num_images, num_texts = len(self.features), len(self.ids)
        return (text + image + together) / (text / num_images + image / num_texts + together)


def multiplications(sizes: StreamSizes, words: float, regions: float) -> tuple[float, float, float]:
    """Of a text alone and of an image alone, with their part of the first co-attention; and of a pair from there."""
    text = (
        words * (4 * sizes.text_width**2 + 2 * sizes.text_width * sizes.text_hidden) + 2 * words**2 * sizes.text_width
    )
    image = regions * (4 * sizes.image_width**2 + 2 * sizes.image_width * sizes.image_hidden)
    image += 2 * regions**2 * sizes.image_width
    asks = words * 3 * sizes.text_width * sizes.co_width, regions * 3 * sizes.image_width * sizes.co_width
    read = 4 * words * regions * sizes.co_width
    read += words * sizes.text_width * (sizes.co_width + 2 * sizes.text_hidden)
    read += regions * sizes.image_width * (sizes.co_width + 2 * sizes.image_hidden)
    (first_image, first_text), count = sizes.connections[0], len(sizes.connections)
    before = first_text * text + asks[0], first_image * image + asks[1] + regions * FEATURES * sizes.image_width
    after = (sizes.text_depth - first_text) * text + (sizes.image_depth - first_image) * image
    return *before, after + (count - 1) * sum(asks) + count * read


def measured(name: str, regions: int, arguments: argparse.Namespace) -> tuple[tuple[object, ...], Goal]:
    """A row of the table and its goal, after both ways have given the same scores."""
    sides = Sides(SIZES[name], arguments.images, arguments.texts, regions, arguments.device)
    once, each = sides.once(), sides.each_time()
    torch.testing.assert_close(once, each, atol=1e-5, rtol=1e-5)
    times = in_turns({"once": sides.once, "each": sides.each_time}, repeats=arguments.repeats)
    middle, least, most = ratio(times["each"], times["once"])
    bound, pairs = sides.bound(), arguments.images * arguments.texts
    whole = times["once"].median * 1000 * 5000 / pairs
    staged = Ranking(rerank_top_k=50).num_pairs(1000, 5000, "images") * times["once"].median / pairs
    goal = Goal(f"retrieval, {name}, {regions} regions, of the bound", middle / bound, at_least=0.9)
    row = (
        f"{name}, {regions} regions",
        times["once"],
        times["each"],
        f"{middle:.2f} ({least:.2f} to {most:.2f})",
        f"{bound:.2f}",
        f"{middle / bound:.2f}",
        f"{whole / 60:.1f} min",
        f"{staged / 60:.1f} min",
    )
    return row, goal


def lost(folder: str, recipe: str, firsts: Sequence[int], anchors: Sequence[int]) -> list[tuple[object, ...]]:
    """What two stages keep of the ranking of a trained run's test splits."""
    from motet.config.recipe_files import load_recipe
    from motet.hub import load_system

    system = load_system(folder)
    rows: list[tuple[object, ...]] = []
    for source in load_recipe(recipe).of_role("test"):
        for task in filter(is_ranked, source.tasks):
            split = Split.of(source.reader, task, range(len(source.reader)), source.name)
            with eval_mode(system):
                whole = score_split(system, source.name, source.reader, task, split, batch_size=64)
            rows += [_loss(task, whole, split, first, few) for first in firsts for few in anchors]
    return rows


def _loss(task: Task, whole: np.ndarray, split: Split, first: int, anchors: int) -> tuple[object, ...]:
    among, ranking = task.target.among, Ranking(rerank_top_k=first, first_stage_size=anchors)
    images, texts = ranking.anchors("images", whole.shape[0]), ranking.anchors("texts", whole.shape[1])
    guess = estimate_scores(whole[:, texts], whole[images], images, texts)
    selected = top_candidates(guess, first, among)
    staged = merge_stages(whole, guess, selected, among)
    read = ranking.num_pairs(*whole.shape, among) / whole.size
    numbers = (
        first_stage_recall(selected, split.fits, among),
        _recall(whole, split, among),
        _recall(staged, split, among),
    )
    size = f"{whole.shape[0]} x {whole.shape[1]}"
    return (task.name, size, anchors, first, f"{read:.0%}", *(f"{number:.1f}" for number in numbers))


def _recall(scores: np.ndarray, split: Split, among: str) -> float:
    """Recall at 1, in percent."""
    right: list[list[int]] = [list(texts) for texts in split.fits]
    if among == "images":
        right = [[place for place, texts in enumerate(split.fits) if t in texts] for t in range(scores.shape[1])]
        scores = scores.T
    return 100 * float(np.mean([rank_of(row, places) == 1 for row, places in zip(scores, right, strict=True)]))


def main() -> None:
    """Measures and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--regions", type=int, nargs="+", default=[36])
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=["small"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--run", help="folder of a trained run, to say what two stages lose")
    parser.add_argument("--recipe", default="twelve_in_one:tiny", help="that the run was made by")
    parser.add_argument("--first", type=int, nargs="+", default=[5, 10, 20, 50])
    parser.add_argument("--anchors", type=int, nargs="+", default=[8, 16, 32])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = [measured(name, regions, arguments) for name in arguments.sizes for regions in arguments.regions]
    write_table(
        "bench_retrieval",
        "Retrieval: all pairs of images and captions",
        [
            machine(),
            f"{arguments.images} images x {arguments.texts} captions of 5 to 16 pieces, 12-in-1 at random weights. "
            "Once a side: layers of words before the first co-attention, what regions start from, queries, keys and "
            "values of that co-attention. Each time: the same batches of pairs, both sides read from their beginning. "
            "Both gave the same scores to 1e-5. The bound: the ratio of multiplications; 0.9 of it is required.",
            "Two stages: the best 50 images of each caption, by 64 anchors per side.",
        ],
        ("", "once a side", "each time", "ratio", "bound", "of it", "1,000 x 5,000", "in two stages"),
        [row for row, _ in found],
        [goal for _, goal in found],
    )
    if arguments.run is not None:
        write_table(
            "bench_retrieval_stages",
            "Retrieval in two stages: what the first one loses",
            ["The test splits of a trained run; recall of the first stage, and recall at 1 of one stage and of two."],
            ("task", "images x texts", "anchors", "kept", "pairs read", "first stage", "R@1, all pairs", "R@1, two"),
            lost(arguments.run, arguments.recipe, arguments.first, arguments.anchors),
        )


if __name__ == "__main__":
    main()
