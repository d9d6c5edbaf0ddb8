"""The judge agrees where classes are clear, and needs one row a class at most."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from skexpand import judge as judge_module
from skexpand.judge import TableJudge


def two_blobs(n_per_class, distance=6.0, n_columns=3):
    """Two unit normal clouds whose centers differ in the first column."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], n_per_class)
    x = rng.standard_normal((len(y), n_columns))
    x[:, 0] += distance * y
    return x, y


def accepts(judge, x, y):
    """Mark the rows that the judge would label as intended."""
    return judge.name(x, y) == y


def test_rows_at_the_center_of_a_class_are_believed_and_others_refused():
    x, y = two_blobs(10)
    judge = TableJudge().fit(x, y, random_state=0)
    centers = np.array([[0.0, 0, 0], [6.0, 0, 0]])

    belief = judge.predict_proba(centers)

    assert belief.argmax(axis=1).tolist() == [0, 1]
    assert (belief.max(axis=1) > 0.85).all()
    assert accepts(judge, centers, np.array([0, 1])).tolist() == [True, True]
    assert accepts(judge, centers, np.array([1, 0])).tolist() == [False, False]


def test_belief_is_one_half_on_the_mirror_plane_of_smooth_members():
    """A row and its mirror image get mirrored beliefs, up to the trees' randomness."""
    half, _ = two_blobs(15)
    x = np.concatenate([half - 3, 3 - half])
    y = np.repeat([0, 1], 30)

    belief = TableJudge(n_trees=400).fit(x, y, random_state=0)

    np.testing.assert_allclose(belief.predict_proba(np.zeros((1, 3))), 0.5, atol=0.05)


def test_beliefs_are_probabilities():
    x, y = load_iris(return_X_y=True)

    belief = TableJudge().fit(x, y, random_state=0).predict_proba(x)

    assert belief.shape == (150, 3)
    assert (belief >= 0).all()
    np.testing.assert_allclose(belief.sum(axis=1), 1)


def test_discriminants_are_fisher_s_where_the_shrinkage_vanishes():
    """With many rows the boundary of unit clouds at 0 and 6 lies at 3."""
    x, y = two_blobs(20_000)

    slope, offset = judge_module._fit_discriminants(x, y, np.bincount(y))

    direction = slope[:, 1] - slope[:, 0]
    np.testing.assert_allclose(direction, [6, 0, 0], atol=0.15)
    assert -(offset[1] - offset[0]) / direction[0] == pytest.approx(3, abs=0.02)


def test_few_rows_of_iris_judge_the_rest():
    """Five rows a class are enough for nine in ten of the other 135."""
    x, y = load_iris(return_X_y=True)
    seen = np.arange(150) % 50 < 5
    judge = TableJudge().fit(x[seen], y[seen], random_state=0)

    assert accepts(judge, x[~seen], y[~seen]).mean() > 0.9


def test_a_class_of_one_row_is_believed_near_it():
    x, y = two_blobs(10)
    x, y = np.vstack([x, [0.0, 30.0, 0.0]]), np.append(y, 2)
    judge = TableJudge().fit(x, y, random_state=0)

    assert accepts(judge, x[-1:], np.array([2])).all()
    assert accepts(judge, x[:20], y[:20]).all()


def test_one_row_in_every_class_gives_the_nearest_row():
    x = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    judge = TableJudge().fit(x, np.arange(3), random_state=0)

    assert accepts(judge, x * 0.9 + 0.1, np.arange(3)).all()


def test_a_single_class_is_always_agreed_with():
    judge = TableJudge().fit(np.zeros((3, 2)), np.zeros(3, dtype=int))

    assert judge.predict_proba(np.ones((4, 2))).tolist() == [[1.0]] * 4


def test_a_small_class_is_not_voted_away():
    """Half of the mirrored points go to a class with a tenth of the rows."""
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], [100, 10])
    x = rng.standard_normal((110, 2))
    x[:, 0] += 2 * y
    judge = TableJudge().fit(x, y, random_state=0)

    fresh = rng.standard_normal((400, 2)) + [2, 0]
    assert accepts(judge, fresh, np.ones(400, dtype=int)).mean() > 0.6


def test_one_hot_and_constant_columns_are_judged_without_warnings():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 10)
    level = np.where(y == 1, 2, rng.integers(2, size=20))
    x = np.hstack([np.eye(3)[level], np.zeros((20, 1)), rng.random((20, 1))])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge = TableJudge().fit(x, y, random_state=0)

    assert accepts(judge, x, y).all()


def test_twenty_six_classes_are_told_apart():
    centers = 8 * np.random.default_rng(0).standard_normal((26, 6))
    y = np.repeat(np.arange(26), 3)
    x = centers[y] + np.random.default_rng(1).standard_normal((78, 6))

    judge = TableJudge().fit(x, y, random_state=0)

    assert accepts(judge, centers, np.arange(26)).mean() > 0.95


