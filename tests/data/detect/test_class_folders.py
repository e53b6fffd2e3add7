"""Images in class folders: classes, splits, and folders that are no classes."""

from user_folders import images, read

from motet.data.detect import detect


def test_class_folders(tmp_path):
    images(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/1.png")
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.label, found.rows, found.split) == (
        "ImageFolder",
        "classification",
        "class",
        3,
        "",
    )
    assert read(found).names == ("cat", "dog")
    assert "cat, dog" in found.evidence


def test_splits_share_the_classes_of_training(tmp_path):
    images(tmp_path, *(f"{part}/{kind}/1.jpg" for part, kinds in (("train", "abc"), ("val", "bc")) for kind in kinds))
    found = {one.split: one for one in detect(tmp_path)}
    assert set(found) == {"train", "val"}
    assert read(found["train"]).names == read(found["val"]).names == ("a", "b", "c")


def test_splits_and_kinds_of_file_are_no_classes(tmp_path):
    images(tmp_path, "train/1.jpg", "val/1.jpg", "train_labels/1.png", "val_labels/1.png")
    assert detect(tmp_path) == ()
