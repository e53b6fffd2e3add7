"""UniT as a whole: supported tasks, counts of losses, predictions, shared blocks, frozen parts."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from motet.core import Answer, ConfigError, DataError, Label, Losses, UnsupportedTask
from motet.data.text_states import TextStates
from motet.nn.tower import Finetune, Frozen
from motet.systems import build_system
from motet.systems.base.text_vectors import TextVectors
from motet.systems.unit import DetectionConfig, FixedSize, ShortestSide, TextLimits

SMALL = ShortestSide(size=32, max_side=64, sizes=(24, 32), sizes_before_crop=(24, 32), crop_side=(16, 28))


def loss_of(losses: Losses) -> torch.Tensor:
    found = [*losses.tasks.values(), *losses.terms.values()]
    return sum(loss.total / loss.weight for loss in found if loss.weight > 0)


def test_every_kind_of_task_has_a_loss_and_a_prediction(make, rows, batch) -> None:
    system = make()
    losses = system.losses(batch(system, [rows(i) for i in range(4)]))
    assert set(losses.tasks) == {"boxes", "vqa", "pair", "entailed", "place"}
    assert set(losses.terms) == {("boxes", term) for term in ("class", "box", "attribute")}
    assert torch.isfinite(loss_of(losses))
    found = system.eval().predict(batch(system, [rows(0), rows(1)]))
    assert [len(answers) for answers in found.values()] == [2] * 5
    boxes = found["boxes"][0]
    assert boxes.boxes_xyxy.shape == (6, 4)
    assert len(boxes.attributes) == 6
    assert all(0 < score < 1 for score in boxes.scores)
    assert found["place"][0].boxes_xyxy.shape == (1, 4)
    assert all(score < 0 for score in found["vqa"][0].scores)
    assert math.isclose(sum(map(math.exp, found["pair"][0].scores)), 1, rel_tol=1e-5)


def test_terms_count_boxes_weighted_queries_and_boxes_with_attributes(make, rows, batch) -> None:
    system = make("boxes")
    examples = [rows(0), rows(1), rows(2)]  # 2, 1 and no boxes
    terms = system.losses(batch(system, examples)).terms
    assert float(terms["boxes", "box"].weight) == 3
    assert float(terms["boxes", "class"].weight) == pytest.approx(3 + 0.1 * (3 * 6 - 3))
    assert float(terms["boxes", "attribute"].weight) == 3


def test_parts_of_a_batch_add_to_the_whole(make, rows, batch) -> None:
    system = make(dropout=0.0, attention_dropout=0.0).eval()
    examples = [rows(i) for i in range(3)]
    whole = system.losses(batch(system, examples))
    parts = [system.losses(batch(system, part)) for part in (examples[:2], examples[2:])]
    for kind in ("tasks", "terms"):
        for key, loss in getattr(whole, kind).items():
            for field in ("total", "weight"):
                got = sum(float(getattr(getattr(part, kind)[key], field).detach()) for part in parts)
                assert got == pytest.approx(float(getattr(loss, field).detach()), abs=1e-3)


def test_images_without_boxes_give_a_finite_loss_and_a_gradient(make, rows, batch) -> None:
    for balanced in (False, True):
        system = make("boxes", detection=DetectionConfig(balanced=balanced))
        losses = system.losses(batch(system, [rows(2), rows(5)]))
        assert float(losses.terms["boxes", "box"].weight) == 0
        loss = loss_of(losses)
        loss.backward()
        assert torch.isfinite(loss)
        assert all(torch.isfinite(p.grad).all() for p in system.parameters() if p.grad is not None)


def test_more_boxes_than_queries_are_matched_as_far_as_they_go(make, rows, batch) -> None:
    system = make("boxes", box_queries=1)
    terms = system.losses(batch(system, [rows(0)])).terms
    assert float(terms["boxes", "box"].weight) == 2
    assert float(terms["boxes", "class"].weight) == 1


def test_padding_changes_nothing(make, maps, rows, batch) -> None:
    """A row alone and in a batch with a larger one has the same states."""
    system = make("boxes", "vqa", config=maps, views=SMALL, mode=Finetune(), residual=False).eval()
    small, large = rows(0, (32, 32)), rows(1, (32, 64))
    alone, together = batch(system, [small]), batch(system, [small, large])
    assert "valid" not in alone.inputs
    assert together.inputs["valid"].shape == (2, 32, 64)
    assert together.inputs["valid"][0].sum() == 32 * 32
    # A trunk's own border differs where zeros follow instead of the end: from the trunk on nothing may.
    trunk = system._trunk_features(together)
    single = (trunk[0][:1].unflatten(1, trunk[1])[:, :, :2].flatten(1, 2), (2, 2), None)
    with torch.no_grad():
        for name in system.tasks:
            got = system.states(name, together.targets[name], trunk)[:, :1]
            assert torch.allclose(got, system.states(name, alone.targets[name], single), atol=1e-4)


def test_predicted_boxes_are_in_pixels_of_the_file(make, maps, rows, batch) -> None:
    for views in (FixedSize(), SMALL):
        system = make("boxes", config=maps, views=views).eval()
        head = system.heads["boxes"].boxes
        torch.nn.init.zeros_(head.layers[-1].weight)
        torch.nn.init.zeros_(head.layers[-1].bias)  # the middle half of every image
        found = system.predict(batch(system, [rows(0, (24, 40)), rows(1, (80, 60))]))["boxes"]
        assert np.allclose(found[0].boxes_xyxy, [10, 6, 30, 18], atol=1e-4)
        assert np.allclose(found[1].boxes_xyxy, [15, 20, 45, 60], atol=1e-4)


def test_separate_decoders_share_nothing(make, rows, batch) -> None:
    system = make("vqa", "pair", shared=False)
    loss = system.losses(batch(system, [rows(0)], ["vqa"])).tasks["vqa"]
    loss.total.backward()
    assert all(p.grad is None for p in system.decoders["pair"].parameters())
    assert not any(name.startswith("decoder") for name in system.shared_blocks())


def test_blocks_are_shared_by_two_tasks_at_least(make) -> None:
    assert make("boxes").shared_blocks() == {}
    assert set(make("boxes", "pair").shared_blocks()) == {"decoder_layer0", "decoder_layer1", "decoder_norm"}
    assert "words" in make("pair", "vqa").shared_blocks()


def test_frozen_parts_get_no_gradient_and_no_dropout_and_task_tokens_stay(make, rows, batch) -> None:
    for frozen in (("vision", "text"), ("vision",), ("decoder",)):
        system = make(frozen=frozen)
        loss_of(system.losses(batch(system, [rows(0), rows(1)]))).backward()
        for part, start in (("vision", "vision.layers.layers."), ("text", "text.tower."), ("decoder", "decoder.")):
            grads = [p.grad for n, p in system.named_parameters() if n.startswith(start)]
            assert all(grad is None for grad in grads) is (part in frozen)
        assert all(token.grad is not None for token in system.vision.layers.tokens.values())
        assert system.vision.layers.layers.training is ("vision" not in frozen)
        system.train()
        assert system.text.tower.encoder.training is ("text" not in frozen)


def test_the_trunk_and_the_text_encoder_have_learning_rates_of_their_own(make, maps) -> None:
    system = make("boxes", "vqa", config=maps, mode=Finetune(0.2), text_mode=Finetune(0.5))
    groups = {group["name"]: group for group in system.parameter_groups()}
    assert {name: group["lr_scale"] for name, group in groups.items()} == {"trunk": 0.2, "text": 0.5, "rest": 1.0}
    assert all(group["decay"] for group in groups.values())


def test_all_layers_or_the_last_one(make, rows, batch) -> None:
    examples = [rows(0), rows(1)]
    values = {}
    for every in (False, True):
        system = make("pair", every_layer=every, dropout=0.0, attention_dropout=0.0).eval()
        values[every] = float(system.losses(batch(system, examples)).tasks["pair"].total.detach())
    assert values[True] > values[False]


def test_the_answer_loss_is_a_choice(make, rows, batch) -> None:
    for answers in ("binary", "softmax"):
        system = make("vqa", answers=answers, dropout=0.0, attention_dropout=0.0).eval()
        torch.nn.init.zeros_(system.heads["vqa"].out.weight)
        torch.nn.init.zeros_(system.heads["vqa"].out.bias)
        loss = system.losses(batch(system, [rows(0)])).tasks["vqa"]
        assert float(loss.total.detach()) == pytest.approx(math.log(2) * (2 if answers == "binary" else 1), abs=1e-5)


def test_a_restored_model_downloads_nothing_and_needs_no_texts(make, rows, batch) -> None:
    system = make().eval()

    def no_texts():
        raise AssertionError("texts were requested")

    again = build_system(system.config, list(system.tasks.values()), texts=no_texts, assets=system.assets())
    again.load_state_dict(system.state_dict())
    examples = [rows(0), rows(1)]
    assert again.eval().predict(batch(again, examples)) == system.predict(batch(system, examples))


def test_stored_features_need_a_fixed_size_and_a_frozen_trunk(make, maps, rows) -> None:
    assert make("boxes", mode=Frozen()).encoder_key() is not None
    ragged = make("boxes", config=maps, mode=Frozen(), views=SMALL)
    assert ragged.encoder_key() is None
    with pytest.raises(ConfigError, match="got ShortestSide; want FixedSize"):
        ragged.processor.view(rows(0).images[0], 0)


def test_unsupported_tasks_are_refused_when_the_system_is_built(make) -> None:
    system = make("vqa", "pair")
    vqa, pair = system.tasks.values()
    for bad, message in (
        (replace(vqa, target=Answer()), "without names"),
        (replace(pair, inputs=frozenset({"video"})), "video"),
        (replace(pair, inputs=frozenset()), "got \\[\\]"),
        (replace(make("boxes").tasks["boxes"], inputs=frozenset({"text"})), "boxes need an image"),
    ):
        with pytest.raises(UnsupportedTask, match=message):
            build_system(system.config, [bad], texts=list)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heads": 5}, "heads: got 5"),
        ({"image_width": 18}, "image_width: got 18"),
        ({"dropout": 1.0}, "dropout: got 1.0"),
        ({"queries": {"vqa": 0}}, "want at least 1 each"),
        ({"queries": {"nobody": 3}}, "nobody"),
        ({"frozen": ("heads",)}, "got \\['heads'\\]"),
        ({"text_limits": TextLimits(max_tokens=4000)}, "4000"),
        ({"answers": "words"}, "want 'binary' or 'softmax'"),
    ],
)
def test_a_bad_option_is_named(make, changes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make("vqa", **changes)


def test_a_batch_of_another_kind_is_named(make, rows, batch) -> None:
    system = make("vqa", "pair")
    given = batch(system, [rows(0)])
    with pytest.raises(DataError, match="without images"):
        system.losses(replace(given, inputs={}))
    assert isinstance(system.tasks["pair"].target, Label)


def _frozen_sentences(make, name):
    return make(name, linear=True, text_mode=Frozen(), dropout=0.0, attention_dropout=0.0).eval()


def test_a_linear_head_reads_the_vectors_of_the_linear_probe(make, rows, batch) -> None:
    """Sentences are encoded one by one, in whatever batch: both means, their distance and their product."""
    system = _frozen_sentences(make, "pair")
    examples = [rows(i) for i in range(3)]
    value = batch(system, examples, ["pair"]).targets["pair"].value
    _, vectors = system.text.separate_sentences(value["ids"], value["types"], value["attention_mask"])
    of_texts = TextVectors(system.text.tower.encoder, system.sentences, 64)
    first, second = (of_texts([example.text[side] for example in examples]) for side in (0, 1))
    expected = torch.cat([first, second, (first - second).abs(), first * second], dim=1)
    torch.testing.assert_close(vectors, expected, atol=1e-4, rtol=1e-4)


def test_at_the_start_the_classes_of_texts_are_the_linear_heads_alone(make, rows, batch) -> None:
    system = _frozen_sentences(make, "pair")
    head = system.linear_heads()["pair"]
    assert not head.weight.any()
    torch.nn.init.normal_(head.weight)
    whole = batch(system, [rows(0), rows(1)], ["pair"])
    value = whole.targets["pair"].value
    _, vectors = system.text.separate_sentences(value["ids"], value["types"], value["attention_mask"])
    found = torch.tensor([one.scores for one in system.predict(whole)["pair"]])
    torch.testing.assert_close(found, head(vectors).log_softmax(-1), atol=1e-5, rtol=1e-5)


def test_without_the_option_no_task_has_a_linear_head(make) -> None:
    assert not make().linear_heads()
    assert set(make(linear=True).linear_heads()) == {"pair"}  # of texts alone; the images' shapes differ


def _states_of(system, examples, folder) -> TextStates:
    task = system.tasks["pair"]
    return TextStates.fill(system, [ids for example in examples for ids in system.text_ids(example, task)], folder)


def test_losses_and_predictions_from_stored_states_are_those_of_the_encoder(
    make, rows, batch, tmp_path, monkeypatch
) -> None:
    system = _frozen_sentences(make, "pair")
    torch.nn.init.normal_(system.linear_heads()["pair"].weight)
    torch.nn.init.normal_(system.heads["pair"].out.weight)  # 0 at first, which would hide the decoder
    examples = [rows(0), rows(1, text=("a cat and two cows", "no")), rows(2, text=("dog", "a cat no dog no cows"))]
    encoded = batch(system, examples, ["pair"])
    loss, vectors = system.losses(encoded).tasks["pair"].total, system.pretrained_text_vectors
    scores = torch.tensor([one.scores for one in system.predict(encoded)["pair"]])
    system.read_texts(_states_of(system, examples, tmp_path))
    monkeypatch.setattr(system.text.tower, "forward", lambda *given: pytest.fail("encoded again"))
    stored = batch(system, examples, ["pair"])
    assert stored.targets["pair"].value["states"].dtype == torch.float16
    torch.testing.assert_close(system.losses(stored).tasks["pair"].total, loss, atol=5e-3, rtol=5e-3)
    found = torch.tensor([one.scores for one in system.predict(stored)["pair"]])
    torch.testing.assert_close(found, scores, atol=5e-3, rtol=5e-3)
    assert vectors() is None  # a tokeniser of the run's own has no pretrained encoder


def test_a_text_that_is_not_stored_is_encoded_with_its_batch(make, rows, batch, tmp_path) -> None:
    system = _frozen_sentences(make, "pair")
    torch.nn.init.normal_(system.linear_heads()["pair"].weight)
    examples = [rows(0), rows(1, text=("two cows", "no cat"))]
    expected = system.losses(batch(system, examples, ["pair"])).tasks["pair"].total
    system.read_texts(_states_of(system, examples[:1], tmp_path))
    mixed = batch(system, examples, ["pair"])
    assert "states" not in mixed.targets["pair"].value
    torch.testing.assert_close(system.losses(mixed).tasks["pair"].total, expected)


def test_only_a_frozen_text_encoder_without_a_task_token_has_a_key(make) -> None:
    assert _frozen_sentences(make, "pair").text_key() is not None
    assert make("pair", linear=True).text_key() is None
    assert make("pair", text_mode=Frozen()).text_key() is None
    assert make("vqa", linear=True, text_mode=Frozen()).text_key() is None
