import os
from pathlib import Path

import pytest

from motet.data.readers import Nlvr, Nlvr2, RefCocos, Vsr

DATA = Path(os.environ.get("MOTET_DATA", "no data"))


real = pytest.mark.skipif("MOTET_DATA" not in os.environ, reason="MOTET_DATA names no folder of real data")


READ = {
    "nlvr": (lambda: Nlvr(DATA / "nlvr/dev/dev.json", DATA / "nlvr/dev/images"), 989),
    "nlvr/hidden": (lambda: Nlvr(DATA / "nlvr/hidden/hidden.json", DATA / "nlvr/hidden/images", (0, 3)), 1970),
    "nlvr2": (lambda: Nlvr2(DATA / "nlvr2_sample/dev.json", DATA / "nlvr2_sample/dev"), 8),
    "vsr": (lambda: Vsr(DATA / "vsr/all_vsr_validated_data.subset.jsonl", DATA / "coco"), 40),
    "refcocos": (lambda: RefCocos(DATA / "refcocos/refcocos_test.subset.json", DATA / "coco"), 31),
}


@real
@pytest.mark.real_data
@pytest.mark.parametrize("name", READ)
def test_published_files_are_read_to_the_last_row(name) -> None:
    make, count = READ[name]
    reader = make()
    rows = [reader[place] for place in range(len(reader))]
    assert len(rows) == count
    assert len({row.id for row in rows}) == count
    if name == "refcocos":
        assert sum(row.labels["region"] is None for row in rows) == 4
    if name == "vsr":
        assert sum(row.labels["class"] for row in rows) == 17
