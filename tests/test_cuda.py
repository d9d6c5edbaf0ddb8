"""CUDA: the same interface, the same draws, nothing left on the wrong device."""

import pickle

import numpy as np
import pytest
import torch

from skexpand import ExpandedStream, ExpansiveSynthesizer, KoopmanEncoder
from skexpand.datasets import load_digits_images
from skexpand.evaluation import ImageClassifier

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="there is no CUDA device"
)

IMAGES, LABELS = load_digits_images()
X, Y = IMAGES[:40], LABELS[:40]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [12, 7, 5])
    return rng.normal(size=(24, 5)) + y[:, None], y


def quick(device="cuda", **parameters):
    settings = {"max_iter": 2, "ratio": 3, "random_state": 0, **parameters}
    return ExpansiveSynthesizer(device=device, **settings)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"max_iter": 0},
        {"decoder": "autoencoder"},
        {"expander": False},
        {"attention": "row"},
        {"attention": None},
        {"n_candidates": 3},
        {"loss_weights": {"transport": 0}},
    ],
    ids=str,
)
def test_images_are_made_and_repeat_bit_by_bit(parameters):
    first, second = (quick(**parameters).fit_resample(X, Y) for _ in range(2))
    assert first[0].shape == (120, 8, 8) and first[0].dtype == X.dtype
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("decoder", ["flow", "autoencoder"])
def test_tables_are_made_and_repeat_bit_by_bit(table, decoder):
    first, second = (quick(decoder=decoder).fit_resample(*table) for _ in range(2))
    assert first[0].shape == (72, 5)
    np.testing.assert_array_equal(first[0], second[0])


def test_every_device_sees_the_same_draws():
    """Without training the moves of a seed are those of the CPU, up to rounding."""
    settings = {"max_iter": 0, "n_candidates": 1, "strength": 1.0}
    samplers = [quick(device, **settings) for device in ("cpu", "cuda")]
    (x_cpu, _), (x_cuda, _) = (each.fit_resample(X, Y) for each in samplers)
    np.testing.assert_array_equal(samplers[0].parents_, samplers[1].parents_)
    assert abs(x_cpu.astype(float) - x_cuda).mean() < 0.01 * np.ptp(X)


def test_what_is_learned_from_a_larger_set_on_cuda_serves_on_both(tmp_path):
    learner = quick(max_iter=4).pretrain(IMAGES[100:400], LABELS[100:400])
    for device in ("cuda", "cpu"):
        sampler = quick(device, pretrained=learner.pretrained)
        X_new, _ = sampler.fit_resample(X, Y)
        assert np.isfinite(X_new).all()
        assert 0 <= sampler.judge_accuracy_ <= 1


def test_a_fitted_sampler_survives_pickling():
    sampler = quick().fit(X, Y)
    again = pickle.loads(pickle.dumps(sampler))
    np.testing.assert_array_equal(
        sampler.sample(30, random_state=1)[0], again.sample(30, random_state=1)[0]
    )


def test_an_encoder_maps_there_and_back():
    encoder = KoopmanEncoder(max_iter=3, device="cuda", random_state=0).fit(X, Y)
    latents = encoder.transform(X)
    assert np.isfinite(latents).all()
    assert encoder.inverse_transform(latents).shape == X.shape


def test_a_network_learns_from_a_stream_made_on_cuda():
    network = ImageClassifier(
        steps=40, augment=quick(), device="cuda", random_state=0
    ).fit(IMAGES[:200], LABELS[:200])
    assert network.device_.startswith("cuda")
    assert network.score(IMAGES[200:400], LABELS[200:400]) > 0.6


def test_a_stream_gives_batches_on_the_cpu():
    stream = ExpandedStream(quick().fit(X, Y), X, Y, random_state=0)
    assert {x.device.type for x, _ in stream} == {"cpu"}


def test_the_global_generator_of_the_device_stays_untouched():
    before = torch.cuda.get_rng_state()
    quick().fit_resample(X, Y)
    ImageClassifier(steps=2, device="cuda", random_state=0).fit(X, Y)
    assert torch.equal(before, torch.cuda.get_rng_state())
