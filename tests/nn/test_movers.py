"""Movers: what a pair's own move does, and that nothing moves without weights."""

import pytest
import torch

from skexpand.nn.autoencoder import TableAutoencoder
from skexpand.nn.expander import bipartite_expander
from skexpand.nn.flow import gaussian_blur
from skexpand.nn.mixing import MixingPlan, PairBank, same_class_pairs
from skexpand.nn.movers import ImageMover, TableMover
from skexpand.nn.prior import AffinePrior
from skexpand.nn.symmetry import Symmetries, negative

NONE = Symmetries()
BANK = PairBank(torch.tensor([0, 1]), torch.tensor([1, 2]), torch.tensor([0, 0]))


def images(n_channels=1, size=16):
    """Give one blob at three places, the last on a brighter ground."""
    rows, columns = torch.arange(size)[:, None], torch.arange(size)[None]
    blobs = [
        (-((rows - r).square() + (columns - c).square()) / 12.0).exp()
        for r, c in ((6, 6), (9, 9), (9, 9))
    ]
    x = torch.stack(blobs)[:, None].repeat(1, n_channels, 1, 1)
    x[2] = 0.3 + 0.5 * x[2]
    return x


def mover_from(x, bank, generator, prior=AffinePrior, symmetries=NONE):
    return ImageMover.from_pairs(
        x,
        bank,
        prior=prior,
        generator=generator,
        symmetries=symmetries,
    )


def plan_of(anchor, pair, certificate=None):
    anchor, pair = torch.tensor(anchor), torch.tensor(pair)
    coefficient = torch.ones(*pair.shape, 1)
    return MixingPlan(anchor, pair, coefficient, torch.ones(len(anchor)), certificate)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_no_weight_leaves_an_image_alone(n_channels, generator):
    x = images(n_channels)
    mover = mover_from(x, BANK, generator)
    moved = mover(x, plan_of([0, 2], [[0], [1]]), torch.zeros(2, 1, 4, 4), generator)
    torch.testing.assert_close(moved, x[[0, 2]], atol=1e-6, rtol=0)


def test_a_full_step_along_its_own_pair_nears_the_target(generator):
    """Only nears it: the local part of the flow is damped."""
    x = images()
    mover = mover_from(x, BANK, generator)
    moved = mover(x, plan_of([0], [[0]]), torch.ones(1, 1, 4, 4), generator)
    assert (moved - x[1]).square().mean() < 0.3 * (x[0] - x[1]).square().mean()


def test_brightness_and_contrast_are_carried_over(generator):
    """The second pair changes no place, only the light: a dark blob gets brighter."""
    x = images()
    mover = mover_from(x, BANK, generator)
    mover.velocity.zero_()
    mover.recoloring.share = 0.5
    moved = mover(x, plan_of([1], [[1]]), torch.ones(1, 1, 4, 4), generator)
    assert x[1].mean() + 0.05 < moved.mean() < x[2].mean()


def test_opposite_weights_bring_an_image_back(generator):
    x = images()
    mover = mover_from(x, BANK, generator)
    plan = plan_of([0], [[0]])
    there = mover(x, plan, torch.full((1, 1, 4, 4), 0.7), generator)
    back = mover(there, plan, torch.full((1, 1, 4, 4), -0.7), generator)
    assert (back - x[:1]).abs().mean() < 0.02


def test_images_stay_in_range_whatever_the_weights(generator):
    x = torch.rand(3, 3, 9, 13, generator=generator)
    mover = mover_from(x, BANK, generator)
    weights = 50 * torch.randn(2, 2, 3, 4, generator=generator)
    moved = mover(x, plan_of([0, 1], [[0, 1], [1, 0]]), weights, generator)
    assert moved.shape == (2, 3, 9, 13)
    assert moved.isfinite().all() and 0 <= moved.min() and moved.max() <= 1


def test_images_larger_than_the_registration_register_on_a_reduced_copy(generator):
    x = torch.nn.functional.interpolate(images(), size=(48, 40), mode="bilinear")
    mover = mover_from(x, BANK, generator)
    moved = mover(x, plan_of([0], [[0]]), torch.ones(1, 1, 6, 5), generator)
    assert (moved - x[1]).square().mean() < 0.4 * (x[0] - x[1]).square().mean()


def textures(generator, n):
    """Draw noise: no image explains another, left and right are alike."""
    return torch.rand(n, 1, 16, 16, generator=generator)


def hooks(n):
    """Draw a hook that always opens to the right, at different places."""
    x = torch.zeros(n, 1, 16, 16)
    for i in range(n):
        top, left = 2 + i % 3, 2 + i // 3
        x[i, 0, top : top + 9, left : left + 2] = 1
        x[i, 0, top + 7 : top + 9, left : left + 7] = 1
    return gaussian_blur(x, 0.6)


