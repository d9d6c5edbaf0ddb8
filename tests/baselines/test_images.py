"""Classical augmentation: each transform against its closed form, then the sampler."""

import numpy as np
import pytest
import torch

from skexpand.baselines.images import (
    AugmentationPolicy,
    ClassicalAugmenter,
    _resample,
    augment_images,
)
from skexpand.datasets import load_digits_images

TRANSFORMS = {
    "rotation": {"rotation": 20.0},
    "shift": {"shift": 0.2},
    "scale": {"scale": 0.3},
    "shear": {"shear": 0.3},
    "flip": {"flip": True},
    "crop": {"crop": 0.2},
    "brightness": {"brightness": 0.3},
    "contrast": {"contrast": 0.5},
}


@pytest.fixture
def x():
    seeded = torch.Generator().manual_seed(1)
    return torch.rand(6, 3, 9, 12, generator=seeded, dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def apply_map(x, matrix, offset=(0.0, 0.0)):
    matrix = torch.tensor(matrix, dtype=x.dtype).expand(len(x), 2, 2)
    offset = torch.tensor(offset, dtype=x.dtype).expand(len(x), 2)
    return _resample(x, matrix, offset, "zeros")


def test_empty_policy_returns_the_images(x):
    torch.testing.assert_close(augment_images(x, AugmentationPolicy(), seeded()), x)


def test_quarter_turn_is_a_transpose_and_a_mirror():
    """Turning by 90 degrees clockwise (y grows downward) is known pixel by pixel."""
    x = torch.rand(2, 1, 7, 7, generator=seeded(), dtype=torch.float64)
    turned = apply_map(x, [[0.0, -1.0], [1.0, 0.0]])
    torch.testing.assert_close(turned, torch.rot90(x, k=-1, dims=(2, 3)))


def test_whole_pixel_offset_shifts_and_fills_with_black(x):
    shifted = apply_map(x, [[1.0, 0.0], [0.0, 1.0]], offset=(2.0, -1.0))
    expected = torch.zeros_like(x)
    expected[:, :, :-1, 2:] = x[:, :, 1:, :-2]
    torch.testing.assert_close(shifted, expected)


def test_doubling_keeps_the_center_and_spreads_it():
    """A bright 2 x 2 center spreads to about 4 x 4: four times the mass."""
    x = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    x[..., 3:5, 3:5] = 1
    doubled = apply_map(x, [[2.0, 0.0], [0.0, 2.0]])
    assert doubled.sum().item() == pytest.approx(4 * x.sum().item())
    torch.testing.assert_close(doubled, doubled.flip(2, 3))


def test_shear_moves_rows_in_proportion_to_their_height():
    """A vertical line of an odd image leans by one pixel per pixel at shear 1."""
    x = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    x[..., 2] = 1
    sheared = apply_map(x, [[1.0, 1.0], [0.0, 1.0]])
    torch.testing.assert_close(sheared[0, 0], torch.eye(5, dtype=torch.float64))


def test_rotation_acts_in_pixels_on_wide_images():
    """A point 3 right of the center of a 7 x 15 image goes to 3 below it."""
    x = torch.zeros(1, 1, 7, 15, dtype=torch.float64)
    x[0, 0, 3, 10] = 1
    turned = apply_map(x, [[0.0, -1.0], [1.0, 0.0]])
    assert turned[0, 0, 6, 7].item() == pytest.approx(1)
    assert turned.sum().item() == pytest.approx(1)


def test_flip_mirrors_about_half_of_the_images():
    x = torch.rand(400, 1, 4, 5, generator=seeded(), dtype=torch.float64)
    flipped = augment_images(x, AugmentationPolicy(flip=True), seeded())
    is_same = (flipped - x).abs().amax(dim=(1, 2, 3)) < 1e-9
    is_mirror = (flipped - x.flip(3)).abs().amax(dim=(1, 2, 3)) < 1e-9
    assert torch.logical_xor(is_same, is_mirror).all()
    assert 150 < is_mirror.sum() < 250


def test_crop_cuts_whole_pixels_out_of_the_padded_image():
    """Every result is one of the 25 windows of the image padded by 2."""
    x = torch.rand(300, 1, 8, 8, generator=seeded(), dtype=torch.float64)
    cropped = augment_images(x, AugmentationPolicy(crop=0.25), seeded())
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2))
    windows = torch.stack(
        [padded[..., i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
    )
    distance = (windows - cropped).abs().amax(dim=(2, 3, 4))  # (25, n)
    assert distance.min(dim=0).values.max() < 1e-9
    assert len(distance.argmin(dim=0).unique()) == 25


def test_brightness_adds_the_same_to_every_pixel(x):
    x = x * 0.2 + 0.4
    change = augment_images(x, AugmentationPolicy(brightness=0.3), seeded()) - x
    torch.testing.assert_close(
        change, change.mean(dim=(1, 2, 3), keepdim=True).expand_as(change)
    )
    assert 0.1 < change.abs().max() <= 0.3


def test_contrast_keeps_the_mean_and_scales_the_spread(x):
    x = x * 0.2 + 0.4
    changed = augment_images(x, AugmentationPolicy(contrast=0.5), seeded())
    torch.testing.assert_close(changed.mean(dim=(1, 2, 3)), x.mean(dim=(1, 2, 3)))
    spread = changed.std(dim=(1, 2, 3)) / x.std(dim=(1, 2, 3))
    assert ((spread > 0.5) & (spread < 1.5)).all()
    assert spread.std() > 0.05


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_changes_the_images_and_stays_in_range(x, name):
    changed = augment_images(x, AugmentationPolicy(**TRANSFORMS[name]), seeded())
    assert changed.shape == x.shape
    assert (changed - x).abs().max() > 0.01
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_images_of_a_batch_get_different_draws():
    x = torch.rand(1, 1, 8, 8, generator=seeded()).expand(5, -1, -1, -1)
    changed = augment_images(x, AugmentationPolicy.preset("digits"), seeded())
    assert torch.pdist(changed.flatten(start_dim=1)).min() > 0.01


def test_same_generator_state_gives_the_same_bits(x):
    policy = AugmentationPolicy.preset("natural")
    first = augment_images(x, policy, seeded(3))
    assert torch.equal(first, augment_images(x, policy, seeded(3)))
    assert not torch.equal(first, augment_images(x, policy, seeded(4)))


def test_input_is_not_changed(x):
    before = x.clone()
    augment_images(x, AugmentationPolicy.preset("natural"), seeded())
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rotation": -1.0}, "rotation must be a finite number of at least 0, got -1"),
        ({"shift": float("nan")}, "shift must be a finite number"),
        ({"scale": 1.0}, "scale must be below 1, got 1.0"),
        ({"padding": "wrap"}, "got 'wrap'"),
    ],
)
def test_policy_refuses_ranges_that_mean_nothing(arguments, message):
    with pytest.raises(ValueError, match=message):
        AugmentationPolicy(**arguments)


