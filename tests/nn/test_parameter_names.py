import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from motet.nn.parameter_names import parameter_name


@pytest.mark.parametrize("name", ["snli.ve", "a%b", "a.b%2E", "x"])
def test_pytorch_takes_the_name(name) -> None:
    assert parameter_name(name) in nn.ModuleDict({parameter_name(name): nn.Linear(1, 1)})


@given(st.text(alphabet="ab.%2E5"), st.text(alphabet="ab.%2E5"))
def test_different_names_stay_different(a, b) -> None:
    assert (parameter_name(a) == parameter_name(b)) == (a == b)
