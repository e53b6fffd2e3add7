"""Views of images, with and without pixels."""

from dataclasses import dataclass
from typing import Any

import pytest
from toy_twelve_in_one import image

from motet.core import ConfigError
from motet.preprocess.images import ImageTransform
from motet.systems.base import BaseProcessor, Entry, ImageInputs, Row


@dataclass(frozen=True)
class Bare(BaseProcessor[Row[Entry], Entry]):
    """A processor with an image half only."""

    images: Any

    def encode(self, example, tasks, rng):
        return Row(id=example.id)

    def inputs(self, rows):
        return {}

    def value(self, entries, indices, rows):
        return {}


@pytest.mark.parametrize("images", [None, object()], ids=["no image", "no pixels"])
def test_without_pixels_there_are_no_views_and_a_store_changes_nothing(images: Any) -> None:
    bare = Bare(images)
    assert bare.with_features(object()) is bare
    for view in (lambda: bare.view(image("p"), 0), lambda: bare.view_changes(0), bare.view_key):
        with pytest.raises(ConfigError, match="Bare: got no task that sees an image as pixels; want one"):
            view()


def test_views_are_those_of_the_image_half() -> None:
    images = ImageInputs(transform=ImageTransform((4, 6)))
    bare = Bare(images)
    assert bare.view(image("p"), 0).shape == (3, 4, 6)
    assert (bare.view_changes(2), bare.view_key()) == (frozenset({"crop", "hflip"}), images.view_key())
    store = object()
    assert bare.with_features(store).images.store is store
    assert bare.with_features(store).with_features(None) == bare
