"""The type of near misses: its line, and those alike in one."""

from pathlib import Path

from motet.data.detect.near_miss import NearMiss, grouped


def test_a_line_has_path_format_value_and_what_to_change():
    assert (
        str(NearMiss(Path("d/a.csv"), "x", "y", "table", more=2000)) == "d/a.csv and 2,000 more: table: got x; want y"
    )
    assert str(NearMiss(Path("d/a.csv"), "x", "y")) == "d/a.csv: got x; want y"


def test_files_of_one_folder_and_ending_that_say_the_same_are_one_entry():
    places = ("d/1.xml", "d/2.xml", "d/3.txt", "e/1.xml")
    misses = [NearMiss(Path(place), "x", "y") for place in places] + [NearMiss(Path("d/4.xml"), "z", "y")]
    assert [(miss.path.as_posix(), miss.got, miss.more) for miss in grouped(misses)] == [
        ("d/1.xml", "x", 1),
        ("d/3.txt", "x", 0),
        ("e/1.xml", "x", 0),
        ("d/4.xml", "z", 0),
    ]
