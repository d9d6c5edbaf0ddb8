"""The network that pre-training leaves to the judge, and the views it learns from."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from skexpand.nn.flow import control_size, integrate, warp
from skexpand.nn.layers import seeded, shrunk

_FEWEST_CELLS = 4  # a map of fewer cells a side is not halved
_SQUARINGS = 3  # views move pixels a little: no need for the five of registration
# Largest moves of a view, in half image sides and radians.
_SHIFT, _TURN, _GROWTH, _SHEAR, _LOCAL = 0.2, 0.26, 0.15, 0.15, 0.02
_CONTRAST, _BRIGHTNESS = 0.3, 0.1


class FeatureNetwork(nn.Module):
    """Images to features that tell classes apart, classes of other images included.

    Eight convolutions of 3 x 3: one to `width` filters, then three that double the
    filters and halve the map, the first and the last of them followed by a residual
    block of two [1]_. Pooling comes right after a convolution, which leaves a quarter
    of the pixels to the rest. The last map is averaged.

    Shapes: ``x (n, C, H, W)`` in [0, 1] -> ``(n, d)``, of norm 1.

    Parameters
    ----------
    n_channels : int
        Channels ``C``.
    width : int
        Filters of the first convolution; ``d = 8 * width``.
    generator : torch.Generator
        Source of the first weights.

    References
    ----------
    .. [1] Page, "How to Train Your ResNet", 2018, whose network this is, without its
       last layers.
    """

    def __init__(self, n_channels: int, width: int, *, generator: Generator) -> None:
        super().__init__()
        conv = partial(_Convolution, generator=generator)
        self.stem = conv(n_channels, width)
        self.halving = nn.ModuleList(conv(k * width, 2 * k * width) for k in (1, 2, 4))
        self.residual = nn.ModuleList(
            nn.Sequential(conv(k * width, k * width), conv(k * width, k * width))
            for k in (2, 8)
        )
        self.to(memory_format=torch.channels_last)  # half the time of a step

    @property
    def n_features(self) -> int:
        """Width ``d`` of the features."""
        return self.halving[-1].convolution.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Look at images."""
        x = self.stem((2 * shrunk(x) - 1).contiguous(memory_format=torch.channels_last))
        first, second, third = self.halving
        x = first(x, is_halved=True)
        x = x + self.residual[0](x)
        x = third(second(x, is_halved=True), is_halved=True)
        x = x + self.residual[1](x)
        return F.normalize(x.float().mean(dim=(2, 3)), dim=1)


class _Convolution(nn.Module):
    """A 3 x 3 convolution, pooled where asked, normalized and rectified."""

    def __init__(self, n_before, n_after, *, generator):
        super().__init__()
        self.convolution = seeded(
            nn.Conv2d, n_before, n_after, 3, generator=generator, padding=1, bias=False
        )
        self.norm = nn.BatchNorm2d(n_after)

    def forward(self, x, is_halved=False):
        x = self.convolution(x)
        if is_halved and min(x.shape[2:]) >= 2 * _FEWEST_CELLS - 2:
            x = F.max_pool2d(x, 2)
        return F.gelu(self.norm(x))


class MirrorFeatures(nn.Module):
    """Features of images whose left and right mean nothing: the mean of both ways.

    Shapes: ``x (n, C, H, W)`` in [0, 1] -> ``(n, d)``, of norm 1.

    Parameters
    ----------
    network : FeatureNetwork
        Looks at images, and at their mirror images.
    """

    def __init__(self, network: FeatureNetwork) -> None:
        super().__init__()
        self.network = network

    @property
    def n_features(self) -> int:
        """Width ``d`` of the features."""
        return self.network.n_features

    def forward(self, x: Tensor) -> Tensor:
        """Look at images both ways."""
        return F.normalize(self.network(x) + self.network(x.flip(3)), dim=1)


def random_views(x: Tensor, is_mirrored: bool, generator: Generator) -> Tensor:
    """Move and recolor every image a little, each by draws of its own.

    A velocity field that shifts, turns, grows and shears, plus a little local motion,
    is followed as the flows of the expansion are; then contrast and brightness change.

    Shapes: ``x (n, C, H, W)`` in [0, 1] -> the same.

    Parameters
    ----------
    x : Tensor of shape (n, C, H, W)
        Images.
    is_mirrored : bool
        Whether left and right mean nothing: half of the views are mirrored.
    generator : torch.Generator
        Source of all draws, on the CPU.
    """
    n, rows, columns = len(x), *control_size(*x.shape[2:])
    # Shift (2), turn, growth, shear, contrast, brightness, mirror.
    draws = torch.rand(n, 8, generator=generator) * 2 - 1
    noise = torch.randn(n, 2, rows, columns, generator=generator) * _LOCAL
    draws, noise = draws.to(x.device), noise.to(x.device)
    if is_mirrored:
        x = torch.where((draws[:, 7] < 0)[:, None, None, None], x.flip(3), x)
    turn, growth, shear = (draws[:, 2:5] * x.new_tensor([_TURN, _GROWTH, _SHEAR])).T
    matrix = torch.stack([growth, shear - turn, turn, growth], dim=1).view(n, 2, 2)
    down, across = torch.meshgrid(
        torch.linspace(-1, 1, rows, device=x.device),
        torch.linspace(-1, 1, columns, device=x.device),
        indexing="ij",
    )
    places = torch.stack([across, down]).flatten(1)  # (2, g * g')
    velocity = (matrix @ places).view(n, 2, rows, columns)
    velocity = velocity + noise + _SHIFT * draws[:, :2, None, None]
    moved = warp(x, integrate(velocity, *x.shape[2:], n_squarings=_SQUARINGS))
    contrast, brightness = draws[:, 5:7].T.reshape(2, n, 1, 1, 1)
    mean = moved.mean(dim=(1, 2, 3), keepdim=True)
    moved = mean + (moved - mean) * (1 + _CONTRAST * contrast)
    return (moved + _BRIGHTNESS * brightness).clamp(0, 1)


def one_cycle(step: float, n_steps: int) -> float:
    """Share of the largest learning rate: up for a quarter of the steps, then down."""
    progress = (step + 1) / (n_steps + 1)
    rise = 0.25
    if progress < rise:
        return (1 - math.cos(math.pi * progress / rise)) / 2
    return (1 + math.cos(math.pi * (progress - rise) / (1 - rise))) / 2
