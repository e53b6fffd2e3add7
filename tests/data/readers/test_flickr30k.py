from motet.data.readers import Flickr8k, Flickr30k


def test_both_readers_give_the_same_rows_under_their_own_names(tmp_path, image, write):
    image(tmp_path / "36.jpg")
    captions = write(tmp_path / "results.csv", "image_name| comment_number| comment\n36.jpg| 0| A dog.\n")
    ours, other = Flickr30k(captions, tmp_path), Flickr8k(captions, tmp_path)
    assert (ours[0].id, other[0].id) == ("flickr30k/36.jpg", "flickr8k/36.jpg")
    assert ours[0].labels == other[0].labels == {"captions": ("A dog.",)}
    assert ours.keys(0) == ("flickr/36",)
