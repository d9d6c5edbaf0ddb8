"""Image sets of the published protocols, and the network that scores them."""

import numpy as np
import pytest
import torch

from protocols import networks
from protocols.image_cells import ImageSet, like_house_numbers, turn


def test_images_are_turned_into_all_positions_and_nothing_else():
    rng = np.random.default_rng(0)
    images = np.repeat(rng.integers(0, 256, (1, 5, 5, 3)), 200, axis=0)
    turned = turn(images, rng)
    positions = {image.tobytes() for image in turned}
    expected = [
        np.rot90(each, k) for each in (images[0], images[0][:, ::-1]) for k in range(4)
    ]
    assert positions == {np.ascontiguousarray(each).tobytes() for each in expected}
    assert np.array_equal(images[0], images[199])  # those handed in are as they were


def test_house_numbers_are_in_any_ink_on_any_paper():
    digits = np.zeros((2100, 28, 28), np.uint8)  # more than one block of them
    digits[:, 4:24, 10:16] = 255
    shown = like_house_numbers(digits, np.random.default_rng(0))
    assert shown.shape == (2100, 28, 28, 3) and shown.dtype == np.uint8
    ink, paper = (
        shown[:, :, columns].astype(float) for columns in (slice(11, 15), slice(5, 9))
    )
    difference = ink[:, 8:20].mean(axis=(1, 2)) - paper[:, 8:20].mean(axis=(1, 2))
    assert 0.4 < (difference > 0).mean() < 0.6
    assert np.abs(difference[2050:]).mean() > 40
    again = like_house_numbers(digits, np.random.default_rng(0))
    np.testing.assert_array_equal(again, shown)


def test_rows_of_pixels_come_back_as_images():
    """SMOTE on 8-bit pixels must neither wrap around nor leave their range."""
    from imblearn.over_sampling import SMOTE

    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (20, 5, 4, 3), dtype=np.uint8)
    y = np.repeat([0, 1], 10)
    smote = SMOTE(sampling_strategy={0: 30, 1: 30}, random_state=0)
    X_big, y_big = ImageSet.expand(smote, "rows", X, y)
    assert X_big.shape == (60, 5, 4, 3) and len(y_big) == 60
    np.testing.assert_array_equal(X_big[:20], X)
    assert X_big.min() >= 0 and X_big.max() <= 255


def test_half_of_the_classes_are_small_and_others_in_other_draws(data_dir):
    sizes = {"steps": 1, "batch_size": 1, "learning_rate": 1}
    few = {"n_per_class": 20, "n_per_small_class": 3}
    images = ImageSet("mnist", {**sizes, **few}, data_dir)
    drawn = [images.split(draw)[1] for draw in (0, 0, 1)]
    counts = [np.bincount(y).tolist() for y in drawn]
    assert [sorted(each) for each in counts] == [[3] * 5 + [20] * 5] * 3
    assert counts[0] != counts[2]
    np.testing.assert_array_equal(drawn[0], drawn[1])


@pytest.mark.parametrize("classifier", ["cnn", "svm", "forest"])
def test_class_weights_bring_the_small_class_back(classifier):
    """Half as many gray images are of the small class, which has no others."""
    X = np.repeat(np.array([0, 128], np.uint8), [280, 30])[:, None, None]
    X = np.broadcast_to(X, (310, 6, 6))
    y = np.repeat([0, 1], [300, 10])
    images = ImageSet.__new__(ImageSet)
    images.training = {"steps": 100, "batch_size": 32, "learning_rate": 4e-3}
    found = [
        images.score(classifier, X, y, X[300:], y[300:], 0, treatment)
        for treatment in (None, "class weights")
    ]
    assert found == [0, 1]


# --- the network ---------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(9, 28), (8, 8, 3), (13, 11, 3), (64, 64)])
def test_network_takes_grey_and_color_of_any_size(shape):
    x = networks.to_tensor(np.zeros((2, *shape), dtype=np.uint8))
    with torch.random.fork_rng(devices=[]):
        scores = networks.build_cnn(x.shape[1:], n_classes=3)(x)
    assert x.shape[2:] == shape[:2]
    assert scores.shape == (2, 3)


def test_color_axis_comes_first():
    X = np.arange(2 * 4 * 5 * 3, dtype=np.float64).reshape(2, 4, 5, 3)
    x = networks.to_tensor(X)
    assert x[1, 2, 3, 4].item() == pytest.approx(X[1, 3, 4, 2] / 255)


def test_network_tells_left_from_right_and_repeats_itself():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 60, (80, 8, 8), dtype=np.uint8)
    y = np.tile(["left", "right"], 40)
    X[y == "left", :, :4] += 150
    X[y == "right", :, 4:] += 150
    train, test = slice(0, 20), slice(20, None)
    settings = {"steps": 30, "batch_size": 10, "learning_rate": 4e-3}

    def score(seed, y_train=y[train]):
        return networks.score_cnn(
            X[train], y_train, X[test], y[test], seed=seed, **settings
        )

    assert score(0) == 1.0
    assert score(0, y_train=y[train][::-1]) == 0.0
    noise = rng.permutation(y[train])
    assert score(1, noise) == score(1, noise)


def test_batches_use_every_row_equally_often():
    with torch.random.fork_rng(devices=[]):
        order = networks.batches(n=10, steps=7, batch_size=5)
    assert order.shape == (7, 5)
    counts = torch.bincount(order.flatten(), minlength=10)
    assert counts.min() >= 3 and counts.max() <= 4


def test_tiny_images_are_refused():
    with pytest.raises(ValueError, match="at least 4 pixels.*got 3 x 8"):
        networks.build_cnn((1, 3, 8), 2)