def test_more_columns_than_rows_are_fine():
    x, y = two_blobs(5, distance=10, n_columns=80)

    judge = TableJudge().fit(x, y, random_state=0)
    assert accepts(judge, x, y).all()


def test_same_seed_gives_the_same_bits_and_another_seed_other_trees():
    x, y = two_blobs(10, distance=1)
    first, again, other = (
        TableJudge().fit(x, y, random_state=seed).predict_proba(x + 0.3)
        for seed in (0, 0, 1)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_units_of_the_columns_do_not_matter():
    x, y = two_blobs(10, distance=2)
    scale, shift = np.array([1e3, 1.0, 1e-3]), np.array([5.0, -1.0, 0.0])
    probes = x[::3] + 0.2

    plain = TableJudge().fit(x, y, random_state=0).predict_proba(probes)
    scaled = TableJudge().fit(x * scale + shift, y, random_state=0)

    # A tree may put a threshold on the other side of a row by rounding.
    np.testing.assert_allclose(
        scaled.predict_proba(probes * scale + shift), plain, atol=0.02
    )


def test_chunks_do_not_change_beliefs(monkeypatch):
    x, y = two_blobs(10)
    judge = TableJudge().fit(x, y, random_state=0)
    whole = judge.predict_proba(x)

    monkeypatch.setattr(judge_module, "_CHUNK_ENTRIES", 60)

    np.testing.assert_allclose(judge.predict_proba(x), whole, atol=1e-12)


def test_the_kernel_keeps_small_classes_whole(monkeypatch):
    monkeypatch.setattr(judge_module, "_MAX_ANCHORS", 12)
    x, y = two_blobs(50)
    x, y = np.vstack([x, np.full((4, 3), 20.0)]), np.append(y, [2] * 4)

    judge = TableJudge().fit(x, y, random_state=0)
    kept = judge._scaler.inverse_transform(judge._kernel.X_fit_)

    assert len(kept) == 12
    assert np.isclose(kept, 20).all(axis=1).sum() == 4


def test_no_rows_are_judged_to_no_beliefs():
    judge = TableJudge().fit(*two_blobs(3), random_state=0)

    assert judge.predict_proba(np.empty((0, 3))).shape == (0, 2)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((0, 2)), np.zeros(0, dtype=int), r"got \(0, 2\) and \(0,\)"),
        (np.zeros(3), np.zeros(3, dtype=int), r"got \(3,\) and \(3,\)"),
        (np.zeros((3, 2)), np.zeros(2, dtype=int), r"got \(3, 2\) and \(2,\)"),
        (np.zeros((2, 2)), np.array([0, 2]), "class 1 of 3 has none"),
        (np.zeros((2, 2)), np.array([-1, 0]), r"codes 0\.\.n_classes-1, got \[-1"),
        (np.zeros((2, 2)), np.array(["a", "b"]), "Encode the labels first"),
    ],
)
def test_bad_training_rows_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        TableJudge().fit(x, y)


def test_an_unfitted_judge_says_so():
    with pytest.raises(NotFittedError, match="call fit first"):
        TableJudge().predict_proba(np.zeros((1, 2)))


def test_wrong_shapes_are_named():
    judge = TableJudge().fit(*two_blobs(3), random_state=0)

    with pytest.raises(ValueError, match=r"\(m, 3\), as in fit, got \(1, 2\)"):
        judge.predict_proba(np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"shape \(2,\), got \(1,\)"):
        accepts(judge, np.zeros((2, 3)), np.zeros(1, dtype=int))
    with pytest.raises(ValueError, match=r"shape \(2,\), got \(1,\)"):
        judge.name(np.zeros((2, 3)), np.zeros(1, dtype=int))


class Believer(TableJudge):
    """Believe what is written in the rows."""

    def predict_proba(self, x):
        return x


def test_a_row_is_renamed_only_where_two_thirds_say_so():
    belief = np.array([[0.6, 0.4], [0.3, 0.7], [0.4, 0.6], [2 / 3, 1 / 3]])
    assert Believer().name(belief, np.zeros(4, dtype=int)).tolist() == [0, 1, -1, 0]
    assert Believer().name(belief, np.ones(4, dtype=int)).tolist() == [-1, 1, 1, 0]
    accepted = accepts(Believer(), belief, np.ones(4, dtype=int))
    assert accepted.tolist() == [False, True, True, False]


def test_among_many_classes_a_plurality_is_not_enough_to_rename():
    belief = np.array([[0.1, 0.3, 0.3, 0.3], [0.2, 0.5, 0.2, 0.1]])
    assert (Believer().name(belief, np.zeros(2, dtype=int)) == -1).all()
    assert Believer().name(belief, np.ones(2, dtype=int)).tolist() == [1, 1]
