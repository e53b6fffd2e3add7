"""XML in the form of Pascal VOC in folders of one's own."""

import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import VocXml

XML = """<annotation><filename>{file}</filename><size><width>6</width><height>4</height></size><object>
<name>{name}</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>6</xmax><ymax>4</ymax></bndbox></object></annotation>"""


@pytest.fixture
def root(tmp_path, image, write):
    folder = tmp_path / "roads"
    for key, name in (("a", "stop"), ("b", "light")):
        image(folder / "images" / f"{key}.png")
        write(folder / "annotations" / f"{key}.xml", XML.format(file=f"{key}.png", name=name))
    return folder


def test_boxes_of_all_files_with_their_images(root):
    reader = VocXml(root / "annotations", root / "images")
    assert reader.names == ("light", "stop")
    assert (reader[0].id, reader.keys(0)) == ("annotations/a", ("roads/images/a",))
    assert reader[0].images[0].path == root / "images" / "a.png"
    assert reader[0].labels["boxes"].boxes_xyxy.tolist() == [[0, 1, 6, 4]]
    assert reader[0].labels["boxes"].labels.tolist() == [1]


def test_xml_may_be_beside_the_images(root):
    for file in (root / "annotations").iterdir():
        file.rename(root / "images" / file.name)
    reader = VocXml(root / "images", root / "images", image_prefix="mine", name="some")
    assert [(reader[row].id, reader.keys(row)) for row in range(2)] == [
        ("some/a", ("mine/a",)),
        ("some/b", ("mine/b",)),
    ]


def test_a_list_keeps_its_rows_and_the_classes_of_all(root, write):
    reader = VocXml(root / "annotations", root / "images", write(root / "val.txt", "b\n"))
    assert (len(reader), reader[0].id, reader.names) == (1, "annotations/val/b", ("light", "stop"))


def test_names_of_another_split(root):
    reader = VocXml(root / "annotations", root / "images", names=("stop", "tram"))
    assert reader[0].labels["boxes"].labels.tolist() == [0]
    with pytest.raises(DataError, match=r"name: got 'light', a class that names lacks; .*b.xml, row 0\)"):
        reader[1]


def test_a_missing_image_is_an_error_of_its_row(root):
    (root / "images" / "a.png").unlink()
    reader = VocXml(root / "annotations", root / "images")
    with pytest.raises(DataError, match=r"image: got no file .*a.png; .*a.xml, row a\)"):
        reader[0]
    assert len(reader[1].labels["boxes"].labels) == 1


def test_a_folder_without_xml_and_an_unknown_word_are_errors(root):
    with pytest.raises(DataError, match=r"rows: got no \.xml file"):
        VocXml(root / "images", root / "images", names=("stop",))
    with pytest.raises(ConfigError, match="got 'hard'; want 'crowd', 'keep' or 'leave out'"):
        VocXml(root / "annotations", root / "images", difficult="hard")
