"""Light and contrast: what tells images of a class apart besides their shape."""

import torch
from torch import Tensor, nn

from skexpand.nn.mixing import PairBank

_LARGEST_LOG_GAIN = 0.7  # contrast at most halved or doubled
_LEAST_SPREAD = 1 / 255
# Of the length of moves. At the second one images keep little of their own light.
_SHARE, _SHARE_IF_FREE = 0.5, 2.0


def light_of(x: Tensor) -> Tensor:
    """Mean and log standard deviation of every channel.

    Shapes: ``x (n, C, H, W)`` -> ``(n, C, 2)``.
    """
    flat = x.flatten(2)
    spread = flat.std(dim=2, correction=0) + _LEAST_SPREAD
    return torch.stack([flat.mean(dim=2), spread.log()], dim=2)


def recoloring_share(probe) -> float:
    """Choose how far light moves, as a share of the length of moves.

    Photographs of a class have their light in common now and then, a sky or a lawn, and
    a network misses it. Where shapes tell the classes and light adds nothing, as on
    traffic signs by day and by night, whatever light there is may shine on any image.

    Parameters
    ----------
    probe : ImageProbe
        Of the real images.

    Returns
    -------
    float
    """
    return _SHARE_IF_FREE if probe.light_is_free else _SHARE


class Recoloring(nn.Module):
    r"""Give an image another mean and spread in every channel, as others have them.

    Mean and log standard deviation of the channels are a small table, one row
    :math:`s_i` an image, and move like the rows of one: along mixed differences of
    pairs, and back to the mean :math:`\bar s` of all, so that the statistics keep their
    spread however far they move,

    .. math::
        s' = \bar s + \frac{s_i - \bar s + \tfrac{1}{\sqrt 2} \sum_k w_k (s_{t(k)} -
        s_{s(k)})}{\sqrt{1 + |w|^2}}.

    The weights are a share of those that move the image. Without shrinking back, light
    and contrast of a mix lie far outside of what was seen, which cost photographs two
    points.

    Axes: ``n`` images, ``b`` pairs, ``m`` new images, ``D`` pairs each, ``C`` channels.

    Attributes
    ----------
    statistics : Tensor of shape (n, C, 2)
        Mean and log standard deviation of every channel.
    move : Tensor of shape (b, C, 2)
        Difference of each pair.
    share : float
        Of the weights.
    """

    def __init__(self, statistics: Tensor, move: Tensor, share: float) -> None:
        super().__init__()
        self.share = share
        self.register_buffer("statistics", statistics)
        self.register_buffer("move", move)

    @classmethod
    def from_pairs(cls, x: Tensor, bank: PairBank, share: float) -> "Recoloring":
        """Take the statistics of images and their pairs' differences.

        Shapes: ``x (n, C, H, W)`` -> `Recoloring`.
        """
        statistics = light_of(x)
        move = statistics[bank.target] - statistics[bank.source]
        return cls(statistics, move, share)

    def forward(
        self, moved: Tensor, anchor: Tensor, pair: Tensor, weights: Tensor
    ) -> Tensor:
        """Recolor moved images; the statistics to leave are those of their sources.

        Shapes: ``moved (m, C, H, W)``, ``anchor (m,)``, ``pair (m, D)``,
        ``weights (m, D)`` -> ``(m, C, H, W)``.
        """
        weights = self.share * weights
        own, center = self.statistics[anchor], self.statistics.mean(dim=0)
        step = torch.einsum("md,mdcs->mcs", weights, self.move[pair]) / 2**0.5
        shrunk = (1 + weights.square().sum(dim=1)).sqrt()[:, None, None]
        new = center + (own - center + step) / shrunk
        gain = (new - own)[..., 1].clamp(-_LARGEST_LOG_GAIN, _LARGEST_LOG_GAIN).exp()
        mean, own_mean = new[..., 0, None, None], own[..., 0, None, None]
        return (moved - own_mean) * gain[..., None, None] + mean
