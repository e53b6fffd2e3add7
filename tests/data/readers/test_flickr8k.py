import pytest

from motet.core import DataError
from motet.data.readers import Flickr8k, Flickr30k

ONE, TWO = "1000268201_693b08cb0e.jpg", "1001773457_577c3a7d70.jpg"


@pytest.fixture
def images(tmp_path, image):
    for name in (ONE, TWO, "36.jpg"):
        image(tmp_path / "Images" / name)
    return tmp_path / "Images"


FORMS = {
    "csv": f'image,caption\n{ONE},"A girl , climbing ."\n{TWO},A dog .\n{ONE},"She said ""hi"" ."\n',
    "token": f'{ONE}#0\tA girl , climbing .\n{TWO}#0\tA dog .\n{ONE}#1\tShe said "hi" .\n',
    "bars": "image_name| comment_number| comment\n"
    f'{ONE}| 0| A girl , climbing .\n{TWO}| 0| A dog .\n{ONE}| 1| She said "hi" .\n',
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_rows(tmp_path, images, write, form):
    reader = Flickr8k(write(tmp_path / "captions", FORMS[form]), images)
    assert len(reader) == 2
    assert reader[0].id == f"flickr8k/{ONE}"
    assert reader[0].labels == {"captions": ("A girl , climbing .", 'She said "hi" .')}
    assert reader.keys(0) == ("flickr/1000268201",)


def test_the_line_of_the_published_file_that_lacks_a_bar_is_read(tmp_path, images, write):
    lines = "image_name| comment_number| comment\n36.jpg| 3| A dog .\n36.jpg| 4   A dog runs across the grass .\n"
    reader = Flickr30k(write(tmp_path / "results.csv", lines), images)
    assert reader[0].labels["captions"] == ("A dog .", "A dog runs across the grass .")
    assert reader[0].id == "flickr30k/36.jpg"


def test_a_split_gives_its_images_in_its_order(tmp_path, images, write):
    captions = write(tmp_path / "captions.txt", FORMS["csv"])
    reader = Flickr8k(captions, images, write(tmp_path / "split.txt", f"{TWO}\n{ONE}\n\n"))
    assert [reader.keys(index)[0] for index in range(len(reader))] == ["flickr/1001773457", "flickr/1000268201"]


def test_a_split_may_leave_out_the_ending(tmp_path, images, write):
    captions = write(tmp_path / "results.token", "36.jpg#0\tA dog .\n")
    assert len(Flickr30k(captions, images, write(tmp_path / "train.txt", "36\n"))) == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("none.jpg\n", r"got 'none.jpg'; want an image that has captions .*row 0\)"),
        (f"{ONE}\n{ONE}\n", "twice"),
        ("\n", "no image"),
    ],
)
def test_a_split_that_does_not_fit_is_named(tmp_path, images, write, lines, message):
    split = write(tmp_path / "split.txt", lines)
    with pytest.raises(DataError, match=message) as caught:
        Flickr8k(write(tmp_path / "captions.txt", FORMS["csv"]), images, split)
    assert caught.value.path == split


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,text\na.jpg,A dog .\n", r"header: got \['file', 'text'\]; want image,caption"),
        ("image,caption\na.jpg,A dog , here .\n", r"columns: got 3; want 2 .*row 0\)"),
        (f"{ONE}#0\tA dog .\nno number\tA dog .\n", r"want image.jpg#0<tab>caption .*row 1\)"),
        ("image_name| comment_number| comment\na.jpg| x| A dog .\n", r"want image.jpg\| 0\| caption .*row 0\)"),
        ("image,caption\n../a.jpg,A dog .\n", r"want a file inside .*row 0\)"),
        ("image,caption\n", "captions: got none"),
    ],
)
def test_a_line_of_another_form_is_named(tmp_path, images, write, content, message):
    with pytest.raises(DataError, match=message):
        Flickr8k(write(tmp_path / "captions.txt", content), images)


def test_an_empty_caption_is_an_error_of_its_row_only(tmp_path, images, write):
    reader = Flickr8k(write(tmp_path / "captions.txt", f"image,caption\n{ONE},A dog .\n{TWO},\n"), images)
    assert reader[0].labels["captions"] == ("A dog .",)
    with pytest.raises(DataError, match=r"empty text; want words .*row 1\)"):
        reader[1]
