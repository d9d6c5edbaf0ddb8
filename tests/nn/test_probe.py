"""The probe: what it can tell of images whose answer is known."""

import pytest
import torch

from skexpand.nn.probe import ImageProbe, PatchFeatures


def corners(n, generator, n_channels=1, size=16):
    """Draw a bright square in the upper left, or right, corner, and noise."""
    y = torch.arange(n) % 2
    x = 0.2 * torch.rand(n, n_channels, size, size, generator=generator)
    half = size // 2
    x[y == 0, :, 1 : half - 1, 1 : half - 1] += 0.6
    x[y == 1, :, 1 : half - 1, half + 1 : size - 1] += 0.6
    return x, y


def stripes(n, generator):
    """Draw stripes, across or upright, at random places: a mirror changes no class."""
    y = torch.arange(n) % 2
    phase = torch.randint(4, (n, 1), generator=generator)
    wave = ((torch.arange(16) + phase) % 4 < 2).float()  # (n, 16)
    across = wave[:, None, :, None].expand(-1, 1, -1, 16)
    upright = wave[:, None, None, :].expand(-1, 1, 16, -1)
    x = torch.where((y == 0).view(-1, 1, 1, 1), across, upright)
    return 0.8 * x + 0.2 * torch.rand(x.shape, generator=generator), y


def mirror(x):
    return x.flip(3)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_doing_nothing_keeps_everything(n_channels, generator):
    x, y = corners(24, generator, n_channels)
    assert ImageProbe(x, y, generator).kept_under(lambda x: x) == pytest.approx(1)


def test_a_mirror_turns_left_into_right(generator):
    x, y = corners(24, generator)
    assert ImageProbe(x, y, generator).kept_under(mirror) < 0


def test_a_mirror_leaves_stripes_alone_and_a_quarter_turn_does_not(generator):
    x, y = stripes(24, generator)
    probe = ImageProbe(x, y, generator)
    assert probe.kept_under(mirror) > 0.8
    assert probe.kept_under(lambda x: x.rot90(1, (2, 3))) < 0.2


def test_what_is_kept_must_be_more_than_chance(generator):
    x, y = stripes(24, generator)
    probe = ImageProbe(x, y, generator)

    def quarter_turn(x):
        return x.rot90(1, (2, 3))

    assert 1 < probe.margin([mirror], 0.75) < 100
    assert probe.margin([quarter_turn], 0.75) < -1
    assert probe.margin([mirror, quarter_turn], 0.75) < 1
    # Nothing keeps all of its belief and a standard error more.
    assert probe.margin([lambda x: x], 1.0) == pytest.approx(0, abs=0.01)


def test_images_are_told_from_what_they_never_are(generator):
    x, y = corners(40, generator)
    probe = ImageProbe(x, y, generator)
    share, error = probe.told_apart([lambda x: x.flip(2)])
    assert share > 0.9 and error == pytest.approx(0.5 / 40**0.5)
    assert probe.told_apart([lambda x: x])[0] == 1
    noise = ImageProbe(
        torch.rand(60, 1, 12, 12, generator=generator), y[:1].repeat(60), generator
    )
    assert 0.3 < noise.told_apart([mirror])[0] < 0.7


def test_a_difference_is_looked_at_as_if_it_had_been_left_out(generator):
    """The closed form agrees with leaving every image out in turn."""
    x, y = stripes(16, generator)
    x = 0.2 * x + 0.8 * torch.rand(x.shape, generator=generator)
    probe = ImageProbe(x, y, generator)
    looked_at = [
        torch.cat([probe._describe(each), probe._coarse(each)], dim=1).double()
        for each in (x, mirror(x))
    ]
    rows = looked_at[0] - looked_at[1]
    ridge = 0.1 * (rows @ rows.T).diagonal().mean()
    n_told = 0
    for i in range(len(x)):
        known = rows[torch.arange(len(x)) != i]
        system = known @ known.T + ridge * torch.eye(len(known))
        slope = known.T @ torch.linalg.solve(system, torch.ones(len(known)).double())
        n_told += int(rows[i] @ slope > 0)
    assert 0 < n_told < len(x)
    assert probe.told_apart([mirror])[0] == n_told / len(x)


