"""The flow decoder: carry a real sample along mixed residuals instead of repainting it.

A mover holds the *moves* of every pair in the bank, in the space where they add:
velocity fields and appearance for images, whitened coordinates for tables.
"""

from collections.abc import Callable
from functools import partial
from itertools import compress

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from skexpand.nn.appearance import Recoloring
from skexpand.nn.flow import (
    LocalDamping,
    control_size,
    integrate,
    reduced,
    register,
    unexplained,
    warp,
)
from skexpand.nn.mixing import MixingPlan, PairBank
from skexpand.nn.ordered import by_rows_and_columns
from skexpand.nn.symmetry import (
    NAMES,
    Symmetries,
    apply_symmetry,
    change_some,
    negative,
)

_LOCAL_SHARE = 0.5  # 1 lost three points, see docs/images_research.md
# Any photograph explains a quarter to two fifths of any other once it is warped; from
# 0.85 on moves keep all of their length.
_BY_CHANCE, _WELL_EXPLAINED = 0.4, 0.85
_LEAST_THAT_FIT = 15  # of ten pairs the better half is too few: -1.9 points
_PAIRS_TO_LOOK_AT = 64  # say whether registering the others is worth its time
_REGISTRATION_SIDE = 32  # larger images register on a reduced copy
PRIOR_ROWS = 3  # what the shared covariance counts beside the rows of a class
_PAIRS_AT_ONCE = 128  # the working set then fits the cache; bounds memory too


class ImageMover(nn.Module):
    r"""Warp an image by a mix of flows and recolor it by a mix of its pairs' light.

    .. math::
        x' = A\big(M^{r} x_i \circ \exp(h \textstyle\sum_k W_k v_k)\big)

    with the pair's velocity field :math:`v` and the `Recoloring` :math:`A`. The warped
    image is read off by bicubic interpolation: a linear one blurs what it moves, and a
    classifier tells blurred from sharp.

    The share of each other's variance that images of a class explain once registered
    is 0.9 for digits and 0.3 for photographs, whatever these show. With :math:`e`, 0
    where that share is below 0.4, 1 where it is above 0.85, and linear between, a pair
    contributes

    .. math::
        v = e\, v_{\mathrm{registered}} + (1 - e)\, v_{\mathrm{prior}}

    where the prior is a random shift, turn, scaling and shear, as far as a classifier
    of the images keeps its belief (`AffinePrior`): as in the shrunk covariance of a
    table, what the images do not say is filled in with what holds for most. Light and
    contrast move by a share of the weights that is to be set (`choose_share`); by none
    at first.

    Where the classes have symmetries of the square, a pair contributes each of them
    with even odds, and an odd number :math:`r` of pairs applies it: the mirror
    :math:`M`, up and down, rows and columns, and the negative. Where images are
    mirrored, so is what lies beyond their borders.

    Axes: ``b`` pairs, ``m`` new images, ``D`` pairs each, ``g, g'`` control points.

    Attributes
    ----------
    velocity : Tensor of shape (b, 2, g, g')
        What carries a pair's source onto its target.
    symmetry : Tensor of bool, shape (b, 4)
        Which symmetries pairs contribute, the negative last, see `Symmetries`.
    recoloring : Recoloring
        Light and contrast of the images, and how pairs differ in them.
    explained : float
        The share :math:`e` of the moves that was learned from pairs.
    fits : Tensor of bool, shape (b,)
        Where :math:`e = 1` the half of the pairs that explain each other best, at least
        15, whose moves suit others too; else all pairs.
    """

    def __init__(
        self,
        velocity: Tensor,
        symmetry: Tensor,
        recoloring: Recoloring,
        explained: float,
        fits: Tensor,
    ) -> None:
        super().__init__()
        self.explained = explained
        self.register_buffer("fits", fits)
        self.register_buffer("velocity", velocity)
        self.register_buffer("symmetry", symmetry)
        self.recoloring = recoloring
        self._padding = "reflection" if symmetry[:, :3].any() else "border"

    @classmethod
    def from_pairs(
        cls,
        x: Tensor,
        bank: PairBank,
        progress: Callable | None = None,
        *,
        prior: Callable,
        generator: Generator,
        symmetries: Symmetries,
    ) -> "ImageMover":
        """Register the pairs of the bank, if that explains anything.

        Parameters
        ----------
        x : Tensor of shape (n, C, H, W)
            The real images, in [0, 1].
        bank : PairBank
            Pairs to register.
        progress : callable or None, default=None
            Wraps the sequence of batches to show how far it is.
        prior : callable
            Returns the `AffinePrior`; not asked where images explain each other.
        generator : torch.Generator
            Draws the prior moves and the pairs looked at first, on the CPU.
        symmetries : Symmetries
            In which other positions an image may keep its label.
        """
        small = reduced(x, _REGISTRATION_SIDE)
        velocity, explained, fits = _register_pairs(
            small, bank, symmetries, progress, generator
        )
        symmetry = symmetries.draw(len(bank), generator).to(x.device)
        if explained < 1:
            rows, columns = x.shape[2:]
            filling = prior().draw(velocity, rows / columns, generator)
            velocity = explained * velocity + (1 - explained) * filling
        recoloring = Recoloring.from_pairs(x, bank, 0.0)
        return cls(velocity, symmetry, recoloring, explained, fits)

    @property
    def symmetries(self) -> tuple:
        """Names of the symmetries that any pair contributes."""
        is_there = self.symmetry.any(dim=0).tolist()
        return tuple(compress(NAMES, is_there))

    def forward(
        self, x: Tensor, plan: MixingPlan, weights: Tensor, generator: Generator
    ) -> Tensor:
        """Move every image by its mix; nothing is random here.

        Shapes: ``x (n, C, H, W)`` real images, ``weights (m, D, h, w)`` strength
        included -> ``(m, C, H, W)`` in [0, 1].
        """
        x, pair = x[plan.anchor], plan.pair
        is_used = weights.abs().amax(dim=(2, 3)) > 0
        is_odd = (self.symmetry[pair] & is_used.unsqueeze(2)).sum(dim=1) % 2 == 1
        x = apply_symmetry(x, is_odd[:, :3])
        velocity = self.velocity[pair]  # (m, D, 2, g, g')
        enlarge = partial(
            F.interpolate,
            size=velocity.shape[-2:],
            mode="bilinear",
            align_corners=True,
        )
        local = by_rows_and_columns(enlarge, weights)
        mixed = (local.unsqueeze(2) * velocity).sum(dim=1)  # (m, 2, g, g')
        moved = warp(
            x, integrate(mixed, *x.shape[2:]), mode="bicubic", padding=self._padding
        )
        overall = weights.mean(dim=(2, 3))  # (m, D)
        new = self.recoloring(moved, plan.anchor, pair, overall).clamp(0, 1)
        # Last: what is recolored has to have the mean and spread of its source.
        return change_some(new, negative, is_odd[:, 3])


