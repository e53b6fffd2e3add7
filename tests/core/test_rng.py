"""Seeds by content: they must never change, since saved runs depend on them."""

import pytest

from motet.core import rng_for, seed_for


def test_seeds_are_fixed_for_all_time() -> None:
    assert seed_for("order", 0, "coco", 3) == 8638978070511392025
    assert rng_for("order", 0).integers(0, 1000, 3).tolist() == [869, 863, 77]


@pytest.mark.parametrize("other", [("order", 1), ("order", "0"), ("draw", 0), ("order",), ("order", 0, 0)])
def test_any_other_purpose_or_key_gives_another_seed(other) -> None:
    assert seed_for(*other) != seed_for("order", 0)


def test_keys_are_not_joined_to_one_word() -> None:
    assert seed_for("a", "b", "c") != seed_for("a", "bc")


def test_a_generator_does_not_depend_on_earlier_draws() -> None:
    first = rng_for("crop", 1).random(4).tolist()
    rng_for("flip", 1).random(100)
    assert rng_for("crop", 1).random(4).tolist() == first


def test_a_key_may_be_a_name_of_bytes_that_are_no_text() -> None:
    names = ["a/\udc80.jpg", "a/\udc81.jpg", "a/\ud800.jpg"]
    assert len({seed_for("split", name) for name in names}) == 3
