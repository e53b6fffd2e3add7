"""Rows and batches: targets of each kind of task, padding and missing annotations."""

import pytest
from toy_uni_perceiver import row, system_of, task

from motet.core import ConfigError, DataError, rng_for
from motet.preprocess.tokenizers import EOS, PAD


@pytest.fixture(scope="module")
def processor():
    return system_of("class", "caption", "masked", "match", "pairs").processor


def batch_of(processor, name, rows, rng=None, *, keep=False):
    return processor.collate([processor.row(each, [task(name)], rng) for each in rows], keep_annotations=keep)


def value_of(processor, name, rows, rng=None):
    return batch_of(processor, name, rows, rng).targets[name].value


def test_a_row_has_one_task_in_training_and_all_in_evaluation(processor) -> None:
    tasks = [task("class"), task("caption")]
    assert [entry.task for entry in processor.row(row(0), tasks, None).entries] == ["class", "caption"]
    drawn = [processor.row(row(0), tasks, rng_for("r", seed)).entries for seed in range(20)]
    assert {len(entries) for entries in drawn} == {1}
    assert {entries[0].task for entries in drawn} == {"class", "caption"}


def test_targets_name_their_rows(processor) -> None:
    tasks = {0: ("class",), 1: ("caption",), 2: ("class", "caption")}
    rows = [processor.row(row(i), [task(name) for name in names], None) for i, names in tasks.items()]
    batch = processor.collate(rows, keep_annotations=True)
    assert batch.targets["class"].rows.tolist() == [0, 2]
    assert batch.targets["caption"].rows.tolist() == [1, 2]
    assert batch.targets["class"].annotations == (0, 2)


def test_a_missing_annotation_is_an_error_where_annotations_are_kept(processor) -> None:
    unlabelled = row(0, labels={})
    assert value_of(processor, "class", [unlabelled])["label"].tolist() == [-1]
    with pytest.raises(DataError, match=r"e/0: task 'class': got no annotation; want one in every row"):
        batch_of(processor, "class", [unlabelled], keep=True)
    with pytest.raises(DataError, match="got None; want the annotation 'class'"):
        batch_of(processor, "class", [row(0, labels={"class": None})])


def test_texts_of_different_lengths_are_padded(processor) -> None:
    labels = [{"caption": ("a cat",)}, {"caption": ("two small dogs",)}]
    ids = value_of(processor, "caption", [row(i, labels=each) for i, each in enumerate(labels)])["text_ids"]
    assert ((ids == EOS).sum(1) == 1).all()
    assert sorted(ids[:, -1].tolist()) == [PAD, EOS]


def test_masks_are_fixed_per_row_in_evaluation_and_random_in_training(processor) -> None:
    def masked(rng=None):
        return value_of(processor, "masked", [row(0)], rng)["ids"].tolist()

    assert masked() == masked()
    assert len({str(masked(rng_for("m", seed))) for seed in range(20)}) > 1


def test_masked_ids_have_the_shape_of_their_texts(processor) -> None:
    rows = [row(0, labels={"caption": "a cat"}), row(1, labels={"caption": "two small dogs over there"})]
    value = value_of(processor, "masked", rows)
    assert value["ids"].shape == (2, 1, value["masked_ids"].shape[1])
    assert (value["masked_ids"] >= 0).any(1).all()
    assert (value["masked_ids"][value["ids"][:, 0] == PAD] == -1).all()


def test_padding_of_candidates_is_not_real(processor) -> None:
    rows = [
        row(0, candidates=("a cat", "a dog"), labels={"match": frozenset({1})}),
        row(1, candidates=("a", "b", "c", "d"), labels={"match": frozenset({0, 2})}),
    ]
    value = value_of(processor, "match", rows)
    assert value["real"].tolist() == [[True, True, False, False], [True] * 4]
    assert value["correct"].tolist() == [[False, True, False, False], [True, False, True, False]]
    assert value["text_index"].tolist() == [[0, 1, 0, 0], [0, 1, 2, 3]]
    assert value["names"] == (("a cat", "a dog"), ("a", "b", "c", "d"))
    assert "more_images" not in value


def test_candidates_of_several_images(processor) -> None:
    several = row(0, frames=3, candidates=((0, "a cat"), (2, "a cat")), labels={"match": frozenset({0})})
    one = row(1, candidates=("a cat", "x"), labels={"match": frozenset({0})})
    value = value_of(processor, "match", [several, one])
    assert value["more_images"].shape == (2, 2, 3, 8, 8)
    assert value["more_images"][0].any()
    assert not value["more_images"][1].any()
    assert value["image_index"].tolist() == [[0, 2], [0, 0]]
    assert value["text_index"].tolist() == [[0, 0], [0, 1]], "equal texts are encoded once"


def test_keys_of_pairs_are_equal_for_equal_contents(processor) -> None:
    value = value_of(processor, "pairs", [row(0), row(4), row(1)])  # rows 0 and 4 have the same captions
    assert value["text_key"][0] == value["text_key"][1] != value["text_key"][2]
    assert len(set(value["image_key"].tolist())) == 3
    assert all(key in keys for key, keys in zip(value["text_key"], value["caption_keys"], strict=True))
    assert (value["text_key"] >= 0).all()


def test_sides_of_a_split_have_no_targets(processor) -> None:
    texts = batch_of(processor, "pairs", [row(i, images=(), labels={}, text=f"cat {i}") for i in range(2)])
    assert not texts.targets
    assert set(texts.inputs) == {"ids"}
    images = batch_of(processor, "pairs", [row(0, labels={})])
    assert not images.targets
    assert set(images.inputs) == {"pixels"}


def test_views_need_images() -> None:
    texts = system_of("pair").processor
    with pytest.raises(ConfigError, match="got no task that sees an image; want one that reads its pixels"):
        texts.view_key()
    assert texts.with_features(None).images is None
