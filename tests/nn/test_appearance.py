"""Recoloring: statistics that move like the rows of a table."""

import pytest
import torch

from skexpand.nn.appearance import Recoloring, choose_share, variety_of_light
from skexpand.nn.mixing import PairBank, same_class_pairs
from skexpand.nn.probe import ImageProbe

BANK = PairBank(torch.tensor([0]), torch.tensor([1]), torch.tensor([0]))


def photographs(generator, n, n_channels=3):
    """Draw noise of many lights and contrasts, far from black and white."""
    light = 0.5 + 0.05 * torch.randn(n, n_channels, 1, 1, generator=generator)
    spread = 0.05 * (0.2 * torch.randn(n, n_channels, 1, 1, generator=generator)).exp()
    return light + spread * torch.randn(n, n_channels, 12, 12, generator=generator)


def statistics(x):
    return torch.stack([x.mean(dim=(2, 3)), x.std(dim=(2, 3)).log()], dim=2)


def stripes(generator, paper, ink):
    """Draw forty times stripes, across or upright, of which noise hides four fifths."""
    y = torch.arange(40) % 2
    wave = (torch.arange(16) % 4 < 2).float()
    across = wave[None, None, :, None].expand(40, 3, 16, 16)
    shape = torch.where(y.view(-1, 1, 1, 1) == 0, across, across.transpose(2, 3))
    noise = torch.rand(40, 3, 16, 16, generator=generator)
    return paper + ink * (0.2 * shape + 0.8 * noise), y


def chosen_share(x, y, generator):
    bank = same_class_pairs(y, 500, generator)
    return choose_share(ImageProbe(x, y, generator), x, bank, generator)


def test_light_moves_far_where_any_light_may_shine(generator):
    paper = 0.5 * torch.rand(40, 3, 1, 1, generator=generator)
    ink = 0.1 + 0.4 * torch.rand(40, 3, 1, 1, generator=generator)
    assert chosen_share(*stripes(generator, paper, ink), generator) == 2.0


def test_light_moves_little_where_it_tells_the_class(generator):
    paper = 0.03 * torch.rand(40, 3, 1, 1, generator=generator)
    paper = paper + 0.4 * (torch.arange(40) % 2).view(-1, 1, 1, 1)
    assert chosen_share(*stripes(generator, paper, 0.3), generator) == 0.5


def test_light_stays_where_there_are_no_pairs(generator):
    x, y = photographs(generator, 2), torch.arange(2)
    assert chosen_share(x, y, generator) == 0


def written(generator, ink):
    """Draw squares of many sizes, as bright as `ink` says, on black paper."""
    x = torch.zeros(40, 1, 16, 16)
    for image, value in zip(x, ink.expand(40), strict=True):
        image[:, : int(torch.randint(4, 12, (1,), generator=generator)), 2:10] = value
    return x


def test_how_much_ink_there_is_says_nothing_about_light(generator):
    x = written(generator, torch.tensor(0.9))
    assert x.mean(dim=(1, 2, 3)).std() > 0.05
    assert variety_of_light(x) == 0
    assert chosen_share(x, torch.arange(40) % 2, generator) == 0


def test_ink_of_many_shades_is_light(generator):
    shades = torch.linspace(0, 1, 40)
    assert variety_of_light(written(generator, 0.5 + 0.5 * shades)) == 1
    pale = variety_of_light(written(generator, 0.8 + 0.1 * shades))
    assert 0.1 < pale < 0.5
    x = written(generator, 0.8 + 0.1 * shades)
    share = chosen_share(x, torch.arange(40) % 2, generator)
    assert share / pale in (0.5, 1.0, 2.0)


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
