from motet.data.detect.guess import guess


def test_a_column_by_an_images_name_is_the_image():
    found = guess(["caption", "file"], [{"caption": "picture of 1.png", "file": "1.png"}])
    assert (found.image, found.labels, found.evidence) == ("file", {"captions": "caption"}, "columns file, caption")


def test_without_an_image_or_anything_to_learn_there_is_no_guess():
    assert guess(["a"], []) is None
    assert guess(["question", "answer"], [{"question": "What?", "answer": "dog"}]) is None
    assert guess(["image"], [{"image": "a.jpg"}]) is None
    assert guess(["image", "x", "y"], [{"image": "a.jpg", "x": "one", "y": "two"}]) is None
    assert guess(["image", "x"], [{"image": "a.jpg", "x": 1.5}]) is None


def test_a_row_that_names_no_image_makes_it_no_image_column():
    assert (
        guess(["file", "caption"], [{"file": "a.jpg", "caption": "x"}, {"file": "notes.txt", "caption": "y"}]) is None
    )


def test_images_may_be_bytes_structs_and_lists():
    for cell in (b"data", {"bytes": b"data", "path": None}, ["a.jpg", "b.jpg"]):
        assert guess(["im", "label"], [{"im": cell, "label": "x"}]).image == "im"


def test_numbered_columns_belong_together():
    found = guess(
        ["image", "question", "answer_1", "answer_2"],
        [{"image": "a.jpg", "question": "?", "answer_1": "x", "answer_2": "y"}],
    )
    assert found.labels == {"answers": ("answer_1", "answer_2")}
    assert guess(["image", "caption1", "caption2"], [{"image": "a.jpg"}]).labels == {
        "captions": ("caption1", "caption2")
    }
    languages = guess(["image", "caption_en_1", "caption_en_2", "caption_fr"], [{"image": "a.jpg"}])
    assert languages.labels == {"captions_en": ("caption_en_1", "caption_en_2"), "captions_fr": "caption_fr"}
    assert languages.languages == {"captions_en": "en", "captions_fr": "fr"}


def test_keys_of_a_json_member_count_by_their_last_part():
    found = guess(["jpg", "json.split", "json.label"], [{"jpg": "x.jpg", "json.split": "val", "json.label": "cat"}])
    assert (found.labels, found.split) == ({"class": "json.label"}, "json.split")
    assert found.arguments(image=False) == {"labels": {"class": "json.label"}}
