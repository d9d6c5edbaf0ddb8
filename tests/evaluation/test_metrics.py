"""Quality figures against samplers whose faults are known, and calibration."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from skexpand.evaluation._fidelity import _delong
from skexpand.evaluation.metrics import (
    brier_score,
    density_and_coverage,
    duplicate_share,
    effective_rank,
    energy_distance,
    expected_calibration_error,
    neighbor_ratio,
    quality,
    two_sample_auc,
)

N = 80  # rows of each class and set


def real_rows(seed, n=N, n_features=6):
    """Three correlated Gaussian classes, far enough apart to be told."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).standard_normal((n_features, n_features))
    centers = 6 * np.random.default_rng(98).standard_normal((3, n_features))
    y = np.repeat(["a", "b", "c"], n)
    X = rng.standard_normal((3 * n, n_features)) @ mixing + np.repeat(centers, n, 0)
    return X, y


@pytest.fixture(scope="module")
def sets():
    return *real_rows(0, n=50), *real_rows(1)


@pytest.fixture(scope="module")
def unseen(sets):
    return quality(*real_rows(2), *sets, random_state=0)


def test_unseen_real_rows_score_as_the_docstring_says(unseen):
    """Real rows that nobody saw: nothing to find."""
    assert unseen["energy_distance"] == pytest.approx(0, abs=0.05)
    assert unseen["density"] == pytest.approx(1, abs=0.1)
    assert unseen["coverage"] == pytest.approx(1 - 2**-5, abs=0.03)
    assert unseen["two_sample_auc"] == pytest.approx(0.5, abs=0.06)
    assert unseen["two_sample_auc_low"] < 0.5 < unseen["two_sample_auc_high"]
    assert unseen["covariance_trace_ratio"] == pytest.approx(1, abs=0.1)
    assert unseen["effective_rank_ratio"] == pytest.approx(1, abs=0.05)
    assert unseen["neighbor_ratio"] == pytest.approx(1, abs=0.1)
    assert unseen["duplicate_share"] == 0
    assert unseen["label_agreement"] > 0.97
    assert all(type(value) is float for value in unseen.values())


def test_copies_are_caught(sets):
    """Rows drawn again from the training set, exact or with a last digit changed."""
    X, y, *held = sets
    rows = np.random.default_rng(0).integers(len(X), size=3 * N)

    copies = quality(X[rows], y[rows], X, y, *held, random_state=0)
    blurred = quality(X[rows] * (1 + 1e-9), y[rows], X, y, *held, random_state=0)

    assert (copies["neighbor_ratio"], copies["duplicate_share"]) == (0, 1)
    assert copies["two_sample_auc"] > 0.8
    assert copies["coverage"] < 0.9
    assert blurred["neighbor_ratio"] < 1e-6
    assert blurred["duplicate_share"] == 0


def test_copies_are_caught_where_the_training_set_is_the_larger(sets):
    """Only a part of the copies can find their source, and that is enough."""
    X, y, *held = sets
    X_big, y_big = real_rows(3, n=4 * N)
    rows = np.random.default_rng(0).permutation(len(X_big))[: 2 * N]

    copies = quality(X_big[rows], y_big[rows], X_big, y_big, *held, random_state=0)
    fresh = quality(*real_rows(4), X_big, y_big, *held, random_state=0)

    assert copies["neighbor_ratio"] == 0
    assert fresh["neighbor_ratio"] == pytest.approx(1, abs=0.15)


def test_collapse_is_caught(sets):
    """Class means with a little noise have no spread; a line has one direction."""
    X, y, X_held, y_held = sets
    rng = np.random.default_rng(0)
    means = np.stack([X[y == label].mean(axis=0) for label in y_held])
    collapsed = means + 0.01 * rng.standard_normal(means.shape)
    line = means + np.outer(rng.standard_normal(len(means)), np.ones(X.shape[1]))

    to_points = quality(collapsed, y_held, X, y, X_held, y_held, random_state=0)
    to_lines = quality(line, y_held, X, y, X_held, y_held, random_state=0)

    assert to_points["covariance_trace_ratio"] < 1e-3
    assert to_points["coverage"] < 0.3
    assert to_points["energy_distance"] > 0.5
    assert to_lines["effective_rank_ratio"] < 0.5
    assert to_lines["two_sample_auc"] > 0.9


def test_wrong_labels_are_caught(sets):
    """Shuffled labels of three classes agree in a third; the rows look real."""
    X, y = real_rows(2)
    y = np.random.default_rng(0).permutation(y)

    found = quality(X, y, *sets, random_state=0)

    assert found["label_agreement"] == pytest.approx(1 / 3, abs=0.07)
    assert found["two_sample_auc"] == pytest.approx(0.5, abs=0.06)


