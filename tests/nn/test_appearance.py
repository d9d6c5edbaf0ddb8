"""Recoloring: statistics that move like the rows of a table."""

from types import SimpleNamespace

import pytest
import torch

from skexpand.nn.appearance import Recoloring, light_of, recoloring_share
from skexpand.nn.mixing import PairBank, same_class_pairs

BANK = PairBank(torch.tensor([0]), torch.tensor([1]), torch.tensor([0]))


def photographs(generator, n, n_channels=3):
    """Draw noise of many lights and contrasts, far from black and white."""
    light = 0.5 + 0.05 * torch.randn(n, n_channels, 1, 1, generator=generator)
    spread = 0.05 * (0.2 * torch.randn(n, n_channels, 1, 1, generator=generator)).exp()
    return light + spread * torch.randn(n, n_channels, 12, 12, generator=generator)


def statistics(x):
    return torch.stack([x.mean(dim=(2, 3)), x.std(dim=(2, 3)).log()], dim=2)


def test_light_is_the_mean_and_the_spread_of_every_channel(generator):
    x = photographs(generator, 3)
    torch.testing.assert_close(light_of(x), statistics(x), rtol=0.1, atol=0.1)


@pytest.mark.parametrize(("is_free", "share"), [(True, 2.0), (False, 0.5)])
def test_light_moves_four_times_as_far_where_it_is_free(is_free, share):
    assert recoloring_share(SimpleNamespace(light_is_free=is_free)) == share


def test_no_weight_leaves_an_image_alone(generator):
    x = photographs(generator, 2)
    recoloring = Recoloring.from_pairs(x, BANK, 0.5)
    same = recoloring(x[:1], torch.tensor([0]), torch.tensor([[0]]), torch.zeros(1, 1))
    torch.testing.assert_close(same, x[:1])


def test_the_mean_moves_along_the_pair_and_back_to_the_center(generator):
    """By the formula: half of the weight, over the root of two, shrunk."""
    x = photographs(generator, 2)
    recoloring = Recoloring.from_pairs(x, BANK, 0.5)
    weights = torch.tensor([[0.8]])
    new = recoloring(x[:1], torch.tensor([0]), torch.tensor([[0]]), weights)
    first, second = x.mean(dim=(2, 3))
    center = (first + second) / 2
    step = 0.4 * (second - first) / 2**0.5
    expected = center + (first - center + step) / (1 + 0.4**2) ** 0.5
    torch.testing.assert_close(new.mean(dim=(2, 3))[0], expected)


@pytest.mark.parametrize("length", [1.0, 4.0])
def test_light_and_contrast_keep_their_spread_however_far_they_move(length, generator):
    n, m = 300, 6000
    x = photographs(generator, n)
    bank = same_class_pairs(torch.zeros(n, dtype=torch.long), 2000, generator)
    recoloring = Recoloring.from_pairs(x, bank, 0.5)
    anchor = torch.arange(m) % n
    pair = torch.randint(len(bank), (m, 4), generator=generator)
    weights = torch.randn(m, 4, generator=generator)
    weights = length * weights / weights.norm(dim=1, keepdim=True)
    made = recoloring(x[anchor], anchor, pair, weights)
    before, after = statistics(x).std(dim=0), statistics(made).std(dim=0)
    torch.testing.assert_close(after, before, rtol=0.1, atol=0)


def test_an_image_of_one_value_stays_finite():
    """It has no contrast to multiply."""
    x = torch.stack([torch.zeros(1, 8, 8), torch.arange(64.0).view(1, 8, 8) / 64])
    recoloring = Recoloring.from_pairs(x, BANK, 0.5)
    new = recoloring(x[:1], torch.tensor([0]), torch.tensor([[0]]), torch.ones(1, 1))
    assert new.isfinite().all()
