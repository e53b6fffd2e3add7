"""`motet import`: what is typed wrong, and files of no known form; whole imports are in `tests/recipes/published`."""

import torch


def test_what_is_typed_wrong_is_one_line(motet, tmp_path) -> None:
    torch.save({"fc.weight": torch.zeros(2)}, tmp_path / "other.pth")
    for arguments, wanted in (
        (("import", "x.pth", "--out", tmp_path / "m", "--names", "vqa2"), "--names: got 'vqa2'; want HEAD=FILE"),
        (("import", "x.pth", "--out", tmp_path / "m", "--set", "train.steps=3"), "--set: got it without --into"),
        (("import", "x.pth", "--out", tmp_path / "m"), "weights 'x.pth': got no such file or folder"),
        (
            ("import", tmp_path / "other.pth", "--out", tmp_path / "m"),
            "got 1 arrays such as 'fc.weight'; want weights of",
        ),
        (("import", "x.pth"), "Missing option '--out'"),
    ):
        ran = motet(*arguments)
        assert ran.code == 2
        assert wanted in ran.err
        assert ran.err.count("\n") == 1
    assert not (tmp_path / "m").exists()
