r"""How far the rows of a table move: a rule, corrected by cross-validation.

Rows of a class are moved by a length :math:`h_c = f \min(1, \sqrt{10 / n_c})`. Short
moves keep shapes that a class has of its own, long ones smooth its noise away. Which is
better differs from table to table more than with anything else that can be chosen.
"""

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier

from skexpand._random import RandomStreams
from skexpand.nn.movers import PRIOR_ROWS

FACTORS = (1.0, 0.5, 2.0, 0.25, 4.0)
"""Corrections that are tried; of equal ones the first wins."""

_ROWS_OF_FULL_LENGTH = 10  # the size at which the length 1 was chosen
# With 10 rows a class no choice was better than the rule, with 40 it gained.
_LEAST_ROWS = 20
_MOST_ROWS = 400  # more would cost time and change little
_N_FOLDS, _N_REPEATS = 5, 3
_N_COPIES = 3  # moved copies of each training row
# Brier score that a correction of e-fold must gain to be believed.
_PENALTY = 0.003


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


def choose_factor(x, y, random_state=None):
    """Choose the correction whose expansion of a part predicts the rest best.

    Every fold moves the rows of the others by each length, lets five nearest neighbors
    learn from rows and copies, and scores their belief in the rows left out (Brier
    score, classes weighted equally). A correction has to gain more the larger it is.

    Parameters
    ----------
    x : ndarray of shape (n, q)
        Encoded rows.
    y : ndarray of int, shape (n,)
        Class codes.
    random_state : None, int, RandomState or Generator, default=None
        Seed of folds and moves.

    Returns
    -------
    float
        One of `FACTORS`; 1 where a class has fewer than 20 rows, or is alone.
    """
    counts = np.bincount(y)
    if len(counts) < 2 or counts.min() < _LEAST_ROWS:
        return 1.0
    streams = RandomStreams(random_state)
    rows = _some_of_each(y, counts, streams.numpy("rows"))
    x, y = x[rows], y[rows]
    loss = np.zeros(len(FACTORS))
    for repeat in range(_N_REPEATS):
        folds = StratifiedKFold(
            _N_FOLDS, shuffle=True, random_state=streams.seed("folds", repeat)
        )
        for number, (train, test) in enumerate(folds.split(x, y)):
            loss += _fold_losses(
                x[train], y[train], x[test], y[test], streams.numpy(repeat, number)
            )
    loss /= _N_REPEATS * _N_FOLDS
    return FACTORS[int(np.argmin(loss + _PENALTY * np.log(FACTORS) ** 2))]


def _some_of_each(y, counts, generator):
    """Rows of every class, as many of each as `_MOST_ROWS` allows."""
    share = max(_LEAST_ROWS, _MOST_ROWS // len(counts))
    keys = generator.random(len(y))
    order = np.lexsort((keys, y))
    rank = np.arange(len(y)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[rank < share])


def _fold_losses(x, y, x_test, y_test, generator):
    """Balanced Brier score after each correction; all share their random moves."""
    counts = np.bincount(y)
    center = np.stack([x[y == code].mean(axis=0) for code in range(len(counts))])
    spread = x - center[y]
    covariance, _ = ledoit_wolf(spread, assume_centered=True)
    values, vectors = np.linalg.eigh(covariance)
    coloring = vectors * np.sqrt(values.clip(0))
    copied = np.tile(np.arange(len(x)), _N_COPIES)
    noise = generator.standard_normal((len(copied), x.shape[1])) @ coloring.T
    order = np.argsort(y, kind="stable")
    first = np.cumsum(counts) - counts
    other = [
        order[first[y[copied]] + generator.integers(counts[y[copied]])] for _ in "ab"
    ]
    share = (PRIOR_ROWS / (PRIOR_ROWS + counts))[y[copied], None]
    move = np.sqrt((1 - share) / 2) * (x[other[0]] - x[other[1]])
    move += np.sqrt(share) * noise
    truth, weight = np.eye(len(counts))[y_test], 1 / np.bincount(y_test)[y_test]
    losses = []
    for factor in FACTORS:
        length = (factor * rule_of_thumb(counts))[y[copied], None]
        moved = spread[copied] + length * move
        moved = center[y[copied]] + moved / np.sqrt(1 + length**2)
        judge = KNeighborsClassifier().fit(np.vstack([x, moved]), np.r_[y, y[copied]])
        error = ((judge.predict_proba(x_test) - truth) ** 2).sum(axis=1)
        losses.append((weight * error).sum() / weight.sum())
    return np.array(losses)
