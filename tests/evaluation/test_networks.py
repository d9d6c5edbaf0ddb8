"""Networks train for a number of steps, by their seed alone."""

import pickle
import sys

import numpy as np
import pytest
import torch
from imblearn.over_sampling import SMOTE

from protocols.networks import score_cnn
from skexpand.baselines import ClassicalAugmenter
from skexpand.baselines.images import AugmentationPolicy
from skexpand.datasets import load_digits_images
from skexpand.evaluation import ImageClassifier

IMAGES, LABELS = load_digits_images()
X, Y, X_TEST, Y_TEST = IMAGES[:60], LABELS[:60], IMAGES[60:160], LABELS[60:160]


def fit(X=X, y=Y, **settings):
    return ImageClassifier(**{"steps": 8, "random_state": 3, **settings}).fit(X, y)


def test_the_network_is_that_of_the_published_protocols():
    settings = {"steps": 12, "batch_size": 16, "learning_rate": 4e-3}
    expected = score_cnn(X, Y, X_TEST, Y_TEST, seed=3, **settings)
    assert fit(**settings).score(X_TEST, Y_TEST) == expected


def test_the_seed_decides_everything():
    proba = [fit(random_state=seed).predict_proba(X_TEST) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(proba[0], proba[1])
    assert not np.allclose(proba[0], proba[2])


@pytest.mark.parametrize("policy", ["digits", AugmentationPolicy(shift=0.2)])
def test_augmentation_on_the_fly_changes_what_is_learned_and_repeats(policy):
    plain, first, second = (fit(augment=each) for each in (None, policy, policy))
    np.testing.assert_array_equal(
        first.predict_proba(X_TEST), second.predict_proba(X_TEST)
    )
    assert not np.allclose(plain.predict_proba(X_TEST), first.predict_proba(X_TEST))


def test_a_sampler_makes_fresh_images_of_the_training_set():
    sampler = ClassicalAugmenter(ratio=3)
    plain, first, second = (fit(augment=each) for each in (None, sampler, sampler))
    np.testing.assert_array_equal(
        first.predict_proba(X_TEST), second.predict_proba(X_TEST)
    )
    assert not np.allclose(plain.predict_proba(X_TEST), first.predict_proba(X_TEST))
    assert len(first.net_.history[0]["batches"]) == 8
    assert not hasattr(sampler, "classes_")  # the user's stays as it was


def test_a_sampler_is_told_the_labels_by_their_names():
    names = np.array(["rare", "usual"])[(Y > 0).astype(int)]
    sampler = ClassicalAugmenter(sampling_strategy={"rare": 40})
    rare = [
        fit(y=names, augment=each, steps=20).predict_proba(X_TEST)[:, 0].mean()
        for each in (None, sampler)
    ]
    assert rare[1] > rare[0] + 0.1


def test_class_weights_count_what_a_sampler_adds():
    y = (np.arange(60) % 10 == 0).astype(int)
    balanced = ClassicalAugmenter(sampling_strategy="not majority")
    weighted = fit(y=y, augment=balanced, class_weight="balanced")
    torch.testing.assert_close(weighted.net_.criterion_.weight, torch.ones(2))


def test_a_sampler_that_draws_once_is_refused():
    with pytest.raises(TypeError, match="augment must be a policy.*got SMOTE"):
        fit(augment=SMOTE())


def test_more_images_do_not_mean_more_steps():
    assert len(fit(IMAGES[:600], LABELS[:600]).net_.history[0]["batches"]) == 8
    assert len(fit().net_.history[0]["batches"]) == 8


def test_labels_may_be_anything_that_sorts():
    names = np.array(["zero", "one"])[(Y > 4).astype(int)]
    network = fit(y=names, steps=20)
    assert network.classes_.tolist() == ["one", "zero"]
    assert set(network.predict(X_TEST)) <= {"one", "zero"}
    np.testing.assert_allclose(network.predict_proba(X_TEST).sum(axis=1), 1, rtol=1e-5)


def test_class_weights_move_the_network_towards_rare_classes():
    y = (np.arange(60) % 10 == 0).astype(int)
    plain, weighted = fit(y=y), fit(y=y, class_weight="balanced")
    rare = [each.predict_proba(X_TEST)[:, 1].mean() for each in (plain, weighted)]
    assert rare[1] > rare[0] + 0.1


def test_the_resnet_learns_color():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 20)
    colors = rng.uniform(0, 0.5, (40, 8, 8, 3)).astype(np.float32)
    colors[y == 1, ..., 2] += 0.5
    network = fit(colors, y, network="resnet", steps=20, augment="natural")
    assert network.score(colors, y) == 1


def test_a_fitted_network_can_be_pickled():
    network = fit(network="resnet", steps=1)
    again = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(network.predict(X_TEST), again.predict(X_TEST))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"network": "vgg"},
            "network must be one of cnn, resnet, wide_resnet, got 'vgg'",
        ),
        ({"steps": 0}, "steps must be an int of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be an int"),
        ({"class_weight": {0: 1}}, "class_weight must be"),
        ({"augment": "wild"}, "Expected a policy out of digits, natural, got 'wild'"),
        ({"device": "abacus"}, "device must be"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        fit(**settings)


def test_missing_skorch_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skorch", None)
    with pytest.raises(ImportError, match=r"pip install 'skexpand\[eval\]'"):
        fit()
