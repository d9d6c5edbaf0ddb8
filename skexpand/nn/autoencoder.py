"""Autoencoders whose latents are the Koopman observables, for images and tables.

Both speak one language: a latent is a map ``(n, c, h, w)`` of ``h * w`` tokens with
``c`` channels each. Images have a grid of tokens, tables one row of them.
"""

import math
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from skexpand.nn.layers import reduction, seeded

_LARGEST_MAP = 8  # tokens a side: 64 tokens keep attention cheap at any image size
_LOG_VARIANCE_START = -4.0  # nearly deterministic at first: noise of e^-2 = 0.14
_LOG_VARIANCE_RANGE = (-10.0, 4.0)  # exp stays finite whatever the input


class ConvAutoencoder(nn.Module):
    """Compress images to a small map of tokens and back.

    Strided convolutions halve the image until no side of the map exceeds 8. Odd sizes
    are padded with their edge on the way in and cropped on the way out. In images of 64
    pixels and more, blocks of pixels become channels first, and last channels blocks of
    pixels: at full size the convolutions would take most of the time of a fit.

    Axes: ``n`` images, ``C`` channels, ``H, W`` pixels, ``c`` latent channels,
    ``h, w`` map sides.

    Parameters
    ----------
    image_shape : tuple of (C, H, W)
        Shape of one image.
    generator : torch.Generator
        Source of the first weights.
    latent_channels : int, default=8
        Width ``c`` of a token; more keeps finer detail.
    width : int, default=24
        Filters of the first layer, doubled at each halving.

    Attributes
    ----------
    latent_shape : tuple of (c, h, w)
        Shape of one latent.

    Raises
    ------
    ValueError
        If a side is below 4 or a width below 1.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        generator: Generator,
        latent_channels: int = 8,
        width: int = 24,
    ) -> None:
        super().__init__()
        n_channels, height, side = image_shape
        if min(height, side) < 4 or min(n_channels, latent_channels, width) < 1:
            raise ValueError(
                "ConvAutoencoder needs sides of at least 4 and positive widths, got "
                f"{image_shape=}, {latent_channels=} and {width=}."
            )
        self._block = reduction(height, side)
        blocks = math.ceil(max(height, side) / self._block)
        n_halvings = max(1, math.ceil(math.log2(blocks / _LARGEST_MAP)))
        stride = self._block * 2**n_halvings
        self.image_shape = tuple(image_shape)
        self.latent_shape = (
            latent_channels,
            math.ceil(height / stride),
            math.ceil(side / stride),
        )
        self._padded = tuple(stride * tokens for tokens in self.latent_shape[1:])

        conv = partial(seeded, nn.Conv2d, generator=generator)
        # The first layer halves already: at full size it would cost more than the rest.
        folded = n_channels * self._block**2
        widths = [folded, *(width * 2**i for i in range(n_halvings))]
        encoder = []
        for before, after in pairwise(widths):
            encoder += [conv(before, after, 4, stride=2, padding=1), nn.GELU()]
        self.encoder = nn.Sequential(*encoder)
        self.to_mean = conv(widths[-1], latent_channels, 1)
        self.to_log_variance = conv(widths[-1], latent_channels, 1, gain=0)
        nn.init.constant_(self.to_log_variance.bias, _LOG_VARIANCE_START)

        grow = partial(seeded, nn.ConvTranspose2d, generator=generator)
        decoder = [conv(latent_channels, widths[-1], 1)]
        for before, after in pairwise(widths[::-1]):
            decoder += [nn.GELU(), grow(before, after, 4, stride=2, padding=1)]
        self.decoder = nn.Sequential(*decoder)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latents.

        Shapes: ``x (n, C, H, W)`` -> ``(n, c, h, w)``, ``(n, c, h, w)``.
        """
        bottom, right = (self._padded[i] - x.shape[2 + i] for i in (0, 1))
        x = F.pad(x, [0, right, 0, bottom], mode="replicate")
        features = self.encoder(F.pixel_unshuffle(x - 0.5, self._block))
        log_variance = self.to_log_variance(features).clamp(*_LOG_VARIANCE_RANGE)
        return self.to_mean(features), log_variance

    def decode(self, z: Tensor) -> Tensor:
        """Images of latents, in [0, 1].

        Shapes: ``z (n, c, h, w)`` -> ``(n, C, H, W)``.
        """
        height, width = self.image_shape[1:]
        x = F.pixel_shuffle(self.decoder(z), self._block)
        return x[..., :height, :width].sigmoid()


