"""Loss terms where their values are known in closed form."""

import math

import pytest
import torch

from skexpand.nn.losses import (
    covariance_loss,
    kl_to_standard_normal,
    koopman_loss,
    koopman_operator,
    reconstruction_loss,
)


def randn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def whitened_cloud(n, d):
    """Points whose sample covariance is exactly the identity."""
    centered = randn(n, d)
    centered = centered - centered.mean(dim=0)
    return torch.linalg.qr(centered).Q * math.sqrt(n - 1)


def test_a_whitened_cloud_costs_nothing():
    """Wherever its mean lies."""
    assert covariance_loss(whitened_cloud(20, 5) + 7).item() < 1e-20


@pytest.mark.parametrize("d", [1, 3, 8])
def test_collapsed_points_cost_one_in_any_width(d):
    """The covariance is zero, and the identity has d squared entries of 1."""
    assert covariance_loss(torch.ones(6, d)).item() == 1


def test_scaling_a_white_cloud_costs_the_square_of_its_excess_variance():
    """Cov = s^2 I, so the loss is (s^2 - 1)^2."""
    assert covariance_loss(2 * whitened_cloud(20, 5)).item() == pytest.approx(9)


def test_the_covariance_is_that_of_torch():
    """Unbiased, for a correlated cloud."""
    z = randn(30, 4) @ randn(4, 4, seed=1)

    expected = (torch.cov(z.T) - torch.eye(4)).square().sum() / 4

    torch.testing.assert_close(covariance_loss(z), expected)


def test_few_points_cannot_fill_the_space():
    """Three white points in five dimensions: the stated floor of 3/5."""
    z = torch.zeros(3, 5, dtype=torch.float64)
    z[:, :2] = whitened_cloud(3, 2)

    assert covariance_loss(z).item() == pytest.approx(3 / 5)


def test_descending_the_covariance_loss_spreads_a_tight_cloud():
    """It is the diversity term: gradient steps raise the variance to 1."""
    z = (0.1 * randn(40, 3)).requires_grad_()
    optimizer = torch.optim.SGD([z], lr=2.0)

    for _ in range(300):
        optimizer.zero_grad()
        covariance_loss(z).backward()
        optimizer.step()

    torch.testing.assert_close(
        torch.cov(z.detach().T), torch.eye(3, dtype=torch.float64), atol=1e-3, rtol=0
    )


def test_standard_normal_codes_have_no_divergence():
    """Mean 0, log-variance 0."""
    assert kl_to_standard_normal(torch.zeros(4, 3), torch.zeros(4, 3)).item() == 0


def test_the_divergence_has_its_closed_form():
    """(s^2 + m^2 - 1 - log s^2) / 2 a dimension, summed; per sample, averaged."""
    mean = torch.tensor([[3.0, 0.0], [0.0, 0.0]])
    log_variance = torch.tensor([[0.0, 2 * math.log(2)], [0.0, 0.0]])

    expected = (9 / 2 + (4 - 1 - math.log(4)) / 2) / 2

    divergence = kl_to_standard_normal(mean, log_variance).item()
    assert divergence == pytest.approx(expected)


def test_the_divergence_agrees_with_torch_distributions():
    """On latents laid out in space too."""
    mean, log_variance = randn(5, 2, 3, 3), randn(5, 2, 3, 3, seed=1)
    codes = torch.distributions.Normal(mean, (log_variance / 2).exp())
    prior = torch.distributions.Normal(torch.zeros(()).double(), 1.0)
    expected = torch.distributions.kl_divergence(codes, prior).sum() / 5

    torch.testing.assert_close(kl_to_standard_normal(mean, log_variance), expected)


def test_reconstruction_is_squared_error_plus_weighted_divergence():
    """Off by 2 everywhere is 4; means of 1 in three dimensions are 3/2 nats."""
    x = randn(4, 1, 6, 6)
    mean, log_variance = torch.ones(4, 3), torch.zeros(4, 3)

    plain, weighted = (
        reconstruction_loss(x + 2, x, mean, log_variance, kl_weight=weight)
        for weight in (0, 0.1)
    )

    assert plain.item() == pytest.approx(4)
    assert weighted.item() == pytest.approx(4.15)


def test_reconstruction_is_the_evidence_bound_at_the_stated_weight():
    """With w = 2 s^2 / D, the bound is D / (2 s^2) times the loss, plus a constant."""
    x, x_hat = randn(6, 10), randn(6, 10, seed=1)
    mean, log_variance = randn(6, 2, seed=2), randn(6, 2, seed=3)
    variance = 0.3

    loss = reconstruction_loss(
        x_hat, x, mean, log_variance, kl_weight=2 * variance / 10
    )

    noise = torch.distributions.Normal(x_hat, math.sqrt(variance))
    constant = 5 * math.log(2 * math.pi * variance)
    bound = -noise.log_prob(x).sum() / 6 + kl_to_standard_normal(mean, log_variance)
    torch.testing.assert_close(loss * 10 / (2 * variance) + constant, bound)


