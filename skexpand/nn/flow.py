"""Flows: move the source image instead of repainting it.

Composition with a flow is the Koopman operator in its literal sense: for an image
``g`` read as an observable on the plane and a flow ``T``, ``(K_T g)(p) = g(T(p))`` is
linear in ``g`` (paper, eq. 9). The latent of a pair of images is a stationary velocity
field; velocities add, scale and mix linearly, and the exponential turns any mix into a
smooth, invertible map.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from skexpand.nn.optimizer import Adam
from skexpand.nn.ordered import by_rows_and_columns, read_between

_BLUR_SIGMA = 0.036  # of the image side; one pixel at 28 x 28
_N_SQUARINGS = 5  # a field of 16 px is integrated in steps of half a pixel


def control_size(height: int, width: int) -> tuple[int, int]:
    """Control points of a velocity grid: one per four pixels, from 4 to 9 a side."""
    return tuple(min(9, max(4, math.ceil(side / 4))) for side in (height, width))


def identity_grid(height: int, width: int, device=None) -> Tensor:
    """Pixel centers in the units of ``grid_sample``. Shapes: -> ``(H, W, 2)``."""
    rows = (2 * torch.arange(height, device=device) + 1) / height - 1
    columns = (2 * torch.arange(width, device=device) + 1) / width - 1
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)


def integrate(
    velocity: Tensor, height: int, width: int, *, n_squarings: int = _N_SQUARINGS
) -> Tensor:
    r"""Displacement reached by following a velocity field for one unit of time.

    Scaling and squaring: :math:`\exp(v) = \exp(v / 2^s)^{2^s}` [1]_. The result is a
    diffeomorphism up to interpolation, and ``integrate(-v)`` undoes ``integrate(v)``.

    Shapes: ``velocity (m, 2, g, g)`` control points -> ``(m, H, W, 2)``, in half
    image sides.

    References
    ----------
    .. [1] Arsigny et al., "A log-Euclidean framework for statistics on
       diffeomorphisms", MICCAI 2006.
    """
    enlarge = partial(
        F.interpolate, size=(height, width), mode="bicubic", align_corners=True
    )
    field = by_rows_and_columns(enlarge, velocity)
    field = field / 2**n_squarings  # (m, 2, H, W)
    grid = identity_grid(height, width, velocity.device)
    for _ in range(n_squarings):
        moved = grid + field.permute(0, 2, 3, 1)  # (m, H, W, 2)
        field = field + read_between(field, moved)
    return field.permute(0, 2, 3, 1)


def warp(
    images: Tensor,
    displacement: Tensor,
    *,
    mode: str = "bilinear",
    padding: str = "border",
) -> Tensor:
    """Pull every image along its displacement.

    Parameters
    ----------
    images : Tensor of shape (m, C, H, W)
    displacement : Tensor of shape (m, H, W, 2)
        In half image sides.
    mode : {"bilinear", "bicubic"}, default="bilinear"
        How values between pixels are read. The bicubic one keeps edges sharp, but may
        leave the range of the image.
    padding : {"border", "reflection"}, default="border"
        Beyond its border an image goes on as it is, or mirrored.

    Returns
    -------
    Tensor of shape (m, C, H, W)
    """
    grid = identity_grid(*images.shape[-2:], images.device) + displacement
    return F.grid_sample(
        images, grid, mode=mode, padding_mode=padding, align_corners=False
    )


def reduced(images: Tensor, side: int) -> Tensor:
    """Shrink images whose larger side is longer than that, by averaging.

    Shapes: ``images (m, C, H, W)`` -> ``(m, C, H', W')``.
    """
    longest = max(images.shape[2:])
    if longest <= side:
        return images
    return F.interpolate(images, scale_factor=side / longest, mode="area")


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Blur with a Gaussian of ``sigma`` pixels, edges repeated.

    Shapes: ``images (m, C, H, W)`` -> ``(m, C, H, W)``.
    """
    radius = max(1, math.ceil(2 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=images.device)
    kernel = (-(offsets**2) / (2 * sigma**2)).exp()
    kernel = (kernel / kernel.sum()).to(images.dtype)
    n_channels = images.shape[1]
    for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
        pad = [0, 0, radius, radius] if shape[2] == -1 else [radius, radius, 0, 0]
        images = F.conv2d(
            F.pad(images, pad, mode="replicate"),
            kernel.view(shape).expand(n_channels, 1, *kernel.view(shape).shape[2:]),
            groups=n_channels,
        )
    return images


def register(
    source: Tensor,
    target: Tensor,
    *,
    n_iter: int = 60,
    smoothness: float = 0.05,
    learning_rate: float = 0.03,
) -> Tensor:
    r"""Velocity fields that carry every source image onto its target.

    Minimizes, for all pairs in one batch,

    .. math::
        \mathrm{mean}\,\big(G * (x_s \circ \exp v) - G * x_t\big)^2
            + \lambda\, \mathrm{mean}\,|\nabla v|^2

    with a Gaussian :math:`G`, by Adam. The blur widens the basin of attraction; the
    fields are smooth because only a coarse grid of control points is free.

    Shapes: ``source (m, C, H, W)``, ``target (m, C, H, W)`` -> ``(m, 2, g, g)``.

    Parameters
    ----------
    source, target : Tensor of shape (m, C, H, W)
        Images in [0, 1].
    n_iter : int, default=60
        Adam steps.
    smoothness : float, default=0.05
        Weight :math:`\lambda` of the roughness of the field.
    learning_rate : float, default=0.03
        Step size in half image sides.

    Returns
    -------
    Tensor of shape (m, 2, g, g)
        Velocities in half image sides per unit of time.
    """
    height, width = source.shape[-2:]
    blurred_source, blurred_target = _blurred(source), _blurred(target)
    rows, columns = control_size(height, width)
    velocity = source.new_zeros(len(source), 2, rows, columns).requires_grad_()
    optimizer = Adam([velocity], learning_rate, betas=(0.8, 0.95))
    for _ in range(n_iter):
        mismatch = _mismatch(blurred_source, blurred_target, velocity)
        roughness = velocity.diff(dim=2).square().sum((1, 2, 3)) + velocity.diff(
            dim=3
        ).square().sum((1, 2, 3))
        optimizer.minimize((mismatch + smoothness * roughness).sum())
    return velocity.detach()


@torch.no_grad()
def unexplained(source: Tensor, target: Tensor, velocity: Tensor) -> Tensor:
    """Share of each target's variance that its moved source leaves, both blurred.

    Shapes: images ``(m, C, H, W)``, ``velocity (m, 2, g, g)`` -> ``(m,)``; more than 1
    where the mean of the target would be nearer to it.
    """
    return _mismatch(_blurred(source), _blurred(target), velocity)


def _blurred(images: Tensor) -> Tensor:
    return gaussian_blur(images, _BLUR_SIGMA * max(images.shape[-2:]))


def _mismatch(source: Tensor, target: Tensor, velocity: Tensor) -> Tensor:
    scale = target.var(dim=(1, 2, 3), correction=0).clamp_min(1e-4)
    moved = warp(source, integrate(velocity, *source.shape[-2:]))
    return (moved - target).square().mean(dim=(1, 2, 3)) / scale


class LocalDamping:
    r"""Shorten what a velocity field does beyond an affine motion.

    The affine part (shift, rotation, scale, shear) of another pair's motion fits any
    image; what is left belongs to the strokes of that pair. Both are found by least
    squares over the control points.

    Parameters
    ----------
    rows, columns : int
        Control points.
    share : float
        What is kept of the local part.
    """

    def __init__(self, rows: int, columns: int, share: float) -> None:
        down, across = torch.meshgrid(
            torch.linspace(-1, 1, rows), torch.linspace(-1, 1, columns), indexing="ij"
        )
        basis = torch.stack([torch.ones_like(down), across, down], dim=-1).flatten(0, 1)
        affine = basis @ torch.linalg.pinv(basis)  # (g * g', g * g')
        self._matrix = share * torch.eye(len(affine)) + (1 - share) * affine

    def __call__(self, velocity: Tensor) -> Tensor:
        """Damp fields. Shapes: ``velocity (m, 2, g, g')`` -> the same."""
        flat = velocity.flatten(2) @ self._matrix.to(velocity)
        return flat.view_as(velocity)
