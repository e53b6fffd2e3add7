"""Flickr8k captions, in every form in which they are published."""

from __future__ import annotations

from dataclasses import dataclass

from motet.data.formats.flickr_captions import FlickrCaptions


@dataclass(frozen=True)
class Flickr8k(FlickrCaptions):
    """Flickr8k, one Example per image; labels: "captions", five in the published set.

    Args:
        captions: `captions.txt` (CSV, `image,caption`), or `Flickr8k.token.txt` (`image.jpg#0<tab>caption`).
        images: the folder of the images (`Images/` or `Flicker8k_Dataset/`).
        split: file names, one per line (`Flickr_8k.trainImages.txt`); None for all images. Its order is kept.
        name: prefix of Example ids.

    Raises:
        DataError: no such file, a line of another form, an image of the split without captions. An empty caption
            raises when its row is read.
    """

    name: str = "flickr8k"
