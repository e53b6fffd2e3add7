import pytest

from motet.core import DataError
from motet.data.formats.flickr_captions import captions_by_file

FORMS = {
    "bars": "image_name| comment_number| comment\na.jpg| 0| One.\nb.jpg| 0| \na.jpg| 1| Two.\n",
    "tokens": "a.jpg#0\tOne.\nb.jpg#0\t\na.jpg#1\tTwo.\n",
    "csv": "image,caption\na.jpg,One.\nb.jpg,\na.jpg,Two.\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_captions_keep_their_order_and_empty_ones_stay(tmp_path, write, form):
    found = captions_by_file(write(tmp_path / "captions.txt", FORMS[form]), tmp_path)
    assert found == {"a.jpg": ("One.", "Two."), "b.jpg": ("",)}


def test_a_file_outside_the_folder_of_images_is_refused_with_its_row(tmp_path, write):
    with pytest.raises(DataError, match=r"image: got '../a.jpg'; want a file inside .*captions.txt, row 1\)"):
        captions_by_file(write(tmp_path / "captions.txt", "image,caption\na.jpg,One.\n../a.jpg,Two.\n"), tmp_path)
