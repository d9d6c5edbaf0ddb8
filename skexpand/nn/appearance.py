"""Light and contrast: what tells images of a class apart besides their shape."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from skexpand.nn.mixing import PairBank

_LARGEST_LOG_GAIN = 0.7  # contrast at most halved or doubled
_LEAST_SPREAD = 1 / 255
_END = 0.01  # of the pixels: the values beyond are the darkest and the brightest
# Standard deviation of the darkest and brightest values over the images: 0.003 for
# digits, 0.01 for letters, 0.1 for clothes and hands, 0.15 for photographs.
_FREE_LIGHT = 0.06
_LEAST_VARIETY = 0.1  # less is not worth asking about
_SHARES = (2.0, 1.0, 0.5)  # of the usual length; 2 keeps little of the own light
_N_ROUNDS, _N_COPIES, _DEGREE = 2, 2, 4
_LEAST_GAIN = 1 / 3  # of the best share's, as for the length of moves
# Standard errors beyond that. Being wrong about signs costs five points, about
# photographs one: two errors miss one draw of signs in seven (docs/images_research.md).
_ERRORS = 1.5


@torch.no_grad()
def choose_share(probe, x: Tensor, bank: PairBank, generator: Generator) -> float:
    """Choose how far light moves by cross-validation over the images at hand.

    Every fold learns from the images of the others and from recolored copies of them,
    and predicts the rest. Taken is the longest share that lowers the squared error by
    at least a third as much as the best one does, by one and a half standard errors;
    the shortest, if none does. Traffic signs are the same by day and by night, and
    digits in any color: there light may move until little of an image's own is left.
    Photographs of a class have a sky or a lawn in common, and a network misses it.
    Where images hardly differ in light, as ink on paper does, it moves less or not.

    Parameters
    ----------
    probe : ImageProbe
        Of `x`.
    x : Tensor of shape (n, C, H, W)
        Real images.
    bank : PairBank
        Pairs whose light differs.
    generator : torch.Generator
        Draws what is mixed, on the CPU; all shares have their draws in common.

    Returns
    -------
    float
        One of 2, 1 and 0.5, of the usual length of moves, times `variety_of_light`.
    """
    variety = variety_of_light(x)
    if variety == 0 or len(bank) == 0:
        return 0.0
    before = probe.loss_with(None, None, in_light=True)
    source = torch.arange(len(probe.rows)).repeat(_N_COPIES)
    anchor = probe.rows.repeat(_N_COPIES).to(x.device)
    recolor, original = Recoloring.from_pairs(x, bank, 1.0), x[anchor]
    gain = torch.zeros(len(_SHARES), len(before))
    for _ in range(_N_ROUNDS):
        shape = (len(anchor), _DEGREE)
        pair = torch.randint(len(bank), shape, generator=generator).to(x.device)
        weights = F.normalize(torch.randn(shape, generator=generator), dim=1).to(x)
        for place, share in enumerate(_SHARES):
            copies = recolor(original, anchor, pair, share * weights).clamp(0, 1)
            after = probe.loss_with(copies, source, in_light=True)
            gain[place] += (before - after) / _N_ROUNDS
    beyond = gain - _LEAST_GAIN * gain[gain.mean(dim=1).argmax()]
    error = beyond.std(dim=1) / len(before) ** 0.5
    is_sure = beyond.mean(dim=1) > _ERRORS * error
    is_sure[-1] = True
    return variety * _SHARES[int(is_sure.int().argmax())]


def variety_of_light(x: Tensor) -> float:
    """Tell how much images differ in light, whatever they show.

    Ink is as dark and paper as bright in every image of writing: what differs in mean
    and contrast is how much ink there is, which is not light. So the darkest and the
    brightest values are looked at.

    Parameters
    ----------
    x : Tensor of shape (n, C, H, W)
        Real images, in [0, 1].

    Returns
    -------
    float
        0 for ink on paper, 1 for clothes, signs and photographs.
    """
    ordered = x.flatten(2).sort(dim=2).values
    n_beyond = round(_END * (ordered.shape[2] - 1))
    ends = ordered[..., [n_beyond, -1 - n_beyond]]  # (n, C, 2)
    variance = ends.var(dim=0, correction=0).mean(dim=0).sum()
    variety = min(1.0, float(variance) / _FREE_LIGHT**2)
    return variety if variety > _LEAST_VARIETY else 0.0


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
        flat = x.flatten(2)
        spread = flat.std(dim=2, correction=0) + _LEAST_SPREAD
        statistics = torch.stack([flat.mean(dim=2), spread.log()], dim=2)
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
