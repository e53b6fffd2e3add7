import numpy as np
import published_maps as published

from motet.data.readers import Ade20k


def test_a_stored_number_is_one_more_than_its_class_and_0_is_invalid(tmp_path):
    published.write_ade20k(tmp_path)
    reader = Ade20k(tmp_path)
    assert [np.unique(reader[row].labels["segmentation"]).tolist() for row in range(2)] == [[0], [-1]]
    assert (reader.names[0], len(reader.names)) == ("wall", 150)
