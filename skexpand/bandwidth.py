r"""How far rows of a table move: a rule of thumb, overruled by cross-validation.

Rows of a class are moved by a length :math:`h_c = f \min(1, \sqrt{10 / n_c})`. Short
moves keep shapes that a class has of its own, long ones smooth its noise away. Where
any move makes rows left out harder to predict, rows are hardly moved at all.
"""

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.neighbors import KNeighborsClassifier

from skexpand._random import RandomStreams
from skexpand.grouping import ranks_in_groups
from skexpand.nn.movers import PRIOR_ROWS

LEFT_ALONE = 0.05
"""Correction that means: moving does not pay, repeat the rows nearly as they are."""

NO_OBJECTION = "Cross-validation does not object"
"""How an advice begins that changes nothing."""

FACTORS = (1.0, 0.3, LEFT_ALONE)
"""Corrections that are tried, the rule first."""

_ROWS_OF_FULL_LENGTH = 10  # the size at which the length 1 was chosen
_LEAST_ROWS = 5  # one for each fold
_MOST_ROWS = 400  # more would cost time and change little
_N_FOLDS, _N_COPIES, _N_TREES = 5, 3, 20
# Choosing the lowest loss gained 0.4 points on the draws it was made with and nothing
# on fresh ones; what is this sure was right on tables with shapes of their own.
_STANDARD_ERRORS = 2


def rule_of_thumb(counts):
    """Smooth less where more is known, as every bandwidth rule does.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes,)
        Rows of each class.

    Returns
    -------
    ndarray of float64, shape (n_classes,)
        Length for each class.
    """
    return np.sqrt(np.minimum(1, _ROWS_OF_FULL_LENGTH / counts))


def advise(factor, counts):
    """Put the choice in words.

    Parameters
    ----------
    factor : float
        From :func:`choose_factor`.
    counts : ndarray of int, shape (n_classes,)
        Rows of each class.

    Returns
    -------
    str
    """
    if len(counts) < 2 or counts.min() < _LEAST_ROWS:
        return (
            f"A class has fewer than {_LEAST_ROWS} rows, or is alone: too little to "
            "say by cross-validation whether moving rows pays. They move as usual."
        )
    if factor == LEFT_ALONE:
        return (
            "Leave the data alone: rows left out are predicted worse the farther rows "
            "move. New rows are near-copies; do not expect augmentation to pay."
        )
    if factor < 1:
        return (
            "Classes have shapes of their own: rows left out are predicted better if "
            f"rows move {factor} times as far as usual, which they do."
        )
    return f"{NO_OBJECTION} to moving rows as far as usual."


def choose_factor(x, y, random_state=None):
    """Leave the rule alone unless rows left out surely speak for shorter moves.

    Every fold moves the rows of the others by each length, lets nearest neighbors and
    randomized trees learn from rows and copies, and scores their belief in the rows
    left out (Brier score, classes weighted equally). Another correction than 1 must be
    better by two standard errors of the difference over those rows.

    Parameters
    ----------
    x : ndarray of shape (n, q)
        Encoded rows.
    y : ndarray of int, shape (n,)
        Class codes.
    random_state : None, int, RandomState or Generator, default=None
        Seed of folds, moves and trees.

    Returns
    -------
    float
        One of `FACTORS`; 1 where a class has fewer than 5 rows, or is alone.
    """
    counts = np.bincount(y)
    if len(counts) < 2 or counts.min() < _LEAST_ROWS:
        return 1.0
    streams = RandomStreams(random_state)
    rows = _some_of_each(y, counts, streams.numpy("rows"))
    x, y = x[rows], y[rows]
    fold = _spread(y, np.bincount(y), streams.numpy("folds"))
    errors = np.empty((len(FACTORS), len(y)))
    for number in range(_N_FOLDS):
        is_test = fold == number
        errors[:, is_test] = _fold_errors(
            x[~is_test],
            y[~is_test],
            x[is_test],
            y[is_test],
            streams.child("fold", number),
        )
    weight = 1 / np.bincount(y)[y]
    weight /= weight.sum()
    gain = errors[0] - errors  # over the rule
    mean = gain @ weight
    error = np.sqrt(np.square(gain - mean[:, None]) @ np.square(weight))
    return FACTORS[int(np.argmax(mean - _STANDARD_ERRORS * error))]


def _some_of_each(y, counts, generator):
    """Rows of every class, as many of each as `_MOST_ROWS` allows."""
    share = max(_LEAST_ROWS, _MOST_ROWS // len(counts))
    return np.flatnonzero(_rank_in_class(y, counts, generator) < share)


def _spread(y, counts, generator):
    """Give every row a fold; the rows of a class are spread over all of them."""
    return _rank_in_class(y, counts, generator) % _N_FOLDS


def _rank_in_class(y, counts, generator):
    """Give the rows of each class numbers from 0 on, in random order."""
    order = np.lexsort((generator.random(len(y)), y))
    rank = np.empty(len(y), dtype=np.intp)
    rank[order] = ranks_in_groups(counts)
    return rank


def _fold_errors(x, y, x_test, y_test, streams):
    """Brier score of each row after each correction; all share their random moves."""
    center, move, copied = _random_moves(x, y, streams.numpy("moves"))
    spread, length = x - center, rule_of_thumb(np.bincount(y))[y[copied], None]
    truth, seed = np.eye(y.max() + 1)[y_test], streams.seed("trees")
    errors = np.zeros((len(FACTORS), len(y_test)))
    for error, factor in zip(errors, FACTORS, strict=True):
        h = factor * length
        moved = center[copied] + (spread[copied] + h * move) / np.sqrt(1 + h**2)
        for judge in (
            KNeighborsClassifier(),
            ExtraTreesClassifier(_N_TREES, random_state=seed),
        ):
            judge.fit(np.vstack([x, moved]), np.r_[y, y[copied]])
            error += np.square(judge.predict_proba(x_test) - truth).sum(axis=1)
    return errors


def _random_moves(x, y, generator):
    """Centers of the rows, moves of unit length, and the rows that they move."""
    counts = np.bincount(y)
    center = np.stack([x[y == code].mean(axis=0) for code in range(len(counts))])[y]
    covariance, _ = ledoit_wolf(x - center, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    coloring = vectors * np.sqrt(values.clip(0))
    copied = np.tile(np.arange(len(x)), _N_COPIES)
    noise = generator.standard_normal((len(copied), x.shape[1])) @ coloring.T
    order, first = np.argsort(y, kind="stable"), np.cumsum(counts) - counts
    other = [
        order[first[y[copied]] + generator.integers(counts[y[copied]])] for _ in "ab"
    ]
    share = (PRIOR_ROWS / (PRIOR_ROWS + counts))[y[copied], None]
    move = np.sqrt((1 - share) / 2) * (x[other[0]] - x[other[1]])
    return center, move + np.sqrt(share) * noise, copied
