"""How far rows move: the rule of thumb, and when cross-validation overrules it."""

import numpy as np
import pytest
from sklearn.base import clone

from skexpand import ExpansiveSynthesizer, bandwidth
from skexpand.bandwidth import LEFT_ALONE, advise, choose_factor, rule_of_thumb


def clusters(n_per_class=40):
    """Give classes of four tight, interleaved clusters: shapes of their own."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], n_per_class)
    center = 4 * rng.permutation(8).reshape(2, 4)
    x = center[y, rng.integers(4, size=len(y))][:, None] + rng.normal(size=(len(y), 2))
    return x / 4, y


def clouds(n_per_class=40):
    """Give two broad clouds in ten columns, one apart: nothing but noise inside."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], n_per_class)
    return rng.normal(size=(len(y), 10)) + 0.6 * y[:, None], y


def test_classes_move_less_the_more_is_known():
    lengths = rule_of_thumb(np.array([1, 10, 40, 1000]))
    np.testing.assert_allclose(lengths, [1, 1, 0.5, 0.1])


def test_classes_with_shapes_of_their_own_move_less_than_the_rule():
    assert choose_factor(*clusters(), random_state=0) < 1


def test_clouds_move_by_the_rule():
    assert choose_factor(*clouds(), random_state=0) == 1


@pytest.mark.parametrize("seed", range(3))
def test_labels_that_mean_nothing_leave_the_rule_alone(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(80, 4)), rng.integers(0, 2, 80)
    assert choose_factor(x, y, random_state=seed) == 1


@pytest.mark.parametrize("n_rows", [(4, 300), (40,)])
def test_the_rule_stands_for_few_rows_and_for_a_class_alone(n_rows):
    y = np.repeat(np.arange(len(n_rows)), n_rows)
    x = np.random.default_rng(0).normal(size=(len(y), 3))
    assert choose_factor(x, y, random_state=0) == 1
    assert "too little" in advise(1.0, np.array(n_rows))


@pytest.mark.filterwarnings("error")
def test_rows_that_are_all_alike_leave_the_rule_alone():
    assert choose_factor(np.zeros((60, 2)), np.arange(60) % 2, random_state=0) == 1


@pytest.mark.parametrize(("error", "expected"), [(0.4, 1.0), (0.01, LEFT_ALONE)])
def test_a_correction_must_be_better_by_two_standard_errors(
    error, expected, monkeypatch
):
    """Rows differ by `error` around a mean gain of 0.05 for near-copies."""

    def errors(x, y, x_test, y_test, streams):
        noise = error * (-1.0) ** np.arange(len(y_test))
        return np.stack([noise + 0.55, np.full(len(noise), 0.55), noise * 0 + 0.5])

    monkeypatch.setattr(bandwidth, "_fold_errors", errors)
    assert choose_factor(*clouds(40), random_state=0) == expected


def test_many_rows_are_thinned_with_every_class_kept():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [5000, 12])
    rows = bandwidth._some_of_each(y, np.bincount(y), rng)
    assert np.bincount(y[rows]).tolist() == [200, 12]


def test_the_estimator_uses_the_choice_and_says_so(monkeypatch, caplog):
    X, y = clusters()
    caplog.set_level("INFO")
    fitted = ExpansiveSynthesizer(max_iter=1, random_state=0).fit(X, y)
    assert fitted.strength_ < 1 and fitted.advice_ in caplog.text
    given = ExpansiveSynthesizer(max_iter=1, strength=2.0).fit(X, y)
    assert given.strength_ == 2 and given.advice_ == ""
    few = ExpansiveSynthesizer(max_iter=1).fit(X[:7], np.array([0, 1] * 3 + [1]))
    assert few.strength_ == 1 and "too little" in few.advice_


def test_what_is_left_alone_is_nearly_copied_and_not_judged(monkeypatch):
    X, y = clouds()
    module = "skexpand.strength.choose_factor"
    monkeypatch.setattr(module, lambda *data: LEFT_ALONE)
    fitted = ExpansiveSynthesizer(max_iter=1, random_state=0).fit(X, y)
    assert fitted.advice_.startswith("Leave the data alone")
    X_new, y_new = fitted.sample(200)
    source = fitted.parents_[:, 0]
    np.testing.assert_array_equal(y[source], y_new)
    assert np.abs(X_new - X[source]).max() < 0.3


def test_rows_move_twice_as_far_where_the_largest_class_does_not_grow():
    X, y = clouds()
    kept = np.arange(len(y)) < 60  # 40 against 20
    grown = ExpansiveSynthesizer(max_iter=1, random_state=0)
    balanced = clone(grown).set_params(sampling_strategy="auto")
    by_hand = clone(grown).set_params(sampling_strategy={0: 40, 1: 90})
    strengths = [s.fit(X[kept], y[kept]).strength_ for s in (grown, balanced, by_hand)]
    assert strengths == [1, 2, 2]


@pytest.mark.parametrize(("n_rare", "is_asked"), [(5, False), (6, True)])
def test_few_rows_against_fifty_times_as_many_are_not_asked(
    n_rare, is_asked, monkeypatch
):
    """250 against 5 is 50 to 1; where all classes grow, cross-validation is heard."""
    X, y = clouds(250)
    kept = np.arange(len(y)) < 250 + n_rare
    X, y = X[kept], np.sort(y)[kept]
    asked = []
    module = "skexpand.strength.choose_factor"
    monkeypatch.setattr(module, lambda *data: asked.append(data) or 0.3)
    balanced = ExpansiveSynthesizer(sampling_strategy="auto", max_iter=1).fit(X, y)
    assert bool(asked) == is_asked
    assert balanced.strength_ == (0.6 if is_asked else 2)
    assert ("without cross-validation" in balanced.advice_) != is_asked
    grown = ExpansiveSynthesizer(ratio=2, max_iter=1).fit(X, y)
    assert grown.strength_ == 0.3
