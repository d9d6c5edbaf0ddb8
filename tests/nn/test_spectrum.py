"""Gaps of graphs whose spectrum is known, and of any graph by dense algebra."""

import math

import numpy as np
import pytest
import torch

from skexpand.nn.spectrum import certify_bipartite, certify_regular


def complete_graph(n):
    """Neighbors of every vertex in the complete graph."""
    others = torch.arange(n).expand(n, n)
    return others[~torch.eye(n, dtype=torch.bool)].view(n, n - 1)


def cycle(n):
    """Neighbors of every vertex in a ring."""
    vertex = torch.arange(n)
    return torch.stack([(vertex - 1) % n, (vertex + 1) % n], dim=1)


def dense_bipartite_gap(neighbors, n_right):
    """The gap by a singular value decomposition of the normalized biadjacency."""
    biadjacency = np.zeros((len(neighbors), n_right))
    np.add.at(biadjacency, (np.arange(len(neighbors))[:, None], neighbors.numpy()), 1.0)
    biadjacency /= np.sqrt(biadjacency.sum(0)) * math.sqrt(neighbors.shape[1])
    return 1 - np.linalg.svd(biadjacency, compute_uv=False)[1]


@pytest.mark.parametrize("n", [2, 3, 8, 65, 300])
def test_the_complete_graph_loses_one_over_its_degree(n, generator):
    """K_n has the eigenvalues n - 1 and -1."""
    certificate = certify_regular(complete_graph(n), generator)

    assert certificate.spectral_gap == pytest.approx(1 - 1 / (n - 1), abs=1e-9)


@pytest.mark.parametrize("n", [5, 9, 31])
def test_an_odd_cycle_has_the_gap_of_half_a_step(n, generator):
    """C_n has the eigenvalues 2 cos(2 pi k / n); for odd n the last is the largest."""
    certificate = certify_regular(cycle(n), generator)

    expected = 1 - math.cos(math.pi / n)
    assert certificate.spectral_gap == pytest.approx(expected, abs=1e-9)


def test_an_even_cycle_is_bipartite_and_never_mixes(generator):
    """Its smallest eigenvalue is minus its degree."""
    assert certify_regular(cycle(10), generator).spectral_gap == 0


def test_a_disconnected_graph_has_no_gap(generator):
    """Two triangles: the eigenvalue 2 appears twice."""
    triangles = torch.cat([cycle(3), cycle(3) + 3])

    assert certify_regular(triangles, generator).spectral_gap == 0


def test_the_petersen_graph_is_ramanujan(generator):
    """Its eigenvalues are 3, 1 and -2, below 2 sqrt(2)."""
    outer = torch.arange(5)
    ring = torch.stack([(outer - 1) % 5, (outer + 1) % 5, outer + 5], dim=1)
    star = torch.stack([(outer - 2) % 5 + 5, (outer + 2) % 5 + 5, outer], dim=1)

    certificate = certify_regular(torch.cat([ring, star]), generator)

    assert certificate.spectral_gap == pytest.approx(1 / 3, abs=1e-12)
    assert certificate.alon_boppana == pytest.approx(1 - 2 * math.sqrt(2) / 3)
    assert certificate.ramanujan_ratio == pytest.approx(2 / (2 * math.sqrt(2)))


@pytest.mark.parametrize("n_right", [1, 7, 300, 2500])
def test_the_complete_bipartite_graph_mixes_in_one_step(n_right, generator):
    """Its biadjacency matrix has rank one, on the dense and the Lanczos path."""
    neighbors = torch.arange(n_right).expand(5, -1)

    assert certify_bipartite(neighbors, n_right, generator).spectral_gap == 1


def test_an_even_cycle_seen_as_bipartite_has_its_known_gap(generator):
    """C_2n has the biadjacency singular values 2 |cos(pi k / n)|."""
    n = 11
    slot = torch.arange(n)
    neighbors = torch.stack([slot, (slot + 1) % n], dim=1)

    certificate = certify_bipartite(neighbors, n, generator)

    assert certificate.spectral_gap == pytest.approx(1 - math.cos(math.pi / n))


@pytest.mark.parametrize("n_right", [30, 256, 257, 400])
def test_the_bipartite_gap_agrees_with_a_dense_decomposition(n_right, generator):
    """Irregular in-degrees and repeated entries included."""
    neighbors = torch.randint(n_right, (8 * n_right, 4), generator=generator)

    certificate = certify_bipartite(neighbors, n_right, generator)

    expected = dense_bipartite_gap(neighbors, n_right)
    assert certificate.spectral_gap == pytest.approx(expected, abs=1e-3)


def test_the_edge_list_path_agrees_with_a_dense_decomposition(monkeypatch, generator):
    """Above 2048 samples no (n_right, n_right) matrix is formed."""
    neighbors = torch.randint(150, (900, 5), generator=generator)
    expected = dense_bipartite_gap(neighbors, 150)

    monkeypatch.setattr("skexpand.nn.spectrum._GRAM_VERTICES", 0)
    certificate = certify_bipartite(neighbors, 150, generator)

    assert certificate.spectral_gap == pytest.approx(expected, abs=1e-3)


def test_a_sample_nobody_points_to_means_no_gap(generator):
    """An isolated vertex is never reached."""
    neighbors = torch.tensor([[0, 1], [1, 2]])

    assert certify_bipartite(neighbors, 4, generator).spectral_gap == 0


def test_the_subsample_errs_on_the_safe_side(monkeypatch, generator):
    """Fewer balanced rows have a smaller gap than the whole graph."""
    order = torch.rand(800, 40, generator=generator).argsort(dim=1)
    neighbors = order.view(-1, 4)
    whole = certify_bipartite(neighbors, 40, generator)

    monkeypatch.setattr("skexpand.nn.spectrum._CERTIFIED_PAIRS", 6 * 400)
    part = certify_bipartite(neighbors, 40, generator)

    assert (whole.n_certified, part.n_certified) == (8000, 400)
    assert 0 < part.spectral_gap < whole.spectral_gap
    assert part.alon_boppana < whole.alon_boppana


def test_a_single_vertex_is_already_mixed(generator):
    """There is no second eigenvalue to speak of."""
    certificate = certify_regular(torch.empty(1, 0, dtype=torch.int64), generator)

    assert certificate.spectral_gap == 1
    assert certificate.ramanujan_ratio == 0


def test_a_perfect_matching_is_infinitely_far_from_ramanujan(generator):
    """Degree one: the bound is zero, the second eigenvalue is one."""
    certificate = certify_bipartite(torch.arange(4).unsqueeze(1), 4, generator)

    assert certificate.spectral_gap == 0
    assert certificate.ramanujan_ratio == math.inf
