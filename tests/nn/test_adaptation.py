"""Filter-wise adaptation: identity at first, few parameters, exact to merge."""

import copy

import pytest
import torch
from torch import nn

from skexpand.nn.adaptation import (
    FilterAdapter,
    adapt_filters,
    merge_filters,
    trainable_parameters,
)

# Layers initialize themselves from torch's global generator before `randomized`
# overwrites them.
pytestmark = pytest.mark.global_random

LAYERS = {
    "conv": lambda bias: nn.Conv2d(4, 6, 3, padding=1, bias=bias),
    "grouped conv": lambda bias: nn.Conv2d(4, 6, 3, groups=2, bias=bias),
    "transposed": lambda bias: nn.ConvTranspose2d(4, 6, 4, stride=2, bias=bias),
    "grouped transposed": lambda bias: nn.ConvTranspose2d(4, 6, 3, groups=2, bias=bias),
    "linear": lambda bias: nn.Linear(4, 6, bias=bias),
}


def randomized(module, generator):
    """Fill every parameter from the generator."""
    with torch.no_grad():
        for parameter in module.parameters():
            values = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(values * 0.3)
    return module


def autoencoder(generator):
    """Convolutions with and without bias, a norm, linear and transposed layers."""
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Sequential(nn.Linear(4 * 16, 5), nn.Linear(5, 64, bias=False)),
        nn.Unflatten(1, (4, 4, 4)),
        nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1),
    )
    return randomized(network, generator).eval()