def test_only_who_looks_at_light_sees_it(generator):
    """One class is brighter, and nothing else tells them apart."""
    y = torch.arange(40) % 2
    noise = torch.rand(40, 1, 12, 12, generator=generator)
    x = 0.3 * noise + 0.4 * y.view(-1, 1, 1, 1)
    probe = ImageProbe(x, y, generator)
    assert probe.loss_with(None, None).mean() > 0.4
    assert probe.loss_with(None, None, in_light=True).mean() < 0.1
    own = torch.arange(len(probe.rows))
    inverted = 0.7 - x[probe.rows]
    assert probe.loss_with(inverted, own, in_light=True).mean() > 0.4


def test_of_noise_nothing_is_known(generator):
    x = torch.rand(40, 1, 12, 12, generator=generator)
    y = torch.randint(2, (40,), generator=generator)
    probe = ImageProbe(x, y, generator)
    assert probe.knowledge < 0.3
    assert probe.accuracy < 0.8
    x, y = corners(40, generator)
    assert ImageProbe(x, y, generator).accuracy == 1


def test_an_image_is_looked_at_as_if_it_had_been_left_out(generator):
    """The closed form agrees with leaving every image out in turn."""
    x, y = stripes(12, generator)
    x = 0.3 * x + 0.7 * torch.rand(x.shape, generator=generator)
    probe = ImageProbe(x, y, generator)
    features = probe._features.double()
    ridge = 0.1 * (features @ features.T).diagonal().mean()
    before, after = [], []
    for i in range(len(x)):
        known = torch.arange(len(x)) != i
        truth = torch.nn.functional.one_hot(y[known]).double()
        center, share = features[known].mean(0), truth.mean(0)
        rows = features[known] - center
        system = rows @ rows.T + ridge * torch.eye(len(rows))
        slope = rows.T @ torch.linalg.solve(system, truth - share)
        moved = probe._describe(mirror(x[i : i + 1])).double()
        for scores, one in ((before, features[i : i + 1]), (after, moved)):
            scores.append(((one - center) @ slope + share)[0, y[i]] - 0.5)
    expected = torch.stack(after).mean() / torch.stack(before).mean()
    assert probe.kept_under(mirror) == pytest.approx(expected.item(), abs=0.02)


def test_copies_of_an_unseen_image_are_unseen(generator):
    """Labels are noise: whoever learned from copies of the image would know them."""
    x = torch.rand(40, 1, 12, 12, generator=generator)
    y = torch.randint(2, (40,), generator=generator)
    probe = ImageProbe(x, y, generator)
    own = torch.arange(len(probe.rows))
    assert probe.loss_with(x[probe.rows], own).mean() > 0.4


def test_copies_that_lie_do_harm(generator):
    x, y = corners(40, generator)
    probe = ImageProbe(x, y, generator)
    own = torch.arange(len(probe.rows))
    honest = probe.loss_with(x[probe.rows], own).mean()
    assert probe.loss_with(mirror(x[probe.rows]), own).mean() > 2 * honest


def test_many_images_are_thinned_class_by_class(generator):
    x, y = corners(1000, generator, size=8)
    y[:10] = 2
    rows = ImageProbe(x, y, generator).rows
    assert y[rows].bincount().tolist() == [100, 100, 10]


@pytest.mark.parametrize("size", [(4, 4), (5, 9), (8, 8), (64, 40)])
def test_features_of_any_size_are_finite(size, generator):
    x = torch.rand(6, 3, *size, generator=generator)
    features = PatchFeatures(x, generator)(x)
    assert features.isfinite().all()


def test_one_image_a_class_is_enough_to_ask(generator):
    x = torch.rand(3, 1, 8, 8, generator=generator)
    probe = ImageProbe(x, torch.arange(3), generator)
    assert probe.kept_under(mirror) == 0
    assert probe.loss_with(None, None).isfinite().all()
