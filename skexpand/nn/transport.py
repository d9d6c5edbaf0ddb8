r"""Transport costs between point clouds, all in one unit: squared distance.

Each function approximates the squared Wasserstein-2 distance

.. math::
    W_2^2(x, y) = \min_{P} \sum_{ij} P_{ij} \|x_i - y_j\|^2

over the couplings ``P`` of two uniform clouds (eq. 6 of the paper). Shifting a cloud
by ``t`` costs ``|t|**2`` in all of them. In order of price: sliced (a lower bound),
Sinkhorn (debiased, smooth), exact (CPU only).

Between a cloud and copies of itself every one of them is zero, so that transport
alone rewards memorizing: match against smoothed or pooled points.
"""

import math

import torch
from torch import Generator, Tensor


def sliced_wasserstein(
    x: Tensor, y: Tensor, *, n_projections: int = 256, generator: Generator
) -> Tensor:
    r"""Mean transport cost along random lines, scaled to the units of the whole.

    .. math::
        d \; \mathbb{E}_\theta \, W_2^2(\langle x, \theta\rangle,
        \langle y, \theta\rangle)

    On a line transport is sorting. The factor :math:`d` makes a translation cost its
    squared length: lines come in orthonormal frames, over which the squared
    projections of a vector add up exactly. Never above :func:`exact_wasserstein`
    while ``n_projections >= d``. Time is ``O(p (n + m) (d + log(n + m)))`` for ``p``
    projections.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        First cloud.
    y : Tensor of shape (m, d)
        Second cloud. Sizes may differ: quantile functions are merged exactly.
    n_projections : int, default=256
        Number of lines, rounded up to whole frames of ``d`` where it exceeds ``d``.
        More lines lower the variance. Below ``d`` the scale of a translation is
        right in expectation only.
    generator : torch.Generator
        Draws the lines, on the CPU whatever the device of `x`.

    Returns
    -------
    Tensor of shape ()
        Squared distance; differentiable in `x` and `y`.

    Raises
    ------
    ValueError
        If a cloud is empty, the widths differ, or ``n_projections < 1``.

    References
    ----------
    .. [1] Bonneel et al., "Sliced and Radon Wasserstein barycenters of measures",
       Journal of Mathematical Imaging and Vision 51, 2015.
    .. [2] Rowland et al., "Orthogonal estimation of Wasserstein distances",
       AISTATS 2019.
    """
    _check_clouds(x, y)
    if n_projections < 1:
        raise ValueError(f"n_projections must be at least 1, got {n_projections}.")
    lines = _orthonormal_lines(x.shape[1], n_projections, generator).to(x)  # (d, p)
    x_sorted = (x @ lines).sort(dim=0).values  # (n, p)
    y_sorted = (y @ lines).sort(dim=0).values  # (m, p)

    # Both quantile functions are constant between consecutive multiples of 1/n and
    # 1/m. In units of 1/(n m) these are integers: no rounding decides a segment.
    n, m = len(x), len(y)
    steps = torch.cat([torch.arange(n) * m, torch.arange(m) * n]).unique()
    ends = torch.cat([steps[1:], torch.tensor([n * m])])
    widths = ((ends - steps).double() / (n * m)).to(x)  # (segments,), sums to 1
    x_quantiles = x_sorted[(steps // m).to(x.device)]  # (segments, p)
    y_quantiles = y_sorted[(steps // n).to(x.device)]
    costs = (x_quantiles - y_quantiles).square().mean(dim=1)
    return x.shape[1] * (widths @ costs)


def _orthonormal_lines(d: int, n_projections: int, generator: Generator) -> Tensor:
    """Random directions (d, p) in float64, orthonormal within each block of d."""
    if d == 1:
        return torch.ones(1, 1, dtype=torch.float64)  # every line is the same
    width = min(d, n_projections)
    n_frames = math.ceil(n_projections / width)
    normal = torch.randn(n_frames, d, width, generator=generator, dtype=torch.float64)
    # QR leaves the signs of columns uneven; a line and its reverse cost the same.
    frames = torch.linalg.qr(normal).Q  # (frames, d, width)
    return frames.transpose(0, 1).reshape(d, -1)


def sinkhorn_divergence(
    x: Tensor, y: Tensor, *, blur: float = 0.05, n_iter: int = 100
) -> Tensor:
    r"""Debiased entropic transport cost between two uniform point clouds.

    .. math::
        S_\varepsilon(x, y) = \mathrm{OT}_\varepsilon(x, y)
            - \tfrac12 \mathrm{OT}_\varepsilon(x, x)
            - \tfrac12 \mathrm{OT}_\varepsilon(y, y)

    for the cost :math:`\|x_i - y_j\|^2` and the temperature
    :math:`\varepsilon = 2\,\mathrm{blur}^2` [1]_: twice the value for half the
    squared distance, as geomloss has it, with the same plans. The temperature
    starts at the diameter of the clouds and falls geometrically over the first half
    of the sweeps [2]_. Measured on 60 against 80 normal points in 2 to 128 dimensions,
    the defaults are within 0.5 % of the exact cost; at a fixed temperature they fell
    2 to 38 % short.
    ``O(n_iter (n + m)^2)`` time, ``O((n + m)^2)`` memory.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        First cloud.
    y : Tensor of shape (m, d)
        Second cloud.
    blur : float, default=0.05
        Distance below which two points are treated as one, in the units of `x`.
        Large values approach the squared distance of the means.
    n_iter : int, default=100
        Number of Sinkhorn sweeps. More bring the value nearer to its limit.

    Returns
    -------
    Tensor of shape ()
        Squared distance; differentiable in `x` and `y`.

    Raises
    ------
    ValueError
        If a cloud is empty, the widths differ, ``blur <= 0`` or ``n_iter < 1``.

    References
    ----------
    .. [1] Feydy et al., "Interpolating between optimal transport and MMD using
       Sinkhorn divergences", AISTATS 2019.
    .. [2] Feydy, "Geometric data analysis, beyond convolutions", PhD thesis,
       section 3.3, 2020.
    """
    _check_clouds(x, y)
    if not blur > 0:
        raise ValueError(f"blur must be a positive distance, got {blur}.")
    if n_iter < 1:
        raise ValueError(f"n_iter must be at least 1, got {n_iter}.")
    with torch.no_grad():
        both = torch.cat([x, y])
        center = both.mean(dim=0)
        diameter = (both.amax(dim=0) - both.amin(dim=0)).norm().item()
    # Distances survive a shift; the products inside their expansion lose no digits.
    x, y = x - center, y - center

    epsilon, start = 2 * blur**2, max(2 * blur**2, diameter**2)
    decay = (epsilon / start) ** (1 / max(1, n_iter // 2))
    schedule = [max(epsilon, start * decay**i) for i in range(n_iter)]
    schedule[-1] = epsilon
    self_x = _self_cost(_squared_distances(x, x), schedule)
    self_y = _self_cost(_squared_distances(y, y), schedule)
    return _cross_cost(_squared_distances(x, y), schedule) - (self_x + self_y) / 2


def _cross_cost(cost: Tensor, schedule: list[float]) -> Tensor:
    g = cost.new_zeros(cost.shape[1])  # dual potential (m,)
    # Envelope theorem: at the optimum the gradient does not flow through the
    # potentials, so the loop keeps no graph and only the last half-step is traced.
    with torch.no_grad():
        for epsilon in schedule:
            f = _softmin(cost, g, epsilon)  # (n,)
            g = _softmin(cost.T, f, epsilon)  # (m,)
    return _softmin(cost, g, schedule[-1]).mean() + g.mean()


def _self_cost(cost: Tensor, schedule: list[float]) -> Tensor:
    f = cost.new_zeros(len(cost))
    with torch.no_grad():
        for epsilon in schedule:
            # A cloud against itself has one potential; averaging converges in a few
            # sweeps where alternating would take hundreds.
            f = (f + _softmin(cost, f, epsilon)) / 2
    return _softmin(cost, f, schedule[-1]).mean() + f.mean()


def _softmin(cost: Tensor, potential: Tensor, epsilon: float) -> Tensor:
    """Smoothed row minimum of ``cost - potential``, uniform weights."""
    log_weight = -math.log(cost.shape[1])
    return -epsilon * ((potential - cost) / epsilon + log_weight).logsumexp(dim=1)


def _squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Costs (n, m). Unlike ``cdist(...)**2`` smooth where two points meet."""
    squares = x.square().sum(dim=1, keepdim=True) + y.square().sum(dim=1)
    return (squares - 2 * x @ y.T).clamp_min(0)


def exact_wasserstein(x: Tensor, y: Tensor) -> Tensor:
    """Exact transport cost between two uniform clouds, by network simplex.

    Computed by POT on the CPU in about ``O(n**3)``: 0.4 s at 1000 points. Meant for
    reports and small clouds; the plan is not smooth in the points, its gradient
    exists almost everywhere.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        First cloud.
    y : Tensor of shape (m, d)
        Second cloud.

    Returns
    -------
    Tensor of shape ()
        Squared distance; differentiable in `x` and `y`.

    Raises
    ------
    ValueError
        If a cloud is empty or the widths differ.

    References
    ----------
    .. [1] Flamary et al., "POT: Python Optimal Transport", JMLR 22, 2021.
    .. [2] Bonneel et al., "Displacement interpolation using Lagrangian mass
       transport", SIGGRAPH Asia 2011.
    """
    _check_clouds(x, y)
    import ot  # lazy: half a second that sliced and Sinkhorn do not need

    center = x.detach().mean(dim=0)
    cost = _squared_distances(x - center, y - center)
    weights = [cost.new_full((len(cloud),), 1 / len(cloud)) for cloud in (x, y)]
    # POT's 100,000 pivots run out near 2000 points; pivots grow about linearly.
    n_pivots = max(100_000, 200 * (len(x) + len(y)))
    return ot.emd2(*weights, cost, numItermax=n_pivots)


_METHODS = {
    "sliced": sliced_wasserstein,
    "sinkhorn": sinkhorn_divergence,
    "exact": exact_wasserstein,
}


def classwise_transport(
    x: Tensor,
    x_labels: Tensor,
    y: Tensor,
    y_labels: Tensor,
    *,
    method: str = "sliced",
    **options,
) -> Tensor:
    """Mean over the classes of the transport cost inside each class.

    Points never travel between classes, and every class counts the same, whatever
    its size.

    Parameters
    ----------
    x : Tensor of shape (n, d)
        First cloud.
    x_labels : Tensor of shape (n,)
        Its class labels.
    y : Tensor of shape (m, d)
        Second cloud.
    y_labels : Tensor of shape (m,)
        Its class labels; the same set of classes as in `x_labels`.
    method : {"sliced", "sinkhorn", "exact"}, default="sliced"
        :func:`sliced_wasserstein`, :func:`sinkhorn_divergence` or
        :func:`exact_wasserstein`.
    **options
        Handed to the method; ``generator`` is required by ``"sliced"``.

    Returns
    -------
    Tensor of shape ()
        Squared distance; differentiable in `x` and `y`.

    Raises
    ------
    ValueError
        If the method is unknown, labels and points differ in number, or a class
        occurs on one side only.
    """
    if method not in _METHODS:
        raise ValueError(f"method must be one of {sorted(_METHODS)}, got {method!r}.")
    _check_clouds(x, y)
    for name, cloud, labels in (("x", x, x_labels), ("y", y, y_labels)):
        if labels.shape != (len(cloud),):
            raise ValueError(
                f"{name}_labels must have shape ({len(cloud)},), one label per row of "
                f"{name}, got {tuple(labels.shape)}."
            )
    classes, other = x_labels.unique().tolist(), y_labels.unique().tolist()
    if classes != other:
        raise ValueError(
            "x and y must hold the same classes; drop or add points of "
            f"{sorted(set(classes) ^ set(other))}, found on one side only."
        )
    transport = _METHODS[method]
    costs = [
        transport(x[x_labels == label], y[y_labels == label], **options)
        for label in classes
    ]
    return torch.stack(costs).mean()


def _check_clouds(x: Tensor, y: Tensor) -> None:
    for name, cloud in (("x", x), ("y", y)):
        if cloud.ndim != 2 or 0 in cloud.shape:
            raise ValueError(
                f"{name} must be a non-empty (n, d) cloud of points, got shape "
                f"{tuple(cloud.shape)}."
            )
        if not cloud.is_floating_point():
            raise ValueError(
                f"{name} must be floating point, got {cloud.dtype}; call .float()."
            )
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"x and y must have as many columns, got {x.shape[1]} and {y.shape[1]}."
        )
