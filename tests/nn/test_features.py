"""The feature network and the random views it learns from."""

import pytest
import torch

from skexpand.nn.features import (
    FeatureNetwork,
    MirrorFeatures,
    one_cycle,
    random_views,
)

SHAPES = [(1, 4, 4), (1, 8, 8), (3, 9, 13), (1, 28, 28), (3, 70, 64), (4, 5, 40)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_features_are_unit_vectors_of_any_image(shape, generator):
    network = FeatureNetwork(shape[0], 4, generator=generator).eval()
    features = network(torch.rand(5, *shape, generator=generator))
    assert features.shape == (5, network.n_features) == (5, 32)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(5))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_views_are_images_and_repeat_with_their_seed(shape):
    x = torch.rand(6, *shape, generator=torch.Generator().manual_seed(1))
    first, second, other = (
        random_views(x, True, torch.Generator().manual_seed(seed)) for seed in (2, 2, 3)
    )
    assert first.shape == x.shape and first.min() >= 0 and first.max() <= 1
    assert torch.equal(first, second) and not torch.equal(first, other)


def test_a_blank_image_changes_its_brightness_only(generator):
    views = random_views(torch.full((9, 1, 8, 8), 0.5), False, generator)
    assert (views.std(dim=(1, 2, 3)) < 1e-5).all()
    assert views.mean(dim=(1, 2, 3)).std() > 0.01


def test_half_of_the_views_are_mirrored_where_that_means_nothing(generator):
    x = torch.zeros(300, 1, 12, 12)
    x[..., :6] = 1
    for is_mirrored, least, most in [(False, 0, 0), (True, 0.4, 0.6)]:
        views = random_views(x, is_mirrored, generator)
        turned = views[..., :6].mean(dim=(1, 2, 3)) < views[..., 6:].mean(dim=(1, 2, 3))
        assert least <= turned.float().mean() <= most


def test_the_rate_goes_up_and_down_once():
    rates = torch.tensor([one_cycle(step, 100) for step in range(100)])
    assert rates.min() > 0 and rates.max() > 0.99
    assert (rates.diff()[:24] > 0).all() and (rates.diff()[26:] < 0).all()


def test_features_that_look_both_ways_do_not_know_left_from_right(generator):
    network = FeatureNetwork(1, 4, generator=generator).eval()
    x = torch.rand(5, 1, 12, 10, generator=generator)
    assert (network(x) - network(x.flip(3))).abs().max() > 1e-3
    both = MirrorFeatures(network)
    features = both(x)
    assert features.shape == (5, both.n_features) == (5, network.n_features)
    torch.testing.assert_close(features, both(x.flip(3)))
    torch.testing.assert_close(features.norm(dim=1), torch.ones(5))
