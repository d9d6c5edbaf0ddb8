"""The recognizer on few images, and the material that it labels."""

import numpy as np
import pytest
import torch

from skexpand._random import RandomStreams
from skexpand.material import LabeledMaterial, Material, pixel_accuracy
from skexpand.nn.features import FeatureNetwork
from skexpand.recognition import fit_recognizer


def blobs(n, seed, n_classes=3):
    """Images that are bright in one of three bands."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    x = 0.3 * rng.random((n, 1, 9, 9))
    for code in range(n_classes):
        x[y == code, :, 3 * code : 3 * code + 3] += 0.6
    return x.astype(np.float32), y


@pytest.fixture(scope="module")
def network():
    generator = torch.Generator().manual_seed(0)
    return FeatureNetwork(1, 8, generator=generator).eval()


def fitted(network, x, y):
    return fit_recognizer(network, torch.from_numpy(x), y, streams=RandomStreams(0))


def material_of(network, x):
    with torch.no_grad():
        features = network(torch.from_numpy(x)).numpy().astype(np.float16)
    images = np.rint(x * 255).astype(np.uint8)
    return Material(images, np.arange(100, 100 + len(x)), features)


def test_few_images_are_told_apart_and_logits_agree_with_codes(network):
    recognizer = fitted(network, *blobs(30, 0))
    x, y = blobs(60, 1)
    codes, belief, _ = recognizer.judge_features(network(torch.from_numpy(x)).detach())
    assert (codes == y).mean() > 0.9 and recognizer.accuracy > 0.8
    logits = recognizer(torch.from_numpy(x))
    np.testing.assert_array_equal(logits.argmax(dim=1), codes)
    np.testing.assert_allclose(logits.softmax(dim=1).amax(dim=1), belief, rtol=1e-4)


@pytest.mark.parametrize("n", [3, 4, 6])
def test_one_or_two_images_a_class_are_enough_to_fit(network, n):
    """Nothing can be left out of a class of one, so nothing is typical of it."""
    recognizer = fitted(network, *blobs(n, 0))
    assert torch.isfinite(recognizer.to_logits.weight).all()
    assert n > 3 or recognizer.reach == 0


def test_material_that_looks_like_a_class_is_labeled_by_it(network):
    recognizer = fitted(network, *blobs(30, 0))
    x, y = blobs(60, 1)
    material = LabeledMaterial(material_of(network, x), recognizer, 0.5, False)
    for code, places in enumerate(material.rows_of):
        assert len(places) > 5 and (y[places] == code).mean() > 0.8


def test_half_of_a_class_is_material_at_most(network):
    recognizer = fitted(network, *blobs(30, 0))
    x, _ = blobs(60, 1)
    material = LabeledMaterial(material_of(network, x), recognizer, 0.5, True)
    chosen, rows = material.choose(1, 8, np.random.default_rng(0))
    assert len(chosen) == len(rows) == len(set(rows.tolist())) == 4
    for image, row in zip(chosen, rows, strict=True):
        own = x[row - 100]
        nearest = min(abs(image - own).max(), abs(image[..., ::-1] - own).max())
        assert nearest < 0.003
    many, rows = material.choose(1, 10_000, np.random.default_rng(0))
    assert len(many) == len(material.rows_of[1])


def test_material_like_no_class_is_not_used(network):
    """However sure the rule is: it lies far from everything that is real."""
    recognizer = fitted(network, *blobs(30, 0))
    stripes = np.zeros((40, 1, 9, 9), dtype=np.float32)
    stripes[..., ::2] = np.random.default_rng(0).random((40, 1, 9, 5))
    material = LabeledMaterial(material_of(network, stripes), recognizer, 0.0, False)
    assert sum(len(places) for places in material.rows_of) <= 2


def test_pixels_alone_know_what_the_nearest_neighbor_knows():
    x, y = blobs(30, 0)
    assert pixel_accuracy(x, y) == 1.0
    assert pixel_accuracy(x[:3], y[:3]) == 0.0
