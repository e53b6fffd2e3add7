"""UniT's decoder against PyTorch's `nn.TransformerDecoder` of the same size, holding the same weights.

python bench/bench_unit_decoder.py
"""

from __future__ import annotations

import argparse
import os

import torch
from torch import Tensor, nn

from measure import Goal, in_turns, machine, ratio, write_table
from motet.systems.unit.transformer import DetrAttention, DetrDecoder

WIDTH, DEPTH, HEADS, HIDDEN, QUERIES = 768, 6, 8, 2048, 100


def ours(device: str) -> DetrDecoder:
    """The paper's decoder; nothing is dropped, so that both give the same numbers."""
    torch.manual_seed(0)
    return DetrDecoder(DEPTH, WIDTH, HEADS, HIDDEN, dropout=0.0, attention_dropout=0.0).to(device)


def theirs(own: DetrDecoder, device: str) -> nn.TransformerDecoder:
    """PyTorch's, with the same weights; its attention is scaled-dot-product attention."""
    layer = nn.TransformerDecoderLayer(WIDTH, HEADS, HIDDEN, dropout=0.0, batch_first=True)
    built = nn.TransformerDecoder(layer, DEPTH, nn.LayerNorm(WIDTH)).to(device)
    built.norm.load_state_dict(own.norm.state_dict())
    for target, mine in zip(built.layers, own.layers, strict=True):
        _fill(target.self_attn, mine.self_attention)
        _fill(target.multihead_attn, mine.cross_attention)
        target.linear1.load_state_dict(mine.mlp.up.state_dict())
        target.linear2.load_state_dict(mine.mlp.down.state_dict())
        for name in ("norm1", "norm2", "norm3"):
            getattr(target, name).load_state_dict(getattr(mine, name).state_dict())
    return built


def _fill(target: nn.MultiheadAttention, mine: DetrAttention) -> None:
    parts = (mine.query, mine.key, mine.value)
    target.in_proj_weight.data.copy_(torch.cat([part.weight for part in parts]))
    target.in_proj_bias.data.copy_(torch.cat([part.bias for part in parts]))
    target.out_proj.load_state_dict(mine.out.state_dict())


def step(model: nn.Module, states: Tensor) -> None:
    """Back from the sum of squares of the last layer's states."""
    model.zero_grad()
    states.square().sum().backward()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--places", type=int, default=1000, help="of the memory; an image of 800 x 1066 has 3,350")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    own = ours(args.device)
    other = theirs(own, args.device)
    memory = torch.randn(args.rows, args.places, WIDTH, device=args.device, requires_grad=True)
    # PyTorch's adds no embedding to what asks and no position to what is read: here both are zero.
    queries = torch.zeros(QUERIES, WIDTH, device=args.device)
    positions = torch.zeros(1, args.places, WIDTH, device=args.device)
    start = torch.zeros(args.rows, QUERIES, WIDTH, device=args.device)

    def run_ours() -> None:
        step(own, own(queries, memory, positions)[-1])

    def run_theirs() -> None:
        step(other, other(start, memory))

    requested = torch.randn(args.rows, QUERIES, WIDTH, device=args.device)
    with torch.no_grad():
        x = requested
        for layer in own.layers:
            x = layer(x, queries[None], memory, memory, None)
        torch.testing.assert_close(own.norm(x), other(requested, memory), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(own(queries, memory, positions)[-1], other(start, memory), rtol=1e-3, atol=1e-3)
    times = in_turns({"motet": run_ours, "torch": run_theirs}, repeats=args.repeats)
    found = ratio(times["motet"], times["torch"])
    notes = [
        f"A decoder of {DEPTH} layers, width {WIDTH}, {HEADS} heads, {HIDDEN} hidden channels, {QUERIES} queries, "
        f"{args.rows} rows of {args.places:,} places, forward and backward in float32; same weights, same states. "
        f"Measured in turns, {args.repeats} times: median (least to most). {machine()}.",
        f"motet takes {found[0]:.3f} of PyTorch's time ({found[1]:.3f} to {found[2]:.3f} over the turns); at most "
        "1.05 is required. It also gives the normed states of all layers, and adds positions to keys.",
    ]
    rows = [(name, str(time)) for name, time in times.items()]
    goals = [Goal("UniT's decoder, of PyTorch's time", found[0], at_most=1.05)]
    write_table("bench_unit_decoder", "UniT's decoder against PyTorch's", notes, ["", "a step"], rows, goals)


if __name__ == "__main__":
    main()
