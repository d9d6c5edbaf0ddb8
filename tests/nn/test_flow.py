"""Flows: translations are exact, reversal undoes, registration finds a shift."""

import pytest
import torch

from skexpand.nn.flow import (
    LocalDamping,
    control_size,
    gaussian_blur,
    identity_grid,
    integrate,
    register,
    unexplained,
    warp,
)

SIZES = [(8, 8), (9, 13), (28, 28), (33, 20)]


def blob(height, width, row, column, spread=2.5):
    """One bright spot, (1, 1, H, W)."""
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    distance = (rows - row).square() + (columns - column).square()
    return (-distance / (2 * spread**2)).exp()[None, None]


def center_of(image):
    """Center of mass, (row, column)."""
    mass = image[0, 0] / image.sum()
    rows = torch.arange(image.shape[2], dtype=torch.float32)
    columns = torch.arange(image.shape[3], dtype=torch.float32)
    return (mass.sum(1) @ rows).item(), (mass.sum(0) @ columns).item()


def smooth_velocity(generator, n=3, size=4, scale=0.1):
    return scale * torch.randn(n, 2, size, size, generator=generator)


@pytest.mark.parametrize("size", SIZES)
def test_a_constant_velocity_is_that_translation_everywhere(size):
    velocity = torch.tensor([0.3, -0.2]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    displacement = integrate(velocity, *size)
    expected = torch.tensor([0.3, -0.2]).expand(1, *size, 2)
    torch.testing.assert_close(displacement, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_no_velocity_is_no_displacement(size):
    assert not integrate(torch.zeros(2, 2, 4, 4), *size).any()


@pytest.mark.parametrize("size", SIZES)
def test_the_opposite_velocity_undoes_the_flow_to_a_fraction_of_a_pixel(
    size, generator
):
    """Inside the image; at the border both flows are cut off."""
    velocity = smooth_velocity(generator, scale=0.05)
    forth, back = (integrate(sign * velocity, *size) for sign in (1, -1))
    there = identity_grid(*size) + forth
    home = there + warp(back.permute(0, 3, 1, 2), forth).permute(0, 2, 3, 1)
    pixels = torch.tensor([size[1] / 2, size[0] / 2])
    error = ((home - identity_grid(*size)) * pixels).norm(dim=3)
    assert error[:, 2:-2, 2:-2].max() < 0.1


def test_two_half_flows_are_the_whole_flow(generator):
    """exp(v/2) after exp(v/2) is exp(v): the group property behind squaring."""
    velocity = smooth_velocity(generator)
    whole = integrate(velocity, 28, 28, n_squarings=6)
    half = integrate(velocity / 2, 28, 28, n_squarings=5)
    twice = half + warp(half.permute(0, 3, 1, 2), half).permute(0, 2, 3, 1)
    torch.testing.assert_close(twice, whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_warping_by_nothing_keeps_the_image(size, generator):
    images = torch.rand(2, 3, *size, generator=generator)
    still = torch.zeros(2, *size, 2)
    torch.testing.assert_close(warp(images, still), images, atol=2e-5, rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (16, 32)])
def test_warping_by_nothing_is_bitwise_the_identity_on_binary_sizes(size, generator):
    """There the pixel centers are exact in floating point."""
    images = torch.rand(2, 3, *size, generator=generator)
    assert torch.equal(warp(images, torch.zeros(2, *size, 2)), images)


@pytest.mark.parametrize("size", SIZES)
def test_warping_by_whole_pixels_shifts(size, generator):
    """Every pixel looks one row down and two columns to the right."""
    images = torch.rand(1, 1, *size, generator=generator)
    displacement = torch.tensor([2 * 2 / size[1], 2 / size[0]]).expand(1, *size, 2)
    moved = warp(images, displacement)
    torch.testing.assert_close(
        moved[..., :-1, :-2], images[..., 1:, 2:], atol=1e-4, rtol=0
    )


def test_warping_is_linear_in_the_image(generator):
    """The Koopman operator of eq. 9: composition is linear in the observable."""
    f, g = torch.rand(2, 1, 1, 9, 13, generator=generator)
    displacement = integrate(smooth_velocity(generator, n=1), 9, 13)
    torch.testing.assert_close(
        warp(2 * f - 3 * g, displacement),
        2 * warp(f, displacement) - 3 * warp(g, displacement),
    )


@pytest.mark.parametrize("size", [(28, 28), (21, 26)])
def test_registration_finds_the_shift_of_a_blob(size):
    source, target = blob(*size, 10, 11), blob(*size, 13, 14)
    velocity = register(source, target)
    moved = warp(source, integrate(velocity, *size))
    assert center_of(moved) == pytest.approx((13, 14), abs=0.4)
    before, after = ((x - target).square().mean() for x in (source, moved))
    assert after < before / 10


def test_registration_of_an_image_onto_itself_does_not_move():
    image = blob(16, 16, 7, 8)
    assert not register(image, image).any()


def test_what_is_unexplained_is_a_share_of_the_variance():
    image, still = blob(16, 16, 7, 8, spread=4.0), torch.zeros(1, 2, 4, 4)
    assert unexplained(image, image, still).item() == 0
    flat = gaussian_blur(image, 0.036 * 16).mean().expand_as(image)
    assert unexplained(flat, image, still).item() == pytest.approx(1, abs=1e-3)


def test_registration_of_constant_images_stays_finite():
    assert register(torch.zeros(1, 1, 9, 9), torch.ones(1, 1, 9, 9)).isfinite().all()


def test_a_pair_is_registered_alike_alone_and_in_a_batch():
    source = torch.cat([blob(16, 16, 5, 6), blob(16, 16, 9, 9)])
    target = torch.cat([blob(16, 16, 8, 8), blob(16, 16, 6, 5)])
    both = register(source, target)
    alone = register(source[:1], target[:1])
    torch.testing.assert_close(both[:1], alone, atol=1e-4, rtol=1e-3)


def test_a_smoother_field_is_chosen_when_roughness_costs_more():
    source, target = blob(16, 16, 5, 6), blob(16, 16, 8, 8)
    rough, smooth = (register(source, target, smoothness=s) for s in (0.01, 3.0))
    assert smooth.diff(dim=3).square().sum() < rough.diff(dim=3).square().sum()


def test_a_blur_keeps_constants_and_the_mean_inside(generator):
    constant = torch.full((1, 2, 9, 13), 0.7)
    torch.testing.assert_close(gaussian_blur(constant, 1.5), constant)
    spot = torch.zeros(1, 1, 21, 21)
    spot[..., 10, 10] = 1
    blurred = gaussian_blur(spot, 1.0)
    assert blurred.sum().item() == pytest.approx(1, abs=1e-5)
    assert blurred.max() < 0.2


def test_control_points_are_one_per_four_pixels_within_bounds():
    assert control_size(8, 8) == (4, 4)
    assert control_size(28, 21) == (7, 6)
    assert control_size(64, 300) == (9, 9)


def affine_field(rows, columns, generator):
    down, across = torch.meshgrid(
        torch.linspace(-1, 1, rows), torch.linspace(-1, 1, columns), indexing="ij"
    )
    a = torch.randn(3, 2, generator=generator)
    planes = torch.stack([torch.ones(rows, columns), across, down], dim=-1)
    return (planes @ a).permute(2, 0, 1)[None]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_damping_leaves_affine_motions_alone(share, generator):
    field = affine_field(4, 6, generator)
    damped = LocalDamping(4, 6, share)(field)
    torch.testing.assert_close(damped, field, atol=1e-5, rtol=0)


def test_damping_keeps_its_share_of_the_local_part(generator):
    field = smooth_velocity(generator, size=5, scale=1.0)
    affine = LocalDamping(5, 5, 0.0)(field)
    half = LocalDamping(5, 5, 0.5)(field)
    torch.testing.assert_close(half, (field + affine) / 2, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(LocalDamping(5, 5, 1.0)(field), field)
    assert affine.norm() < field.norm()
