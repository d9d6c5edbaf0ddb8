"""Graphs that are what they claim: regular, balanced, simple and nearly Ramanujan."""

import time

import numpy as np
import pytest
import torch

from skexpand.nn.expander import bipartite_expander, regular_expander
from skexpand.nn.spectrum import certify_bipartite, certify_regular


def dense_adjacency(neighbors):
    """The adjacency matrix, with multiplicities."""
    n = len(neighbors)
    adjacency = np.zeros((n, n))
    np.add.at(adjacency, (np.arange(n)[:, None], neighbors.numpy()), 1.0)
    return adjacency


def dense_gap(neighbors):
    """The normalized gap from all eigenvalues."""
    values = np.linalg.eigvalsh(dense_adjacency(neighbors))
    return 1 - max(values[-2], -values[0]) / neighbors.shape[1]


def in_degrees(neighbors, n_right):
    """How often each right vertex is used."""
    return torch.bincount(neighbors.flatten(), minlength=n_right)


def has_repeats(neighbors):
    """Whether some row names a vertex twice."""
    rows = neighbors.sort(dim=1).values
    return bool((rows[:, 1:] == rows[:, :-1]).any())


@pytest.mark.parametrize("n_right", [*range(1, 13), 40])
def test_rows_are_free_of_repeats_and_balanced(n_right, generator):
    """Every degree up to the number of samples, few or many slots, exactly."""
    for n_left in (1, 2, 3, 7, 20, 101):
        for degree in range(1, min(n_right, 16) + 1):
            neighbors = bipartite_expander(
                n_left, n_right, degree, generator, n_candidates=1
            ).neighbors

            counts = in_degrees(neighbors, n_right)
            assert neighbors.shape == (n_left, degree)
            assert neighbors.dtype == torch.int64
            assert not has_repeats(neighbors), (n_left, degree)
            assert counts.max() - counts.min() <= 1, (n_left, degree)


@pytest.mark.parametrize(("n_right", "degree"), [(1, 4), (3, 4), (3, 6), (5, 14)])
def test_more_neighbors_than_samples_repeat_each_evenly(n_right, degree, generator):
    """Each row holds each sample floor or ceil of degree / n_right times."""
    neighbors = bipartite_expander(30, n_right, degree, generator).neighbors

    per_row = torch.nn.functional.one_hot(neighbors, n_right).sum(dim=1)
    counts = in_degrees(neighbors, n_right)
    assert per_row.min() == degree // n_right
    assert per_row.max() == -(-degree // n_right)
    assert counts.max() - counts.min() <= 1


def test_degree_equal_to_the_samples_is_the_complete_bipartite_graph(generator):
    """Each row is everything, in an order of its own, and the gap is 1."""
    graph = bipartite_expander(50, 6, 6, generator)

    assert graph.spectral_gap == 1
    assert graph.certificate.n_candidates == 1
    assert (graph.neighbors.sort(dim=1).values == torch.arange(6)).all()
    assert len(graph.neighbors.unique(dim=0)) > 25


@pytest.mark.parametrize("generator_seed", range(3))
def test_small_graphs_without_a_partner_to_switch_fall_back(
    monkeypatch, generator_seed
):
    """With repairs made impossible the windows of a cycle are scrambled instead."""
    monkeypatch.setattr(
        "skexpand.nn.expander._repeated_column",
        lambda rows: torch.zeros(len(rows), dtype=torch.int64),
    )
    generator = torch.Generator().manual_seed(generator_seed)

    neighbors = bipartite_expander(40, 9, 4, generator, n_candidates=1).neighbors

    counts = in_degrees(neighbors, 9)
    assert not has_repeats(neighbors)
    assert counts.max() - counts.min() <= 1
    # Scrambled: the windows themselves would be 9 different sets.
    assert len(neighbors.sort(dim=1).values.unique(dim=0)) > 15


def test_random_slots_reach_the_bound_of_biregular_graphs(generator):
    """The second singular value is within 2 % of the best that large graphs have."""
    graph = bipartite_expander(3000, 300, 4, generator)

    assert graph.certificate.ramanujan_ratio < 1.02
    assert graph.certificate.alon_boppana == pytest.approx(
        1 - (3**0.5 + 39**0.5) / 160**0.5
    )


def test_mixing_is_better_than_that_of_nearby_samples(generator):
    """A ring of windows, as a nearest-neighbor rule would draw it, hardly mixes."""
    slot = torch.arange(1000).unsqueeze(1)
    windows = (slot + torch.arange(4)) % 100

    ring = certify_bipartite(windows, 100, generator)
    graph = bipartite_expander(1000, 100, 4, generator)

    assert ring.spectral_gap < 0.01
    assert graph.spectral_gap > 0.35


def test_more_candidates_never_give_a_smaller_gap():
    """The best is kept, and the count is in the certificate."""
    one, many = (
        bipartite_expander(60, 20, 3, torch.Generator().manual_seed(1), n_candidates=n)
        for n in (1, 20)
    )

    assert many.spectral_gap > one.spectral_gap
    assert (one.certificate.n_candidates, many.certificate.n_candidates) == (1, 20)


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: bipartite_expander(500, 30, 4, g),
        lambda g: regular_expander(40, 5, g),
    ],
    ids=["bipartite", "regular"],
)
def test_the_same_seed_gives_the_same_graph_and_another_seed_another(draw):
    """All randomness comes from the generator, none from the global one."""
    state = torch.get_rng_state()
    first, again, other = (draw(torch.Generator().manual_seed(s)) for s in (3, 3, 4))

    assert torch.equal(first.neighbors, again.neighbors)
    assert first.certificate == again.certificate
    assert not torch.equal(first.neighbors, other.neighbors)
    assert torch.equal(state, torch.get_rng_state())