def disturb(network, generator):
    """Move gamma and beta away from where they start."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, FilterAdapter):
                shape = module.gamma.shape
                module.gamma.add_(torch.randn(shape, generator=generator))
                module.beta.add_(torch.randn(shape, generator=generator))


def layer_input(layer, generator):
    if isinstance(layer, nn.Linear):
        return torch.randn(3, 4, generator=generator)
    return torch.randn(3, 4, 7, 5, generator=generator)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_an_adapter_starts_as_the_identity(kind, bias, generator):
    """Bit for bit."""
    layer = randomized(LAYERS[kind](bias), generator)
    x = layer_input(layer, generator)
    before = layer(x)

    assert torch.equal(FilterAdapter(layer)(x), before)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_each_filter_is_scaled_and_shifted_on_its_own(kind, bias, generator):
    """Filter j is multiplied by gamma_j, then beta_j is added; the rest is left."""
    layer = randomized(LAYERS[kind](bias), generator)
    x = layer_input(layer, generator)
    before = layer(x).detach()
    adapter = FilterAdapter(layer)
    with torch.no_grad():
        adapter.gamma[2], adapter.beta[2] = 3.0, 0.5

    after = adapter(x).detach()

    expected = before.clone()
    expected[:, 2] = 3.0 * before[:, 2] + 0.5
    torch.testing.assert_close(after, expected)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_merged_layer_computes_the_same(kind, bias, generator):
    """One plain layer of the same class, with a bias, to 1e-6."""
    layer = randomized(LAYERS[kind](bias), generator)
    x = layer_input(layer, generator)
    adapter = FilterAdapter(layer)
    disturb(adapter, generator)
    adapted = adapter(x).detach()

    merged = adapter.merge()

    assert merged is layer
    assert merged.bias is not None
    torch.testing.assert_close(merged(x).detach(), adapted, atol=1e-6, rtol=1e-6)


def test_an_adapted_network_starts_unchanged(generator):
    """Pre-trained knowledge is intact at step 0."""
    network = autoencoder(generator)
    x = torch.randn(2, 1, 8, 8, generator=generator)
    before = network(x)

    adapt_filters(network)

    assert torch.equal(network(x), before)


def test_only_scales_and_shifts_get_gradients(generator):
    """And the count that is returned is twice the number of filters."""
    network = autoencoder(generator)
    n_before = sum(p.numel() for p in network.parameters())

    n_trainable = adapt_filters(network)
    network(torch.randn(2, 1, 8, 8, generator=generator)).square().sum().backward()

    with_gradient = {n for n, p in network.named_parameters() if p.grad is not None}
    suffixes = {name.rsplit(".", 1)[1] for name in with_gradient}
    assert suffixes == {"gamma", "beta"}
    assert len(with_gradient) == 2 * 4
    assert n_trainable == 2 * (4 + 5 + 64 + 1)
    count = trainable_parameters(network)
    assert (count.n_trainable, count.n_frozen) == (n_trainable, n_before)
    assert count.n_total == n_trainable + n_before


def test_training_moves_the_output_and_not_the_weights(generator):
    """A wrong contrast is learned by gamma and beta alone."""
    network = nn.Sequential(randomized(nn.Conv2d(1, 3, 3), generator))
    x = torch.randn(8, 1, 6, 6, generator=generator)
    target = 2 * network(x).detach() - 1
    weight = network[0].weight.detach().clone()
    adapt_filters(network)
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad])
    optimizer.param_groups[0]["lr"] = 0.05

    for _ in range(400):
        optimizer.zero_grad()
        (network(x) - target).square().mean().backward()
        optimizer.step()

    adapter = network[0]
    torch.testing.assert_close(
        adapter.gamma.detach(), torch.full((3,), 2.0), atol=1e-2, rtol=0
    )
    torch.testing.assert_close(
        adapter.beta.detach(), torch.full((3,), -1.0), atol=1e-2, rtol=0
    )
    assert torch.equal(adapter.layer.weight, weight)


def test_a_merged_network_is_an_ordinary_one_with_the_same_output(generator):
    """No adapters left, everything trains, and it can be adapted again."""
    network = autoencoder(generator)
    x = torch.randn(2, 1, 8, 8, generator=generator)
    adapt_filters(network)
    disturb(network, generator)
    adapted = network(x).detach()

    merge_filters(network)

    torch.testing.assert_close(network(x).detach(), adapted, atol=1e-6, rtol=1e-5)
    assert not any(isinstance(m, FilterAdapter) for m in network.modules())
    assert trainable_parameters(network).n_frozen == 0
    assert adapt_filters(network) == 2 * (4 + 5 + 64 + 1)


def test_the_state_of_an_adapted_network_makes_a_round_trip(generator):
    """Into another network that was adapted the same way."""
    network, other = autoencoder(generator), autoencoder(generator)
    x = torch.randn(2, 1, 8, 8, generator=generator)
    adapt_filters(network)
    disturb(network, generator)

    adapt_filters(other)
    other.load_state_dict(network.state_dict())

    assert torch.equal(other(x), network(x))


def test_a_deep_copy_is_independent(generator):
    """Merging the copy leaves the original adapted."""
    network = autoencoder(generator)
    adapt_filters(network)
    disturb(network, generator)
    x = torch.randn(2, 1, 8, 8, generator=generator)
    before = network(x).detach()

    merge_filters(copy.deepcopy(network))

    assert torch.equal(network(x).detach(), before)
    assert any(isinstance(m, FilterAdapter) for m in network.modules())


def test_a_layer_used_twice_keeps_one_adapter(generator):
    """Under two names and in two parents; merged once, not squared."""
    shared = randomized(nn.Linear(4, 4), generator)
    network = nn.Sequential(shared, nn.Sequential(nn.Tanh(), shared), shared)
    x = torch.randn(3, 4, generator=generator)

    n_trainable = adapt_filters(network)
    disturb(network, generator)
    adapted = network(x).detach()
    assert n_trainable == 8
    assert network[0] is network[2] is network[1][1]

    merge_filters(network)
    assert network[0] is network[2] is network[1][1] is shared
    torch.testing.assert_close(network(x).detach(), adapted, atol=1e-6, rtol=1e-5)


def test_attention_that_reads_the_weight_of_its_projection_is_adapted(generator):
    """nn.MultiheadAttention never calls its output layer, it reads `.weight`."""
    network = nn.ModuleDict({"attend": nn.MultiheadAttention(8, 2, batch_first=True)})
    randomized(network, generator)
    z = torch.randn(2, 5, 8, generator=generator)
    before = network["attend"](z, z, z)[0].detach()

    adapt_filters(network)
    start = network["attend"](z, z, z)[0].detach()
    with torch.no_grad():
        network["attend"].out_proj.gamma.fill_(2.0)
        network["attend"].out_proj.beta.fill_(1.0)
    adapted = network["attend"](z, z, z)[0].detach()

    torch.testing.assert_close(start, before)
    torch.testing.assert_close(adapted, 2 * before + 1)


def test_adapting_twice_is_an_error(generator):
    """The message says what to do instead."""
    network = autoencoder(generator)
    adapt_filters(network)

    with pytest.raises(ValueError, match="adapted already; .* call merge_filters"):
        adapt_filters(network)


def test_networks_that_cannot_be_adapted_are_refused(generator):
    """A bare layer, nothing to wrap, a parametrized weight, nothing to merge."""
    with pytest.raises(TypeError, match="single Linear cannot be replaced in place"):
        adapt_filters(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="to adapt, got none"):
        adapt_filters(nn.Sequential(nn.ReLU()))
    with pytest.raises(TypeError, match="wraps a Conv2d, .* got BatchNorm2d"):
        FilterAdapter(nn.BatchNorm2d(3))
    with pytest.raises(ValueError, match="no adapter that could be removed"):
        merge_filters(autoencoder(generator))
    with pytest.raises(ValueError, match="no adapter that could be removed"):
        merge_filters(FilterAdapter(nn.Linear(2, 2)))
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="remove_parametrizations first"):
        adapt_filters(nn.Sequential(normed))


def test_the_count_reads_as_a_sentence():
    """For the summary of an estimator."""
    network = nn.Sequential(nn.Linear(99, 10))
    adapt_filters(network)

    assert str(trainable_parameters(network)) == ("20 of 1,020 parameters train (2.0%)")
