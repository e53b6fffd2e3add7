from torch import nn

from motet.nn.optim_groups import kernels


def test_kernels_are_the_matrices_of_linear_and_convolutional_layers() -> None:
    linear, conv = nn.Linear(2, 3), nn.Conv2d(3, 4, 2)
    module = nn.ModuleList([linear, nn.LayerNorm(3), nn.Embedding(5, 3), nn.Sequential(conv, nn.BatchNorm2d(4))])
    assert [id(kernel) for kernel in kernels(module)] == [id(linear.weight), id(conv.weight)]
