"""Test rows stay untouched, draws are nested, and impossible draws are refused."""

import sys
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skexpand._random import RandomStreams
from skexpand.evaluation.draws import Draws, check_data, check_sizes


def make_draws(y, test_size=0.5, X_test=None, y_test=None, seed=0):
    y = np.asarray(y)
    X = np.arange(len(y), dtype=float)[:, None]  # a row is its number
    return Draws(X, y, X_test, y_test, test_size, RandomStreams(seed))


Y = np.repeat([0, 1], [40, 60])


def numbers(X):
    return set(X[:, 0].astype(int).tolist())


def test_no_test_row_is_in_the_pool():
    draw = make_draws(Y).draw(5, 0)
    assert numbers(draw.X_test).isdisjoint(numbers(draw.X_pool))
    assert numbers(draw.X_test) | numbers(draw.X_pool) == set(range(100))
    assert np.bincount(draw.y_test).tolist() == [20, 30]
    assert np.bincount(draw.y).tolist() == [5, 5]
    assert numbers(draw.X) <= numbers(draw.X_pool)


def test_larger_real_sets_contain_the_small_one_and_begin_with_it():
    draw = make_draws(Y).draw(5, 3)
    X, y = draw.real(4)
    np.testing.assert_array_equal(X[: len(draw.X)], draw.X)
    assert np.bincount(y).tolist() == [20, 20]
    assert len(numbers(X)) == 40
    assert numbers(X) <= numbers(draw.X_pool)
    np.testing.assert_array_equal(y, Y[X[:, 0].astype(int)])


def test_small_sets_of_one_draw_are_nested():
    draws = make_draws(Y)
    assert numbers(draws.draw(3, 1).X) <= numbers(draws.draw(8, 1).X)
    assert numbers(draws.draw(3, 1).X) != numbers(draws.draw(3, 2).X)


def test_draws_repeat_with_the_seed():
    first, second = make_draws(Y).draw(5, 1), make_draws(Y).draw(5, 1)
    assert numbers(first.X) == numbers(second.X)
    assert numbers(first.X) != numbers(make_draws(Y, seed=1).draw(5, 1).X)


def test_few_shot_draws_share_the_test_rows():
    draws = make_draws(Y)
    assert numbers(draws.draw(5, 0).X_test) == numbers(draws.draw(7, 1).X_test)


def test_the_whole_training_part_is_split_anew_in_every_draw():
    draws = make_draws(Y)
    first, second = draws.draw(None, 0), draws.draw(None, 1)
    assert len(first.y) == 50
    assert numbers(first.X_test) != numbers(second.X_test)
    assert first.split != second.split


def test_overlap_is_the_share_of_rows_that_two_draws_share():
    # 20 and 30 rows in the pool: 5 / 20 of one class, 5 / 30 of the other.
    assert make_draws(Y).draw(5, 0).overlap == pytest.approx((5 / 20 + 5 / 30) / 2)
    assert make_draws(Y, test_size=0.3).draw(None, 0).overlap == pytest.approx(0.3)


def test_overlap_is_what_many_draws_share_on_average():
    draws = make_draws(Y)
    sets = [numbers(draws.draw(5, number).X) for number in range(60)]
    shared = [len(a & b) / 10 for i, a in enumerate(sets) for b in sets[:i]]
    assert np.mean(shared) == pytest.approx(draws.draw(5, 0).overlap, abs=0.02)


def test_a_pool_that_is_too_small_says_what_it_has():
    with pytest.raises(ValueError, match="needs 50 real rows a class, the pool has 20"):
        make_draws(Y).draw(5, 0).real(10)


def test_a_class_with_fewer_rows_than_asked_is_named():
    with pytest.raises(ValueError, match="n_per_class=25 rows, but class .*0.* has 20"):
        make_draws(Y).check((5, 25), 2)


