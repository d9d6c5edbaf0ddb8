"""Features learned on X'': with labels and without; whether mirroring means a thing."""

from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from skexpand import feature_learning, training
from skexpand._random import RandomStreams
from skexpand.feature_learning import (
    add_features,
    learn_features,
    look,
    means_nothing_mirrored,
)
from skexpand.pretrained import PretrainedEncoder
from skexpand.training import Budget


def patterns(n, n_classes, seed):
    """Faint patterns on patches of all shades."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    shades = np.kron(rng.random(size=(n, 1, 4, 4)), np.ones((1, 1, 4, 4)))
    faint = np.random.default_rng(7).choice([-1, 1], size=(n_classes, 1, 8, 8))
    faint = 0.15 * np.kron(faint, np.ones((1, 1, 2, 2)))
    return np.clip(shades + faint[y], 0, 1).astype(np.float32), y


def learn(x, y, max_iter=40, **parameters):
    return learn_features(
        x,
        y,
        max_iter=max_iter,
        is_mirrored=False,
        streams=RandomStreams(0),
        budget=Budget(parameters.get("max_seconds"), False),
        device=torch.device("cpu"),
    )


@pytest.mark.parametrize("is_labeled", [True, False])
def test_the_loss_falls_and_the_same_seed_gives_the_same_bits(is_labeled):
    x, y = patterns(120, 4, 0)
    network, losses = learn(x, y if is_labeled else None)
    again, _ = learn(x, y if is_labeled else None)
    assert len(losses) == 40 and np.mean(losses[-5:]) < 0.95 * np.mean(losses[:5])
    np.testing.assert_array_equal(look(network, x), look(again, x))


def test_labels_bring_images_of_a_class_together():
    x, y = patterns(200, 4, 0)
    network, _ = learn(x, y, max_iter=80)
    features = look(network, patterns(80, 4, 1)[0])
    codes = np.arange(80) % 4
    nearest = (features @ features.T - 2 * np.eye(80)).argmax(axis=1)
    assert (codes[nearest] == codes).mean() > 0.6


def test_learning_stops_when_the_time_is_over():
    x, y = patterns(64, 2, 0)
    _, losses = learn(x, y, max_iter=10_000, max_seconds=0.2)
    assert 0 < len(losses) < 10_000


def test_steps_get_small_at_the_end_of_the_time(monkeypatch):
    """A clock that ticks when it is read, so that no machine is too slow."""
    rates, ticks = [], count()

    class Watched(feature_learning.Adam):
        def minimize(self, loss):
            rates.append(self.learning_rate)
            super().minimize(loss)

    monkeypatch.setattr(feature_learning, "Adam", Watched)
    clock = SimpleNamespace(monotonic=lambda: float(next(ticks)))
    monkeypatch.setattr(training, "time", clock)
    x, y = patterns(64, 2, 0)
    learn(x, y, max_iter=10_000, max_seconds=30)
    assert 5 < len(rates) < 10_000 and min(rates[-2:]) < 0.5 * max(rates)


def test_mirror_images_count_as_images_where_they_look_like_them():
    rng = np.random.default_rng(0)
    x = np.zeros((600, 1, 8, 8), dtype=np.float32)
    x[:, :, :, :3] = 0.5 + 0.5 * rng.random((600, 1, 8, 3))
    assert not means_nothing_mirrored(x, np.random.default_rng(0))
    both = np.where(rng.random(600)[:, None, None, None] < 0.5, x, x[..., ::-1])
    assert means_nothing_mirrored(both.astype(np.float32), np.random.default_rng(0))
    assert not means_nothing_mirrored(both[:20], np.random.default_rng(0))


@pytest.mark.parametrize("most, n_kept", [(0, 0), (10, 10), (100, 64)])
def test_a_random_part_of_the_images_is_kept(most, n_kept):
    x, y = patterns(64, 2, 0)
    encoder = PretrainedEncoder("image", (1, 16, 16), {}, {})
    add_features(
        encoder,
        x,
        y,
        max_iter=2,
        most=most,
        random_state=0,
        budget=Budget(None, False),
        device=torch.device("cpu"),
    )
    facts, material = encoder.lineage, encoder.material
    assert facts["n_material"] == n_kept and facts["feature_steps"] == 2
    if n_kept:
        assert len(material) == n_kept == len(set(material.rows.tolist()))
        np.testing.assert_allclose(material.images / 255, x[material.rows], atol=0.002)