def all_pairs(n, generator):
    return same_class_pairs(torch.zeros(n, dtype=torch.long), 10_000, generator)


def two_movers(x, n):
    """Build movers of the same images by different draws."""
    bank = all_pairs(n, torch.Generator().manual_seed(0))
    return [mover_from(x, bank, torch.Generator().manual_seed(seed)) for seed in (1, 2)]


def test_the_prior_fills_in_what_images_do_not_explain(generator):
    """Noise explains nothing of other noise: moves are mostly those of the prior."""
    first, second = (m.velocity for m in two_movers(textures(generator, 20), 20))
    assert (first - second).square().mean() > second.square().mean()
    assert 0.09 < first.mean(dim=(2, 3)).std() < 0.11
    # All of it is affine: second differences vanish.
    bend = first.diff(n=2, dim=2)
    torch.testing.assert_close(bend, torch.zeros_like(bend), atol=1e-5, rtol=0)


def test_images_that_explain_nothing_are_registered_no_further(generator):
    x, bank = textures(generator, 20), all_pairs(20, generator)
    registered = []

    def count(starts):
        registered.append(len(starts))
        return starts

    def still():
        return AffinePrior(0, 0, 0, 0)

    mover = ImageMover.from_pairs(
        x,
        bank,
        count,
        prior=still,
        generator=generator,
        symmetries=NONE,
    )
    assert len(bank) == 190
    assert registered == [1]  # batch of 64 pairs
    assert not mover.velocity.any() and mover.explained == 0


def test_images_that_explain_each_other_need_no_prior():
    first, second = two_movers(hooks(4), 4)
    torch.testing.assert_close(first.velocity, second.velocity, atol=0.005, rtol=0)
    assert first.explained > 0.9


def test_the_better_half_of_the_pairs_fits(generator):
    """Hooks explain hooks better than the one that noise was added to."""
    x = hooks(9)
    x[8] = (x[8] + 0.3 * textures(generator, 1)[0]).clamp(0, 1)
    bank = all_pairs(9, generator)
    mover = mover_from(x, bank, generator)
    assert mover.explained == 1 and mover.fits.sum() == 18  # of 36
    assert (torch.maximum(bank.source, bank.target)[mover.fits] < 8).all()


@pytest.mark.parametrize(("n_images", "n_fit"), [(4, 6), (7, 15)])
def test_of_few_pairs_more_than_half_fit(generator, n_images, n_fit):
    mover = mover_from(hooks(n_images), all_pairs(n_images, generator), generator)
    assert mover.explained == 1 and mover.fits.sum() == n_fit  # of 6 and 21


@pytest.mark.parametrize("n_hooks", [0, 8])
def test_where_not_all_is_learned_all_pairs_fit(generator, n_hooks):
    x = torch.cat([hooks(n_hooks), textures(generator, 10 - n_hooks)])
    mover = mover_from(x, all_pairs(10, generator), generator)
    assert (mover.explained > 0) == (n_hooks > 0)
    assert mover.explained < 1 and mover.fits.all()


def test_light_moves_as_far_as_it_is_told(generator):
    x = images()
    mover = mover_from(x, BANK, generator)
    args = plan_of([0], [[1]]), torch.ones(1, 1, 4, 4), generator
    dark = mover(x, *args)
    mover.recoloring.share = 1.0
    torch.testing.assert_close(dark.amin(), x[0].amin(), atol=0.01, rtol=0)
    assert mover(x, *args).amin() > dark.amin() + 0.1


def test_pairs_have_the_symmetries_that_are_sure(generator):
    sure = Symmetries(is_free=(True, False, True))
    x = textures(generator, 20)
    mover = mover_from(x, all_pairs(20, generator), generator, symmetries=sure)
    shares = mover.symmetry.float().mean(dim=0)
    assert 0.35 < shares[0] < 0.65 and 0.35 < shares[2] < 0.65 and shares[1] == 0


def test_images_in_any_position_are_registered_in_the_same(generator):
    """A hook explains a hook upside down, if that one may be turned first."""
    x = hooks(4)
    x[1], x[3] = x[1].flip(1), x[3].flip(1)
    turned = Symmetries(is_free=(False, True, False))
    registered = [
        mover_from(x, all_pairs(4, generator), generator, symmetries=known)
        for known in (Symmetries(), turned)
    ]
    far, near = (mover.velocity.square().mean() for mover in registered)
    assert near < 0.5 * far


def test_few_pairs_never_mirror(generator):
    mover = mover_from(textures(generator, 6), all_pairs(6, generator), generator)
    assert not mover.symmetry.any()


