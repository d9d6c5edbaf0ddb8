import numpy as np
import pytest

from skexpand.baselines import GaussianJitter, Mixup


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 50)
    return rng.normal(size=(100, 3)) * [1, 10, 0.1] + 30 * y[:, None], y


def test_jitter_of_scale_zero_repeats_rows(blobs):
    X, y = blobs
    sampler = GaussianJitter(scale=0, random_state=0)
    X_res, _ = sampler.fit_resample(X, y)
    np.testing.assert_allclose(X_res, X[sampler.parents_[:, 0]])


def test_jitter_has_the_asked_share_of_the_pooled_within_class_deviation(blobs):
    X, y = blobs
    pooled = np.sqrt((X[y == 0].var(0, ddof=1) + X[y == 1].var(0, ddof=1)) / 2)
    sampler = GaussianJitter(scale=0.5, random_state=0).fit(X, y)
    # Encoded columns are X divided by its standard deviation.
    np.testing.assert_allclose(sampler.noise_scale_ * X.std(0), 0.5 * pooled)

    X_new, _ = sampler.sample(20_000)
    noise = X_new - X[sampler.parents_[:, 0]]
    inside = (X_new > X.min(0)) & (X_new < X.max(0))
    spread = [noise[inside[:, j], j].std() for j in range(3)]
    np.testing.assert_allclose(spread, 0.5 * pooled, rtol=0.05)


def test_jitter_draws_every_row_of_its_class_equally_often(blobs):
    sampler = GaussianJitter(random_state=0).fit(*blobs)
    sampler.sample({0: 50_000})
    seen = np.bincount(sampler.parents_[:, 0], minlength=100)
    assert (seen[50:] == 0).all()
    np.testing.assert_allclose(seen[:50], 1000, atol=5 * np.sqrt(1000))


def test_a_mix_lies_between_two_rows_of_its_class(blobs):
    X, y = blobs
    sampler = Mixup(random_state=0).fit(X, y)
    X_new, y_new = sampler.sample()
    first, second = sampler.parents_.T
    assert (first != second).all()
    np.testing.assert_array_equal(y[first], y_new)
    np.testing.assert_array_equal(y[second], y_new)
    low, high = np.minimum(X[first], X[second]), np.maximum(X[first], X[second])
    assert ((X_new >= low - 1e-9) & (X_new <= high + 1e-9)).all()
    assert (sampler.mixing_weights_[:, 0] >= 0.5).all()
    np.testing.assert_allclose(sampler.mixing_weights_.sum(1), 1, atol=1e-6)


def test_partners_are_all_other_rows_equally_often():
    X, y = np.arange(8.0)[:, None], np.array([0, 1, 0, 1, 0, 1, 0, 1])
    sampler = Mixup(random_state=0).fit(X, y)
    sampler.sample({1: 60_000})
    pairs = np.zeros((8, 8))
    np.add.at(pairs, tuple(sampler.parents_.T), 1)
    odd = pairs[1::2, 1::2]
    assert pairs.sum() == odd.sum() and (np.diag(odd) == 0).all()
    np.testing.assert_allclose(odd[~np.eye(4, dtype=bool)], 5000, rtol=0.1)


def test_large_alpha_gives_midpoints(blobs):
    sampler = Mixup(alpha=1e6, random_state=0).fit(*blobs)
    sampler.sample()
    np.testing.assert_allclose(sampler.mixing_weights_, 0.5, atol=0.01)


def test_the_weights_follow_the_beta_law(blobs):
    """max(w, 1 - w) of a uniform w has mean 3/4."""
    sampler = Mixup(alpha=1.0, random_state=0).fit(*blobs)
    sampler.sample(20_000)
    assert abs(sampler.mixing_weights_[:, 0].mean() - 0.75) < 0.01


def test_mixup_repeats_a_class_of_one_row_and_jitter_moves_it():
    X, y = np.array([[0.5], [1.0], [9.5], [5.5]]), [0, 0, 0, 1]
    with pytest.warns(UserWarning, match=r"Classes \[1\] have one sample"):
        X_new, _ = Mixup(random_state=0).fit(X, y).sample({1: 5})
    assert (X_new == 5.5).all()
    with pytest.warns(UserWarning, match=r"Classes \[1\] have one sample"):
        X_new, _ = GaussianJitter(random_state=0).fit(X, y).sample({1: 5})
    assert len(np.unique(X_new)) > 1


@pytest.mark.parametrize("sampler", [GaussianJitter(), Mixup()], ids=repr)
def test_images_are_refused(sampler):
    with pytest.raises(ValueError, match="expands tables, got images of shape"):
        sampler.fit(np.zeros((4, 8, 8)), [0, 0, 1, 1])
