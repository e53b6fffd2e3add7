import json

import pytest

from motet.core import ConfigError
from motet.data.readers import Nlvr


def test_nlvr_finds_folders_that_its_file_does_not_name(tmp_path, image, write) -> None:
    for order in (0, 2):
        image(tmp_path / "images" / "3" / f"hidden-1-0-{order}.png")
    line = {"sentence": "A box.", "label": "false", "identifier": "1-0"}
    file = write(tmp_path / "hidden.json", json.dumps(line))
    reader = Nlvr(file, tmp_path / "images", orders=(0, 2))
    assert [row.id for row in (reader[0], reader[1])] == ["nlvr/hidden/1-0/0", "nlvr/hidden/1-0/2"]
    assert reader.keys(1) == ("nlvr/hidden-1-0-2",)
    with pytest.raises(ConfigError, match=r"Nlvr.orders: got \(6,\)"):
        Nlvr(file, tmp_path / "images", orders=(6,))