class TableAutoencoder(nn.Module):
    """Whiten a table linearly, and let a network add only what training asks for.

    The linear path is the shrunk whitening of the pooled covariance: with a few rows
    nothing learned beats it. The nonlinear path starts at zero on both sides, so the
    untrained network is the whitening and its exact inverse.

    Axes: ``n`` rows, ``q`` encoded columns, ``d = c * w`` latents in ``w`` groups.

    Parameters
    ----------
    mean : Tensor of shape (q,)
        Center of the table.
    whitening : Tensor of shape (q, d)
        Columns to latents.
    coloring : Tensor of shape (d, q)
        Latents to columns; the inverse of `whitening` on its range.
    generator : torch.Generator
        Source of the first weights.
    n_groups : int, default=4
        Tokens of the latent; ``d`` is filled up to a multiple with zeros.
    width : int, default=32
        Hidden units of the nonlinear path.

    Attributes
    ----------
    latent_shape : tuple of (c, 1, w)
        Shape of one latent.

    Raises
    ------
    ValueError
        If the matrices do not fit.
    """

    def __init__(
        self,
        mean: Tensor,
        whitening: Tensor,
        coloring: Tensor,
        *,
        generator: Generator,
        n_groups: int = 4,
        width: int = 32,
    ) -> None:
        super().__init__()
        n_columns, n_latents = whitening.shape
        if coloring.shape != (n_latents, n_columns) or mean.shape != (n_columns,):
            raise ValueError(
                "whitening (q, d), coloring (d, q) and mean (q,) must fit, got "
                f"{tuple(whitening.shape)}, {tuple(coloring.shape)}, "
                f"{tuple(mean.shape)}."
            )
        n_groups = min(n_groups, n_latents)
        per_group = math.ceil(n_latents / n_groups)
        self.latent_shape = (per_group, 1, n_groups)
        self.image_shape = (n_columns,)
        fill = per_group * n_groups - n_latents
        self.register_buffer("mean", mean)
        self.register_buffer("whitening", F.pad(whitening, [0, fill]))
        self.register_buffer("coloring", F.pad(coloring, [0, 0, 0, fill]))
        d = per_group * n_groups
        linear = partial(seeded, nn.Linear, generator=generator)
        self.encoder = nn.Sequential(linear(d, width), nn.GELU())
        self.to_mean = linear(width, d, gain=0)
        self.to_log_variance = linear(width, d, gain=0)
        self.decoder = nn.Sequential(
            linear(d, width), nn.GELU(), linear(width, n_columns, gain=0)
        )
        nn.init.constant_(self.to_log_variance.bias, _LOG_VARIANCE_START)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the latents.

        Shapes: ``x (n, q)`` -> ``(n, c, 1, w)``, ``(n, c, 1, w)``.
        """
        linear = (x - self.mean) @ self.whitening
        features = self.encoder(linear)
        mean = linear + self.to_mean(features)
        log_variance = self.to_log_variance(features).clamp(*_LOG_VARIANCE_RANGE)
        return self.to_map(mean), self.to_map(log_variance)

    def decode(self, z: Tensor) -> Tensor:
        """Rows of latents.

        Shapes: ``z (n, c, 1, w)`` -> ``(n, q)``.
        """
        flat = z.flatten(2).transpose(1, 2).flatten(1)  # (n, w * c)
        return flat @ self.coloring + self.mean + self.decoder(flat)

    def to_map(self, flat: Tensor) -> Tensor:
        """Cut flat latents into tokens. Shapes: ``(n, d)`` -> ``(n, c, 1, w)``."""
        c, _, w = self.latent_shape
        # Neighboring components share a token: the leading ones vary together.
        return flat.view(len(flat), w, c).transpose(1, 2).unsqueeze(2)


def reparametrize(mean: Tensor, log_variance: Tensor, generator: Generator) -> Tensor:
    """Draw latents of the posterior, noise from the CPU whatever the device.

    Shapes: ``mean (...)``, ``log_variance (...)`` -> ``(...)``.
    """
    noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
    return mean + (log_variance / 2).exp() * noise.to(mean.device)
