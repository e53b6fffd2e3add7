"""Scoring 1,000 class names: by their common beginnings, in one padded batch, and one pass a name.

python bench/bench_scoring.py
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial

import emoji
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from measure import Goal, in_turns, machine, peak_mib, ratio, write_table
from motet.core import rng_for
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.lit_decoder.decoder import TextDecoder, TokenEmbeddings
from motet.systems.lit_decoder.scoring import NameTrie, score_names

WIDTH, DEPTH, HEADS, WORDS, PLACES, TOKENS, CHANNELS = 256, 2, 4, 2000, 32, 49, 320
NAMES, AT_ONCE = 1000, 500
PREFIX = (5, 6)
TIMES_FASTER = {"padded": 3.0, "one pass a name": 10.0}
PARTS = ("motet", "padded", "padded, shared image", "one pass a name")


def names() -> list[list[int]]:
    """1,000 names of emoji, skin colours left out, in the pieces of a tokeniser trained on all of them."""
    found = {entry["en"].strip(":").replace("_", " ") for entry in emoji.EMOJI_DATA.values()}
    found = sorted(name for name in found if "skin tone" not in name)
    words = TrainedTokenizer(size=WORDS).build(found)
    return [words.encode(found[i]) for i in rng_for("bench names").choice(len(found), NAMES, replace=False)]


def decoder() -> TextDecoder:
    torch.manual_seed(0)
    pieces = TokenEmbeddings(WORDS, {}, WORDS, WIDTH)
    built = TextDecoder(pieces, WIDTH, DEPTH, HEADS, 4 * WIDTH, memory_width=CHANNELS, max_tokens=PLACES)
    torch.nn.init.normal_(pieces.kernel, std=0.1)
    return built.eval()


@torch.inference_mode()
def by_beginnings(model: TextDecoder, memory: Tensor, trie: NameTrie) -> Tensor:
    prefixes = torch.tensor([PREFIX] * len(memory), device=memory.device)
    lengths = torch.full((len(memory),), len(PREFIX), device=memory.device)
    return score_names(model, model.start(memory), prefixes, lengths, trie)


@torch.inference_mode()
def padded(model: TextDecoder, memory: Tensor, tokens: list[list[int]], *, shared: bool) -> Tensor:
    """All names of an image as one padded batch, AT_ONCE at a time; each image is encoded once.

    Shared: its keys and values are made once too, and not once a name.
    """
    rows = [torch.tensor([*PREFIX, *name, 1]) for name in tokens]
    targets = pad_sequence(rows, batch_first=True).to(memory.device)
    inputs = torch.nn.functional.pad(targets[:, :-1], (1, 0))
    counts = (targets != 0) & (torch.arange(targets.shape[1], device=memory.device) >= len(PREFIX))
    scores = []
    for image in memory.split(1):
        for piece in torch.arange(len(targets), device=memory.device).split(AT_ONCE):
            if shared:
                state = model.start(image).branch(torch.zeros(1, len(piece), dtype=torch.long, device=memory.device))
            else:
                state = model.start(image.expand(len(piece), -1, -1))
            features, _ = model.read(state, inputs[piece])
            log_probs = model.logits(features).log_softmax(-1)
            found = log_probs.gather(-1, targets[piece][..., None])[..., 0]
            scores.append((found * counts[piece]).sum(1))
    return torch.cat(scores).view(len(memory), -1)


@torch.inference_mode()
def one_pass_a_name(model: TextDecoder, memory: Tensor, tokens: list[list[int]]) -> Tensor:
    """As the released code does: the decoder is run once for each name, for all images together."""
    scores = []
    for name in tokens:
        targets = torch.tensor([[*PREFIX, *name, 1]] * len(memory), device=memory.device)
        log_probs = model(targets, memory).log_softmax(-1)
        found = log_probs.gather(-1, targets[..., None])[..., 0]
        scores.append(found[:, len(PREFIX) :].sum(1))
    return torch.stack(scores, dim=1)


def prepared(which: str, tokens: list[list[int]], device: str, num_images: int) -> Callable[[], Tensor]:
    """One of the ways, ready to be called."""
    model = decoder().to(device)
    memory = torch.randn(num_images, TOKENS, CHANNELS, generator=torch.Generator().manual_seed(1)).to(device)
    match which:
        case "motet":
            return partial(by_beginnings, model, memory, NameTrie.of(tokens))
        case "padded":
            return partial(padded, model, memory, tokens, shared=False)
        case "padded, shared image":
            return partial(padded, model, memory, tokens, shared=True)
        case _:
            return partial(one_pass_a_name, model, memory, tokens)


def measured(
    tokens: list[list[int]], num_images: int, device: str, repeats: int
) -> tuple[list[tuple[object, ...]], list[Goal]]:
    """The table's rows and the goals for so many images, after all ways have given the same scores."""
    parts = {name: prepared(name, tokens, device, num_images) for name in PARTS}
    scores = {name: part() for name, part in parts.items()}
    for name in PARTS[1:]:
        torch.testing.assert_close(scores["motet"], scores[name], atol=1e-4, rtol=1e-5)
    times = in_turns(parts, repeats=repeats)
    rows: list[tuple[object, ...]] = []
    goals: list[Goal] = []
    for name in PARTS:
        middle, least, most = ratio(times[name], times["motet"])
        faster = "" if name == "motet" else f"{middle:.1f} ({least:.1f} to {most:.1f})"
        peak = f"{peak_mib(prepared, name, tokens, device, num_images):.0f}" if device == "cpu" else "-"
        print(f"{num_images} images, {name}: {times[name]}; motet is faster by {middle:.1f}", flush=True)
        if name in TIMES_FASTER:
            goals.append(
                Goal(f"names of {num_images} images, times faster than {name}", middle, at_least=TIMES_FASTER[name])
            )
        rows.append((num_images, name, str(times[name]), f"{times[name].median / num_images * 1e3:.0f}", faster, peak))
    return rows, goals


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, nargs="+", default=[1, 4])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tokens = names()
    found = [measured(tokens, num_images, args.device, args.repeats) for num_images in args.images]
    rows = [row for some, _ in found for row in some]
    goals = [goal for _, some in found for goal in some]
    lengths = [len(name) for name in tokens]
    notes = [
        f"{NAMES} names of {sum(lengths) / NAMES:.1f} tokens on average, at most {max(lengths)}; they have "
        f"{NameTrie.of(tokens).num_nodes - 1} different beginnings. Images of {TOKENS} tokens, a prefix of "
        f"{len(PREFIX)} tokens, a decoder of {DEPTH} layers, width {WIDTH}, {WORDS} words. All ways gave the same "
        f"scores to 1e-4. Measured in turns, {args.repeats} times: median (least to most). {machine()}.",
        "Padded: all names of an image as one padded batch, the image encoded once; shared image: its keys and values "
        "are made once too, and not once a name. One pass a name: the decoder is run for each name on all images. "
        "Asked for: 3 times faster than padded names, 10 times than one pass a name.",
    ]
    columns = ["images", "", "time", "ms an image", "motet is faster by", "peak memory, MiB"]
    write_table("bench_scoring", "Scoring 1,000 class names", notes, columns, rows, goals)


if __name__ == "__main__":
    main()
