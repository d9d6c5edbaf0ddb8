"""Columns whose values recur keep to them; all others are left alone."""

import numpy as np
import pandas as pd

from skexpand import ExpansiveSynthesizer
from skexpand.levels import SeenLevels

RNG = np.random.default_rng(0)


def test_only_columns_with_a_recurring_value_are_rounded():
    codes = RNG.integers(0, 3, 40).astype(float)
    x = np.column_stack([codes, RNG.normal(size=40), codes])
    levels = SeenLevels().fit(x, np.array([True, True, False]))
    assert list(levels.levels_) == [0]
    moved = x + RNG.normal(scale=0.4, size=x.shape)
    rounded = levels.round(moved)
    np.testing.assert_array_equal(rounded[:, 0], np.clip(np.rint(moved[:, 0]), 0, 2))
    np.testing.assert_array_equal(rounded[:, 1:], moved[:, 1:])


def test_two_equal_values_are_a_coincidence_and_three_are_not():
    x = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 4.0]])
    assert list(SeenLevels().fit(x, np.ones(2, dtype=bool)).levels_) == [1]


def test_a_tenth_of_many_rows_must_share_a_value():
    x = np.arange(100.0)[:, None].repeat(2, axis=1)
    x[:9, 0], x[:10, 1] = 0, 0
    assert list(SeenLevels().fit(x, np.ones(2, dtype=bool)).levels_) == [1]


def test_seen_values_stay_what_they_are_and_the_input_is_not_touched():
    x = RNG.integers(0, 3, (30, 2)).astype(np.float32)
    levels = SeenLevels().fit(x, np.ones(2, dtype=bool))
    moved = x + np.float32(0.2)
    before = moved.copy()
    np.testing.assert_array_equal(levels.round(x), x)
    assert levels.round(moved).dtype == np.float32
    np.testing.assert_array_equal(moved, before)


def test_no_amount_is_made_between_zero_and_the_amounts_that_were_seen():
    amount = np.where(RNG.random(60) < 0.6, 0.0, RNG.gamma(3, 100, size=60))
    X = pd.DataFrame({"amount": amount, "age": RNG.normal(40, 9, size=60)})
    y = (X["age"] > 40).to_numpy()
    X_new = ExpansiveSynthesizer(max_iter=0, random_state=0).fit(X, y).sample(300)[0]
    made = X_new["amount"].to_numpy()
    assert made[made != 0].min() >= 0.9 * amount[amount > 0].min()
    assert 0.4 < (made == 0).mean() < 0.8
    assert X_new["age"].nunique() > 250
