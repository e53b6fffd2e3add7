import numpy as np
import pytest

from motet.core import DataError
from motet.data.formats.mat_hdf5 import MatFile

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["depths"] = np.arange(6.0).reshape(3, 2)
        cells = file.create_dataset("names", (1, 2), dtype=h5py.ref_dtype)
        for place, name in enumerate(("wall", "bed")):
            file[f"cell{place}"] = np.array([[ord(letter)] for letter in name], dtype=np.uint16)
            cells[0, place] = file[f"cell{place}"].ref
        file.create_group("empty")
    return tmp_path / "a.mat"


def test_rows_and_cell_arrays_are_read(path):
    with MatFile(path) as file:
        assert (file.num_rows("depths"), file.row("depths", 1).tolist()) == (3, [2, 3])
        assert file.texts("names") == ("wall", "bed")


def test_what_the_file_lacks_is_named(path):
    with MatFile(path) as file:
        for name in ("labels", "empty"):
            with pytest.raises(DataError, match=rf"{name}: got a file without it; want it as an array \(.*a.mat\)"):
                file.num_rows(name)
        with pytest.raises(DataError, match=r"depths: got .*; want a whole row \(.*a.mat, row 9\)"):
            file.row("depths", 9)
        with pytest.raises(DataError, match=r"depths: got .*; want a cell array of texts"):
            file.texts("depths")


@pytest.mark.parametrize(("content", "got"), [(None, "no such file"), (b"MATLAB 5.0", "not a whole HDF5 file")])
def test_a_file_that_is_missing_or_of_another_version_is_an_error(tmp_path, content, got):
    if content is not None:
        (tmp_path / "b.mat").write_bytes(content)
    with (
        pytest.raises(DataError, match=rf"MATLAB 7.3: got .*{got}.*; want one of version 7.3"),
        MatFile(tmp_path / "b.mat"),
    ):
        pass
