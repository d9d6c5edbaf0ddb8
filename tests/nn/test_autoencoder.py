"""Autoencoders: any image size, and tables whitened exactly before any training."""

import math

import pytest
import torch

from skexpand.nn.autoencoder import ConvAutoencoder, TableAutoencoder, reparametrize
from skexpand.nn.layers import seeded
from skexpand.nn.optimizer import Adam


def whitening_of(x):
    """Center, whitening and coloring of the sample covariance."""
    mean = x.mean(dim=0)
    variance, rotation = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    return (
        mean,
        rotation / variance.sqrt(),
        (rotation * variance.sqrt()).T.contiguous(),
    )


@pytest.fixture
def table(generator):
    mixing = torch.randn(5, 5, generator=generator)
    return torch.randn(200, 5, generator=generator) @ mixing + 3


def disturb(network, generator, scale=0.3):
    """Move every parameter away from where it starts."""
    with torch.no_grad():
        for p in network.parameters():
            p.add_(scale * torch.randn(p.shape, generator=generator))


@pytest.mark.parametrize(
    "shape",
    [
        (1, 4, 4),
        (1, 8, 8),
        (1, 9, 13),
        (3, 28, 28),
        (4, 5, 40),
        (3, 64, 64),
        (1, 97, 8),
        (3, 70, 101),
    ],
    ids=str,
)
def test_images_of_any_size_come_back_in_their_shape_and_range(shape, generator):
    autoencoder = ConvAutoencoder(shape, generator=generator)
    x = torch.rand(2, *shape, generator=generator)
    mean, log_variance = autoencoder.encode(x)
    assert mean.shape == log_variance.shape == (2, *autoencoder.latent_shape)
    assert max(autoencoder.latent_shape[1:]) <= 8
    x_hat = autoencoder.decode(mean)
    assert x_hat.shape == x.shape and 0 <= x_hat.min() and x_hat.max() <= 1


def test_large_images_are_repainted_at_their_full_size(generator):
    autoencoder = ConvAutoencoder((1, 96, 97), generator=generator)
    x = (torch.rand(2, 1, 96, 97, generator=generator) > 0.5).float()
    optimizer = Adam(autoencoder.parameters(), 1e-2)
    for _ in range(150):
        x_hat = autoencoder.decode(autoencoder.encode(x)[0])
        optimizer.minimize(reconstruction := (x_hat - x).square().mean())
    # What blocks of 3 x 3 pixels have in common would leave eight ninths of 0.25.
    assert reconstruction.item() < 0.1


def test_the_map_of_a_large_image_costs_no_more_layers(generator):
    small, large = (
        ConvAutoencoder((3, side, side), generator=generator) for side in (32, 256)
    )
    assert small.latent_shape == large.latent_shape == (8, 8, 8)
    assert len(small.encoder) == len(large.encoder)


def test_an_untrained_image_posterior_is_nearly_deterministic(generator):
    autoencoder = ConvAutoencoder((1, 12, 12), generator=generator)
    _, log_variance = autoencoder.encode(torch.rand(2, 1, 12, 12, generator=generator))
    assert (log_variance == -4).all()


def test_any_log_variance_stays_in_a_range_whose_exponential_is_finite(generator):
    autoencoder = ConvAutoencoder((1, 12, 12), generator=generator)
    disturb(autoencoder, generator, scale=100.0)
    _, log_variance = autoencoder.encode(torch.rand(2, 1, 12, 12, generator=generator))
    assert log_variance.min() >= -10 and log_variance.max() <= 4


def test_an_untrained_table_autoencoder_is_the_whitening_and_its_inverse(
    table, generator
):
    autoencoder = TableAutoencoder(*whitening_of(table), generator=generator)
    mean, _ = autoencoder.encode(table)
    flat = mean.flatten(1)
    covariance = flat.T @ flat / len(flat)
    # Five latents in four groups are filled up to eight with zeros.
    kept = flat.abs().amax(dim=0) > 0
    assert kept.sum() == 5
    torch.testing.assert_close(
        covariance[kept][:, kept], torch.eye(5), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(autoencoder.decode(mean), table, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("n_groups", [1, 2, 4, 5, 9])
def test_groups_cut_the_latent_and_put_it_together_again(n_groups, table, generator):
    """One token a group at most, and the inverse stays exact."""
    autoencoder = TableAutoencoder(
        *whitening_of(table), generator=generator, n_groups=n_groups
    )
    assert autoencoder.latent_shape[2] == min(n_groups, 5)
    mean, _ = autoencoder.encode(table)
    torch.testing.assert_close(autoencoder.decode(mean), table, atol=1e-4, rtol=1e-4)


def test_neighboring_components_share_a_token(generator):
    eye = torch.eye(6)
    autoencoder = TableAutoencoder(
        torch.zeros(6), eye, eye, generator=generator, n_groups=3
    )
    tokens = autoencoder.to_map(torch.arange(6.0)[None])
    assert tokens[0, :, 0].T.tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("kind", ["image", "table"])
def test_gradients_reach_every_weight(kind, table, generator):
    if kind == "image":
        autoencoder = ConvAutoencoder((1, 9, 13), generator=generator)
        x = torch.rand(3, 1, 9, 13, generator=generator)
    else:
        autoencoder = TableAutoencoder(*whitening_of(table), generator=generator)
        x = table
    disturb(autoencoder, generator)  # layers that start at zero pass no gradient on
    mean, log_variance = autoencoder.encode(x)
    latent = reparametrize(mean, log_variance, generator)
    (autoencoder.decode(latent) - x).square().mean().backward()
    for name, parameter in autoencoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_the_posterior_is_drawn_with_its_mean_and_variance(generator):
    mean, log_variance = torch.full((2, 40_000), 3.0), torch.full((2, 40_000), -2.0)
    drawn = reparametrize(mean, log_variance, generator)
    assert drawn.mean().item() == pytest.approx(3, abs=0.01)
    assert drawn.var().item() == pytest.approx(math.exp(-2), rel=0.02)


def test_the_same_generator_builds_the_same_network():
    first, second = (
        ConvAutoencoder((1, 8, 8), generator=torch.Generator().manual_seed(3))
        for _ in range(2)
    )
    for p, q in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(p, q)


def test_images_too_small_and_matrices_that_do_not_fit_are_refused(generator):
    with pytest.raises(ValueError, match="sides of at least 4"):
        ConvAutoencoder((1, 3, 8), generator=generator)
    with pytest.raises(ValueError, match=r"must fit, got \(3, 2\)"):
        TableAutoencoder(
            torch.zeros(3), torch.zeros(3, 2), torch.zeros(3, 2), generator=generator
        )


def test_layers_are_born_from_the_generator_alone():
    """The first convolution is the generator's first draw."""
    autoencoder = ConvAutoencoder((1, 8, 8), generator=torch.Generator().manual_seed(3))
    layer = seeded(
        torch.nn.Conv2d, 1, 24, 4, generator=torch.Generator().manual_seed(3)
    )
    assert torch.equal(autoencoder.encoder[0].weight, layer.weight)
