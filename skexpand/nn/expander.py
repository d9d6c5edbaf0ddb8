r"""Sparse random graphs with a certified spectral gap.

Expansive Synthesis combines each new point from a few real ones along an expander
graph [1]_. Random regular graphs are nearly the best expanders there are [2]_, so
the construction is: draw a few, measure the gap of each, keep the best. The graph
that is kept is the "codeword" of the paper.

Two kinds are made: :func:`bipartite_expander` says which samples meet in a new
point, :func:`regular_expander` which features are combined.

References
----------
.. [1] Jebraeeli et al., "Expansive Synthesis", arXiv:2406.17238, section 3.3.
.. [2] Friedman, "A proof of Alon's second eigenvalue conjecture and related
   problems", Memoirs of the AMS 195, 2008.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from skexpand.nn.spectrum import (
    ExpanderCertificate,
    certify_bipartite,
    certify_regular,
)

# Above this many edges draws concentrate, so a second candidate buys nothing.
_CANDIDATE_EDGES = 2**20
# Elements of the largest temporary in a batch of switches.
_SWITCH_ELEMENTS = 2**26


@dataclass(frozen=True)
class ExpanderGraph:
    """A graph as a table of neighbors, with its certificate.

    Parameters
    ----------
    neighbors : Tensor of shape (n_left, degree), int64
        Row ``i`` lists the vertices that row ``i`` is joined to.
    certificate : ExpanderCertificate
        Measured when the graph was made.
    """

    neighbors: Tensor
    certificate: ExpanderCertificate

    @property
    def spectral_gap(self) -> float:
        """The gap of the certificate."""
        return self.certificate.spectral_gap


def bipartite_expander(
    n_left: int,
    n_right: int,
    degree: int,
    generator: Generator,
    n_candidates: int = 4,
) -> ExpanderGraph:
    """Join every new point to `degree` real samples, each used equally often.

    Rows are cut from a chain of random permutations of the samples, so in-degrees
    differ by at most one; only rows that straddle two permutations can repeat a
    sample, and these exchange the repeated entry with a random other row. Time and
    memory are ``O(n_left * degree)``.

    Parameters
    ----------
    n_left : int
        Number of new points.
    n_right : int
        Number of real samples.
    degree : int
        Samples in each new point. No sample repeats in a row while
        ``degree <= n_right``; above that, each row holds every sample
        ``degree // n_right`` times and the remainder is drawn without repeats.
    generator : torch.Generator
        Source of randomness, on the CPU.
    n_candidates : int, default=4
        Graphs to draw; the one with the largest gap is kept. Graphs with more than
        2**20 edges are drawn once: their gaps hardly vary.

    Returns
    -------
    ExpanderGraph
        On the CPU. See :func:`certify_bipartite` for how the gap is measured.

    Raises
    ------
    ValueError
        If a size is below 1.
    """
    _check_positive(
        n_left=n_left, n_right=n_right, degree=degree, n_candidates=n_candidates
    )
    if n_left * degree > _CANDIDATE_EDGES or degree % n_right == 0:
        n_candidates = 1
    best = None
    for _ in range(n_candidates):
        neighbors = _balanced_rows(n_left, n_right, degree, generator)
        certificate = certify_bipartite(
            neighbors, n_right, generator, n_candidates=n_candidates
        )
        if best is None or certificate.spectral_gap > best.spectral_gap:
            best = ExpanderGraph(neighbors, certificate)
    return best


def regular_expander(
    n: int, degree: int, generator: Generator, n_candidates: int = 16
) -> ExpanderGraph:
    """Join `n` vertices by a simple undirected graph with one degree everywhere.

    The circulant graph is scrambled by degree-preserving switches of edge pairs.
    It always is a candidate itself, so the result is never worse than it.

    Parameters
    ----------
    n : int
        Number of vertices.
    degree : int
        Neighbors of each vertex. Clipped to ``n - 1``, the complete graph; raised
        by one when ``n * degree`` is odd, as no such graph exists. The certificate
        holds the degree that was used.
    generator : torch.Generator
        Source of randomness, on the CPU.
    n_candidates : int, default=16
        Graphs to compare; the one with the largest gap is kept.

    Returns
    -------
    ExpanderGraph
        On the CPU; rows of `neighbors` are sorted.

    Raises
    ------
    ValueError
        If a size is below 1.
    """
    _check_positive(n=n, degree=degree, n_candidates=n_candidates)
    degree = min(degree, n - 1)
    degree += n * degree % 2
    edges = _circulant_edges(n, degree)
    if degree == n - 1:
        n_candidates = 1
    best = None
    for candidate in range(n_candidates):
        if candidate:
            # Twenty rounds try ten switches per edge: far past mixing in practice.
            for _ in range(20):
                edges = _switch_edges(edges, n, generator)
        neighbors = _neighbors_of_edges(edges, n)
        certificate = certify_regular(neighbors, generator, n_candidates=n_candidates)
        # Strictly better only: where every gap is 0 (even rings) the circulant stays,
        # which is connected.
        if best is None or certificate.spectral_gap > best.spectral_gap:
            best = ExpanderGraph(neighbors, certificate)
    return best


def _check_positive(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}.")


# ------------------------------------------------------------- bipartite graphs


def _balanced_rows(n_left, n_right, degree, generator) -> Tensor:
    """Rows without repeats (as far as possible) and balanced in-degrees."""
    n_copies, remainder = divmod(degree, n_right)
    if 2 * remainder <= n_right:
        rows = _sparse_rows(n_left, n_right, remainder, generator)
    else:
        # Drawing what to leave out needs fewer repairs than what to keep.
        dropped = _sparse_rows(n_left, n_right, n_right - remainder, generator)
        kept = torch.ones(n_left, n_right, dtype=torch.bool)
        kept.scatter_(1, dropped, False)
        rows = kept.nonzero()[:, 1].view(n_left, remainder)
    if n_copies == 0 and 2 * remainder <= n_right:
        return rows
    copies = torch.arange(n_right).repeat(n_copies).expand(n_left, -1)
    rows = torch.cat([copies, rows], dim=1)  # (n_left, degree)
    shuffled = torch.rand(rows.shape, generator=generator).argsort(dim=1, stable=True)
    return rows.gather(1, shuffled)


def _sparse_rows(n_left, n_right, degree, generator) -> Tensor:
    """Balanced rows without repeats for ``degree <= n_right / 2``."""
    if degree == 0:
        return torch.empty(n_left, 0, dtype=torch.int64)
    n_permutations = math.ceil(n_left * degree / n_right)
    keys = torch.rand(n_permutations, n_right, generator=generator)
    chain = keys.argsort(dim=1, stable=True).flatten()
    neighbors = chain[: n_left * degree].view(n_left, degree).clone()

    borders = torch.arange(1, n_permutations) * n_right
    suspects = (borders[borders % degree != 0] // degree).unique()
    # At half density a switch succeeds with probability >= 1/2 or so: 60 rounds
    # leave 1e-18 of the repeats, except in graphs too small to have a partner.
    for _ in range(60):
        columns = _repeated_column(neighbors[suspects])
        suspects, columns = suspects[columns >= 0], columns[columns >= 0]
        if len(suspects) == 0:
            return neighbors
        order = torch.randperm(n_left, generator=generator)
        partners = order[~torch.isin(order, suspects)]
        _switch_rows(neighbors, suspects, columns, partners, generator)

    # Windows of one cyclic order are balanced and free of repeats by construction;
    # switches keep both properties and make the rows random.
    cycle = torch.randperm(n_right, generator=generator)
    neighbors = cycle[torch.arange(n_left * degree) % n_right].view(n_left, degree)
    for _ in range(10 * degree):
        rows, partners = torch.randperm(n_left, generator=generator).tensor_split(2)
        columns = torch.randint(degree, rows.shape, generator=generator)
        _switch_rows(neighbors, rows, columns, partners, generator)
    return neighbors


def _repeated_column(rows: Tensor) -> Tensor:
    """Column of one repeated entry in each row, -1 where there is none."""
    values, order = rows.sort(dim=1, stable=True)
    repeats = values[:, 1:] == values[:, :-1]
    if repeats.shape[1] == 0:
        return torch.full((len(rows),), -1)
    column = order[:, 1:].gather(1, repeats.int().argmax(dim=1, keepdim=True))
    return column.squeeze(1).where(repeats.any(dim=1), -1)


def _switch_rows(neighbors, rows, columns, partners, generator) -> None:
    """Swap one entry of each row with its partner's, in place, adding no repeat."""
    n_pairs = min(len(rows), len(partners), _SWITCH_ELEMENTS // neighbors.shape[1] ** 2)
    rows, columns, partners = rows[:n_pairs], columns[:n_pairs], partners[:n_pairs]
    own, other = neighbors[rows], neighbors[partners]  # (pairs, degree)
    given = own.gather(1, columns.unsqueeze(1))  # (pairs, 1)

    fits = (other.unsqueeze(2) != own.unsqueeze(1)).all(dim=2)
    fits &= (other != given).all(dim=1, keepdim=True)
    score, taken = (torch.rand(fits.shape, generator=generator) * fits).max(dim=1)
    done = score > 0
    rows, columns = rows[done], columns[done]
    partners, taken = partners[done], taken[done]
    neighbors[rows, columns] = neighbors[partners, taken]
    neighbors[partners, taken] = given[done].squeeze(1)


# --------------------------------------------------------------- regular graphs


def _circulant_edges(n: int, degree: int) -> Tensor:
    """Edges (n * degree / 2, 2) that join each vertex to the nearest on a ring."""
    start = torch.arange(n)
    ring = [
        torch.stack([start, (start + offset) % n], dim=1)
        for offset in range(1, degree // 2 + 1)
    ]
    if degree % 2:  # n is even: opposite vertices
        half = start[: n // 2]
        ring.append(torch.stack([half, half + n // 2], dim=1))
    return torch.cat(ring) if ring else torch.empty(0, 2, dtype=torch.int64)


def _switch_edges(edges: Tensor, n: int, generator: Generator) -> Tensor:
    """Replace pairs ab, cd by ad, cb where the graph stays simple."""
    flipped = torch.rand(len(edges), 1, generator=generator) < 0.5
    edges = torch.where(flipped, edges.flip(1), edges)
    edges = edges[torch.randperm(len(edges), generator=generator)]
    n_pairs = len(edges) // 2
    first, second = edges[:n_pairs], edges[n_pairs : 2 * n_pairs]
    switched = torch.stack(
        [
            torch.stack([first[:, 0], second[:, 1]], dim=1),
            torch.stack([second[:, 0], first[:, 1]], dim=1),
        ]
    )  # (2, n_pairs, 2)

    keys = _edge_keys(switched, n)  # (2, n_pairs)
    _, inverse, counts = keys.unique(return_inverse=True, return_counts=True)
    bad = switched[..., 0] == switched[..., 1]  # loops
    bad |= torch.isin(keys, _edge_keys(edges, n))  # edges already there
    bad |= counts[inverse] > 1  # proposed twice in this batch
    done = ~bad.any(dim=0)
    edges[:n_pairs][done] = switched[0][done]
    edges[n_pairs : 2 * n_pairs][done] = switched[1][done]
    return edges


def _edge_keys(edges: Tensor, n: int) -> Tensor:
    return edges.amin(dim=-1) * n + edges.amax(dim=-1)


def _neighbors_of_edges(edges: Tensor, n: int) -> Tensor:
    arcs = torch.cat([edges, edges.flip(1)])
    cells = (arcs[:, 0] * n + arcs[:, 1]).sort().values
    return (cells % n).view(n, 2 * len(edges) // n)
