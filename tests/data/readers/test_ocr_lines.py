import pytest

from motet.core import ConfigError, DataError
from motet.data.readers import OcrLines


@pytest.fixture
def root(tmp_path, image):
    for place in ("train/0.jpg", "train/1.jpg", "val/0.jpg", "2.jpg"):
        image(tmp_path / "crops" / place)
    return tmp_path / "crops"


def test_a_table_finds_the_folder_of_its_name(root, write):
    reader = OcrLines(write(root / "train_gt.tsv", '0.jpg\tTOTAL: "5"\n\n1.jpg\tÄ B\n'))
    assert [reader[index].labels for index in range(2)] == [{"text": ('TOTAL: "5"',)}, {"text": ("Ä B",)}]
    assert reader[0].id == "crops/train/0.jpg"


def test_several_tables_are_one_reader(root, write):
    tables = tuple(write(root / f"{part}_gt.tsv", "0.jpg\tA\n") for part in ("train", "val"))
    reader = OcrLines(tables, name="sroie")
    assert [reader.keys(index)[0] for index in range(2)] == ["sroie/train/0.jpg", "sroie/val/0.jpg"]


def test_a_table_without_such_a_folder_means_its_own(root, write):
    assert len(OcrLines(write(root / "lines.tsv", "2.jpg\tA\n"))) == 1
    assert OcrLines(write(root / "lines.tsv", "1.jpg\tA\n"), images=root / "train")[0].labels == {"text": ("A",)}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0.jpg\tA\tB\n", r"columns: got 3; want 2 \(file, text\) .*row 0\)"),
        ("0.jpg\tA\n1.jpg\n", r"columns: got 1; want 2 .*row 1\)"),
        ("0.jpg\tA\n0.jpg\tB\n", r"'0.jpg' twice; .*row 1\)"),
        ("../val/0.jpg\tA\n", r"want a file inside .*row 0\)"),
        ("\n", "lines: got none"),
    ],
)
def test_a_line_of_another_form_is_named(root, write, lines, message):
    with pytest.raises(DataError, match=message):
        OcrLines(write(root / "train_gt.tsv", lines))


def test_an_empty_text_is_an_error_of_its_row_only(root, write):
    reader = OcrLines(write(root / "train_gt.tsv", "0.jpg\tA\n1.jpg\t \n"))
    assert reader[0].labels["text"] == ("A",)
    with pytest.raises(DataError, match=r"text: got an empty one.*row 1\)"):
        reader[1]


def test_no_table_is_refused():
    with pytest.raises(ConfigError, match="got none"):
        OcrLines(())
