"""Distances between clouds of rows: alike, spread as wide, not copied.

Memory is bounded: distance matrices are taken in chunks.
"""

import math
from hashlib import blake2b

import numpy as np
from scipy import stats
from sklearn.metrics import pairwise_distances_argmin, pairwise_distances_chunked
from sklearn.tree import ExtraTreeRegressor

from skexpand.evaluation._gains import Interval

# Megabytes of one chunk of distances.
_CHUNK = 64


def energy_distance(X, Z):
    r"""Give the energy distance of two samples [1]_, without its bias.

    .. math:: 2\,E|x - z| - E|x - x'| - E|z - z'|

    The means within a sample leave out the rows themselves, so that two samples of
    one law give 0 on average, whatever their sizes; single values may be negative.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    Z : ndarray of shape (m, p)

    Returns
    -------
    float
        In the units of the columns; NaN if either has fewer than two rows.

    References
    ----------
    .. [1] Szekely and Rizzo, "Energy statistics", Journal of Statistical Planning and
       Inference 143, 2013.
    """
    if min(len(X), len(Z)) < 2:
        return math.nan
    between = _sum_of_distances(X, Z) / (len(X) * len(Z))
    within = sum(_sum_of_distances(A) / (len(A) * (len(A) - 1)) for A in (X, Z))
    return float(2 * between - within)


def _sum_of_distances(X, Z=None):
    return sum(chunk.sum() for chunk in _distances(X, Z))


def _distances(X, Z=None):
    return pairwise_distances_chunked(X, Z, working_memory=_CHUNK)


def density_and_coverage(X_new, X_real, k=5):
    """Tell how densely new rows lie where real ones do, and how much they reach [1]_.

    Every real row has a ball up to its `k`-th real neighbor. Density is the number of
    balls a new row lies in, over what is expected; coverage is the share of balls that
    hold a new row. New rows of the law of the real ones and of their number give
    about 1 and ``1 - 2**-k``.

    Parameters
    ----------
    X_new : ndarray of shape (n, p)
    X_real : ndarray of shape (m, p)
    k : int, default=5
        Neighbors, at most ``m - 1`` are used. Fewer make balls smaller and figures
        noisier.

    Returns
    -------
    density : float
    coverage : float
        Both NaN without a new row or with fewer than two real ones.

    References
    ----------
    .. [1] Naeem et al., "Reliable fidelity and diversity metrics for generative
       models", ICML 2020.
    """
    k = min(k, len(X_real) - 1)
    if k < 1 or not len(X_new):
        return math.nan, math.nan
    radius = np.concatenate(
        [np.partition(chunk, k, axis=1)[:, k] for chunk in _distances(X_real)]
    )
    n_inside, n_covered, start = 0, 0, 0
    for chunk in _distances(X_real, X_new):
        inside = chunk <= radius[start : start + len(chunk), None]
        n_inside += inside.sum()
        n_covered += inside.any(axis=1).sum()
        start += len(chunk)
    return float(n_inside / (k * len(X_new))), float(n_covered / len(X_real))


def two_sample_auc(X_new, X_real, *, level=0.95, seed=0):
    """Give the AUC of a classifier that tells new rows from real ones.

    A small forest, scored on rows it did not see (three folds): 0.5 where the rows
    cannot be told apart, 1 where they always can. Copies of few rows are told apart,
    since the same row comes up on both sides of a fold. The interval is DeLong's [1]_
    on the logit scale, with the correction of [2]_ for folds that train one another.

    Parameters
    ----------
    X_new : ndarray of shape (n, p)
    X_real : ndarray of shape (m, p)
    level : float, default=0.95
        Confidence level.
    seed : int, default=0
        Of forest and folds.

    Returns
    -------
    Interval
        All NaN with fewer than two rows on a side.

    References
    ----------
    .. [1] DeLong et al., "Comparing the areas under two or more correlated receiver
       operating characteristic curves", Biometrics 44, 1988.
    .. [2] Nadeau and Bengio, "Inference for the generalization error", Machine
       Learning 52, 2003.
    """
    n_least = min(len(X_new), len(X_real))
    if n_least < 2:
        return Interval(math.nan, math.nan, math.nan)
    X = np.concatenate([X_new, X_real]).astype(np.float32)  # what trees compare
    is_new = np.repeat([1.0, 0.0], [len(X_new), len(X_real)])
    # Each side is dealt out alike: a fold with more of one side would be trained on
    # less of it, and pull the area below a half.
    rng = np.random.default_rng(seed)
    n_folds = min(3, n_least)
    folds = np.concatenate(
        [rng.permutation(len(side)) % n_folds for side in (X_new, X_real)]
    )
    scores = np.zeros(len(X))
    for fold in range(n_folds):
        tested = folds == fold
        scores[tested] = _forest_scores(X[~tested], is_new[~tested], X[tested], rng)
    # Rows of one fold train the forests of the others, so scores are not independent:
    # the correction for resampling, 1 / J + n_test / n_train instead of 1 / J.
    inflation = 1 + n_folds / (n_folds - 1)
    return _delong(scores[: len(X_new)], scores[len(X_new) :], level, inflation)


