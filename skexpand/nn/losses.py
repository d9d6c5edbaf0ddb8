r"""Loss terms on latents: reconstruction, diversity, and linear evolution.

The transport term of the total loss (eq. 4 of the paper [1]_) lives in
:mod:`skexpand.nn.transport`.

References
----------
.. [1] Jebraeeli et al., "Expansive Synthesis", arXiv:2406.17238.
"""

import torch
from torch import Tensor


def covariance_loss(z: Tensor) -> Tensor:
    r"""Distance of the covariance of latents from the identity, eq. 8.

    .. math::
        \frac1d \left\| \mathrm{Cov}(z) - I \right\|_F^2

    with the unbiased covariance. The division by the width ``d``, which the paper
    leaves out, makes one weight serve every width: points collapsed to their mean
    cost 1. With ``n <= d`` points the covariance has rank ``n - 1`` at most, and the
    loss cannot fall below ``(d - n + 1) / d``.

    Parameters
    ----------
    z : Tensor of shape (n, d)
        Latents, at least two rows.

    Returns
    -------
    Tensor of shape ()

    Raises
    ------
    ValueError
        If there are fewer than two rows.
    """
    if z.ndim != 2 or len(z) < 2 or z.shape[1] == 0:
        raise ValueError(
            "z must be (n, d) with at least two rows to have a covariance, got shape "
            f"{tuple(z.shape)}."
        )
    centered = z - z.mean(dim=0)
    covariance = centered.T @ centered / (len(z) - 1)  # (d, d)
    identity = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
    return (covariance - identity).square().sum() / z.shape[1]


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    r"""Divergence of diagonal normal codes from the standard normal prior.

    .. math::
        \frac1n \sum_i \tfrac12 \sum_j
        \left( e^{\ell_{ij}} + \mu_{ij}^2 - 1 - \ell_{ij} \right)

    for the means :math:`\mu` and the log-variances :math:`\ell`: the second term of
    eq. 5, in nats per sample.

    Parameters
    ----------
    mean : Tensor of shape (n, ...)
        Means of the codes; all axes but the first are summed over.
    log_variance : Tensor of shape (n, ...)
        Natural logarithms of their variances.

    Returns
    -------
    Tensor of shape ()

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    _check_same_shape(mean=mean, log_variance=log_variance)
    # expm1(l) - l keeps its digits near l = 0, where exp(l) - 1 - l cancels.
    terms = log_variance.expm1() - log_variance + mean.square()
    return terms.flatten(start_dim=1).sum(dim=1).mean() / 2


def reconstruction_loss(
    x_hat: Tensor, x: Tensor, mean: Tensor, log_variance: Tensor, *, kl_weight: float
) -> Tensor:
    r"""Mean squared error plus the weighted divergence of the codes, eq. 5.

    .. math::
        \frac{1}{n D} \|\hat x - x\|^2 + w \, \mathrm{KL}

    For a decoder with normal noise of variance :math:`\sigma^2` this is the negative
    evidence bound of eq. 5, up to a constant and the factor :math:`2\sigma^2 / D`,
    when :math:`w = 2 \sigma^2 / D`. Per-entry errors keep the scale the same for
    images of any size.

    Parameters
    ----------
    x_hat : Tensor of shape (n, ...)
        Reconstructions.
    x : Tensor of shape (n, ...)
        What they should be, ``D`` entries a sample.
    mean : Tensor of shape (n, d)
        Means of the codes.
    log_variance : Tensor of shape (n, d)
        Natural logarithms of their variances.
    kl_weight : float
        Weight ``w``. 0 makes a plain autoencoder; raising it smooths the latent
        space and blurs reconstructions.

    Returns
    -------
    Tensor of shape ()

    Raises
    ------
    ValueError
        If shapes differ, or `kl_weight` is negative.
    """
    _check_same_shape(x_hat=x_hat, x=x)
    if not kl_weight >= 0:
        raise ValueError(f"kl_weight must be at least 0, got {kl_weight}.")
    divergence = kl_to_standard_normal(mean, log_variance)
    return (x_hat - x).square().mean() + kl_weight * divergence


def koopman_operator(source: Tensor, target: Tensor, ridge: float = 1e-3) -> Tensor:
    r"""Linear map that carries latents to those of related samples, eq. 10.

    .. math::
        K = \arg\min_K \|s K - t\|_F^2 + \lambda \|K\|_F^2,
        \qquad \lambda = \mathrm{ridge} \cdot \mathrm{tr}(s^\top s) / d

    in closed form, ``O(n d^2 + d^3)``. Rows are latents, so that the map is applied
    from the right: ``target ~ source @ K``. The penalty is relative to the scale of
    `source`: latents in other units give the same map.

    Parameters
    ----------
    source : Tensor of shape (n, d)
        Latents before.
    target : Tensor of shape (n, d)
        Latents after, row by row.
    ridge : float, default=1e-3
        Penalty as a fraction of the mean eigenvalue of ``source.T @ source``.
        Raising it pulls the map toward zero where the samples do not determine it.

    Returns
    -------
    Tensor of shape (d, d)
        Differentiable in `source` and `target`. Zero if `source` is.

    Raises
    ------
    ValueError
        If the shapes differ or are not (n, d), or `ridge` is not positive.
    """
    _check_same_shape(source=source, target=target)
    if source.ndim != 2 or 0 in source.shape:
        raise ValueError(
            "source must be a non-empty (n, d) table of latents, got shape "
            f"{tuple(source.shape)}."
        )
    if not ridge > 0:
        raise ValueError(
            f"ridge must be positive, got {ridge}; use 1e-8 for nearly none."
        )
    gram = source.T @ source  # (d, d)
    # The floor only matters for a source of zeros, which would divide by zero.
    floor = torch.finfo(source.dtype).tiny ** 0.5
    penalty = (ridge * gram.diagonal().mean()).clamp_min(floor)
    identity = torch.eye(len(gram), dtype=source.dtype, device=source.device)
    return torch.linalg.solve(gram + penalty * identity, source.T @ target)


def koopman_loss(source: Tensor, target: Tensor, K: Tensor) -> Tensor:
    """Mean squared error of the linear prediction ``source @ K``, eq. 10.

    Parameters
    ----------
    source : Tensor of shape (n, d)
        Latents before.
    target : Tensor of shape (n, d)
        Latents after.
    K : Tensor of shape (d, d)
        A map from :func:`koopman_operator`, or a learned one.

    Returns
    -------
    Tensor of shape ()
        Mean over all entries of `target`.

    Raises
    ------
    ValueError
        If the shapes do not match.
    """
    _check_same_shape(source=source, target=target)
    width = source.shape[-1]
    if K.shape != (width, width):
        raise ValueError(
            f"K must have shape ({width}, {width}) to act on source from the right, "
            f"got {tuple(K.shape)}."
        )
    return (source @ K - target).square().mean()


def _check_same_shape(**tensors: Tensor) -> None:
    (first, a), (second, b) = tensors.items()
    if a.shape != b.shape:
        raise ValueError(
            f"{first} and {second} must have the same shape, got {tuple(a.shape)} and "
            f"{tuple(b.shape)}."
        )
