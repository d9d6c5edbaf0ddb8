"""The classifier of Algorithm 1, small enough for a handful of samples."""

from functools import partial

from torch import Generator, Tensor, nn

from skexpand.nn.layers import seeded, shrunk
from skexpand.nn.ordered import by_rows_and_columns


class Classifier(nn.Module):
    """Tell classes apart on real and synthetic samples (paper, eq. 7).

    Images pass two strided convolutions, reduced to sides of 32 to 63 pixels where they
    are larger; a table's columns enter one hidden layer. Its cross-entropy is a loss of
    the expansion, its opinion the judge of images.

    Shapes: ``x (n, C, H, W)`` or ``x (n, q)`` -> logits ``(n, n_classes)``.

    Parameters
    ----------
    sample_shape : tuple of int
        (C, H, W) or (q,).
    n_classes : int
        Number of classes.
    generator : torch.Generator
        Source of the first weights.
    width : int, default=24
        Filters of the first convolution, or hidden units.
    """

    def __init__(
        self,
        sample_shape: tuple[int, ...],
        n_classes: int,
        *,
        generator: Generator,
        width: int = 24,
    ) -> None:
        super().__init__()
        conv = partial(seeded, nn.Conv2d, generator=generator)
        linear = partial(seeded, nn.Linear, generator=generator)
        if len(sample_shape) == 1:
            layers = [linear(sample_shape[0], width), nn.GELU()]
            n_features = width
        else:
            n_channels, height, side = sample_shape
            layers = [
                _Shrink(),
                conv(n_channels, width, 5, stride=2, padding=2),
                nn.GroupNorm(4, width),
                nn.GELU(),
                conv(width, 2 * width, 5, stride=2, padding=2),
                nn.GroupNorm(4, 2 * width),
                nn.GELU(),
                # Four cells a side know where a stroke is and bound the last layer.
                _Average(4) if min(height, side) >= 16 else nn.Identity(),
                nn.Flatten(),
            ]
            cells = [
                4 if min(height, side) >= 16 else -(-s // 4) for s in (height, side)
            ]
            n_features = 2 * width * cells[0] * cells[1]
        self.features = nn.Sequential(*layers)
        self.to_logits = linear(n_features, n_classes, gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Score every class."""
        return self.to_logits(self.features(x))


class _Shrink(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return shrunk(x)


class _Average(nn.AdaptiveAvgPool2d):
    def forward(self, x: Tensor) -> Tensor:
        return by_rows_and_columns(super().forward, x)
