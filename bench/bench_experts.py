"""Conditional experts against the dense model of the same width: training and inference, in one run.

python bench/bench_experts.py
python bench/bench_experts.py --device cuda --precision bfloat16
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

from measure import Goal, Timing, in_turns, machine, peak_mib, ratio, write_table
from motet.nn.experts import ConditionalLinear, Dispatched
from motet.nn.gates import Gates, TokenScores, best_of
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.uni_perceiver.attributes import image_attributes, text_attributes
from motet.systems.uni_perceiver.config import UniPerceiverConfig
from motet.systems.uni_perceiver.encoder import UnifiedEncoder
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.systems.uni_perceiver.options import Blocks, EncoderSize, Experts, Patches
from motet.systems.uni_perceiver.sequences import Span, TokenSequences
from motet.systems.uni_perceiver.token_kinds import TokenKind
from motet.tasks import captioning, classification

EXPERTS, K = 8, 2
IMAGE, TEXT = 65, 63  # tokens of a row: 128 in all
TARGET_RATIO = {"attribute": 1.15, "task": 1.15, "token": 1.25}
"""How many times the dense model's forward and backward a routing may take; for tokens, times its arithmetic."""


@dataclass(frozen=True)
class Setting:
    """What is measured on.

    Args:
        width: channels.
        depth: layers, every other of which has experts.
        rows: sequences of a step, of 128 tokens each.
        device: where.
        precision: of matrix products: "float32" or "bfloat16".
    """

    width: int
    depth: int
    rows: int
    device: str
    precision: str

    @property
    def sizes(self) -> EncoderSize:
        return EncoderSize(self.width, self.depth, max(1, self.width // 64), 4 * self.width)

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == "bfloat16")


BLOCKS: dict[str, Blocks] = {
    "dense": None,
    **{routing: Experts(routing=routing, num_experts=EXPERTS, k=K) for routing in ("attribute", "task", "token")},
}


def system(of: Setting, blocks: Blocks) -> UniPerceiver:
    """A model of two tasks; nothing is dropped."""
    torch.manual_seed(0)
    config = UniPerceiverConfig(
        sizes=of.sizes, blocks=blocks, tokenizer=TrainedTokenizer(size=300), patches=Patches(size=128),
        layer_scale=None, drop_path=0.0, initial_std=None,
    )  # fmt: skip
    tasks = (captioning("caption"), classification("kind", ("a cat", "a dog")))
    built = UniPerceiver(config, tasks, texts=lambda: ["a cat and a dog"])
    with torch.no_grad():
        # Experts that are alike would make any routing look right.
        for module in built.modules():
            if isinstance(module, ConditionalLinear):
                module.weight.add_(torch.randn_like(module.weight) * 0.02)
    return built.to(of.device)


def sequences(of: Setting) -> TokenSequences:
    """Returns rows of an image and a generated caption."""
    spans = (
        Span(IMAGE, TokenKind("caption", image_attributes(text_inputs=True))),
        Span(TEXT, TokenKind("caption", text_attributes(visual_inputs=True, causal=True))),
    )
    x = torch.randn(of.rows, IMAGE + TEXT, of.width, generator=torch.Generator().manual_seed(1)).to(of.device)
    return TokenSequences(x.requires_grad_(), spans)


def training(of: Setting, encoder: UnifiedEncoder, batch: TokenSequences) -> Callable[[], None]:
    """Forward and backward of a step."""

    def step() -> None:
        encoder.zero_grad()
        with of.autocast():
            states = encoder(batch).states
        states.float().square().mean().backward()

    return step


def inference(of: Setting, encoder: UnifiedEncoder, batch: TokenSequences) -> Callable[[], Tensor]:
    """Forward alone, as an answer takes it."""

    def step() -> Tensor:
        with torch.inference_mode(), of.autocast():
            states: Tensor = encoder(batch).states
            return states

    return step


def one_step(of: Setting, name: str) -> Callable[[], None]:
    """A training step of one kind of blocks, in a process of its own."""
    return training(of, system(of, BLOCKS[name]).train().encoder, sequences(of))


def arithmetic(of: Setting) -> float:
    """How many times the dense model's products routing by token takes: K times those of the layers with experts.

    A token has 4 d^2 products in attention's projections and 8 d^2 in the feed-forward part, and 2 n d in attention.
    """
    projections, attention = 12 * of.width**2, 2 * (IMAGE + TEXT) * of.width
    with_experts = -(-of.depth // 2)
    dense = of.depth * (projections + attention)
    return (dense + with_experts * ((K - 1) * projections + EXPERTS * of.width)) / dense


def plain_loop(layer: ConditionalLinear, x: Tensor, gates: Gates) -> Tensor:
    """Every expert computes every token, and what was not chosen counts nothing."""
    weights = gates.dense()
    parts = zip(layer.weight, layer.bias, strict=True)
    return sum((weights[..., e, None] * F.linear(x, w, b) for e, (w, b) in enumerate(parts)), torch.zeros(()))


@contextlib.contextmanager
def counting() -> Iterator[list[int]]:
    """The rows of every matrix product that is called meanwhile."""
    rows: list[int] = []
    real = F.linear

    def counted(x: Tensor, *args: Tensor) -> Tensor:
        rows.append(x.shape[:-1].numel())
        return real(x, *args)

    with mock.patch("torch.nn.functional.linear", counted):
        yield rows


def check_dispatch(of: Setting) -> str:
    """Dispatched tokens against a plain loop over experts, forward and backward, and what each expert computed."""
    torch.manual_seed(2)
    layer = ConditionalLinear(of.width, of.width, EXPERTS)
    nn.init.normal_(layer.weight, std=of.width**-0.5)
    x = torch.randn(of.rows, IMAGE + TEXT, of.width, requires_grad=True)
    gates = best_of(torch.randn(of.rows, IMAGE + TEXT, EXPERTS), K)
    decision = Dispatched(gates)
    with counting() as rows:
        found = layer(x, decision)
    wanted = plain_loop(layer, x, gates)
    apart = float((found - wanted).detach().abs().max())
    upstream = torch.randn_like(found)
    gradients = [torch.autograd.grad(y, [x, layer.weight], upstream, retain_graph=True) for y in (found, wanted)]
    for own, other in zip(*gradients, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)
    chosen = torch.bincount(gates.experts.flatten(), minlength=EXPERTS).tolist()
    if apart > 1e-5 or rows != chosen:
        raise SystemExit(f"dispatch: {apart:.1e} from a plain loop; experts computed {rows} tokens of {chosen}")
    return (
        f"Against a plain loop over experts the outputs differ by {apart:.0e} at most. The experts computed "
        f"{', '.join(map(str, rows))} tokens: those that were routed to each, {K} times {of.rows * (IMAGE + TEXT):,} "
        "in all."
    )


class Ours(nn.Module):
    """A feed-forward part with experts by token, as in a layer of the encoder."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = TokenScores(width, EXPERTS)
        self.up, self.down = ConditionalLinear(width, hidden, EXPERTS), ConditionalLinear(hidden, width, EXPERTS)

    def forward(self, x: Tensor) -> Tensor:
        decision = Dispatched(best_of(self.gate(x), K))
        found: Tensor = self.down(F.gelu(self.up(x, decision)), decision)
        return found


class Theirs(nn.Module):
    """Mixtral's block of `transformers`, with as many parameters: three matrices an expert, two thirds as wide."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        config = MixtralConfig(
            hidden_size=width, intermediate_size=2 * hidden // 3, num_local_experts=EXPERTS, num_experts_per_tok=K
        )
        config._experts_implementation = "grouped_mm" if torch.cuda.is_available() else "eager"
        self.block = MixtralSparseMoeBlock(config)
        for parameter in self.block.parameters():
            nn.init.normal_(parameter, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        found = self.block(x)
        out: Tensor = found[0] if isinstance(found, tuple) else found
        return out


def block_step(of: Setting, block: nn.Module, x: Tensor) -> Callable[[], None]:
    """Forward and backward of a feed-forward part alone."""

    def step() -> None:
        block.zero_grad()
        with of.autocast():
            y = block(x)
        y.float().square().mean().backward()

    return step


def shown(times: dict[str, Timing], name: str, against: str = "dense") -> str:
    """A time, and how many times another."""
    middle, least, most = ratio(times[name], times[against])
    return f"{times[name].median * 1e3:.0f} ms, {middle:.2f} ({least:.2f} to {most:.2f})"


def measured(of: Setting, repeats: int) -> tuple[list[str], list[tuple[str, ...]], list[Goal]]:
    """Notes above the table, its rows, and the goals."""
    built, batch = {name: system(of, blocks) for name, blocks in BLOCKS.items()}, sequences(of)
    train = in_turns(
        {name: training(of, one.train().encoder, batch) for name, one in built.items()}, repeats=repeats
    )  # fmt: skip
    updates: dict[str, Callable[[], object]] = {}
    for name, one in built.items():
        optimizer = torch.optim.AdamW(one.encoder.parameters(), fused=True)
        updates[name] = optimizer.step
    update = in_turns(updates, repeats=repeats)
    merged = {
        f"{name}, merged": built[name].eval().merge_experts("caption").encoder.eval() for name in ("attribute", "task")
    }
    encoders = {name: one.eval().encoder for name, one in built.items()} | merged
    answers = {name: inference(of, encoder, batch) for name, encoder in encoders.items()}
    for name in merged:
        kept = name.removesuffix(", merged")
        # In 16 bits a merged matrix is rounded once more.
        tolerance = 1e-4 if of.precision == "float32" else 0.1
        torch.testing.assert_close(answers[name](), answers[kept](), rtol=tolerance, atol=tolerance)
    infer = in_turns(answers, repeats=repeats)
    memory = {name: f"{peak_mib(one_step, of, name):.0f}" for name in BLOCKS} if of.device == "cpu" else {}
    rows: list[tuple[str, ...]] = []
    for name in encoders:
        trained = name in built
        count = sum(p.numel() for p in encoders[name].parameters()) / 1e6
        rows.append(
            (
                name,
                f"{count:.1f} M",
                shown(train, name) if trained else "",
                shown(update, name) if trained else "",
                shown(infer, name),
                memory.get(name, ""),
            )
        )
    most = arithmetic(of)
    verdict = "; ".join(
        f"{name} {ratio(train[name], train['dense'])[0]:.2f} of {limit * (most if name == 'token' else 1):.2f}"
        for name, limit in TARGET_RATIO.items()
    )
    goals = [
        Goal(
            f"experts by {name}, a step, of the dense model's time",
            ratio(train[name], train["dense"])[0],
            at_most=limit * (most if name == "token" else 1),
        )
        for name, limit in TARGET_RATIO.items()
    ]
    slowest = max(ratio(infer[name], infer["dense"])[0] for name in merged)
    said = [
        f"Forward and backward, times the dense model's, of what is asked for at most: {verdict} (routing by token "
        f"takes {most:.2f} times the products). Merged inference: {slowest:.2f} of 1.02.",
    ]
    goals.append(Goal("merged experts, answers, of the dense model's time", slowest, at_most=1.02))
    return said, rows, goals


def against_theirs(of: Setting, repeats: int) -> str:
    """Experts by token beside Mixtral's block of equal size."""
    torch.manual_seed(3)
    x = torch.randn(of.rows, IMAGE + TEXT, of.width, device=of.device, requires_grad=True)
    blocks = {"motet": Ours(of.width, 4 * of.width), "transformers": Theirs(of.width, 4 * of.width)}
    counts = {name: sum(p.numel() for p in block.parameters()) / 1e6 for name, block in blocks.items()}
    times = in_turns(
        {name: block_step(of, block.to(of.device), x) for name, block in blocks.items()}, repeats=repeats
    )  # fmt: skip
    middle, least, most = ratio(times["motet"], times["transformers"])
    return (
        f"A feed-forward part with experts by token ({counts['motet']:.2f} M parameters) beside the Mixtral block of "
        f"`transformers` ({counts['transformers']:.2f} M), forward and backward: {times['motet']} against "
        f"{times['transformers']}: {middle:.2f} of its time ({least:.2f} to {most:.2f})."
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--rows", type=int, default=64, help="of 128 tokens each")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    of = Setting(args.width, args.depth, args.rows, args.device, args.precision)
    checked = check_dispatch(of)
    verdict, rows, goals = measured(of, args.repeats)
    said = [
        f"{of.depth} layers, width {of.width}, {EXPERTS} experts in every other layer, k = {K}, "
        f"{of.rows * (IMAGE + TEXT):,} tokens a step (rows of {IMAGE} of a picture and {TEXT} of a text), "
        f"{of.precision}. Measured in turns, {args.repeats} times: median, and times the dense model's (least to "
        f"most). Memory is what a step adds at its peak, in MiB. {machine()}.",
        *verdict,
        checked,
        against_theirs(of, args.repeats),
        "The paper's table 3 has 1.4 times for attributes and 1.8 for tokens in training, 1.0 and 2.2 in inference.",
    ]
    columns = ["", "parameters", "forward + backward", "optimiser", "inference", "memory"]
    name = "bench_experts" if args.device == "cpu" else "bench_experts_gpu"
    write_table(name, "Conditional experts against a dense model", said, columns, rows, goals)


if __name__ == "__main__":
    main()
