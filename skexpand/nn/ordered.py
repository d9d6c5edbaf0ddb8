"""Operations whose gradients torch sums in any order on CUDA, in one order here.

Two fits of one seed shall give the same bits. Torch's own gradients of resizing,
pooling and reading between pixels add up from many threads, whoever comes first. On the
CPU they do not, and torch's operations are used as they are.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def by_rows_and_columns(operate: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a linear operation that treats rows and columns apart.

    It must leave constant images constant, as resizing and averaging do. On CUDA it is
    two products with the matrices that it has for rows and for columns.

    Shapes: ``x (n, C, H, W)`` -> ``(n, C, H', W')``.
    """
    if not x.is_cuda:
        return operate(x)
    return by_matrices(operate, x)


def by_matrices(operate: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply the operation of `by_rows_and_columns` as two products, on any device."""
    height, width = x.shape[2:]
    with torch.no_grad():
        # Row i of an image is 1, the rest 0: what the operation makes of row i.
        one = torch.eye(height, dtype=x.dtype, device=x.device).view(height, 1, -1, 1)
        rows = operate(one.expand(-1, -1, -1, width).contiguous())[:, 0, :, 0]
        one = torch.eye(width, dtype=x.dtype, device=x.device).view(width, 1, 1, -1)
        columns = operate(one.expand(-1, -1, height, -1).contiguous())[:, 0, 0, :]
    return rows.T @ x @ columns


def read_between(x: Tensor, grid: Tensor) -> Tensor:
    """Read images between pixels, by ``grid_sample`` with ``padding_mode="border"``.

    Shapes: ``x (m, C, H, W)``, ``grid (m, H', W', 2)`` -> ``(m, C, H', W')``.
    """
    if not x.is_cuda:
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    return read_by_index(x, grid)


def read_by_index(x: Tensor, grid: Tensor) -> Tensor:
    """Do what `read_between` does by indices, whose gradients torch sorts."""
    m, n_channels, height, width = x.shape
    column = (((grid[..., 0] + 1) * width - 1) / 2).clamp(0, width - 1)
    row = (((grid[..., 1] + 1) * height - 1) / 2).clamp(0, height - 1)
    left, top = column.detach().long(), row.detach().long()
    right, bottom = (left + 1).clamp_max(width - 1), (top + 1).clamp_max(height - 1)
    across, down = (column - left).unsqueeze(-1), (row - top).unsqueeze(-1)
    pixels = x.permute(0, 2, 3, 1).reshape(-1, n_channels)
    first = torch.arange(m, device=x.device).view(-1, 1, 1) * (height * width)

    def pixel(rows, columns):
        return pixels[first + rows * width + columns]  # (m, H', W', C)

    upper = torch.lerp(pixel(top, left), pixel(top, right), across)
    lower = torch.lerp(pixel(bottom, left), pixel(bottom, right), across)
    return torch.lerp(upper, lower, down).permute(0, 3, 1, 2)
