"""The trial read: rows where one of the first can be read, else one line of a problem per annotation."""

from pathlib import Path

from user_folders import images

from motet.data.detect.dataset import try_read

LABELS = {"class": "en", "captions": "de"}


def test_a_reader_that_can_be_read_has_an_entry_per_annotation(tmp_path: Path) -> None:
    images(tmp_path, "cat/1.jpg", "dog/1.jpg", "dog/2.jpg")
    arguments = {"root": tmp_path}
    entries = list(
        try_read("ImageFolder", arguments, kind="classification", labels=LABELS, evidence="two folders", split="val")
    )
    assert [(one.label, one.language, one.rows, one.split, one.problems) for one in entries] == [
        ("class", "en", 3, "val", ()),
        ("captions", "de", 3, "val", ()),
    ]
    arguments.clear()
    assert entries[0].arguments == {"root": tmp_path}


def test_an_error_of_the_reader_is_the_problem(tmp_path: Path) -> None:
    (entry,) = try_read(
        "ImageFolder", {"root": tmp_path / "none"}, kind="classification", labels={"class": "en"}, evidence=""
    )
    assert entry.rows == 0
    assert str(tmp_path / "none") in entry.problems[0]


def test_with_a_known_problem_the_reader_is_not_built(tmp_path: Path) -> None:
    (entry,) = try_read(
        "no such reader", {}, kind="classification", labels={"class": "en"}, evidence="", problems=("known",)
    )
    assert (entry.rows, entry.problems) == (0, ("known",))


def test_a_broken_first_row_is_a_row_like_any_other(tmp_path: Path) -> None:
    images(tmp_path, "b.jpg", "c.jpg")
    table = tmp_path / "rows.csv"
    table.write_text("image,class\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\n")
    arguments = {"path": table, "image": "image", "labels": {"class": "class"}}
    (entry,) = try_read("Table", arguments, kind="classification", labels={"class": "en"}, evidence="")
    assert (entry.rows, entry.problems) == (3, ())
    table.write_text("image,class\na.jpg,cat\nd.jpg,dog\n")
    (entry,) = try_read("Table", arguments, kind="classification", labels={"class": "en"}, evidence="")
    assert "a.jpg" in entry.problems[0]