def test_rows_off_the_data_are_caught(sets):
    """Shifted rows lie where no real row does."""
    X, y = real_rows(2)

    found = quality(X + 5, y, *sets, random_state=0)

    assert found["density"] < 0.1
    assert found["two_sample_auc_low"] > 0.95


def test_an_oracle_is_asked_when_given(sets):
    """Its predictions decide about the labels, in the caller's units."""
    X, y = real_rows(2)
    oracle = LogisticRegression(max_iter=5000).fit(*real_rows(5))
    expected = np.mean(oracle.predict(X) == y)

    found = quality(X, y, *sets, oracle=oracle, random_state=0)

    assert found["label_agreement"] == pytest.approx(expected)


def test_the_same_seed_gives_the_same_figures(sets, unseen):
    """Nothing but the random state decides; rows left out change the sample."""
    assert quality(*real_rows(2), *sets, random_state=0) == unseen
    few = quality(*real_rows(2), *sets, max_rows=60, random_state=0)
    again = quality(*real_rows(2), *sets, max_rows=60, random_state=1)
    assert few["energy_distance"] != again["energy_distance"]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_tiny_classes_give_figures_or_nan_without_warning(n):
    """Two rows a class are enough for all figures, one row for some."""
    found = quality(
        *real_rows(0, n), *real_rows(1, n), *real_rows(2, n), random_state=0
    )

    is_defined = {key: math.isfinite(value) for key, value in found.items()}
    assert is_defined.pop("neighbor_ratio") and is_defined.pop("label_agreement")
    assert is_defined.pop("duplicate_share")
    for key, value in is_defined.items():
        assert value == (n > 1 or key.startswith("two_sample")), key


def test_constant_columns_change_nothing_but_are_allowed(sets, unseen):
    """A column of one value adds no distance; constant data are their own copies."""
    X, y, X_held, y_held = sets
    padded = [np.column_stack([A, np.full(len(A), 7.0)]) for A in (X, X_held)]
    X_new, y_new = real_rows(2)
    X_new = np.column_stack([X_new, np.full(len(X_new), 7.0)])

    found = quality(X_new, y_new, padded[0], y, padded[1], y_held, random_state=0)

    for key in ("energy_distance", "coverage", "effective_rank_ratio"):
        assert found[key] == pytest.approx(unseen[key])
    ones = [np.ones((6, 2)), np.repeat([0, 1], 3)]
    flat = quality(*ones, *ones, *ones, random_state=0)
    assert flat["covariance_trace_ratio"] == flat["effective_rank_ratio"] == 1
    assert (flat["neighbor_ratio"], flat["energy_distance"]) == (1, 0)
    assert flat["two_sample_auc_low"] <= 0.5 <= flat["two_sample_auc_high"]


def test_only_the_classes_of_the_new_rows_are_judged(sets):
    """A sampler that grows one class is compared with that class."""
    X, y = real_rows(2)

    found = quality(X[y == "b"], y[y == "b"], *sets, random_state=0)

    assert found["two_sample_auc_low"] < 0.5 < found["two_sample_auc_high"]
    assert found["covariance_trace_ratio"] == pytest.approx(1, abs=0.3)
    assert found["label_agreement"] > 0.97


def test_wrong_sets_are_refused(sets):
    """The message says what was expected and what came."""
    X, y, X_held, y_held = sets
    with pytest.raises(ValueError, match=r"held-out row has a label of \['c'\]"):
        quality(X, y, X, y, X_held[y_held != "c"], y_held[y_held != "c"])
    with pytest.raises(ValueError, match="as many columns, got 5, 6 and 6"):
        quality(X[:, :5], y, X, y, X_held, y_held)
    with pytest.raises(ValueError, match=r"y_new must have one label for each"):
        quality(X, y[:-1], X, y, X_held, y_held)
    with pytest.raises(ValueError, match="Input X_new contains NaN"):
        quality(X * np.nan, y, X, y, X_held, y_held)
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        quality(X[:0], y[:0], X, y, X_held, y_held)
    with pytest.raises(ValueError, match="max_rows must be at least 2"):
        quality(X, y, X, y, X_held, y_held, max_rows=1)


def test_energy_distance_agrees_with_scipy_up_to_its_bias():
    """In one column scipy gives the root with the rows themselves counted in."""
    rng = np.random.default_rng(0)
    x, z = rng.standard_normal((40, 1)), rng.standard_normal((30, 1)) + 1
    bias = sum(
        np.abs(a - a.T).sum() * (1 / (n * (n - 1)) - 1 / n**2)
        for a, n in ((x, 40), (z, 30))
    )

    squared = stats.energy_distance(x.ravel(), z.ravel()) ** 2

    assert energy_distance(x, z) == pytest.approx(squared - bias)


def test_density_and_coverage_by_hand():
    """Three real rows on a line, one neighbor: balls of radius 1, 1 and 2."""
    real = np.array([[0.0], [1.0], [3.0]])
    new = np.array([[0.5], [9.0]])

    density, coverage = density_and_coverage(new, real, k=1)

    assert density == pytest.approx(2 / (1 * 2))
    assert coverage == pytest.approx(2 / 3)