def _forest_scores(X_train, is_new, X_test, rng):
    """Score rows by 25 extremely randomized trees.

    Five folds of a random forest of 50 trees find 0.01 to 0.04 more of a shift and take
    ten times as long. The trees stand alone because scikit-learn's forest spends most
    of its time around trees this small.
    """
    scores = np.zeros(len(X_test))
    for seed in rng.integers(2**31, size=25):
        tree = ExtraTreeRegressor(max_features="sqrt", random_state=int(seed))
        tree.fit(X_train, is_new, check_input=False)
        scores += tree.predict(X_test, check_input=False)
    return scores


def _delong(positive, negative, level, inflation=1.0):
    ranks = stats.rankdata(np.concatenate([positive, negative]))
    n, m = len(positive), len(negative)
    # Share of the other side that each score beats.
    beaten = (ranks[:n] - stats.rankdata(positive)) / m
    beating = 1 - (ranks[n:] - stats.rankdata(negative)) / n
    area = float(beaten.mean())
    tail = (1 - level) / 2
    if area in (0.0, 1.0):  # no variance left: the bound of a share that never failed
        far = tail ** (1 / min(n, m))
        return Interval(area, far if area else 0.0, 1.0 if area else 1 - far)
    variance = inflation * (beaten.var(ddof=1) / n + beating.var(ddof=1) / m)
    half = stats.norm.isf(tail) * math.sqrt(variance) / (area * (1 - area))
    logit = math.log(area / (1 - area))
    low, high = (1 / (1 + math.exp(-(logit + sign * half))) for sign in (-1, 1))
    return Interval(area, low, high)


def effective_rank(X):
    r"""Give the number of directions in which rows spread [1]_.

    The exponential of the entropy of the shares of variance along the principal axes:
    from 1 for rows on a line to ``min(n - 1, p)`` for equal spread. 0 without spread.

    Parameters
    ----------
    X : ndarray of shape (n, p)

    Returns
    -------
    float

    References
    ----------
    .. [1] Roy and Vetterli, "The effective rank", EUSIPCO 2007.
    """
    X = X - X.mean(axis=0)
    # The smaller of the two Gram matrices has the same eigenvalues.
    gram = X @ X.T if len(X) < X.shape[1] else X.T @ X
    values = np.linalg.eigvalsh(gram)
    values = values[values > 1e-12 * max(values[-1], 0)]
    if not len(values):
        return 0.0
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def neighbor_ratio(X_new, X_train, X_held, quantile=0.5):
    """Compare the distance to the nearest training row with that to a held-out row.

    About 1 where new rows are as far from the data the sampler saw as from data it did
    not see, about 0 for copies. A small figure with few, spread out training rows is
    no proof of copying, and a large one no claim of privacy.

    Parameters
    ----------
    X_new : ndarray of shape (n, p)
    X_train : ndarray of shape (m, p)
    X_held : ndarray of shape (m, p)
        As many rows as `X_train`: more rows are nearer.
    quantile : float, default=0.5
        Quantile of the distances to compare. Where `X_train` is a part of the training
        rows, take half that part: only so many copies can find their source.

    Returns
    -------
    float
        1 where both distances are 0; NaN without rows.
    """
    if not (len(X_new) and len(X_train) and len(X_held)):
        return math.nan
    to_train, to_held = (
        np.quantile(_to_nearest(X_new, X), quantile) for X in (X_train, X_held)
    )
    if to_held == 0:
        return 1.0 if to_train == 0 else math.inf
    return float(to_train / to_held)


def _to_nearest(X, Z):
    # Measured again from the difference: the fast distances leave copies at 1e-7.
    nearest = pairwise_distances_argmin(X, Z)
    return np.concatenate(
        [
            np.linalg.norm(
                X[start : start + 256] - Z[nearest[start : start + 256]], 2, 1
            )
            for start in range(0, len(X), 256)
        ]
    )


def duplicate_share(X_new, X_train):
    """Give the share of new rows that are training rows, value for value.

    Compared in the lower precision of the two, so that a passage through single
    precision hides no copy.

    Parameters
    ----------
    X_new : ndarray of shape (n, p)
    X_train : ndarray of shape (m, p)

    Returns
    -------
    float
        NaN without a new row.
    """
    if not len(X_new):
        return math.nan
    singles = any(X.dtype in (np.float32, np.float16) for X in (X_new, X_train))
    dtype = np.float32 if singles else np.float64
    known = set(fingerprints(X_train, dtype))
    return sum(print_ in known for print_ in fingerprints(X_new, dtype)) / len(X_new)


def fingerprints(X, dtype):
    """Yield a hash of every row, in that precision."""
    for row in X:
        row = row.astype(dtype) + 0.0  # -0.0 becomes 0.0
        yield blake2b(row.tobytes(), digest_size=16).digest()
