"""Beam search with 4 beams against `transformers`: GPT-2 with cross-attention, holding the same weights.

python bench/bench_beam.py
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from measure import Goal, in_turns, machine, peak_mib, ratio, write_table
from motet.nn.generate import BeamSearch, generate
from motet.systems.lit_decoder.decoder import TextDecoder, TokenEmbeddings

WIDTH, DEPTH, HEADS, WORDS, PLACES, TOKENS = 256, 2, 4, 8192, 32, 49
BEAMS, ROWS, NEW = 4, 32, 24
PREFIX = (5, 6)


def decoder(device: str) -> TextDecoder:
    """A decoder with drawn weights whose captions end after about ten tokens, as those of a trained one do."""
    torch.manual_seed(0)
    pieces = TokenEmbeddings(WORDS, {}, WORDS, WIDTH)
    built = TextDecoder(pieces, WIDTH, DEPTH, HEADS, 4 * WIDTH, memory_width=WIDTH, max_tokens=PLACES)
    with torch.no_grad():
        # GPT-2 has no bias on its output kernel; ours stays at zero.
        pieces.kernel.normal_(std=0.2)
        # The end grows likelier from place to place.
        end = 5 * pieces.kernel[1] / pieces.kernel[1].norm()
        built.positions.add_(end * torch.linspace(-0.5, 4.5, PLACES)[:, None])
        for parameter in built.blocks.parameters():
            if parameter.dim() == 2:
                parameter.mul_(1.5)
    return built.eval().to(device)


def gpt2(ours: TextDecoder, device: str) -> GPT2LMHeadModel:
    """GPT-2 with the decoder's weights; biases that the decoder does not have are zero."""
    config = GPT2Config(
        vocab_size=WORDS, n_positions=PLACES, n_embd=WIDTH, n_layer=DEPTH, n_head=HEADS, layer_norm_epsilon=1e-6,
        add_cross_attention=True, tie_word_embeddings=False, bos_token_id=0, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    theirs = GPT2LMHeadModel(config).eval()
    theirs.transformer.wte.weight.data.copy_(ours.pieces.embedding)
    theirs.lm_head.weight.data.copy_(ours.pieces.kernel)
    theirs.transformer.wpe.weight.data.copy_(ours.positions)
    theirs.transformer.ln_f.load_state_dict(ours.norm.state_dict())
    for block, mine in zip(theirs.transformer.h, ours.blocks, strict=True):
        for norm, its in ((block.ln_1, mine.norm1), (block.ln_cross_attn, mine.norm2), (block.ln_2, mine.norm3)):
            norm.load_state_dict(its.state_dict())
        own, cross = mine.self_attention, mine.cross_attention
        _conv(block.attn.c_attn, torch.cat([own.query.weight, own.key_value.weight]))
        _conv(block.attn.c_proj, own.out.weight)
        _conv(block.crossattention.q_attn, cross.query.weight)
        _conv(block.crossattention.c_attn, cross.key_value.weight)
        _conv(block.crossattention.c_proj, cross.out.weight)
        _conv(block.mlp.c_fc, mine.mlp.up.weight, mine.mlp.up.bias)
        _conv(block.mlp.c_proj, mine.mlp.down.weight, mine.mlp.down.bias)
    return theirs.to(device)


def _conv(target: torch.nn.Module, weight: Tensor, bias: Tensor | None = None) -> None:
    target.weight.data.copy_(weight.T)
    target.bias.data.copy_(torch.zeros(len(weight)) if bias is None else bias)


def images(device: str) -> Tensor:
    return torch.randn(ROWS, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1)).to(device)


@torch.inference_mode()
def caption(model: TextDecoder, memory: Tensor) -> list[list[int]]:
    prefixes = torch.tensor([PREFIX] * len(memory), device=memory.device)
    lengths = torch.full((len(memory),), len(PREFIX), device=memory.device)
    features, state = model.prefill(model.start(memory), prefixes, lengths)
    return generate(
        model, state, model.logits(features), BeamSearch(num_beams=BEAMS, alpha=0.0, ends="beams"), NEW
    ).best()


@torch.inference_mode()
def caption_by_transformers(model: GPT2LMHeadModel, memory: Tensor) -> list[list[int]]:
    tokens = torch.tensor([[0, *PREFIX]] * len(memory), device=memory.device)
    found = model.generate(
        input_ids=tokens, attention_mask=torch.ones_like(tokens), encoder_hidden_states=memory, num_beams=BEAMS,
        do_sample=False, max_new_tokens=NEW, length_penalty=0.0, early_stopping=False, use_cache=True,
    )  # fmt: skip
    return [[token for token in row if token > 1] for row in found[:, tokens.shape[1] :].tolist()]


def prepared(which: str, device: str) -> Callable[[], object]:
    """One of the two, ready to be called."""
    ours, memory = decoder(device), images(device)
    if which == "motet":
        return partial(caption, ours, memory)
    return partial(caption_by_transformers, gpt2(ours, device), memory)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    parts = {name: prepared(name, args.device) for name in ("transformers", "motet")}
    theirs, ours = (parts[name]() for name in ("transformers", "motet"))
    assert ours == theirs, "the two give different captions; a ratio of times would mean nothing"
    times = in_turns(parts, repeats=args.repeats)
    faster = ratio(times["transformers"], times["motet"])
    peaks = {name: f"{peak_mib(prepared, name, args.device):.0f}" if args.device == "cpu" else "-" for name in parts}
    lengths = sorted(len(words) + 1 for words in ours)
    notes = [
        f"Beam search with {BEAMS} beams, {ROWS} images of {TOKENS} tokens, a decoder of {DEPTH} layers, width "
        f"{WIDTH}, {WORDS} words. Both hold the same weights and gave the same {ROWS} captions ({lengths[0]} to "
        f"{lengths[-1]} tokens, median {lengths[len(lengths) // 2]}). Measured in turns, {args.repeats} times: median "
        f"(least to most). {machine()}.",
        f"motet is {faster[0]:.2f} times faster a caption ({faster[1]:.2f} to {faster[2]:.2f} over the turns); 1.5 is "
        "required.",
    ]
    rows = [
        (name, str(times[name]), f"{times[name].median / ROWS * 1e3:.2f}", peaks[name])
        for name in ("motet", "transformers")
    ]
    write_table(
        "bench_beam",
        "Beam search against transformers",
        notes,
        ["", f"{ROWS} captions", "ms a caption", "peak memory, MiB"],
        rows,
        [Goal("beam search, times faster than transformers", faster[0], at_least=1.5)],
    )


if __name__ == "__main__":
    main()
