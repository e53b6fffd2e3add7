"""Tasks on an image and a text: entailment, referring, pointing, verification; and texts alone or alone read."""

import pytest

from motet.core import Example, Label, Masked, Match, Region, Text
from motet.tasks import masked_words, pointing, referring, text_reading, verification, visual_entailment


@pytest.mark.parametrize("make", [visual_entailment, referring, pointing, verification, masked_words])
def test_prompts_are_templates_and_images_are_not_changed(make) -> None:
    task = make("t", prompt="say: {text}")
    assert task.prompt_for(Example(id="r", images=(), image_ids=("i",), text="hello")) == "say: hello"
    assert task.name == "t"
    assert (task.invariant, task.equivariant) == (frozenset(), frozenset())


def test_turns_of_a_dialog_are_joined() -> None:
    example = Example(id="r", images=(), image_ids=("i",), text=("is it red? no", "is it a cat? yes"))
    assert pointing().prompt_for(example) == "is it red? no is it a cat? yes"


@pytest.mark.parametrize(("task", "target", "inputs"), [
    (visual_entailment(names=("no", "yes")), Label(("no", "yes")), {"image", "text"}),
    (referring(), Region(), {"image", "text"}), (pointing(), Match("regions", "row"), {"image", "text", "regions"}),
    (verification(), Label(("false", "true")), {"image", "text"}), (masked_words(), Masked("words"), {"text"}),
    (text_reading(max_words=3), Text(3), {"image"}),
])  # fmt: skip
def test_targets_and_inputs(task, target, inputs) -> None:
    assert (task.target, task.inputs) == (target, inputs)


def test_entailment_is_cropped_only_on_request_and_text_never() -> None:
    assert visual_entailment(crop=True).invariant == {"crop"}
    assert text_reading().invariant == frozenset()