def test_a_known_linear_map_is_recovered():
    """From twice as many samples as dimensions, nearly without penalty."""
    source, K = randn(10, 5), randn(5, 5, seed=1)

    found = koopman_operator(source, source @ K, ridge=1e-12)

    torch.testing.assert_close(found, K, atol=1e-8, rtol=0)
    assert koopman_loss(source, source @ K, found).item() < 1e-16


def test_the_spectrum_of_a_rotation_is_found_on_the_unit_circle():
    """Iterating a rotation by 30 degrees: eigenvalues exp(+-i pi / 6)."""
    angle = math.pi / 6
    rotation = torch.tensor(
        [
            [math.cos(angle), math.sin(angle)],
            [-math.sin(angle), math.cos(angle)],
        ],
        dtype=torch.float64,
    )
    source = randn(20, 2)

    values = torch.linalg.eigvals(koopman_operator(source, source @ rotation, 1e-12))

    torch.testing.assert_close(values.abs(), torch.ones(2, dtype=torch.float64))
    assert values.angle().abs().max().item() == pytest.approx(angle)


def test_the_ridge_shrinks_a_white_source_by_its_share():
    """With s's = c I the solution is K / (1 + ridge), whatever c."""
    K = randn(4, 4, seed=1)
    for scale in (1e-4, 1.0, 1e4):
        source = scale * whitened_cloud(30, 4)
        found = koopman_operator(source, source @ K, ridge=0.25)
        torch.testing.assert_close(found, K / 1.25)


def test_fewer_samples_than_dimensions_still_give_a_finite_map():
    """In single precision: the ridge decides what the samples leave open."""
    source, target = randn(3, 12).float(), randn(3, 12, seed=1).float()

    K = koopman_operator(source, target)

    assert torch.linalg.matrix_rank(K, rtol=1e-2) == 3
    assert koopman_loss(source, target, K) < 1e-3 * target.square().mean()
    assert torch.equal(
        koopman_operator(torch.zeros(3, 12), target), torch.zeros(12, 12)
    )


def test_the_operator_is_differentiable():
    """Gradients of the fitted residual pass the numeric check."""
    source = randn(6, 3).requires_grad_()
    target = randn(6, 3, seed=1).requires_grad_()

    def residual(source, target):
        return koopman_loss(source, target, koopman_operator(source, target, 0.1))

    assert torch.autograd.gradcheck(residual, (source, target))


def test_no_other_map_has_a_smaller_penalized_residual(generator):
    """The operator minimizes what its docstring says."""
    source, target, ridge = randn(15, 4), randn(15, 4, seed=1), 0.1
    K = koopman_operator(source, target, ridge)
    penalty = ridge * source.square().sum() / 4

    def objective(K):
        return (source @ K - target).square().sum() + penalty * K.square().sum()

    for _ in range(20):
        step = torch.randn(4, 4, generator=generator, dtype=torch.float64)
        assert objective(K) < objective(K + 1e-3 * step)


def test_mismatched_shapes_are_refused_by_name():
    """Each message holds both shapes."""
    a, b = torch.zeros(4, 2), torch.zeros(4, 3)

    with pytest.raises(ValueError, match=r"at least two rows .* got shape \(1, 2\)"):
        covariance_loss(a[:1])
    with pytest.raises(ValueError, match=r"mean and log_variance .*\(4, 2\) and \(4,"):
        kl_to_standard_normal(a, b)
    with pytest.raises(ValueError, match="x_hat and x must have the same shape"):
        reconstruction_loss(a, b, a, a, kl_weight=1)
    with pytest.raises(ValueError, match="kl_weight must be at least 0, got -1"):
        reconstruction_loss(a, a, a, a, kl_weight=-1)
    with pytest.raises(ValueError, match="source and target must have the same shape"):
        koopman_operator(a, b)
    with pytest.raises(ValueError, match=r"non-empty \(n, d\) .* got shape \(0, 2\)"):
        koopman_operator(a[:0], a[:0])
    with pytest.raises(ValueError, match="ridge must be positive, got 0"):
        koopman_operator(a, a, 0)
    with pytest.raises(ValueError, match=r"K must have shape \(2, 2\) .* got \(3, 3\)"):
        koopman_loss(a, a, torch.eye(3))