def test_unknown_preset_lists_the_known_ones():
    with pytest.raises(ValueError, match="digits, natural, got 'faces'"):
        AugmentationPolicy.preset("faces")


def test_batch_must_have_four_axes():
    with pytest.raises(ValueError, match=r"axes \(n, C, H, W\), got shape \(3, 8, 8\)"):
        augment_images(torch.zeros(3, 8, 8), AugmentationPolicy(), seeded())


def draw_images(shape=(8, 8), n=12):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
    return X, np.repeat(["a", "b", "b"], n // 3)


def test_sampler_grows_every_class_and_keeps_the_originals():
    X, y = draw_images()
    X_big, y_big = ClassicalAugmenter(ratio=5, random_state=0).fit_resample(X, y)
    assert X_big.shape == (60, 8, 8)
    assert X_big.dtype == np.uint8
    np.testing.assert_array_equal(X_big[:12], X)
    assert dict(zip(*np.unique(y_big, return_counts=True), strict=True)) == {
        "a": 20,
        "b": 40,
    }


def test_parents_are_of_the_same_class_and_used_equally():
    X, y = draw_images()
    augmenter = ClassicalAugmenter(ratio=5, random_state=0)
    _, y_big = augmenter.fit_resample(X, y)
    parents = augmenter.parents_[12:, 0]
    np.testing.assert_array_equal(y[parents], y_big[12:])
    np.testing.assert_array_equal(np.bincount(parents), np.full(12, 4))


def test_policy_without_transforms_copies_the_parents():
    X, y = draw_images()
    augmenter = ClassicalAugmenter(ratio=3, policy=AugmentationPolicy(), random_state=0)
    X_big, _ = augmenter.fit_resample(X, y)
    np.testing.assert_array_equal(X_big, X[augmenter.parents_[:, 0]])


@pytest.mark.parametrize(
    ("shape", "expected"), [((8, 8), "digits"), ((8, 9, 3), "natural")]
)
def test_auto_policy_follows_the_channels(shape, expected):
    X, y = draw_images(shape)
    augmenter = ClassicalAugmenter(random_state=0).fit(X, y)
    assert augmenter.policy_ == AugmentationPolicy.preset(expected)


def test_flat_rows_with_an_image_shape_match_the_images():
    X, y = draw_images()
    X_big, _ = ClassicalAugmenter(ratio=2, random_state=0).fit_resample(X, y)
    flat = ClassicalAugmenter(ratio=2, image_shape=(8, 8), random_state=0)
    X_flat, _ = flat.fit_resample(X.reshape(12, 64), y)
    np.testing.assert_array_equal(X_flat, X_big.reshape(-1, 64))


def test_tables_are_refused_with_the_way_out():
    X, y = draw_images()
    with pytest.raises(ValueError, match="expects images, got a table.*image_shape"):
        ClassicalAugmenter().fit(X.reshape(12, 64), y)


def test_unknown_policy_is_refused():
    X, y = draw_images()
    with pytest.raises(ValueError, match="policy.*'faces'"):
        ClassicalAugmenter(policy="faces").fit(X, y)


def test_nothing_is_added_where_nothing_is_asked():
    X, y = load_digits_images()
    X_big, y_big = ClassicalAugmenter(ratio=1).fit_resample(X[:20], y[:20])
    np.testing.assert_array_equal(X_big, X[:20])
    np.testing.assert_array_equal(y_big, y[:20])
