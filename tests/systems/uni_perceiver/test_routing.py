"""Gates: the properties that their choice depends on, noise, and contexts."""

import pytest
import torch
from toy_uni_perceiver import ROUTINGS

from motet.nn.experts import Dispatched, Merged
from motet.systems.uni_perceiver import Experts
from motet.systems.uni_perceiver.attributes import image_attributes, target_attributes, text_attributes
from motet.systems.uni_perceiver.routing import Gate, routing_key
from motet.systems.uni_perceiver.sequences import Span
from motet.systems.uni_perceiver.token_kinds import TokenKind

IMAGE = image_attributes(text_inputs=True)
KINDS = {
    "image a": TokenKind("a", IMAGE),
    "image b": TokenKind("b", IMAGE),
    "text a": TokenKind("a", text_attributes(visual_inputs=True)),
    "causal a": TokenKind("a", text_attributes(visual_inputs=True, causal=True)),
    "target a": TokenKind("a", target_attributes(text_inputs=True)),
}


def gate_of(routing: str, **options) -> Gate:
    torch.manual_seed(0)
    return Gate(Experts(routing=routing, num_experts=4, **options), 8, 2, ("a", "b"))


def groups(routing: str) -> list[set[str]]:
    """Returns the kinds with the same key."""
    found: dict = {}
    for name, kind in KINDS.items():
        found.setdefault(routing_key(routing, kind), set()).add(name)
    return list(found.values())


def test_kinds_with_the_same_key() -> None:
    assert groups("task") == [{"image a", "text a", "causal a", "target a"}, {"image b"}]
    assert groups("modality") == [{"image a", "image b"}, {"text a", "causal a", "target a"}]
    assert groups("attribute") == [{"image a", "image b"}, {"text a"}, {"causal a"}, {"target a"}]


@pytest.mark.parametrize("routing", ["token", "context"])
def test_routing_by_the_data_has_no_key_and_no_kinds(routing) -> None:
    with pytest.raises(TypeError, match=f"got '{routing}' routing"):
        routing_key(routing, KINDS["text a"])
    with pytest.raises(TypeError, match=f"got '{routing}' routing"):
        gate_of(routing).of_kinds([KINDS["text a"]])


@pytest.mark.parametrize("routing", ROUTINGS)
def test_a_decision_per_token_or_per_run_of_one_kind(routing) -> None:
    gate, x = gate_of(routing).eval(), torch.randn(2, 5, 8)
    spans = (Span(2, KINDS["image a"]), Span(1, KINDS["text a"]), Span(2, KINDS["image b"]))
    decision = gate(x, spans, None, gate.context(x, None))
    if routing in ("token", "context"):
        assert isinstance(decision, Dispatched)
        assert decision.gates.experts.shape == (2, 5, 2)
        return
    assert isinstance(decision, Merged)
    rows = {"modality": (0, 1, 0), "attribute": (0, 1, 0), "task": (0, 0, 1)}[routing]
    assert decision.runs == tuple(zip((2, 1, 2), rows, strict=True))
    assert len(decision.gates.experts) == 2


def test_noise_is_added_in_training_alone() -> None:
    gate, kinds = gate_of("attribute", noise=8.0), list(KINDS.values())
    drawn = {tuple(gate.of_kinds(kinds).experts.flatten().tolist()) for _ in range(10)}
    assert len(drawn) > 1
    gate.eval()
    assert len({tuple(gate.of_kinds(kinds).experts.flatten().tolist()) for _ in range(10)}) == 1


def test_only_routing_by_context_pools_one_and_never_over_masked_tokens() -> None:
    x = torch.randn(2, 4, 8)
    assert all(gate_of(routing).context(x, None) is None for routing in ROUTINGS if routing != "context")
    gate, mask = gate_of("context").eval(), torch.tensor([[True, True, True, False]] * 2)
    changed = x.clone()
    changed[:, 3] += torch.randn(8)
    assert torch.allclose(gate.context(x, mask), gate.context(changed, mask), atol=1e-6)
    assert not torch.allclose(gate.context(x, None), gate.context(changed, None))