def test_effective_rank_counts_equal_directions():
    """Equal spread in three of five columns is rank three; points have none."""
    X = np.zeros((6, 5))
    X[[0, 1], 0] = X[[2, 3], 1] = X[[4, 5], 2] = [-1, 1]

    assert effective_rank(X) == pytest.approx(3)
    assert effective_rank(X.T[:, :2]) == pytest.approx(1)
    assert effective_rank(np.ones((3, 2))) == 0


def test_the_area_and_its_interval_agree_with_known_answers():
    """The area is scikit-learn's; its interval holds a known area 95 times in 100."""
    rng = np.random.default_rng(0)
    true_area = stats.norm.cdf(1 / math.sqrt(2))
    hits = 0
    for _ in range(600):
        positive, negative = rng.standard_normal(30) + 1, rng.standard_normal(40)
        found = _delong(positive, negative, 0.95)
        hits += found.low <= true_area <= found.high

    labels = np.repeat([1, 0], [30, 40])
    expected = roc_auc_score(labels, np.concatenate([positive, negative]))
    assert found.mean == pytest.approx(expected)
    assert hits / 600 == pytest.approx(0.95, abs=0.027)


def test_perfect_separation_keeps_an_interval():
    """Ten of ten told apart bounds the area at 0.025**(1 / 10), not at 1."""
    area, low, high = two_sample_auc(np.ones((10, 1)), np.zeros((10, 1)))

    assert (area, high) == (1, 1)
    assert low == pytest.approx(0.025**0.1)
    assert _delong(np.zeros(10), np.ones(10), 0.95).high == pytest.approx(1 - low)


def test_duplicates_are_found_through_single_precision():
    """Negative zero is zero; a passage through float32 hides no copy."""
    X = np.array([[0.1, 0.0], [0.7, 1.0]])

    assert duplicate_share(np.array([[0.1, -0.0], [0.1, 1.0]]), X) == 0.5
    assert duplicate_share(X.astype(np.float32), X) == 1
    assert duplicate_share(X + 1e-15, X) < 1
    assert math.isnan(duplicate_share(X[:0], X))


def test_neighbor_ratio_by_hand():
    """Half as far from the training rows as from the others."""
    new = np.array([[0.0], [0.0], [0.0]])

    assert neighbor_ratio(new, np.array([[1.0]]), np.array([[2.0]])) == 0.5
    assert neighbor_ratio(new, np.array([[1.0]]), np.array([[0.0]])) == math.inf
    assert math.isnan(neighbor_ratio(new, new[:0], new[:0]))


def test_brier_score_is_twice_that_of_two_classes():
    """Agrees with scikit-learn's for two classes; certain and wrong costs 2."""
    rng = np.random.default_rng(0)
    y, p = rng.integers(2, size=50), rng.uniform(size=50)
    proba = np.column_stack([1 - p, p])

    assert brier_score(y, proba, [0, 1]) == pytest.approx(2 * brier_score_loss(y, p))
    assert brier_score(["b"], [[1.0, 0.0, 0.0]], ["a", "b", "c"]) == 2


def test_calibration_error_is_the_gap_by_hand():
    """Nine of ten confident rows right at 0.7: a gap of 0.2, whatever the bins."""
    proba = np.tile([0.7, 0.3], (10, 1))
    y = np.array(["a"] * 9 + ["b"])

    assert expected_calibration_error(y, proba, ["a", "b"]) == pytest.approx(0.2)
    assert expected_calibration_error(y[:1], [[1.0, 0.0]], ["a", "b"]) == 0
    # Gaps of one sign each in its own bin do not cancel.
    mixed = expected_calibration_error(
        [0, 1], [[0.6, 0.4], [0.9, 0.1]], [0, 1], n_bins=10
    )
    assert mixed == pytest.approx((0.4 + 0.9) / 2)
    assert expected_calibration_error(
        [0, 1], [[0.6, 0.4], [0.9, 0.1]], [0, 1], n_bins=1
    ) == pytest.approx(0.25)


def test_wrong_probabilities_are_refused():
    """Both figures check alike."""
    for figure in (brier_score, expected_calibration_error):
        with pytest.raises(ValueError, match=r"got shape \(1, 2\)"):
            figure([0], [[0.5, 0.5]], [0, 1, 2])
        with pytest.raises(ValueError, match="every row sums to 1"):
            figure([0], [[0.5, 0.6]], [0, 1])
        with pytest.raises(ValueError, match="Label .*7.* is not among"):
            figure([7], [[0.5, 0.5]], [0, 1])
    with pytest.raises(ValueError, match="n_bins must be at least 1"):
        expected_calibration_error([0], [[0.5, 0.5]], [0, 1], n_bins=0)
