"""Tasks on videos differ from those on images in their inputs alone."""

from dataclasses import replace

from motet.tasks import (
    captioning,
    classification,
    retrieval,
    video_captioning,
    video_classification,
    video_retrieval,
)


def test_only_the_inputs_differ() -> None:
    image, text = frozenset({"image"}), frozenset({"image", "text"})
    assert replace(video_captioning("t"), inputs=image) == captioning("t")
    assert replace(video_classification("t", ("a", "b"), crop=False), inputs=image) == classification(
        "t", ("a", "b"), crop=False
    )
    assert replace(video_retrieval("t", among="texts"), inputs=text) == retrieval("t", among="texts")
    assert video_retrieval().inputs == {"video", "text"}