def test_an_odd_number_of_mirrors_in_use_mirrors_the_image(generator):
    x = images()
    mover = mover_from(x, BANK, generator)
    mover.velocity.zero_()
    mover.recoloring.move.zero_()
    mover.recoloring.statistics[:] = mover.recoloring.statistics[0].clone()
    mover.symmetry[:, 0] = True
    weights = torch.full((3, 2, 4, 4), 0.7)
    weights[1, 1] = 0  # in use is the first pair alone
    weights[2] = 0
    moved = mover(x, plan_of([0, 0, 0], [[0, 1]] * 3), weights, generator)
    torch.testing.assert_close(moved[1], x[0].flip(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[[0, 2]], x[[0, 0]], atol=1e-5, rtol=0)
    mover.symmetry[:, 3] = True
    moved = mover(x, plan_of([0, 0, 0], [[0, 1]] * 3), weights, generator)
    expected = negative(x[:1])[0].flip(2)
    torch.testing.assert_close(moved[1], expected, atol=1e-5, rtol=0)


def table_mover(x, generator, labels=None, bank=BANK):
    q = x.shape[1]
    eye = torch.eye(q)
    autoencoder = TableAutoencoder(
        torch.zeros(q), eye / 2, eye * 2, generator=generator, n_groups=2
    )
    labels = torch.zeros(len(x), dtype=torch.long) if labels is None else labels
    return TableMover.from_pairs(autoencoder, x, labels, bank)


def test_without_an_expander_a_row_is_on_the_line_of_its_pair(generator):
    x = torch.randn(3, 4, generator=generator)
    mover = table_mover(x, generator)
    moved = mover(x, plan_of([0], [[0]]), torch.full((1, 1, 1, 2), 0.25), generator)
    torch.testing.assert_close(moved, x[:1] + 0.25 * (x[1:2] - x[:1]))


def test_each_group_of_columns_has_its_own_weight(generator):
    x = torch.randn(3, 4, generator=generator)
    mover = table_mover(x, generator)
    weights = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    moved = mover(x, plan_of([0], [[0]]), weights, generator)
    torch.testing.assert_close(moved[0, :2], x[1, :2])
    torch.testing.assert_close(moved[0, 2:], x[0, 2:])


@pytest.mark.parametrize("with_expander", [True, False])
def test_no_weight_leaves_a_row_alone(with_expander, generator):
    x = torch.randn(3, 4, generator=generator)
    certificate = bipartite_expander(8, 2, 1, generator, 1).certificate
    plan = plan_of([2], [[0]], certificate if with_expander else None)
    moved = table_mover(x, generator)(x, plan, torch.zeros(1, 1, 1, 2), generator)
    torch.testing.assert_close(moved, x[2:])


@pytest.mark.parametrize("strength", [0.5, 1.5, 5.0])
def test_the_covariance_of_a_class_is_kept_whatever_the_strength(strength, generator):
    """The smoothed bootstrap with shrinkage: spread and mean of the class stay."""
    n, m = 400, 20_000
    # Whitened latents are rows over 2: give them unit covariance.
    x = 2 * torch.randn(n, 4, generator=generator) + 5
    order = torch.randperm(n, generator=generator)
    bank = PairBank(order, order.roll(1), torch.zeros(n, dtype=torch.long))
    graph = bipartite_expander(m, n, 4, generator, 1)
    anchor = torch.arange(m) % n
    draws = torch.randn(m, 4, generator=generator)
    weights = strength * draws / draws.norm(dim=1, keepdim=True)
    plan = MixingPlan(
        anchor, graph.neighbors, draws[..., None], torch.ones(m), graph.certificate
    )
    mover = table_mover(x, generator, bank=bank)
    moved = mover(x, plan, weights[..., None, None].expand(-1, -1, 1, 2), generator)
    torch.testing.assert_close(moved.mean(0), x.mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(moved.var(0), x.var(0), atol=0, rtol=0.15)


def test_a_small_class_takes_more_of_the_shared_covariance(generator):
    """As if three rows of the class had come from it."""
    x = torch.randn(10, 4, generator=generator)
    labels = torch.tensor([0] * 9 + [1])
    mover = table_mover(x, generator, labels)
    torch.testing.assert_close(mover.noise_share[0], torch.tensor([0.25]))
    torch.testing.assert_close(mover.noise_share[9], torch.tensor([0.75]))


def test_gradients_stay_finite_where_nothing_moves(generator):
    """A strength of 0 once trained everything to NaN."""
    x = torch.randn(3, 4, generator=generator)
    certificate = bipartite_expander(8, 2, 1, generator, 1).certificate
    weights = torch.zeros(1, 1, 1, 2, requires_grad=True)
    plan = plan_of([2], [[0]], certificate)
    table_mover(x, generator)(x, plan, weights, generator).sum().backward()
    assert weights.grad.isfinite().all()
