"""Transport costs in one unit, next to POT, scipy and what is known in advance."""

import subprocess
import sys

import numpy as np
import ot
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
import torch

from skexpand.nn.transport import (
    classwise_transport,
    exact_wasserstein,
    sinkhorn_divergence,
    sliced_wasserstein,
)


def cloud(n, d, seed=0):
    """Normal points in float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


def all_methods(n_projections=12):
    """Every cost as a function of two clouds."""

    def sliced(x, y):
        generator = torch.Generator().manual_seed(0)
        return sliced_wasserstein(
            x, y, n_projections=n_projections, generator=generator
        )

    return {
        "sliced": sliced,
        "sinkhorn": sinkhorn_divergence,
        "exact": exact_wasserstein,
    }


METHODS = sorted(all_methods())


@pytest.mark.parametrize("method", METHODS)
def test_a_translation_costs_its_squared_length(method):
    """In the same unit for all, whatever the cloud."""
    x = cloud(40, 3)
    shift = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64) * 2

    cost = all_methods()[method](x, x + shift)

    torch.testing.assert_close(cost.item(), 4.0, atol=1e-3, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_the_gradient_between_two_diracs_is_twice_their_difference(method):
    """The derivative of the squared distance."""
    x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    y = torch.tensor([[0.5, -1.0]])

    all_methods()[method](x, y).backward()

    torch.testing.assert_close(x.grad, 2 * (x.detach() - y))


@pytest.mark.parametrize("method", METHODS)
def test_a_cloud_is_at_distance_zero_from_itself_in_any_order(method):
    """Also when every point is repeated, which makes the sizes differ."""
    x = cloud(15, 4)
    shuffled = x.flip(0).repeat(3, 1)

    cost = all_methods()[method](x, shuffled)

    assert abs(cost.item()) < 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_costs_are_symmetric(method):
    """Of clouds of different sizes too."""
    x, y = cloud(20, 3, seed=1), 1 + cloud(33, 3, seed=2)
    cost = all_methods()[method]

    torch.testing.assert_close(cost(x, y), cost(y, x), atol=0, rtol=1e-2)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("m", [12, 18, 25])
def test_gradients_agree_with_finite_differences(method, m):
    """Along a random direction in both clouds."""
    x, y = cloud(12, 3, seed=1), 0.5 + cloud(m, 3, seed=2)
    toward_x, toward_y = cloud(12, 3, seed=3), cloud(m, 3, seed=4)
    cost = all_methods()[method]
    if method == "sinkhorn":  # converged, so that the envelope theorem holds
        cost = lambda x, y: sinkhorn_divergence(x, y, blur=0.5, n_iter=2000)  # noqa: E731
    x.requires_grad_(), y.requires_grad_()

    cost(x, y).backward()

    step = 1e-5
    with torch.no_grad():
        ahead = cost(x + step * toward_x, y + step * toward_y)
        behind = cost(x - step * toward_x, y - step * toward_y)
    slope = (x.grad * toward_x).sum() + (y.grad * toward_y).sum()
    torch.testing.assert_close(slope, (ahead - behind) / (2 * step), rtol=1e-4, atol=0)


@pytest.mark.parametrize("m", [30, 45, 7])
@pytest.mark.parametrize("method", ["sliced", "exact"])
def test_on_a_line_the_cost_is_that_of_pot_and_scipy(method, m):
    """1-D transport has a closed form; sizes may differ."""
    x, y = cloud(30, 1, seed=1), 2 * cloud(m, 1, seed=2)

    cost = all_methods()[method](x, y).item()

    expected = ot.wasserstein_1d(x[:, 0].numpy(), y[:, 0].numpy(), p=2)
    assert cost == pytest.approx(expected)


def test_on_a_line_a_separated_pair_costs_scipys_distance_squared():
    """When one cloud is a shifted copy, W1 and W2 agree."""
    x = cloud(50, 1)

    cost = sliced_wasserstein(x, x + 3, generator=torch.Generator())

    w1 = scipy.stats.wasserstein_distance(x[:, 0], x[:, 0] + 3)
    assert cost.item() == pytest.approx(w1**2)


@pytest.mark.parametrize("m", [40, 55])
def test_the_exact_cost_is_that_of_a_linear_assignment_or_pot(m):
    """scipy's assignment for equal sizes, POT's plan for others."""
    x, y = cloud(40, 5, seed=1), cloud(m, 5, seed=2)
    squared = np.square(x.numpy()[:, None] - y.numpy()).sum(-1)
    if m == 40:
        rows, columns = scipy.optimize.linear_sum_assignment(squared)
        expected = squared[rows, columns].mean()
    else:
        expected = ot.emd2(np.full(40, 1 / 40), np.full(m, 1 / m), squared)

    assert exact_wasserstein(x, y).item() == pytest.approx(expected)


def test_the_sliced_cost_agrees_with_pot(generator):
    """POT leaves out the factor d; sizes differ."""
    x, y = cloud(50, 4, seed=1), 1 + 2 * cloud(70, 4, seed=2)

    ours = sliced_wasserstein(x, y, n_projections=4000, generator=generator)
    theirs = ot.sliced_wasserstein_distance(x, y, n_projections=4000, seed=0)

    assert ours.item() == pytest.approx(4 * theirs.item() ** 2, rel=0.03)


def test_the_sliced_cost_never_exceeds_the_exact_one(generator):
    """Any plan projects to a plan on every line."""
    for seed in range(5):
        x, y = cloud(25, 6, seed=seed), 1.5 * cloud(31, 6, seed=100 + seed)
        sliced = sliced_wasserstein(x, y, n_projections=60, generator=generator)
        assert 0 < sliced < exact_wasserstein(x, y)


def test_few_lines_are_right_on_average(generator):
    """With fewer lines than dimensions a translation is scaled in expectation."""
    x = cloud(5, 20)
    shift = torch.ones(20, dtype=torch.float64)

    costs = [
        sliced_wasserstein(x, x + shift, n_projections=4, generator=generator)
        for _ in range(400)
    ]

    assert torch.stack(costs).mean().item() == pytest.approx(20, rel=0.06)


def test_the_sinkhorn_divergence_agrees_with_pot_in_the_log_domain():
    """POT's entropic plans at the same temperature, debiased by hand."""
    x, y = cloud(20, 3, seed=1), 0.5 + cloud(30, 3, seed=2)
    blur = 0.5

    def entropic(a, b):
        cost = torch.cdist(a, b).square().numpy()
        uniform = [np.full(len(c), 1 / len(c)) for c in (a, b)]
        plan = ot.sinkhorn(
            *uniform, cost, 2 * blur**2, method="sinkhorn_log", numItermax=100000,
            stopThr=1e-10,
        )  # fmt: skip
        reference = uniform[0][:, None] * uniform[1]
        divergence = scipy.special.rel_entr(plan, reference).sum()
        return (plan * cost).sum() + 2 * blur**2 * divergence

    expected = entropic(x, y) - (entropic(x, x) + entropic(y, y)) / 2
    ours = sinkhorn_divergence(x, y, blur=blur, n_iter=3000)

    assert ours.item() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("d", [2, 32])
