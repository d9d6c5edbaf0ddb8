"""How far rows move: the rule of thumb, and when cross-validation overrules it."""

import numpy as np
import pytest

from skexpand import ExpansiveSynthesizer, bandwidth
from skexpand.bandwidth import FACTORS, choose_factor, rule_of_thumb


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


def test_clouds_move_more_than_the_rule():
    assert choose_factor(*clouds(), random_state=0) > 1


@pytest.mark.parametrize("n_rows", [(19, 300), (40,)])
def test_the_rule_stands_for_few_rows_and_for_a_class_alone(n_rows):
    y = np.repeat(np.arange(len(n_rows)), n_rows)
    x = np.random.default_rng(0).normal(size=(len(y), 3))
    assert choose_factor(x, y, random_state=0) == 1


@pytest.mark.filterwarnings("error")
def test_rows_that_are_all_alike_leave_the_rule_alone():
    assert choose_factor(np.zeros((60, 2)), np.arange(60) % 2, random_state=0) == 1


def test_a_correction_must_gain_more_the_larger_it_is(monkeypatch):
    losses = {1.0: 0.5, 0.5: 0.499, 2.0: 0.49, 0.25: 0.49, 4.0: 0.5}
    table = np.array([losses[factor] for factor in FACTORS])
    monkeypatch.setattr(bandwidth, "_fold_losses", lambda *data: table)
    assert choose_factor(*clouds(20), random_state=0) == 2
    table[FACTORS.index(2.0)] = 0.499  # less than the penalty of 0.0014
    assert choose_factor(*clouds(20), random_state=0) == 0.25
    table[FACTORS.index(0.25)] = 0.495  # less than the penalty of 0.0058
    assert choose_factor(*clouds(20), random_state=0) == 1


def test_large_tables_are_judged_by_some_rows_of_every_class():
    y = np.repeat([0, 1, 2], [5000, 25, 300])
    rows = bandwidth._some_of_each(y, np.bincount(y), np.random.default_rng(0))
    assert np.bincount(y[rows]).tolist() == [133, 25, 133]
    assert len(set(rows)) == len(rows)


def test_a_length_of_zero_would_score_the_rows_alone(monkeypatch):
    """Copies on top of the rows: five neighbors find one row and its copies."""
    x, y = clusters(30)
    monkeypatch.setattr(bandwidth, "FACTORS", (0.0,))
    loss = bandwidth._fold_losses(x, y, x, y, np.random.default_rng(1))
    assert loss.shape == (1,) and loss[0] < 0.1


def test_the_synthesizer_says_what_was_chosen_and_takes_what_is_given():
    X, y = clusters()
    chosen = ExpansiveSynthesizer(max_iter=2, random_state=0).fit(X, y)
    given = ExpansiveSynthesizer(max_iter=2, random_state=0, strength=1.5).fit(X, y)
    plain = ExpansiveSynthesizer(max_iter=2, random_state=0, expander=False).fit(X, y)
    assert chosen.strength_ in FACTORS and chosen.strength_ < 1
    assert (given.strength_, plain.strength_) == (1.5, 1.0)
