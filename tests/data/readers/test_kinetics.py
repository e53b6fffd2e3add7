import published_videos as published
import pytest

from motet.core import DataError
from motet.data.readers import Kinetics


def test_kinetics_by_class_folders_and_by_its_table(tmp_path):
    published.write_kinetics(tmp_path)
    reader = Kinetics(tmp_path)
    assert reader.names == ("abseiling", "air drumming")
    assert reader[0].id == "kinetics/train/abcdefghijk_000010_000020"
    table = published.text(
        tmp_path / "train.csv",
        "label,youtube_id,time_start,time_end,split\n"
        "air drumming,-_cdefghijk,0,10,train\nabseiling,notherehere,5,15,train\n",
    )
    listed = Kinetics(tmp_path, annotations=table, names=reader.names)
    assert [(row.id, row.labels["class"]) for row in (listed[0],)] == [("kinetics/train/-_cdefghijk_000000_000010", 1)]
    assert len(listed) == 1
    published.text(table, "label,video\n")
    with pytest.raises(DataError, match="want youtube_id in it"):
        Kinetics(tmp_path, annotations=table)
