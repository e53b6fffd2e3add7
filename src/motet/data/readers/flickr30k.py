"""Flickr30k captions, in every form in which they are published."""

from __future__ import annotations

from dataclasses import dataclass

from motet.data.formats.flickr_captions import FlickrCaptions


@dataclass(frozen=True)
class Flickr30k(FlickrCaptions):
    """Flickr30k, one Example per image; labels: "captions", five in the published set.

    Args:
        captions: `results.csv` (`image_name| comment_number| comment`), `results_20130124.token`
            (`1.jpg#0<tab>caption`), or the CSV of Flickr8k, as some copies have it.
        images: the folder `flickr30k-images/`.
        split: file names or their numbers, one per line (`train.txt` of Flickr30k Entities); None for all images.
        name: prefix of Example ids.

    Raises:
        DataError: as `Flickr8k`.
    """

    name: str = "flickr30k"
