"""The system gives what transformers gives by hand with the same weights, and trains only what its modes say."""

import io
from dataclasses import replace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from tiny_vlms import folder
from torch import nn
from toy_vlm import ASKED, LABEL, MATCH, NAMES, ROWS, TEXT, batch, png, task, vlm
from transformers import AutoModelForImageTextToText, AutoProcessor

from motet.core import Boxes, Dense, Match, UnsupportedTask
from motet.hub.load import load_system, save_pretrained
from motet.nn.lora import LoRA
from motet.nn.tower import Finetune, Frozen

CAPTION = "it is all red"
families = pytest.mark.parametrize("family", ["idefics3", "llava", "paligemma", "smolvlm"])


class ByHand:
    """A model and its processor as transformers' own documentation uses them."""

    def __init__(self, family: str) -> None:
        self.model = AutoModelForImageTextToText.from_pretrained(folder(family)).eval()
        self.processor = AutoProcessor.from_pretrained(folder(family))
        self.family = family

    def inputs(self, prompt: str) -> dict[str, Any]:
        image = Image.open(io.BytesIO(png("red")))
        if self.family == "paligemma":
            text, images = f"<image>{prompt}", [image]
        else:
            text, images = f"User: <image>{prompt}\nAssistant: ", [image]
        found = self.processor(
            text=[text], images=[images] if self.family in ("idefics3", "smolvlm") else images, return_tensors="pt"
        )
        return {name: value for name, value in found.items() if name != "labels"}

    def output(self, prompt: str, answer: str) -> tuple[Any, int]:
        """Logits and loss of an answer, and the number of tokens before it."""
        inputs = self.inputs(prompt)
        words = self.processor.tokenizer
        ids = torch.tensor([[*words(answer, add_special_tokens=False)["input_ids"], words.eos_token_id]])
        start = inputs["input_ids"]
        inputs["input_ids"] = torch.cat([start, ids], 1)
        inputs["labels"] = torch.cat([torch.full_like(start, -100), ids], 1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        if "token_type_ids" in inputs:
            inputs["token_type_ids"] = torch.cat([torch.zeros_like(start), torch.ones_like(ids)], 1)
        with torch.no_grad():
            return self.model(**inputs), start.shape[1]


@families
def test_loss_scores_and_words_equal_those_of_transformers_by_hand(family: str) -> None:
    by_hand, system = ByHand(family), vlm(family).eval()
    # Other rows with longer prompts and other images are in the batch: they may change nothing.
    rows = batch(system)
    with torch.no_grad():
        losses = system.losses(batch(system, ROWS[:1]))
    assert float(losses.tasks["caption"].total) == pytest.approx(
        float(by_hand.output("caption", CAPTION)[0].loss), 1e-5
    )
    want = float(by_hand.output("what colour is it", "red")[0].loss)
    assert float(losses.tasks["asked"].total) == pytest.approx(want, 1e-5)
    predictions = system.predict(rows)
    scores = []
    for name in NAMES:
        out, start = by_hand.output("label", name)
        length = out.logits.shape[1] - start
        scores.append(-float(out.loss) * length)
    assert predictions["label"][0].scores == pytest.approx(scores, abs=1e-4)
    inputs = by_hand.inputs("caption")
    generated = by_hand.model.generate(**inputs, max_new_tokens=12, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    text = by_hand.processor.tokenizer.decode(generated, skip_special_tokens=True)
    assert predictions["caption"][0].text == " ".join(text.split())


@families
def test_only_the_answer_and_its_end_are_in_the_loss(family: str) -> None:
    """Each token by hand: the prompt with its placeholders is not counted, the answer and its end are."""
    system = vlm(family, TEXT, ASKED)
    value = batch(system).targets["asked"].value
    words = system.processor.conversation.processor.tokenizer
    for ids, counted, name in zip(value["tokens"], value["counted"], NAMES, strict=True):
        answer = [*words(name, add_special_tokens=False)["input_ids"], words.eos_token_id]
        start = ids.tolist().index(3)  # the first placeholder
        assert ids[counted].tolist() == answer
        assert not counted[: start + system.processor.conversation.image_tokens].any()
        prompt = words.decode(ids[: int(counted.nonzero()[0])], skip_special_tokens=True)
        assert "what colour is it" in prompt
        assert prompt.endswith("\n" if family == "paligemma" else "Assistant: ")


@torch.no_grad()
def test_a_longer_neighbour_changes_no_loss() -> None:
    system = vlm("llava", ASKED).eval()
    alone = float(system.losses(batch(system, ROWS[:1])).tasks["asked"].total)
    longer = replace(ROWS[1], text="what colour is it all " * 5)
    both = batch(system, [ROWS[0], longer])
    per_row = [float(system.losses(batch(system, [row])).tasks["asked"].total) for row in (ROWS[0], longer)]
    assert per_row[0] == pytest.approx(alone)
    assert float(system.losses(both).tasks["asked"].total) == pytest.approx(sum(per_row), 1e-5)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")
def test_lora_trains_as_peft_does_by_hand() -> None:
    system = vlm("idefics3", TEXT, language=LoRA(rank=4, modules=("q_proj", "v_proj")), connector=Frozen())
    model = AutoModelForImageTextToText.from_pretrained(folder("idefics3"))
    config = LoraConfig(r=4, lora_alpha=8, target_modules=r".*text_model.*\.(q_proj|v_proj)")
    by_hand = get_peft_model(model, config)
    own = {n: p for n, p in system.named_parameters() if p.requires_grad}
    theirs = {n: p for n, p in by_hand.named_parameters() if p.requires_grad}
    assert len(own) == len(theirs) == 8
    with torch.no_grad():  # equal starts
        for (_, mine), (_, other) in zip(sorted(own.items()), sorted(theirs.items()), strict=True):
            other.copy_(mine)
    system.train(), by_hand.train()
    rows = batch(system, ROWS[:1])
    value = rows.targets["caption"].value
    labels = value["tokens"].masked_fill(~value["counted"], -100)
    optimizers = [torch.optim.SGD(list(found.values()), lr=1.0) for found in (own, theirs)]
    for _ in range(5):
        mine = system.losses(rows).tasks["caption"].total
        other = by_hand(
            input_ids=value["tokens"], pixel_values=rows.inputs["pixels"][:, None], labels=labels,
            attention_mask=torch.ones_like(labels),
        ).loss  # fmt: skip
        assert float(mine.detach()) == pytest.approx(float(other.detach()), 1e-5)
        for optimizer, loss in zip(optimizers, (mine, other), strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for (_, mine), (_, other) in zip(sorted(own.items()), sorted(theirs.items()), strict=True):
        assert torch.allclose(mine, other, atol=1e-5)
    assert any(float(p.detach().abs().max()) > 0 for n, p in own.items() if "lora_B" in n)


def test_each_part_is_trained_as_its_mode_says() -> None:
    system = vlm("llava", TEXT, mode=Frozen(), connector=Finetune(1.0), language=LoRA(rank=2))
    groups = {group["name"].removesuffix("_plain") for group in system.parameter_groups()}
    assert groups == {"connector", "language"}
    assert set(system.shared_blocks()) == {"connector", "language"}
    assert all("lora_" in n for n, p in system.named_parameters() if p.requires_grad and "language" in n)
    assert not any(p.requires_grad for p in system.model.get_output_embeddings().parameters())


def test_saved_with_adapters_and_loaded_it_answers_the_same(tmp_path) -> None:
    system = vlm("paligemma", LABEL, TEXT, MATCH, language=LoRA(rank=2))
    for name, parameter in system.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.2)
    before = system.eval().predict(batch(system))
    save_pretrained(system, tmp_path / "saved")
    assert load_system(tmp_path / "saved").predict(batch(system)) == before


@pytest.mark.parametrize(
    "target",
    [Dense(1, "metre"), Boxes(NAMES, ("big",)), Match("images"), Match("texts", "split")],
    ids=lambda t: type(t).__name__,
)
def test_what_it_cannot_answer_is_refused_in_one_line(target: Any) -> None:
    with pytest.raises(UnsupportedTask, match=r"task 'other': a vision-language model .*: got .*; want [^\n]*$"):
        vlm("llava", task("other", target, "x"))
