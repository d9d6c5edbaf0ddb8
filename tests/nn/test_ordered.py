"""What CUDA computes in one order is what torch computes on the CPU."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from skexpand.nn.ordered import by_matrices, read_by_index

OPERATIONS = {
    "bicubic": partial(F.interpolate, size=(9, 13), mode="bicubic", align_corners=True),
    "average": partial(F.adaptive_avg_pool2d, output_size=(4, 3)),
    "smooth": lambda x: F.avg_pool2d(F.pad(x, [1, 1, 0, 1], "replicate"), (2, 3), 1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_products_of_matrices_are_the_operation(name, generator):
    x = torch.randn(2, 3, 6, 7, generator=generator, requires_grad=True)
    expected, found = OPERATIONS[name](x), by_matrices(OPERATIONS[name], x)
    torch.testing.assert_close(found, expected)
    direction = torch.randn(expected.shape, generator=generator)
    slopes = [
        torch.autograd.grad((y * direction).sum(), x)[0] for y in (expected, found)
    ]
    torch.testing.assert_close(*slopes)


def test_reading_by_index_is_grid_sample(generator):
    x = torch.randn(2, 3, 6, 7, generator=generator, requires_grad=True)
    grid = 1.3 * (2 * torch.rand(2, 5, 4, 2, generator=generator) - 1)
    grid.requires_grad_()
    expected = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    found = read_by_index(x, grid)
    torch.testing.assert_close(found, expected)
    direction = torch.randn(expected.shape, generator=generator)
    slopes = [
        torch.autograd.grad((y * direction).sum(), (x, grid)) for y in (expected, found)
    ]
    for one, other in zip(*slopes, strict=True):
        torch.testing.assert_close(one, other)