def _register_pairs(x, bank, symmetries, progress, generator):
    """Fields of all pairs, how much the images explain of each other, and who fits.

    Where a few pairs show that images explain nothing of each other, the others are
    not registered.
    """
    order = torch.randperm(len(bank), generator=generator).to(x.device)
    rows, rest = order[:_PAIRS_TO_LOOK_AT], order[_PAIRS_TO_LOOK_AT:]
    field, left = _register(x, bank, rows, symmetries, progress)
    if _explained(left) > 0 and len(rest):
        more_field, more_left = _register(x, bank, rest, symmetries, progress)
        rows = order
        field, left = torch.cat([field, more_field]), torch.cat([left, more_left])
    velocity = field.new_zeros(len(bank), *field.shape[1:])
    velocity[rows] = field
    fits = torch.ones(len(bank), dtype=torch.bool, device=x.device)
    explained = _explained(left)
    if explained == 1:  # below, the better half was no better
        n_fit = min(len(left), max(_LEAST_THAT_FIT, (len(left) + 1) // 2))
        fits[rows] = left <= left.sort().values[n_fit - 1]
    return velocity, explained, fits


def _explained(left):
    """Share of each other that images explain, beyond chance."""
    if len(left) == 0:
        return 0.0
    share = 1 - float(left.clamp(max=1).mean())
    return min(max((share - _BY_CHANCE) / (_WELL_EXPLAINED - _BY_CHANCE), 0.0), 1.0)


def _register(x, bank, rows, symmetries, progress):
    """Fields of some pairs, their sources turned before, and what they leave."""
    size = control_size(*x.shape[2:])
    damp = LocalDamping(*size, _LOCAL_SHARE)
    velocity = x.new_zeros(len(rows), 2, *size)
    left = x.new_zeros(len(rows))
    starts = range(0, len(rows), _PAIRS_AT_ONCE)
    for start in starts if progress is None else progress(starts):
        part = slice(start, start + _PAIRS_AT_ONCE)
        source, target = x[bank.source[rows[part]]], x[bank.target[rows[part]]]
        source = symmetries.orient(source, target)
        field = register(source, target)
        left[part] = unexplained(source, target, field)
        velocity[part] = damp(field)
    return velocity, left


class TableMover(nn.Module):
    r"""Move a row by mixed whitened differences, and shrink back to its class.

    .. math::
        x' = m_i + \frac{x_i - m_i + e\, C}{\sqrt{1 + h^2}}, \qquad
        e = \sqrt{\tfrac{1 - \lambda_i}{2}}
            \textstyle\sum_k W_k \odot (z_{t(k)} - z_{s(k)})
            + h \sqrt{\lambda_i}\, \varepsilon, \qquad \lambda_i = \frac{3}{3 + n_i}

    with the mean :math:`m_i` of the row's class, whitened latents :math:`z`, the
    coloring matrix :math:`C`, weights of norm :math:`h` over the pairs and standard
    normal :math:`\varepsilon`. Shrinking back keeps the covariance of a class whatever
    ``h`` is [1]_: without it the same ``h`` lost 1.2 points. The normal part has the
    shrunk covariance that all classes share, as if three more rows of the class had
    come from it: the differences of its :math:`n_i` rows span few directions.

    Without an expander the row goes part of the way to another one of its class, as in
    SMOTE, and is not shrunk.

    Attributes
    ----------
    center : Tensor of shape (n, q)
        Mean of each row's class.
    noise_share : Tensor of shape (n, 1)
        The normal part :math:`\lambda` of each row's class.
    move : Tensor of shape (b, c, 1, w)
        Latent difference of each pair.
    coloring : Tensor of shape (d, q)
        Latents to columns.

    References
    ----------
    .. [1] Silverman, "Density estimation for statistics and data analysis", 1986,
       section 6.4.1, the smoothed bootstrap.
    """

    def __init__(
        self, center: Tensor, noise_share: Tensor, move: Tensor, coloring: Tensor
    ) -> None:
        super().__init__()
        self.register_buffer("center", center)
        self.register_buffer("noise_share", noise_share)
        self.register_buffer("move", move)
        self.register_buffer("coloring", coloring)

    @classmethod
    def from_pairs(
        cls, autoencoder: nn.Module, x: Tensor, labels: Tensor, bank: PairBank
    ) -> "TableMover":
        """Take every pair's difference in the linear space of a table autoencoder.

        Shapes: ``x (n, q)``, ``labels (n,)`` -> `TableMover`.
        """
        linear = (x - autoencoder.mean) @ autoencoder.whitening
        move = linear[bank.target] - linear[bank.source]
        one_hot = F.one_hot(labels).to(x.dtype)  # (n, n_classes)
        counts = one_hot.sum(dim=0).unsqueeze(1)  # (n_classes, 1)
        means = (one_hot.T @ x) / counts.clamp_min(1)
        share = PRIOR_ROWS / (PRIOR_ROWS + counts)
        coloring = autoencoder.coloring.clone()
        return cls(means[labels], share[labels], autoencoder.to_map(move), coloring)

    def forward(
        self, x: Tensor, plan: MixingPlan, weights: Tensor, generator: Generator
    ) -> Tensor:
        """Move every row by its mix.

        Shapes: ``x (n, q)`` real rows, ``weights (m, D, 1, w)`` strength included ->
        ``(m, q)``.
        """
        source = x[plan.anchor]
        mixed = torch.einsum("mdhw,mdchw->mwc", weights, self.move[plan.pair]).flatten(
            1
        )
        if plan.certificate is None:
            return source + mixed @ self.coloring
        squared = weights.square().sum(dim=1).mean(dim=(1, 2))
        # The root has no slope at 0, where a strength of 0 would train to NaN.
        length = squared.clamp_min(1e-12).sqrt().unsqueeze(1)
        noise = torch.randn(mixed.shape, generator=generator).to(x.device)
        share = self.noise_share[plan.anchor]
        step = ((1 - share) / 2).sqrt() * mixed + share.sqrt() * length * noise
        center = self.center[plan.anchor]
        moved = source - center + step @ self.coloring
        return center + moved / (1 + length.square()).sqrt()
