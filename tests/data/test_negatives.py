import io
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motet.core import ConfigError, DataError, Example, MemoryImage, Pair, rng_for
from motet.data.negatives import FourWay, HardNegativePool, RandomCaptions, nearest_vectors, thumbnail_feature
from motet.data.source import Source
from motet.scenes import Scenes
from motet.tasks import retrieval


@dataclass(frozen=True)
class Shades:
    """Pictures of one colour each, from red to green, and their captions; the last two rows show the same picture."""

    captions: tuple[tuple[str, ...], ...] = (
        ("red", "shared"), ("reddish", "shared"), ("yellow",), ("greenish",), ("green",), ("green again",),
    )  # fmt: skip

    def __len__(self) -> int:
        return len(self.captions)

    def keys(self, index: int) -> tuple[str, ...]:
        return (f"image{min(index, 4)}",)

    def __getitem__(self, index: int) -> Example:
        place = min(index, 4)
        pixels = np.zeros((16, 16, 3), dtype=np.uint8)
        pixels[:, :, 0], pixels[:, :, 1] = 250 - 60 * place, 60 * place
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        image = MemoryImage(f"image{place}", file.getvalue())
        return Example(
            id=f"shades/{index}", images=(image,), image_ids=self.keys(index), labels={"captions": self.captions[index]}
        )


def test_the_pool_holds_other_images_nearest_first() -> None:
    pool = HardNegativePool(Shades(), nearest=2)
    assert pool.rows.tolist() == [[1, 2], [0, 2], [1, 3], [4, 2], [3, 2], [3, 2]]
    assert HardNegativePool(Shades(), nearest=50).rows.shape == (6, 4)


def test_any_look_serves() -> None:
    looks = {f"image{place}": np.eye(5)[place] + np.eye(5)[(place + 1) % 5] * 0.5 for place in range(5)}
    pool = HardNegativePool(Shades(), lambda image: looks[image.name], nearest=1)
    assert pool.rows[0].tolist() in ([1], [4])


def test_nearest_vectors_are_those_of_a_whole_sort() -> None:
    vectors = np.random.default_rng(0).normal(size=(1100, 8)).astype(np.float32)
    found = nearest_vectors(vectors, 5)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -9)
    wanted = np.sort(likeness, axis=1)[:, ::-1][:, :5]
    assert np.allclose(np.take_along_axis(likeness, found, axis=1), wanted, atol=1e-5)


def test_four_pairs_of_which_the_first_is_right() -> None:
    reader, seen = Shades(), set()
    four = FourWay(HardNegativePool(reader, nearest=1))
    for position in range(40):
        row = four(reader, 0, rng_for("compose", 0, "toys", position))
        pairs = row.candidates
        assert [pair.image for pair in pairs] == [0, 0, 1, 0]
        assert row.labels["match"] == frozenset({0})
        assert row.image_ids[0] == "image0" != row.image_ids[1]
        assert pairs[0].text == pairs[2].text == row.text in reader.captions[0]
        assert pairs[1].text not in reader.captions[0]
        assert pairs[3].text == "reddish"  # the nearest picture's, and not the caption both have
        other = next(place for place in range(6) if reader.keys(place) == row.image_ids[1:])
        assert row.text not in reader.captions[other]
        seen.add(row.text)
    assert seen == {"red", "shared"}


def test_a_row_is_the_same_each_time_it_is_made_from_the_same_key() -> None:
    reader = Shades()
    four = FourWay(HardNegativePool(reader, nearest=3))
    rows = [four(reader, 2, rng_for("compose", 0, "toys", 7)) for _ in range(2)]
    assert rows[0] == rows[1]
    assert pickle.loads(pickle.dumps(four)) == four
    different = {four(reader, 2, rng_for("compose", 0, "toys", position)).candidates for position in range(20)}
    assert len(different) > 3


def test_rows_of_the_same_image_are_never_its_negatives() -> None:
    reader = Shades()
    four = FourWay()
    for position in range(60):
        row = four(reader, 4, rng_for("x", position))
        assert row.image_ids[1] != "image4"
        assert not {pair.text for pair in row.candidates[1::2]} & {"green", "green again"}


def test_random_captions_are_negatives() -> None:
    row = RandomCaptions(count=5)(Shades(), 0, rng_for("x", 1))
    assert len(row.candidates) == 6
    assert row.candidates[0] == Pair(0, row.text)
    assert not {pair.text for pair in row.candidates[1:]} & {"red", "shared"}
    assert len(row.images) == 1
    with pytest.raises(ConfigError, match=r"RandomCaptions\.count: got 0; want 1 or more"):
        RandomCaptions(count=0)


def test_errors_say_what_is_missing() -> None:
    alike = Shades((("same",), ("same",), ("same",)))
    with pytest.raises(DataError, match="shades/0: other captions: got none in 100 draws"):
        FourWay()(alike, 0, rng_for("x", 0))
    with pytest.raises(DataError, match=r"shades/0: annotation 'captions_de': got \(\); want a list of captions"):
        FourWay(label="captions_de")(Shades(), 0, rng_for("x", 0))
    with pytest.raises(ConfigError, match="got a pool of 6 rows; want 3"):
        FourWay(HardNegativePool(Shades()))(alike, 0, rng_for("x", 0))
    with pytest.raises(DataError, match=r"image: got .*; want a file in one of the formats .* \(x.png\)"):
        thumbnail_feature(MemoryImage("x.png", b"nothing"))


def test_scenes_serve() -> None:
    scenes = Scenes(part="train", count=12, kinds=20)
    four = FourWay(HardNegativePool(scenes, nearest=4))
    source = Source(name="scenes", reader=scenes, tasks=(retrieval(),), compose=four)
    row = source.compose(scenes, 3, rng_for("compose", 0, "scenes", 0))
    assert retrieval().annotation_of(row) == scenes[3].labels["captions"]
    assert len(row.images) == 2


@pytest.mark.parametrize(
    "rows",
    [np.full((6, 2), 9), np.full((6, 2), -2), np.zeros((5, 2), dtype=np.int64), np.zeros((6, 2)),
     np.zeros(6, dtype=np.int64)],
)  # fmt: skip
def test_stored_neighbours_that_motet_did_not_write_are_refused(tmp_path: Path, rows: np.ndarray) -> None:
    file = tmp_path / "pool.npz"
    HardNegativePool(Shades(), nearest=2, file=file)
    with np.load(file) as saved:
        key = saved["key"]
    for save in (np.savez, np.savez_compressed):
        save(file, key=key, rows=rows)
        with pytest.raises(ConfigError, match=r"hard negatives: got .*; want a file that motet wrote"):
            HardNegativePool(Shades(), nearest=2, file=file)


@dataclass(frozen=True)
class BrokenShades(Shades):
    """The same, whose third image cannot be read."""

    def __getitem__(self, index: int) -> Example:
        if index == 2:
            raise DataError("image: got nothing; want an image", path="2.png", row=2)
        return super().__getitem__(index)


def test_an_image_that_cannot_be_read_stops_the_pool_or_is_in_none() -> None:
    with pytest.raises(DataError, match="image: got nothing"):
        HardNegativePool(BrokenShades(), nearest=2)
    pool = HardNegativePool(BrokenShades(), nearest=2, on_bad_row="skip")
    assert pool.rows.tolist() == [[1, 3], [0, 3], [-1, -1], [4, 1], [3, 1], [3, 1]]
