"""Arrays come back; a file that points elsewhere or declares more than it holds is one line."""

import os
import tracemalloc

import numpy as np
import pytest

from motet.core import DataError
from motet.data.formats.hdf5_file import Hdf5File

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["depths"] = np.arange(6.0).reshape(3, 2)
        cells = file.create_dataset("names", (1, 2), dtype=h5py.ref_dtype)
        for place, name in enumerate(("wall", "bed")):
            file[f"cell{place}"] = np.array([[ord(letter)] for letter in name], dtype=np.uint16)
            cells[0, place] = file[f"cell{place}"].ref
        group = file.create_group("coco/9")
        group["features"] = np.ones((3, 8), dtype=np.float16)
        group.attrs["size_hw"] = [40, 60]
        file["ids"], file["texts"] = [7, 9], ["coco/7", "ü"]
        file.create_dataset("packed", data=np.zeros((500, 500)), compression="gzip")
    return tmp_path / "a.h5"


@pytest.fixture
def secret(tmp_path):
    """A file of somebody else, as HDF5 and as plain bytes."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["features"] = np.ones((3, 8))
    (tmp_path / "secret.bin").write_bytes(np.ones((3, 8)).tobytes())
    return tmp_path


def test_arrays_rows_texts_and_attributes_are_read(path):
    with Hdf5File(path, what="regions") as file:
        assert (file.num_rows("depths"), file.read("depths", 1).tolist()) == (3, [2, 3])
        assert file.read("depths", slice(1, 3)).tolist() == [[2, 3], [4, 5]]
        assert file.texts_of_codes("names") == ("wall", "bed")
        assert (file.texts("ids"), file.texts("texts")) == (("7", "9"), ("coco/7", "ü"))
        assert (file.has("coco/9/features"), file.has("coco/10"), file.has("depths/x")) == (True, False, False)
        assert file.first_group_of_arrays() == "coco/9"
        assert file.attributes("coco/9", ("size_hw", "image_h"))["size_hw"].tolist() == [40, 60]
        assert file.read("packed").shape == (500, 500)


def test_what_the_file_lacks_is_named(path):
    with Hdf5File(path, what="regions") as file:
        for name in ("labels", "coco"):
            with pytest.raises(DataError, match=r"regions: got \[.*\]; want 'labels'|coco: got no array; want"):
                file.read(name)
        with pytest.raises(DataError, match=r"depths: got .*; want a whole entry \(.*a.h5, row 9\)"):
            file.read("depths", 9)
        with pytest.raises(DataError, match=r"depths: got an array of float64; want a cell array of texts"):
            file.texts_of_codes("depths")
        with pytest.raises(DataError, match=r"texts: got an array of object; want numbers"):
            file.read("texts")


@pytest.mark.parametrize(("content", "got"), [(None, "No such file"), (b"MATLAB 5.0", "signature"), (b"", "")])
def test_a_file_that_is_missing_or_of_another_kind_is_an_error(tmp_path, content, got):
    if content is not None:
        (tmp_path / "b.mat").write_bytes(content)
    with pytest.raises(DataError, match=rf"(file|regions): got .*{got}.*; want"):
        Hdf5File(tmp_path / "b.mat", what="regions")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="a pipe, socket or device"):
        Hdf5File(tmp_path / "pipe", what="regions")


def virtual(file, folder):
    layout = h5py.VirtualLayout(shape=(3, 8), dtype="f8")
    layout[:] = h5py.VirtualSource(folder / "secret.h5", "features", shape=(3, 8))
    file.create_virtual_dataset("x", layout)


def stored_elsewhere(file, folder):
    file.create_dataset("x", (3, 8), "f8", external=[(folder / "secret.bin", 0, h5py.h5f.UNLIMITED)])


def external_link(file, folder):
    file["x"] = h5py.ExternalLink(folder / "secret.h5", "features")


def external_link_in_a_group(file, folder):
    file.create_group("group")["inner"] = h5py.ExternalLink(folder / "secret.h5", "/")
    file["x"] = h5py.SoftLink("/group/inner/features")


def soft_link(file, folder):
    file["real"], file["x"] = np.ones(3), h5py.SoftLink("/real")


@pytest.mark.parametrize("point", [virtual, stored_elsewhere, external_link, external_link_in_a_group, soft_link])
def test_what_lies_elsewhere_is_refused(tmp_path, secret, point):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        point(file, secret)
    with (
        Hdf5File(tmp_path / "b.h5", what="regions") as file,
        pytest.raises(DataError, match=r"x: got (a link to|an array that is stored in another file).*; want") as caught,
    ):
        file.read("x")
    assert "\n" not in str(caught.value)


def test_a_shape_beyond_the_file_is_not_allocated(tmp_path):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("plain", (10**13,), "f8")
        file.create_dataset("chunks", (10**13,), "f8", chunks=(1000,))
        file.create_dataset("chunk", (10**8,), "f8", chunks=(10**8,), compression="gzip")
        file.create_dataset("packed", data=np.zeros(10**7), compression="gzip")
    with Hdf5File(tmp_path / "b.h5", what="regions") as file:
        tracemalloc.start()
        for name in ("plain", "chunks", "chunk", "packed"):
            with pytest.raises(
                DataError, match=rf"{name}: got (the shape \(\d+,\)|[\d,]+ bytes) in a file of [\d,]+.*; want"
            ):
                file.read(name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1_000_000


def test_one_long_text_for_each_row_is_refused(tmp_path):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("ids", data=["x" * 5000] * 200, dtype=h5py.string_dtype())
        codes = file.create_dataset("codes", data=np.full(10_000, 120, np.uint16))
        file.create_dataset("names", data=np.array([codes.ref] * 9, dtype=h5py.ref_dtype))
    with Hdf5File(tmp_path / "b.h5", what="regions") as file:
        with pytest.raises(DataError, match="ids: got a text of more than 4,096 characters"):
            file.texts("ids")
        with pytest.raises(DataError, match="names: got a text of 10,000 characters; want a name"):
            file.texts_of_codes("names")


def test_an_attribute_of_many_numbers_is_refused(tmp_path):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_group("9").attrs["size_hw"] = np.ones(1000)
        file.create_group("8").attrs["size_hw"] = "40 x 60"
    with Hdf5File(tmp_path / "b.h5", what="regions") as file:
        for name in ("9", "8"):
            with pytest.raises(DataError, match=rf"{name}: got size_hw as .*; want numbers"):
                file.attributes(name, ("size_hw",))


def test_no_change_ends_the_process(path):
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for case in range(150):
        changed = bytearray(data)
        for place in rng.integers(len(data), size=int(rng.choice([1, 8]))):
            changed[place] = int(rng.choice([0, 0x7F, 0xFF, rng.integers(256)]))
        path.write_bytes(changed[: int(rng.integers(len(data)))] if case % 5 == 0 else changed)
        try:
            with Hdf5File(path, what="regions") as file:
                key = file.first_group_of_arrays()
                for name in (f"{key}/features", "depths", "packed", "ids"):
                    file.read(name)
                file.texts_of_codes("names")
                file.texts("texts")
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_a_changed_byte_anywhere_is_read_or_one_line(tmp_path):
    path = tmp_path / "c.h5"
    with h5py.File(path, "w") as file:
        file["9/boxes"] = np.zeros((2, 4), dtype=np.float32)
    whole = path.read_bytes()
    refused = 0
    for place in (24, 40, *range(800, 820)):  # among them the header of the group
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            with Hdf5File(path, what="regions") as file:
                file.arrays_in(file.find("9"))
        except DataError:
            refused += 1
    assert refused > 5
