"""Shuffled images: every image gets another one, always the same."""

from motet.evaluation.trivial.shuffled_images import ShuffledImages


def reader(toy, *images):
    return toy["reader"](tuple(toy["row"](n, image, image=image, text=f"q{n}") for n, image in enumerate(images)))


def test_every_image_is_replaced_by_one_other_image(toy) -> None:
    rows = reader(toy, "a", "b", "a", "c", "b")
    shuffled = ShuffledImages.of(rows, range(5), seed=1)
    pairs = {(rows.keys(n), shuffled.keys(n)) for n in range(5)}
    assert len(pairs) == 3
    assert all(own != other for own, other in pairs)
    assert {other for _, other in pairs} == {("a",), ("b",), ("c",)}


def test_all_but_the_image_stays(toy) -> None:
    shuffled = ShuffledImages.of(reader(toy, "a", "b"), (1, 0))
    assert len(shuffled) == 2
    example = shuffled[0]
    assert (example.id, example.text, example.image_ids) == ("toy/1", "q1", ("a",))
    assert example.images[0].read() == b"a"


def test_the_seed_decides(toy) -> None:
    rows = reader(toy, *"abcdefgh")
    orders = {tuple(ShuffledImages.of(rows, range(8), seed=seed).instead) for seed in range(8)}
    assert len(orders) > 1
    assert ShuffledImages.of(rows, range(8), seed=3) == ShuffledImages.of(rows, range(8), seed=3)


def test_one_image_alone_cannot_be_shuffled(toy) -> None:
    assert ShuffledImages.of(reader(toy, "a", "a"), range(2)) is None