def test_a_small_blur_reaches_the_exact_cost_in_the_default_sweeps(d):
    """Annealing: 100 sweeps suffice where a fixed temperature is 7 to 38 % off."""
    x, y = cloud(60, d, seed=1), 1 + cloud(80, d, seed=2)

    divergence = sinkhorn_divergence(x, y)

    assert divergence.item() == pytest.approx(exact_wasserstein(x, y).item(), rel=0.02)


def test_a_large_blur_compares_the_means():
    """The limit is the squared distance of the centers."""
    x, y = cloud(30, 3, seed=1), 2 + cloud(30, 3, seed=2)

    divergence = sinkhorn_divergence(x, y, blur=1000.0)

    expected = (x.mean(0) - y.mean(0)).square().sum()
    torch.testing.assert_close(divergence, expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_single_precision_far_from_the_origin_keeps_its_digits(method):
    """A common shift of 1000 changes nothing."""
    x, y = cloud(20, 4, seed=1), 1 + cloud(20, 4, seed=2)
    cost = all_methods()[method]

    near = cost(x, y).item()
    far = cost((x + 1000).float(), (y + 1000).float())

    assert far.dtype == torch.float32
    assert far.item() == pytest.approx(near, rel=2e-3)


def test_the_mean_over_classes_counts_each_class_once(generator):
    """Two classes moved by 1 and by 3: (1 + 9) / 2, whatever their sizes."""
    x = cloud(12, 2)
    labels = torch.tensor([0] * 3 + [5] * 9)
    y = x + torch.where(labels == 0, 1.0, 3.0).unsqueeze(1) * torch.tensor([1.0, 0.0])

    order = torch.randperm(12, generator=generator)
    options = {"sliced": {"generator": generator}, "sinkhorn": {}, "exact": {}}
    for method, extra in options.items():
        cost = classwise_transport(
            x, labels, y[order], labels[order], method=method, **extra
        )
        assert cost.item() == pytest.approx(5, abs=1e-2), method


def test_points_never_travel_between_classes():
    """Two clouds that swap their labels are far apart, though equal as sets."""
    x = torch.tensor([[0.0], [4.0]])

    cost = classwise_transport(
        x, torch.tensor([0, 1]), x, torch.tensor([1, 0]), method="exact"
    )

    assert cost.item() == pytest.approx(16)


@pytest.mark.parametrize("method", METHODS)
def test_unusable_clouds_are_refused_with_their_shapes(method):
    """Widths, emptiness, dimensions and types."""
    cost = all_methods()[method]

    with pytest.raises(ValueError, match="as many columns, got 2 and 3"):
        cost(torch.zeros(4, 2), torch.zeros(4, 3))
    with pytest.raises(ValueError, match=r"y must be a non-empty .* shape \(0, 2\)"):
        cost(torch.zeros(4, 2), torch.zeros(0, 2))
    with pytest.raises(ValueError, match=r"x must be a non-empty .* shape \(4,\)"):
        cost(torch.zeros(4), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="floating point, got torch.int64"):
        cost(torch.zeros(4, 2, dtype=torch.int64), torch.zeros(4, 2))


def test_unusable_settings_are_refused_with_their_value(generator):
    """Each message names the parameter."""
    x = torch.zeros(2, 2)

    with pytest.raises(ValueError, match="n_projections must be at least 1, got 0"):
        sliced_wasserstein(x, x, n_projections=0, generator=generator)
    with pytest.raises(ValueError, match="blur must be a positive distance, got 0"):
        sinkhorn_divergence(x, x, blur=0)
    with pytest.raises(ValueError, match="n_iter must be at least 1, got 0"):
        sinkhorn_divergence(x, x, n_iter=0)
    labels = torch.tensor([0, 1])
    with pytest.raises(ValueError, match="method must be one of .* got 'magic'"):
        classwise_transport(x, labels, x, labels, method="magic")
    with pytest.raises(ValueError, match=r"y_labels must have shape \(2,\)"):
        classwise_transport(x, labels, x, labels[:1], method="exact")
    with pytest.raises(ValueError, match=r"\[1, 2\], found on one side only"):
        classwise_transport(x, labels, x, torch.tensor([0, 2]), method="exact")


def test_importing_the_module_does_not_import_pot():
    """It costs half a second and only the exact cost needs it."""
    code = "import sys, skexpand.nn.transport; sys.exit('ot' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