def test_a_million_slots_take_seconds(generator):
    """No Python loop over rows: the bound is ten times the usual time."""
    start = time.perf_counter()
    graph = bipartite_expander(10**6, 2000, 4, generator)
    elapsed = time.perf_counter() - start

    counts = in_degrees(graph.neighbors, 2000)
    assert elapsed < 15
    assert counts.min() == counts.max() == 2000
    assert not has_repeats(graph.neighbors)
    assert graph.certificate.ramanujan_ratio < 1.02


@pytest.mark.parametrize("n", range(1, 65))
def test_regular_graphs_exist_for_every_size(n, generator):
    """Simple, symmetric, and of the degree asked for wherever that is possible."""
    for degree in range(1, 17):
        graph = regular_expander(n, degree, generator, n_candidates=2)

        expected = min(degree, n - 1)
        expected += n * expected % 2  # no graph has an odd number of edge ends
        adjacency = dense_adjacency(graph.neighbors)
        assert graph.neighbors.shape == (n, expected)
        assert graph.certificate.degree == expected
        assert (adjacency == adjacency.T).all(), degree
        assert (np.diag(adjacency) == 0).all(), degree
        assert adjacency.max() <= 1, degree


@pytest.mark.parametrize(("n", "degree"), [(12, 3), (30, 4), (64, 8), (200, 6)])
def test_the_certificate_of_a_regular_graph_is_its_gap(n, degree, generator):
    """Against all eigenvalues from numpy."""
    graph = regular_expander(n, degree, generator)

    assert graph.spectral_gap == pytest.approx(dense_gap(graph.neighbors), abs=1e-9)


def test_large_regular_graphs_are_certified_by_lanczos(generator):
    """Within a thousandth of the dense answer."""
    graph = regular_expander(600, 4, generator, n_candidates=2)

    assert graph.spectral_gap == pytest.approx(dense_gap(graph.neighbors), abs=1e-3)


def test_degree_n_minus_one_is_the_complete_graph(generator):
    """Anything above is clipped to it."""
    graph = regular_expander(9, 50, generator)

    assert graph.certificate.degree == 8
    assert graph.spectral_gap == pytest.approx(1 - 1 / 8)
    assert graph.certificate.n_candidates == 1


def test_degree_two_stays_connected(generator):
    """Even rings have no gap; the candidate kept is the ring, not its pieces."""
    neighbors = regular_expander(10, 2, generator).neighbors
    adjacency = dense_adjacency(neighbors)

    reached = np.linalg.matrix_power(np.eye(10) + adjacency, 10)
    assert (reached > 0).all()


def test_random_regular_graphs_are_nearly_ramanujan(generator):
    """Friedman: degree 8, 200 vertices, within 10 % of 2 sqrt(7)."""
    graph = regular_expander(200, 8, generator)

    assert graph.certificate.ramanujan_ratio < 1.1


def test_random_regular_graphs_beat_explicit_ones_of_the_same_degree(generator):
    """Margulis on 14 x 14 and the circulant on 196 vertices, both of degree 8."""
    side = 14
    x, y = (
        t.flatten() for t in torch.meshgrid(*[torch.arange(side)] * 2, indexing="ij")
    )
    moves = [(x + 2 * y, y), (x - 2 * y, y), (x + 2 * y + 1, y), (x - 2 * y - 1, y)]
    moves += [(x, y + 2 * x), (x, y - 2 * x), (x, y + 2 * x + 1), (x, y - 2 * x - 1)]
    margulis = torch.stack([a % side * side + b % side for a, b in moves], dim=1)
    ring = torch.arange(196).unsqueeze(1)
    circulant = (ring + torch.tensor([-4, -3, -2, -1, 1, 2, 3, 4])) % 196

    random_gap = regular_expander(196, 8, generator).spectral_gap

    margulis_gap = certify_regular(margulis, generator).spectral_gap
    assert margulis_gap == pytest.approx(dense_gap(margulis), abs=1e-9)
    assert 0.05 < margulis_gap < random_gap
    assert certify_regular(circulant, generator).spectral_gap < margulis_gap


@pytest.mark.parametrize("name", ["n_left", "n_right", "degree", "n_candidates"])
def test_sizes_below_one_are_refused_by_name(name, generator):
    """The message says which size, and what came."""
    sizes = {"n_left": 5, "n_right": 5, "degree": 2, "n_candidates": 2, name: 0}

    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        bipartite_expander(**sizes, generator=generator)
    if name in ("degree", "n_candidates"):
        sizes = {"n": 5, "degree": 2, "n_candidates": 2, name: 0}
        with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
            regular_expander(**sizes, generator=generator)