def test_a_class_of_one_row_cannot_be_split():
    with pytest.raises(ValueError, match="Class .*1.* has one row"):
        make_draws([0, 0, 0, 1]).check((None,), 2)


def test_draws_that_would_all_be_the_same_are_refused():
    X_test = np.zeros((4, 1))
    draws = make_draws([0, 0, 1, 1], X_test=X_test, y_test=np.array([0, 1, 0, 1]))
    for size in (2, None):
        with pytest.raises(ValueError, match="all 3 draws would be the same rows"):
            draws.check((size,), 3)
        draws.check((size,), 1)
        assert draws.draw(size, 0).overlap == 0


GOOD = [[0.0], [1.0]], ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (*GOOD, [[0.0]], ["c"]),
            ValueError,
            "labels that y does not: 'c'",
        ),
        ((*GOOD, [[0.0]], None), ValueError, "y_test is missing"),
        ((*GOOD, [[0.0, 1.0]], ["a"]), ValueError, "the shape of X"),
        (
            ([[0.0], [1.0]], ["a", None], None, None),
            ValueError,
            "1 of 2 labels in y",
        ),
        (([[0.0], [1.0]], [0.0, np.nan], None, None), ValueError, "1 of 2 labels"),
        (
            ([[0.0], [1.0]], np.array([1, "a"], dtype=object), None, None),
            ValueError,
            "y has labels of the types int and str",
        ),
        (([[0.0], [1.0]], ["a", "a"], None, None), ValueError, "at least two classes"),
        (([[0.0], [1.0]], [0.1, 0.7], None, None), ValueError, "Unknown label type"),
        (([[0.0], [np.inf]], ["a", "b"], None, None), ValueError, "contains infinity"),
        (([[0.0]], ["a", "b"], None, None), ValueError, "inconsistent numbers"),
        (([0.0, 1.0], ["a", "b"], None, None), ValueError, r"got shape \(2,\)"),
        ((pd.Series([0.0, 1.0]), [0, 1], None, None), ValueError, r"got shape \(2,\)"),
        ((sparse.eye(2).tocsr(), ["a", "b"], None, None), TypeError, "is sparse"),
        (
            (np.full((2, 4, 4), np.nan), ["a", "b"], None, None),
            ValueError,
            "images with NaN",
        ),
        (
            (pd.DataFrame({"t": pd.to_datetime(["2020", "2021"])}), [0, 1], None, None),
            TypeError,
            "dates or times: t",
        ),
        (
            (pd.DataFrame({"t": [None, date(2020, 1, 1)]}), [0, 1], None, None),
            TypeError,
            "dates or times: t",
        ),
        (
            (pd.DataFrame([[1, 2], [3, 4]], columns=["a", 0]), [0, 1], None, None),
            ValueError,
            "named by strings and by others",
        ),
        (
            (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), [0, 1], None, None),
            ValueError,
            "several columns called 'a'",
        ),
    ],
)
def test_bad_data_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        check_data(*arguments)


def test_cells_of_several_types_become_a_frame():
    X, y, _, _ = check_data([[1, "x"], [2, "y"]], [0, 1], None, None)
    assert X.dtypes[0].kind == "i"
    assert X[1].tolist() == ["x", "y"]


def test_polars_frames_are_read():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"n": [1.5, None], "kind": ["x", None]})
    X, _, _, _ = check_data(frame, polars.Series([0, 1]), None, None)
    assert X["n"].isna().tolist() == X["kind"].isna().tolist() == [False, True]


def test_missing_pandas_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'skexpand\[eval\]'"):
        check_data([[1, "x"], [2, "y"]], [0, 1], None, None)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "10", []])
def test_bad_sizes_are_refused(size):
    with pytest.raises(ValueError, match="n_per_class must"):
        check_sizes(size)


def test_sizes_are_a_tuple_without_repeats():
    assert check_sizes(None) == (None,)
    assert check_sizes([10, np.int64(20), 10, None]) == (10, 20, None)
