"""The LiT decoder as a whole; what all systems promise is asked in tests/contract."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from motet.core import (
    Answer,
    ClassPrediction,
    ConfigError,
    DataError,
    Example,
    Label,
    MemoryImage,
    Task,
    Text,
    TextPrediction,
    rng_for,
)
from motet.metrics import Accuracy
from motet.nn.encoders import PlainViT, TimmEncoder
from motet.nn.tower import Finetune, FromScratch, Frozen
from motet.preprocess.tokenizers import EOS, TrainedTokenizer
from motet.systems import build_system
from motet.systems.lit_decoder import (
    BeamSearch,
    ByCategory,
    ByTask,
    ByTaskPositions,
    ClassTokens,
    ConcatTexts,
    Greedy,
    LinearProjection,
    LiTDecoderConfig,
    MapPooling,
    Sampling,
    ScoredClasses,
    Scoring,
    SplitCap,
    Unconditioned,
)
from motet.systems.lit_decoder.model import LiTDecoder

CONFIG = LiTDecoderConfig(
    encoder=PlainViT(size=16, patch=8, width=16, depth=1, heads=2), mode=FromScratch(), depth=1, width=32, heads=2,
    dropout=0.0, tokenizer=TrainedTokenizer(size=300),
)  # fmt: skip
IMAGE = frozenset({"image"})
LABEL = Task(
    name="colour", inputs=IMAGE, label="class", target=Label(("red", "blue", "red and blue")), metrics=(Accuracy,),
    category="classification", invariant=frozenset({"crop", "hflip"}),
)  # fmt: skip
CAPTION = Task(
    name="caption", inputs=IMAGE, label="captions", target=Text(6), metrics=(Accuracy,), category="captioning"
)
VQA = Task(
    name="vqa",
    inputs=frozenset({"image", "text"}),
    label="answers",
    target=Answer(),
    metrics=(Accuracy,),
    category="qa",
)
SENTENCE = Task(
    name="mood", inputs=frozenset({"text"}), label="mood", target=Label(("good", "bad")), metrics=(Accuracy,),
    category="sentence",
)  # fmt: skip
TASKS = (LABEL, CAPTION, VQA)


def image_of(value: tuple[int, int, int]) -> MemoryImage:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 18), value).save(buffer, "PNG")
    return MemoryImage(f"{value}.png", buffer.getvalue())


def row(index: int, **changes) -> Example:
    name = ("red", "blue")[index]
    labels = {
        "class": index,
        "captions": (f"all of it is {name}", f"{name} things"),
        "answers": (name,) * 10,
        "mood": index,
    }
    image = image_of(((200, 20, 20), (20, 20, 200))[index])
    made = Example(id=f"r/{index}", images=(image,), text=f"what colour {index}?", labels=labels)
    return replace(made, **changes)


ROWS = (row(0), row(1))
TEXTS = [
    text for r in ROWS for text in (r.text, *r.labels["captions"], *r.labels["answers"], "red and blue", "good bad")
]


def build(tasks=TASKS, **changes) -> LiTDecoder:
    torch.manual_seed(0)
    system = build_system(replace(CONFIG, **changes), tasks, texts=lambda: TEXTS)
    assert isinstance(system, LiTDecoder)
    return system


def batch(system, rows=ROWS, *, rng=None, tasks=None):
    tasks = tuple(system.tasks.values()) if tasks is None else tasks
    return system.processor.collate([system.processor.row(r, tasks, rng) for r in rows], keep_annotations=rng is None)


def learn(system, steps=50, rows=ROWS):
    optimizer = torch.optim.Adam([p for p in system.parameters() if p.requires_grad], lr=1e-2)
    fixed = batch(system, rows)
    for _ in range(steps):
        losses = system.losses(fixed)
        optimizer.zero_grad()
        sum(loss.total for loss in losses.tasks.values()).backward()
        optimizer.step()
    return system.eval()


def words(found) -> list[str]:
    return [prediction.text for prediction in found]


@pytest.mark.parametrize(
    "changes",
    [
        {"conditioning": ByCategory()},
        {"conditioning": ByTaskPositions()},
        {"conditioning": ByTaskPositions(add=True), "loss_on_prefix": True},
        {"conditioning": ByTask({"caption": "en"}), "separator": False, "question_separator": False},
        {"bottleneck": MapPooling(2), "classes": ClassTokens()},
        {"bottleneck": LinearProjection(4), "pad_to_longest": False},
        {"answers": "most common", "input_dropout": 0.0, "label_smoothing": 0.0, "depth": 2},
    ],
    ids=str,
)
def test_every_option_learns(changes) -> None:
    system = learn(build(**changes))
    found = system.predict(batch(system))
    assert words(found["colour"]) == ["red", "blue"]
    assert words(found["caption"]) == ["all of it is red", "all of it is blue"]
    assert words(found["vqa"]) == ["red", "blue"]


def test_without_a_prompt_only_the_question_separates_tasks() -> None:
    system = learn(build(conditioning=Unconditioned()))
    found = system.predict(batch(system))
    assert words(found["vqa"]) == ["red", "blue"]
    assert system.processor.sequences.prefix(LABEL, "") == []


def test_a_row_of_several_tasks_gives_one_in_training_and_all_in_evaluation() -> None:
    system = build()
    seen = set()
    for i in range(30):
        made = system.processor.row(ROWS[0], TASKS, rng_for("t", i))
        assert len(made.entries) == 1
        seen.add(made.entries[0].task)
    assert seen == {"colour", "caption", "vqa"}
    evaluated = batch(system)
    assert evaluated.ids == ("r/0", "r/1")
    assert {name: target.rows.tolist() for name, target in evaluated.targets.items()} == {name: [0, 1] for name in seen}


def test_rows_of_different_tasks_share_one_batch() -> None:
    system = build()
    rows = [system.processor.row(ROWS[i % 2], (TASKS[i % 3],), rng_for("t", i)) for i in range(6)]
    mixed = system.processor.collate(rows, keep_annotations=False)
    assert {name: target.rows.tolist() for name, target in mixed.targets.items()} == {
        "colour": [0, 3], "caption": [1, 4], "vqa": [2, 5],
    }  # fmt: skip
    together = system.losses(mixed)
    with torch.no_grad():
        for name, loss in together.tasks.items():
            alone = system.losses(
                system.processor.collate([r for r in rows if r.entries[0].task == name], keep_annotations=False)
            )
            torch.testing.assert_close(alone.tasks[name].total, loss.total)
            assert float(loss.weight) == 2


def test_the_loss_is_on_the_answer_alone_unless_the_prefix_is_learned_too() -> None:
    system = build()
    target = batch(system).targets["vqa"]
    for tokens, counted, prefix in zip(
        target.value["tokens"].tolist(), target.value["counted"].tolist(), target.value["prefix"].tolist(), strict=True
    ):
        learned = [token for token, count in zip(tokens, counted, strict=True) if count]
        assert learned[-1] == EOS
        assert learned == tokens[prefix : prefix + len(learned)]
        assert prefix == 2 + len(system.tokenizer.encode("what colour 0?")) + 1
    whole = batch(build(loss_on_prefix=True)).targets["vqa"].value
    assert whole["counted"][:, 0].all()
    assert (whole["counted"].sum(1) == target.value["counted"].sum(1) + target.value["prefix"]).all()


def test_a_batch_is_as_long_as_its_longest_row_or_always_the_same() -> None:
    short = batch(build(), tasks=(LABEL,)).targets["colour"].value["tokens"].shape[1]
    assert short < 12
    assert batch(build(pad_to_longest=False), tasks=(LABEL,)).targets["colour"].value["tokens"].shape[1] == 64


def test_class_tokens_read_as_their_names() -> None:
    system = learn(build(classes=ClassTokens()))
    value = batch(system, tasks=(LABEL,)).targets["colour"].value
    assert (value["counted"].sum(1) == 2).all()  # the class and the end
    assert words(system.predict(batch(system))["colour"]) == ["red", "blue"]


def test_a_scored_class_is_one_of_its_task_with_probabilities_that_add_to_one() -> None:
    system = learn(build(classes=ScoredClasses()))
    value = batch(system, tasks=(LABEL,)).targets["colour"].value
    assert (value["counted"].sum(1) == 1).all()  # the class, and no end
    with torch.no_grad():
        system.decoder.pieces.bias[5] = 50.0  # whatever the pieces of texts say
    found = system.predict(batch(system))["colour"]
    assert [one.index for one in found if isinstance(one, ClassPrediction)] == [0, 1]
    for one in found:
        assert isinstance(one, ClassPrediction)
        assert np.exp(one.scores).sum() == pytest.approx(1)
    assert set(system.decoding) == {"caption", "vqa"}


def test_scored_classes_and_texts_in_one_batch_have_the_losses_that_they_have_alone() -> None:
    system = build(classes=ScoredClasses(), conditioning=ByTask()).eval()
    torch.nn.init.normal_(system.decoder.pieces.special_kernel["classes of colour"])
    both = system.losses(batch(system))
    for task in (LABEL, CAPTION, VQA):
        alone = system.losses(batch(system, tasks=(task,))).tasks[task.name]
        torch.testing.assert_close(both.tasks[task.name].total, alone.total)


def test_the_loss_of_a_scored_class_is_the_cross_entropy_of_what_is_predicted() -> None:
    system = build(classes=ScoredClasses(), label_smoothing=0.0).eval()
    torch.nn.init.normal_(system.decoder.pieces.special_kernel["classes of colour"])
    torch.nn.init.normal_(system.linear_heads()["colour"].weight)
    found = system.predict(batch(system, tasks=(LABEL,)))["colour"]
    loss = system.losses(batch(system, tasks=(LABEL,))).tasks["colour"].total
    expected = -sum(one.scores[index] for index, one in enumerate(found) if isinstance(one, ClassPrediction))
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_at_the_start_a_scored_class_is_the_linear_heads_alone() -> None:
    system = build(classes=ScoredClasses()).eval()
    head = system.linear_heads()["colour"]
    assert not head.weight.any()
    torch.nn.init.normal_(head.weight)
    rows = batch(system, tasks=(LABEL,))
    expected = head(system.encode(rows.inputs["pixels"]).mean(dim=1)).log_softmax(-1)
    found = torch.tensor([one.scores for one in system.predict(rows)["colour"] if isinstance(one, ClassPrediction)])
    torch.testing.assert_close(found, expected)


def test_only_classes_of_images_alone_have_a_linear_head() -> None:
    assert set(build((LABEL, SENTENCE, CAPTION), classes=ScoredClasses()).linear_heads()) == {"colour"}
    assert not build(classes=ScoredClasses(linear=False)).linear_heads()
    assert not build().linear_heads()


def test_scored_names_have_log_probabilities() -> None:
    system = learn(build())
    system.decode_with({"colour": Scoring()})
    for index, found in enumerate(system.predict(batch(system))["colour"]):
        assert isinstance(found, ClassPrediction)
        assert found.index == index
        assert len(found.scores) == 3
        assert all(score < 0 for score in found.scores)
    texts = words(system.predict(batch(system))["vqa"])
    assert texts == ["red", "blue"]
    with pytest.raises(ConfigError, match="got Answer without names"):
        system.decode_with({"vqa": Scoring()})


def test_texts_are_searched_with_beams_and_names_greedily_by_default() -> None:
    ocr = replace(VQA, name="read", category="ocr")
    system = build((*TASKS, ocr))
    assert system.decoding == {"colour": Greedy(), "caption": BeamSearch(), "vqa": Greedy(), "read": BeamSearch()}


def test_the_configuration_chooses_the_decoding_and_keeps_a_later_choice() -> None:
    system = build(decoding={"caption": BeamSearch(num_beams=2), "colour": Scoring()})
    assert system.decoding["caption"] == BeamSearch(num_beams=2)
    assert isinstance(system.predict(batch(system))["colour"][0], ClassPrediction)
    system.decode_with({"colour": Greedy()})
    assert system.config.decoding == {"caption": BeamSearch(num_beams=2), "colour": Greedy()}
    assert not isinstance(system.predict(batch(system))["colour"][0], ClassPrediction)
    for wrong in ({"other": Greedy()}, {"caption": Scoring()}):
        with pytest.raises(ConfigError, match=r"want tasks whose answer is generated: colour|got Text without names"):
            system.decode_with(wrong)
        with pytest.raises(ConfigError, match=r"want tasks whose answer is generated: colour|got Text without names"):
            build(decoding=wrong)
    assert system.decoding["caption"] == BeamSearch(num_beams=2)


def test_a_name_longer_than_its_places_is_scored_as_it_was_trained(caplog) -> None:
    names = ("red", "blue and rather long for the places of a short sequence")
    closed = replace(VQA, target=Answer(names))
    system = build((closed,), max_tokens=24, answer_room=8, tokenizer=TrainedTokenizer(size=258)).eval()
    assert "longer than the 8 places" in caplog.text
    torch.nn.init.normal_(system.decoder.pieces.kernel)
    system.decode_with({"vqa": Scoring()})
    rows = batch(system)
    value = rows.targets["vqa"].value
    found = system.predict(rows)["vqa"]
    for row, prediction in enumerate(found):
        prefix = value["tokens"][row, : value["prefix"][row]].tolist()
        for name, score in zip(names, prediction.scores, strict=True):
            whole = torch.tensor([[*prefix, *system.sequences.close(prefix, system.sequences.answer(closed, name))]])
            with torch.no_grad():
                logits = system.decoder(whole, system.memory(rows)[row : row + 1])[0].log_softmax(-1)
            places = torch.arange(len(prefix), whole.shape[1])
            assert score == pytest.approx(float(logits[places, whole[0, places]].sum()), abs=1e-3)


def test_sampling_is_a_function_of_the_rows() -> None:
    system = build().eval()
    torch.nn.init.normal_(system.decoder.pieces.kernel)
    system.decode_with({"caption": Sampling(temperature=1.0)})
    first, again = (words(system.predict(batch(system))["caption"]) for _ in range(2))
    other = words(system.predict(batch(system, [replace(r, id=f"{r.id}/other") for r in ROWS]))["caption"])
    assert first == again
    assert first != other


def test_a_text_is_cut_after_so_many_words() -> None:
    system = learn(build((replace(CAPTION, target=Text(3)),)))
    assert words(system.predict(batch(system))["caption"]) == ["all of it", "all of it"]


def test_all_texts_of_a_row_can_be_one_target() -> None:
    system = learn(build((CAPTION,), texts={"caption": ConcatTexts(" / ")}))
    assert system.predict(batch(system))["caption"][0].text.startswith("all of it is red /")
    with pytest.raises(
        ConfigError, match=r"LiTDecoderConfig.texts: got \['colour'\]; want names of tasks with a Text target"
    ):
        build(texts={"colour": ConcatTexts()})


def test_the_first_token_of_a_text_can_be_in_the_prompt() -> None:
    system = build((CAPTION,), texts={"caption": SplitCap()})
    made = system.processor.row(ROWS[0], (CAPTION,), None).entries[0]
    first, *rest = system.tokenizer.encode("all of it is red")
    assert made.prefix[-1] == first
    assert list(made.value) == [*rest, EOS]
    learn(system)
    assert words(system.predict(batch(system))["caption"]) == ["all of it is red", "all of it is blue"]


def test_sentences_need_no_image_and_may_stand_beside_rows_with_one() -> None:
    tasks = (LABEL, SENTENCE)
    system = build(tasks)
    texts = ("all is fine", "it went wrong")
    bare = [replace(r, images=(), text=texts[i], id=f"s/{i}") for i, r in enumerate(ROWS)]
    rows = [
        *(system.processor.row(r, (LABEL,), None) for r in ROWS),
        *(system.processor.row(r, (SENTENCE,), None) for r in bare),
    ]
    mixed = system.processor.collate(rows, keep_annotations=True)
    assert mixed.inputs["has_image"].tolist() == [True, True, False, False]
    alone = system.processor.collate(rows[2:], keep_annotations=True)
    assert "pixels" not in alone.inputs
    with torch.no_grad():
        torch.testing.assert_close(system.losses(mixed).tasks["mood"].total, system.losses(alone).tasks["mood"].total)
    system.losses(alone).tasks["mood"].total.backward()
    assert system.nothing is not None
    optimizer = torch.optim.Adam(system.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        sum(loss.total for loss in system.losses(mixed).tasks.values()).backward()
        optimizer.step()
    assert system.nothing.grad is not None
    found = system.eval().predict(mixed)
    assert words(found["mood"]) == ["good", "bad"]
    assert words(found["colour"]) == ["red", "blue"]


def test_an_image_that_is_no_tasks_input_is_not_read() -> None:
    system = build((SENTENCE,))
    assert (
        system.processor.row(replace(ROWS[0], images=(MemoryImage("x", b"broken"),)), (SENTENCE,), None).image is None
    )


def test_two_images_are_refused() -> None:
    system = build()
    with pytest.raises(DataError, match="images: got 2; want exactly one"):
        system.processor.row(replace(ROWS[0], images=ROWS[0].images * 2), (LABEL,), None)


def test_only_invariant_tasks_get_a_crop_or_a_flip() -> None:
    system = build()
    half = Image.new("RGB", (40, 40))
    half.paste("white", (20, 0, 40, 40))
    buffer = io.BytesIO()
    half.save(buffer, "PNG")
    image = MemoryImage("half.png", buffer.getvalue())
    plain = system.processor.view(image, 0)
    for task, changes in ((LABEL, True), (CAPTION, False)):
        seen = [system.processor.row(row(0, images=(image,)), (task,), rng_for("t", i)).image for i in range(20)]
        assert any(not np.array_equal(pixels, plain) for pixels in seen) == changes


def test_the_encoder_has_a_learning_rate_of_its_own_and_only_kernels_decay() -> None:
    system = build(mode=Finetune(0.1))
    groups = {group["name"]: group for group in system.parameter_groups()}
    assert {name: (group["lr_scale"], group["decay"]) for name, group in groups.items()} == {
        "encoder": (0.1, True), "encoder_plain": (0.1, False),
        "decoder": (1.0, True), "decoder_plain": (1.0, False),
    }  # fmt: skip
    others = {id(p) for p in groups["decoder_plain"]["params"]}
    for name, parameter in system.decoder.named_parameters():
        kernel = name == "pieces.kernel" or (name.endswith("weight") and "norm" not in name)
        assert (id(parameter) not in others) == kernel, name


def test_a_bottleneck_narrows_the_memory() -> None:
    for bottleneck, shape in ((None, (2, 4, 16)), (MapPooling(2), (2, 1, 16)), (LinearProjection(8), (2, 4, 2))):
        system = build(bottleneck=bottleneck)
        assert system.memory(batch(system)).shape == shape
    with pytest.raises(ConfigError, match=r"LinearProjection.factor: got 5; want a divisor of the encoder's width, 16"):
        build(bottleneck=LinearProjection(5))


def test_frozen_features_go_through_a_bottleneck_that_learns() -> None:
    system = build(mode=Frozen(), bottleneck=LinearProjection(4))
    torch.nn.init.normal_(system.decoder.pieces.kernel)
    sum(loss.total for loss in system.losses(batch(system)).tasks.values()).backward()
    assert all(p.grad is not None for p in system.bottleneck.parameters())
    assert all(p.grad is None for p in system.tower.parameters())


def test_shared_blocks_go_from_shallow_to_deep_and_leave_out_prompts() -> None:
    system = build(mode=Frozen(), bottleneck=MapPooling(2))
    assert list(system.shared_blocks()) == ["bottleneck", "embedding", "layer0", "output"]
    shared = {id(p) for block in system.shared_blocks().values() for p in block}
    assert not shared & {id(p) for p in system.decoder.pieces.special_embedding.parameters()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 5}, "heads: got 5; want a divisor of the width, 32"),
        ({"depth": 0}, "depth: got 0"),
        ({"dropout": 1.0}, "dropout: got 1.0"),
        ({"max_tokens": 12}, "max_tokens: got 12"),
        ({"answers": "first"}, "answers: got 'first'"),
    ],
)
def test_options_that_cannot_be_are_refused(change, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(CONFIG, **change)


def test_the_paper_is_the_default() -> None:
    config = LiTDecoderConfig()
    assert (config.depth, config.width, config.heads, config.mlp_ratio) == (12, 768, 12, 4.0)
    assert (config.dropout, config.label_smoothing, config.max_tokens) == (0.1, 0.1, 64)
    assert config.mode == Frozen()


@pytest.mark.parametrize("name", ["test_vit", "test_resnet"])
def test_any_encoder_of_timm_will_do(name: str) -> None:
    system = learn(build(encoder=TimmEncoder(name, size=32)), 60)
    rows = batch(system, tasks=(LABEL,))
    assert torch.isfinite(system.losses(rows).tasks["colour"].total)
    assert system.memory(rows).shape == (2, system.tower.num_tokens, system.tower.width)


def test_rows_without_annotation_are_predicted_too() -> None:
    system = build().eval()
    found = system.predict(
        system.processor.collate(
            [system.processor.row(replace(ROWS[0], labels={}), TASKS, None)], keep_annotations=False
        )
    )
    assert all(isinstance(prediction, TextPrediction) for answers in found.values() for prediction in answers)
