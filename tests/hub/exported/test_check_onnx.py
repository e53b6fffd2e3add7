"""ONNX files from anywhere: only standard operators, and tensors only from the file beside them."""

from __future__ import annotations

import os

import numpy as np
import pytest

from motet.core import CheckpointError
from motet.hub.exported.check_onnx import checked_model

onnx = pytest.importorskip("onnx")
helper = onnx.helper


def model(*nodes, tensors=(), functions=()):
    """A model with an input x and an output y."""
    x, y = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["b", 4]) for name in "xy")
    return helper.make_model(helper.make_graph(list(nodes), "g", [x], [y], list(tensors)), functions=list(functions))


def outside(location="weights.bin", offset="0", length="64", dims=(4, 4), **more):
    """A tensor in another file."""
    tensor = onnx.numpy_helper.from_array(np.zeros(dims, dtype=np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": offset, "length": length, **more}.items():
        if value is not None:
            tensor.external_data.add(key=key, value=value)
    return tensor


PRODUCT = helper.make_node("MatMul", ["x", "w"], ["y"])


@pytest.fixture
def check(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"\0" * 128)

    def checked(made):
        data = made if isinstance(made, bytes) else made.SerializeToString()
        (tmp_path / "one.onnx").write_bytes(data)
        return checked_model(tmp_path / "one.onnx", tmp_path / "weights.bin")

    return checked


def test_a_model_with_its_weights_beside_it_is_returned_as_it_is(check) -> None:
    good = model(PRODUCT, tensors=[outside(offset="64")])
    assert check(good) == good.SerializeToString()


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"location": "../weights.bin"}, r"got the file '\.\./weights.bin'; want 'weights.bin' beside it"),
        ({"location": "/etc/passwd"}, "got the file '/etc/passwd'"),
        ({"location": "./weights.bin"}, r"got the file '\./weights.bin'"),
        ({"location": None}, "got the file None"),
        ({"offset": "96"}, "got bytes 96 to 160 for 64; want its own within 128"),
        ({"offset": "-64"}, "got bytes -64 to 0"),
        ({"length": "60"}, "got bytes 0 to 60 for 64"),
        ({"length": None}, "got no place"),
        ({"offset": "1e3"}, "got no place"),
        ({"basepath": "/"}, "got the file 'weights.bin'"),
    ],
)
def test_a_tensor_anywhere_else_is_refused(check, change, wanted) -> None:
    with pytest.raises(CheckpointError, match=wanted) as caught:
        check(model(PRODUCT, tensors=[outside(**change)]))
    assert "\n" not in str(caught.value)


def test_a_tensor_inside_a_node_or_a_branch_is_checked_too(check) -> None:
    constant = helper.make_node("Constant", [], ["w"], value=outside(location="../secret"))
    with pytest.raises(CheckpointError, match="secret"):
        check(model(constant, PRODUCT))
    branch = helper.make_graph([constant], "branch", [], [helper.make_empty_tensor_value_info("w")])
    chosen = helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch)
    with pytest.raises(CheckpointError, match="secret"):
        check(model(chosen))


@pytest.mark.parametrize("node", [("Evil", "custom.ops"), ("Evil", "com.microsoft"), ("Loop", ""), ("Scan", "ai.onnx")])
def test_operators_that_no_export_has_are_refused(check, node) -> None:
    kind, domain = node
    with pytest.raises(CheckpointError, match=f"got the operator '.*{kind}'; want those of the ONNX standard"):
        check(model(helper.make_node(kind, ["x"], ["y"], domain=domain)))


def test_functions_are_refused(check) -> None:
    inside = helper.make_function("own", "F", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [])
    with pytest.raises(CheckpointError, match="got functions, training or sparse tensors"):
        check(model(PRODUCT, functions=[inside]))


def test_no_pipe_is_read(tmp_path, check) -> None:
    (tmp_path / "weights.bin").unlink()
    os.mkfifo(tmp_path / "weights.bin")
    with pytest.raises(CheckpointError, match="got a pipe, socket or device"):
        check(model(PRODUCT))


def test_a_graph_too_large_to_be_one_is_refused_before_it_is_read(tmp_path, check) -> None:
    check(model(PRODUCT))
    with open(tmp_path / "one.onnx", "r+b") as file:
        file.truncate(2**28 + 1)
    with pytest.raises(CheckpointError, match="want at most 268,435,456"):
        checked_model(tmp_path / "one.onnx", tmp_path / "weights.bin")
