"""Tasks share a head if it has the same form; heads of regions and of pre-training learn no faster."""

import pytest
import torch

from motet.core import Answer, ConfigError, Label, Masked, Match, Region, Task, Text, UnsupportedTask
from motet.metrics import Accuracy
from motet.systems.twelve_in_one import RegionMasking, TwelveInOneConfig
from motet.systems.twelve_in_one.heads import HeadKind, MaskedWordHead, build_head, head_kinds, head_names


def task(name: str, target) -> Task:
    return Task(name=name, inputs=frozenset({"image", "text"}), label="x", target=target, metrics=(Accuracy,))


TASKS = (
    task("vqa", Answer(("yes", "no"))), task("vg", Answer(("yes", "no"))), task("gqa", Answer(("no", "yes"))),
    task("rank", Match("images", "split")), task("refer", Region()), task("point", Match("regions")),
)  # fmt: skip


def names_of(config: TwelveInOneConfig, tasks=TASKS) -> dict[str, str]:
    return head_names(config, head_kinds(config, tasks))


def test_the_same_names_in_the_same_order_share_a_head() -> None:
    names = names_of(TwelveInOneConfig())
    assert names["vqa"] == names["vg"] != names["gqa"]
    assert names["refer"] == names["point"] != names["rank"]


def test_a_configured_name_separates_and_may_not_join_what_differs() -> None:
    names = names_of(TwelveInOneConfig(head={"vg": "own"}))
    assert names["vg"] == "own" != names["vqa"]
    with pytest.raises(ConfigError, match="got 'one' for tasks 'vqa' and 'gqa', whose heads differ"):
        names_of(TwelveInOneConfig(head={"vqa": "one", "gqa": "one"}))


def test_two_images_and_a_linear_head_are_other_forms() -> None:
    label = task("t", Label(("no", "yes")))
    kinds = [head_kinds(config, [label])["t"] for config in (
        TwelveInOneConfig(), TwelveInOneConfig(pairs=("t",)), TwelveInOneConfig(linear=("t",)))]  # fmt: skip
    assert len({kind.default_name() for kind in kinds}) == 3


def test_heads_of_pretraining_follow_the_target_of_masked_regions() -> None:
    masked = task("t", Masked("regions"))
    for target in ("classes", "features"):
        config = TwelveInOneConfig(masking=RegionMasking(target=target), image_width=6)
        kind = head_kinds(config, [masked])["t"]
        head = build_head(kind, config, text_width=4, num_pieces=9, region_width=5, num_classes=7)
        assert head(torch.randn(2, 6)).shape == (2, 7 if target == "classes" else 5)
        assert not kind.learns_faster
    assert HeadKind("fit").learns_faster
    assert not HeadKind("place").learns_faster


def test_masked_words_are_scored_by_the_embeddings_themselves() -> None:
    head, table = MaskedWordHead(4, 9), torch.randn(9, 4)
    scores = head(torch.randn(2, 4), table)
    torch.testing.assert_close(head(torch.zeros(2, 4), 2 * table), 2 * head(torch.zeros(2, 4), table))
    assert scores.shape == (2, 9)


def test_a_target_without_a_head_is_refused() -> None:
    with pytest.raises(UnsupportedTask, match="got Text; want Label, Answer, Region, Match or Masked"):
        head_kinds(TwelveInOneConfig(), [task("t", Text(5))])
