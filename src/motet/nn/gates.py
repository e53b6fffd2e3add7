"""Gates of a mixture of experts: the k best experts of each token, and the routers that score experts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError
from motet.nn.parameter_names import parameter_name


@dataclass(frozen=True)
class Gates:
    """The chosen experts of rows of tokens, with their weights.

    Args:
        experts: indices of the k best of each row, best first.
        weights: of the chosen experts.
        probabilities: of all experts, chosen or not.
    """

    experts: Int[Tensor, "*r k"]
    weights: Float[Tensor, "*r k"]
    probabilities: Float[Tensor, "*r e"]

    @property
    def num_experts(self) -> int:
        """The number of experts to choose from."""
        return self.probabilities.shape[-1]

    def dense(self) -> Float[Tensor, "*r e"]:
        """Returns the weights of all experts; zero for those not chosen."""
        return torch.zeros_like(self.probabilities).scatter(-1, self.experts, self.weights)

    def part(self, start: int, stop: int) -> Gates:
        """Returns the gates of places start to stop along the last axis of the rows."""
        cut = (..., slice(start, stop), slice(None))
        return Gates(self.experts[cut], self.weights[cut], self.probabilities[cut])


def check_k(k: int, num_experts: int, where: str) -> None:
    """Raises ConfigError unless 1 <= k <= num_experts."""
    if not 1 <= k <= num_experts:
        raise ConfigError(f"{where}.k: got {k} of {num_experts} experts; want from 1 to {num_experts}")


def best_of(logits: Float[Tensor, "*r e"], k: int, *, normalize: bool = True) -> Gates:
    """Returns the k most likely experts of each row.

        G = top_k(softmax(logits)), divided by its sum where k > 1 and `normalize`

    Source: Uni-Perceiver-MoE, equation 3, which does not normalise; its official code does, for k of 2 or more.

    Args:
        logits: with any noise already added.
        k: number of experts per row.
        normalize: whether the weights of the k sum to 1.

    Raises:
        ConfigError: k below 1 or above the number of experts.

    Examples:
        >>> best_of(torch.tensor([[0.0, 2.0, 2.0, -1.0]]), 2).weights.tolist()
        [[0.5, 0.5]]
    """
    check_k(k, logits.shape[-1], "gates")
    probabilities = logits.float().softmax(-1)
    weights, experts = probabilities.topk(k, dim=-1)
    if normalize and k > 1:
        weights = weights / weights.sum(-1, keepdim=True)
    return Gates(experts, weights, probabilities)


def with_noise(logits: Float[Tensor, "*r e"], noise: float) -> Float[Tensor, "*r e"]:
    """Returns logits plus normal noise of standard deviation noise / e, so that other experts are explored.

    Source: Riquelme et al., "Scaling Vision with Sparse Mixture of Experts" (V-MoE), NeurIPS 2021, section 2.1.
    """
    return logits + torch.randn_like(logits) * (noise / logits.shape[-1]) if noise else logits


def load_balance(gates: Gates, valid: Bool[Tensor, "*r"] | None = None) -> Float[Tensor, ""]:
    """Returns the load-balancing loss: 1 if all experts are used equally, up to the number of experts.

        e sum over experts of f P        f: fraction of the choices of an expert, P: its mean probability

    Source: Fedus et al., "Switch Transformers", JMLR 2022, equations 4 to 6, for more than one choice per token.

    Args:
        gates: of tokens.
        valid: True at real tokens; None for all.

    Examples:
        >>> round(float(load_balance(best_of(torch.eye(4), 1))), 4)
        1.0
    """
    experts, probabilities = gates.experts, gates.probabilities
    if valid is not None:
        experts, probabilities = experts[valid], probabilities[valid]
    num = gates.num_experts
    share = torch.bincount(experts.flatten(), minlength=num).float() / max(1, experts.numel())
    found: Tensor = num * (share * probabilities.reshape(-1, num).mean(0)).sum()
    return found


class Scores(nn.Module):
    """A router's output layer, from a representation of the token to logits: one matrix, without bias, in 32 bits.

    Args:
        width: channels of the representation.
        num_experts: number of logits.
    """

    def __init__(self, width: int, num_experts: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, num_experts, bias=False)

    def scores(self, x: Float[Tensor, "*r d"]) -> Float[Tensor, "*r e"]:
        """Returns the logits W x."""
        with torch.autocast(x.device.type, enabled=False):
            return F.linear(x.float(), self.out.weight.float())


class TokenScores(Scores):
    """Routing by the token itself: R(x) = x.

    Source: Uni-Perceiver-MoE, equation 5.
    """

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n e"]:
        return self.scores(x)


class ContextScores(Scores):
    """Routing by the token and a summary of its sequence: R(x) = concat(x, attnpool(X)).

    The summary is the attention of the mean token to itself and all tokens, as in CLIP's attention pooling, but without
    positions, since sequences have any length.

    Source: Uni-Perceiver-MoE, equation 6; Radford et al., "CLIP", 2021, section 2.4.

    Args:
        width: of tokens.
        heads: of the pooling.
        num_experts: number of logits.
    """

    def __init__(self, width: int, heads: int, num_experts: int) -> None:
        super().__init__(2 * width, num_experts)
        self.heads = heads
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.pooled = nn.Linear(width, width)

    def pool(self, x: Float[Tensor, "b n d"], valid: Bool[Tensor, "b n"] | None) -> Float[Tensor, "b d"]:
        """Returns the summary of each sequence.

        Args:
            x: tokens.
            valid: True at real tokens; None for all.
        """
        b, n, d = x.shape
        real = x.new_ones(b, n, 1) if valid is None else valid[..., None].to(x.dtype)
        mean = (x * real).sum(1, keepdim=True) / real.sum(1, keepdim=True).clamp(min=1)
        query = self.query(mean).view(b, 1, self.heads, -1).transpose(1, 2)
        key, value = self.key_value(torch.cat([mean, x], 1)).view(b, n + 1, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        readable = None if valid is None else F.pad(valid, (1, 0), value=True)[:, None, None]
        attended = F.scaled_dot_product_attention(query, key, value, readable)
        summary: Tensor = self.pooled(attended.transpose(1, 2).reshape(b, d))
        return summary

    def forward(self, x: Float[Tensor, "b n d"], summary: Float[Tensor, "b d"]) -> Float[Tensor, "b n e"]:
        return self.scores(torch.cat([x, summary[:, None].expand_as(x)], -1))


class NamedScores(Scores):
    """Routing by name (modality or task): R = embed(name).

    Source: Uni-Perceiver-MoE, equations 7 and 8.

    Args:
        names: all of them.
        width: of the embeddings.
        num_experts: number of logits.
    """

    def __init__(self, names: Sequence[str], width: int, num_experts: int) -> None:
        super().__init__(width, num_experts)
        self.rows = nn.ParameterDict({parameter_name(name): nn.Parameter(torch.randn(width)) for name in names})

    def forward(self, names: Sequence[str]) -> Float[Tensor, "r e"]:
        return self.scores(torch.stack([self.rows[parameter_name(name)] for name in names]))


class AttributeScores(Scores):
    """Routing by binary attributes of a token: R = norm(W attributes + bias).

    Source: Uni-Perceiver-MoE, equation 9; the bias is the official code's.

    Args:
        num_attributes: of a token.
        width: of their embedding.
        num_experts: number of logits.
    """

    def __init__(self, num_attributes: int, width: int, num_experts: int) -> None:
        super().__init__(width, num_experts)
        self.attributes, self.norm = nn.Linear(num_attributes, width), nn.LayerNorm(width)

    def forward(self, attributes: Float[Tensor, "r a"]) -> Float[Tensor, "r e"]:
        return self.scores(self.norm(self.attributes(attributes)))
