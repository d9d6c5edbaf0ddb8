"""Few-shot draws: exact counts, nothing twice, nothing lost."""

import numpy as np
import pytest

from skexpand.datasets import few_shot

LABELS = np.array(["b", "a", "c"])[np.random.default_rng(0).integers(0, 3, 60)]


def test_every_class_gives_exactly_what_was_asked():
    train, _ = few_shot(LABELS, LABELS, 4, random_state=0)
    assert np.unique(LABELS[train], return_counts=True)[1].tolist() == [4, 4, 4]


def test_train_and_rest_are_every_row_once():
    train, rest = few_shot(LABELS, LABELS, 4, random_state=0)
    np.testing.assert_array_equal(np.sort(np.r_[train, rest]), np.arange(60))


def test_taking_a_whole_class_leaves_none_of_it():
    y = [0, 1, 1, 0, 1]
    train, rest = few_shot(y, y, 2, random_state=0)
    assert {0, 3} <= set(train.tolist())
    assert [y[i] for i in rest] == [1]


def test_seed_decides_the_rows():
    first = few_shot(LABELS, LABELS, 4, random_state=1)[0]
    np.testing.assert_array_equal(first, few_shot(LABELS, LABELS, 4, random_state=1)[0])
    assert not np.array_equal(first, few_shot(LABELS, LABELS, 4, random_state=2)[0])


def test_every_row_of_a_class_is_equally_likely():
    """Over many seeds each of 5 rows is drawn 2/5 of the time (4 sigma)."""
    y = np.zeros(5)
    drawn = np.concatenate([few_shot(y, y, 2, random_state=s)[0] for s in range(500)])
    share = np.bincount(drawn, minlength=5) / 500
    assert np.abs(share - 0.4).max() < 4 * (0.4 * 0.6 / 500) ** 0.5


def test_class_with_too_few_rows_is_named():
    y = ["x"] * 5 + ["y"] * 2
    with pytest.raises(ValueError, match="n_per_class=3 rows, but class .*'y'.* has 2"):
        few_shot(y, y, 3)


@pytest.mark.parametrize("n_per_class", [0, -1, 1.5])
def test_counts_below_one_are_refused(n_per_class):
    with pytest.raises(ValueError, match="at least 1"):
        few_shot(LABELS, LABELS, n_per_class)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        few_shot(LABELS[:-1], LABELS, 1)
