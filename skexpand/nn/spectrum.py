"""Spectral gaps: how fast a walk on a graph forgets where it began.

The normalized gap of a regular graph is one minus its second largest eigenvalue in
magnitude over the degree. No large graph can beat the Alon-Boppana value [1]_, [2]_;
a certificate holds both.

References
----------
.. [1] Nilli, "On the second eigenvalue of a graph", Discrete Mathematics 91, 1991.
.. [2] Feng and Li, "Spectra of hypergraphs and applications", Journal of Number
   Theory 60, 1996 (biregular graphs).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

# Up to here a full eigendecomposition costs milliseconds; above, Lanczos.
_EXACT_VERTICES = 256
# Up to here the (n_right, n_right) Gram matrix fits in 32 MB of float64.
_GRAM_VERTICES = 2048
# Bounds on the work of one certificate, about 0.2 s each on one core.
_CERTIFIED_PAIRS = 2**23
_CERTIFIED_EDGES = 2**20
# A subsample below four edges a sample would measure its own sparsity only.
_CERTIFIED_IN_DEGREE = 4


@dataclass(frozen=True)
class ExpanderCertificate:
    r"""What is known about a graph: its spectral gap, next to the best possible.

    Parameters
    ----------
    n_left : int
        Rows of the graph: new points, or vertices of a regular graph.
    n_right : int
        Vertices the rows point to; equal to `n_left` for a regular graph.
    degree : int
        Neighbors in each row.
    spectral_gap : float
        In [0, 1]. ``1 - sigma_2 / sigma_1`` of the degree-normalized biadjacency
        matrix; ``1 - max(|lambda_2|, |lambda_n|) / degree`` for a regular graph.
        0 if some vertex cannot be reached, 1 if one step mixes everything.
    alon_boppana : float
        The best gap that large graphs of these degrees can have. Small or dense
        graphs may exceed it.
    n_candidates : int
        Graphs drawn, of which the one with the largest gap was kept.
    n_certified : int
        Leading rows that the gap was measured on.
    """

    n_left: int
    n_right: int
    degree: int
    spectral_gap: float
    alon_boppana: float
    n_candidates: int
    n_certified: int

    @property
    def ramanujan_ratio(self) -> float:
        """Second eigenvalue over its asymptotic minimum; at most 1 if Ramanujan."""
        second, bound = 1 - self.spectral_gap, 1 - self.alon_boppana
        if bound == 0:  # degree 1: isolated edges have no second eigenvalue to bound
            return math.inf if second > 0 else 0.0
        return second / bound


def certify_bipartite(
    neighbors: Tensor, n_right: int, generator: Generator, *, n_candidates: int = 1
) -> ExpanderCertificate:
    r"""Measure the gap of a left-regular bipartite graph.

    With the biadjacency matrix ``B`` and the in-degrees ``D`` the gap is
    :math:`1 - \sigma_2` of :math:`B D^{-1/2} / \sqrt{k}`, whose :math:`\sigma_1` is
    1. It is exact up to 256 samples. Above, 80 Lanczos steps approach
    :math:`\sigma_2` from below, to about 0.1 %.

    A large graph is measured on its leading rows only: up to 2**23 pairs of
    neighbors for at most 2048 samples, else 2**20 edges, and never fewer than four
    edges a sample. Rows beyond these only improve an average over more rows, so the
    gap of the whole is larger in expectation: the certificate errs on the safe side,
    and its `alon_boppana` is that of the rows measured.

    Parameters
    ----------
    neighbors : Tensor of shape (n_left, degree), int64
        Right vertices of every row.
    n_right : int
        Number of right vertices.
    generator : torch.Generator
        Starts the iteration.
    n_candidates : int, default=1
        Recorded in the certificate.

    Returns
    -------
    ExpanderCertificate
    """
    n_left, degree = neighbors.shape
    if n_right <= _GRAM_VERTICES:
        n_certified = _CERTIFIED_PAIRS // max(1, degree * (degree - 1) // 2)
    else:
        n_certified = _CERTIFIED_EDGES // degree
    floor = math.ceil(_CERTIFIED_IN_DEGREE * n_right / degree)
    measured = neighbors[: max(n_certified, floor)]

    in_degree = torch.bincount(measured.flatten(), minlength=n_right).double()
    gap = 0.0
    if in_degree.min() > 0:
        operator = _walk_operator(measured, in_degree)
        trivial = (in_degree / in_degree.sum()).sqrt()
        _, high = _extreme_eigenvalues(operator, trivial, generator)
        # A rounding error of 1e-16 under the root would cost 1e-8 of the gap.
        gap = _as_gap(math.sqrt(max(round(high, 12), 0.0)))

    right_degree = max(1.0, measured.numel() / n_right)
    bound = (math.sqrt(degree - 1) + math.sqrt(right_degree - 1)) / math.sqrt(
        degree * right_degree
    )
    return ExpanderCertificate(
        n_left=n_left,
        n_right=n_right,
        degree=degree,
        spectral_gap=gap,
        alon_boppana=_as_gap(bound),
        n_candidates=n_candidates,
        n_certified=len(measured),
    )


def certify_regular(
    neighbors: Tensor, generator: Generator, *, n_candidates: int = 1
) -> ExpanderCertificate:
    r"""Measure the gap of an undirected regular graph.

    The gap is :math:`1 - \max(|\lambda_2|, |\lambda_n|) / d`, next to the
    Alon-Boppana value :math:`1 - 2 \sqrt{d - 1} / d`. Exact up to 256 vertices, by
    Lanczos iteration above.

    Parameters
    ----------
    neighbors : Tensor of shape (n, degree), int64
        Symmetric: ``j`` is listed by ``i`` as often as ``i`` by ``j``.
    generator : torch.Generator
        Starts the iteration.
    n_candidates : int, default=1
        Recorded in the certificate.

    Returns
    -------
    ExpanderCertificate
    """
    n, degree = neighbors.shape
    low, high = _regular_extremes(neighbors, generator)
    bound = 2 * math.sqrt(degree - 1) / degree if degree else 0.0
    return ExpanderCertificate(
        n_left=n,
        n_right=n,
        degree=degree,
        spectral_gap=_as_gap(max(high, -low)),
        alon_boppana=_as_gap(bound),
        n_candidates=n_candidates,
        n_certified=n,
    )


def _as_gap(second: float) -> float:
    # Sums of square roots leave 1e-16; a gap is exactly 0 or 1 where it should be.
    gap = min(max(1.0 - second, 0.0), 1.0)
    return round(gap, 12)


def _walk_operator(neighbors, in_degree) -> Tensor | Callable[[Tensor], Tensor]:
    """Two steps of the random walk, right to right, made symmetric."""
    n_right, degree = len(in_degree), neighbors.shape[1]
    scale = in_degree.rsqrt()
    if n_right > _GRAM_VERTICES:
        flat = neighbors.flatten()

        def multiply(v: Tensor) -> Tensor:
            left = (scale * v)[neighbors].sum(dim=1, keepdim=True)  # (n_left, 1)
            spread = left.expand(-1, degree).flatten() / degree
            return scale * torch.zeros_like(v).index_add_(0, flat, spread)

        return multiply

    first, second = torch.tril_indices(degree, degree, offset=-1)
    cells = neighbors[:, first] * n_right + neighbors[:, second]  # (n_left, pairs)
    pairs = torch.bincount(cells.flatten(), minlength=n_right**2)
    pairs = pairs.view(n_right, n_right).double()
    gram = torch.diag(in_degree) + pairs + pairs.T
    return scale.unsqueeze(1) * gram * scale / degree


def _regular_extremes(neighbors, generator) -> tuple[float, float]:
    """Smallest and second largest eigenvalue over the degree."""
    n, degree = neighbors.shape
    if degree == 0:
        return 0.0, 0.0
    trivial = torch.full((n,), n**-0.5, dtype=torch.float64)
    if n > _EXACT_VERTICES:

        def multiply(v: Tensor) -> Tensor:
            return v[neighbors].sum(dim=1) / degree

        return _lanczos_extremes(multiply, trivial, generator)
    weights = torch.full(neighbors.shape, 1 / degree, dtype=torch.float64)
    adjacency = trivial.new_zeros(n, n).scatter_add_(1, neighbors, weights)
    return _extreme_eigenvalues(adjacency, trivial, generator)


def _extreme_eigenvalues(operator, trivial, generator) -> tuple[float, float]:
    """Extreme eigenvalues of a symmetric operator orthogonally to one eigenvector.

    `operator` is a matrix, or a function that multiplies by one; `trivial` (n,) is
    the unit eigenvector of the eigenvalue 1, known in advance.
    """
    n = len(trivial)
    if n == 1:
        return 0.0, 0.0
    if isinstance(operator, Tensor):
        if n <= _EXACT_VERTICES:
            # Moving the known eigenvalue to 0 could hide the extremes; drop it: a
            # reflection takes `trivial` to the first axis, the rest is a block.
            reflector = trivial.clone()
            reflector[0] += 1.0
            reflector /= reflector.norm()
            half = operator - 2 * torch.outer(reflector, reflector @ operator)
            turned = half - 2 * torch.outer(half @ reflector, reflector)
            values = torch.linalg.eigvalsh(turned[1:, 1:])
            return values[0].item(), values[-1].item()
        operator = operator.matmul
    return _lanczos_extremes(operator, trivial, generator)


def _lanczos_extremes(multiply, trivial, generator) -> tuple[float, float]:
    n = len(trivial)
    # 80 steps, fewer where the basis would take more than 160 MB.
    n_steps = min(n - 1, 80, max(20, 2 * 10**7 // n))
    basis = trivial.new_zeros(n_steps + 1, n)
    basis[0] = trivial
    diagonal, off_diagonal = [], []
    v = torch.randn(n, generator=generator, dtype=torch.float64)
    for step in range(1, n_steps + 1):
        for _ in range(2):  # twice is enough for orthogonality to rounding
            v = v - basis[:step].T @ (basis[:step] @ v)
        norm = v.norm()
        if norm < 1e-10:  # the subspace is invariant: its values are exact
            break
        basis[step] = v / norm
        off_diagonal.append(norm)
        v = multiply(basis[step])
        diagonal.append(basis[step] @ v)
    # The first norm is that of the random start.
    side = torch.stack(off_diagonal[1:]) if len(diagonal) > 1 else v.new_zeros(0)
    tridiagonal = torch.diag(torch.stack(diagonal)) + torch.diag(side, 1)
    values = torch.linalg.eigvalsh(tridiagonal + torch.diag(side, -1))
    return values[0].item(), values[-1].item()
