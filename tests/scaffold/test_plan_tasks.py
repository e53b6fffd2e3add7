"""Tasks and their names: one per data set and annotation, named by kind, language and, where needed, place."""

from __future__ import annotations

from pathlib import Path

import pytest

from motet.data.detect import DetectedDataset
from motet.scaffold.plan_tasks import plan_tasks


def found(reader, label="class", *, kind="classification", language="en", part="", **arguments):
    return DetectedDataset(
        reader=reader, arguments=arguments, kind=kind, label=label, rows=10, evidence="w", language=language, split=part
    )


def test_names_say_kind_and_language_and_where_needed_the_place():
    plans = plan_tasks(
        [
            found("ImageFolder", root=Path("a/pets")),
            found("ImageFolder", root=Path("a/cars")),
            found("Multi30k", "captions_en", kind="captioning", root=Path("m"), part="train"),
            found("Multi30k", "captions_de", kind="captioning", language="de", root=Path("m"), part="train"),
            found("Multi30k", "captions_de", kind="captioning", language="de", root=Path("m"), part="test"),
            found("OcrLines", "text", kind="text reading", tables=Path("lines.tsv")),
        ]
    )
    assert [plan.name for plan in plans] == ["kind_pets", "kind_cars", "caption", "caption_de", "read"]
    assert [part.split for part in plans[3].parts] == ["train", "test"]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("猫 と 犬", "kind_猫_と_犬"),
        ("x²\n'", "kind_x2"),
        ("ﬁsh", "kind_fish"),
        ("\udcff", "kind_imagefolder"),
        ("{}", "kind_imagefolder"),
    ],
)
def test_a_name_from_a_folder_is_a_variable_that_python_reads_back(folder, name):
    plans = plan_tasks([found("ImageFolder", root=Path("a") / folder), found("ImageFolder", root=Path("a/other"))])
    assert plans[0].name == name
    assert name.isidentifier()


def test_names_that_python_takes_for_the_same_variable_are_told_apart():
    plans = plan_tasks([found("ImageFolder", root=Path("a") / name) for name in ("ﬁsh", "fish", "Fish")])
    assert [plan.name for plan in plans] == ["kind_fish", "kind_fish_2", "kind_fish_3"]


def test_folders_that_differ_in_case_are_two_data_sets_and_parts_are_found_in_any_case():
    plans = plan_tasks([found("ImageFolder", root=Path("a") / name) for name in ("Fish", "fish")])
    assert len(plans) == 2
    parts = [found("ImageFolder", root=Path("a") / name, part=name.lower()) for name in ("Train", "VAL")]
    assert [part.split for part in plan_tasks(parts)[0].parts] == ["train", "val"]
