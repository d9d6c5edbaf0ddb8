"""Quality of synthetic rows against held-out real ones, and calibration.

Utility says whether rows help a classifier; these figures say why. All but
`duplicate_share` and `neighbor_ratio` compare with real rows that the sampler never
saw, in equal numbers for each class.
"""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import check_array

from skexpand._random import RandomStreams
from skexpand.evaluation._calibration import brier_score, expected_calibration_error
from skexpand.evaluation._fidelity import (
    density_and_coverage,
    duplicate_share,
    effective_rank,
    energy_distance,
    neighbor_ratio,
    two_sample_auc,
)

__all__ = [
    "brier_score",
    "density_and_coverage",
    "duplicate_share",
    "effective_rank",
    "energy_distance",
    "expected_calibration_error",
    "neighbor_ratio",
    "quality",
    "two_sample_auc",
]

# Neighbors of the stand-in for an oracle: scikit-learn's default.
_NEIGHBORS = 5
# Random halves over which the neighbor ratio is averaged.
_REPEATS = 5


def quality(
    X_new,
    y_new,
    X_train,
    y_train,
    X_held,
    y_held,
    *,
    oracle=None,
    max_rows=1000,
    random_state=None,
):
    """Measure synthetic rows against held-out real ones.

    Pass the new rows only, without the training rows they came from, and all three
    sets as the caller's preprocessor scales them: distances add up columns. From each
    class as many new as held-out rows are taken. Real rows that were never seen give
    the values in brackets.

    - ``energy_distance`` [0]: mean over classes; see `energy_distance`.
    - ``density`` [1], ``coverage`` [0.97]: mean over classes; low density is rows off
      the data, low coverage is variety that is missing.
    - ``two_sample_auc`` [0.5] with ``two_sample_auc_low`` and ``_high``.
    - ``covariance_trace_ratio`` [1]: variance within classes, new over held-out. Near
      0 is collapse.
    - ``effective_rank_ratio`` [1]: directions of spread within classes, the same way.
    - ``neighbor_ratio`` [1], ``duplicate_share`` [0]: copies give 0 and 1.
    - ``label_agreement``: share of new rows whose label the oracle gives as well; its
      own accuracy on real rows.

    Figures that a set is too small for are NaN: classes with one row on either side
    are left out of the means over classes.

    Parameters
    ----------
    X_new : array-like of shape (n_new, p)
        Synthetic rows.
    y_new : array-like of shape (n_new,)
        Their labels.
    X_train : array-like of shape (n_train, p)
        Rows the sampler was given.
    y_train : array-like of shape (n_train,)
        Their labels.
    X_held : array-like of shape (n_held, p)
        Real rows it was not given.
    y_held : array-like of shape (n_held,)
        Their labels.
    oracle : classifier or None, default=None
        Fitted classifier with ``predict`` for rows as passed here, best one trained
        on the full pool. None fits the five nearest neighbors on the held-out rows.
    max_rows : int, default=1000
        Most rows taken from the new and from the held-out set. Time grows with its
        square; duplicates are sought among all rows.
    random_state : None, int, numpy.random.RandomState or numpy.random.Generator, \
            default=None
        Decides which rows are taken, and the folds and the forest of the AUC.

    Returns
    -------
    dict of str to float

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite, there is no new row, or a class
        of the new rows has no held-out row.

    Examples
    --------
    >>> import numpy as np
    >>> from skexpand.evaluation.metrics import quality
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 20)
    >>> X = rng.standard_normal((40, 2)) + y[:, None]
    >>> X_held = rng.standard_normal((40, 2)) + y[:, None]
    >>> copies = quality(X, y, X, y, X_held, y, random_state=0)
    >>> copies["neighbor_ratio"], copies["duplicate_share"]
    (0.0, 1.0)
    """
    X_new, y_new = _checked(X_new, y_new, "new")
    X_train, y_train = _checked(X_train, y_train, "train")
    X_held, y_held = _checked(X_held, y_held, "held")
    _check_sets(X_new, y_new, X_train, X_held, y_held, max_rows)
    streams = RandomStreams(random_state)
    rng = streams.numpy("rows")
    if oracle is None:
        n_neighbors = min(_NEIGHBORS, len(X_held))
        oracle = KNeighborsClassifier(n_neighbors).fit(X_held, y_held)

    rows_new, rows_held = _matched_rows(y_new, y_held, max_rows, rng)
    # Centered, because the fast distances lose digits far from the origin.
    center = X_held[rows_held].mean(axis=0, dtype=float)
    new, held = X_new[rows_new] - center, X_held[rows_held] - center
    auc = two_sample_auc(new, held, seed=streams.seed("auc"))
    agrees = np.asarray(oracle.predict(X_new[rows_new])) == y_new[rows_new]
    return {
        **_per_class(new, held, y_new[rows_new], y_held[rows_held]),
        "two_sample_auc": auc.mean,
        "two_sample_auc_low": auc.low,
        "two_sample_auc_high": auc.high,
        "neighbor_ratio": _copying(
            new, X_train, y_train, X_held, y_held, center, max_rows, rng
        ),
        "duplicate_share": duplicate_share(X_new, X_train),
        "label_agreement": float(agrees.mean()),
    }


def _checked(X, y, name):
    X = check_array(X, input_name=f"X_{name}")
    y = np.asarray(y)
    if y.shape != (len(X),):
        raise ValueError(
            f"y_{name} must have one label for each of the {len(X)} rows of X_{name}, "
            f"got shape {y.shape}."
        )
    return X, y


def _check_sets(X_new, y_new, X_train, X_held, y_held, max_rows):
    widths = [X.shape[1] for X in (X_new, X_train, X_held)]
    if len(set(widths)) > 1:
        raise ValueError(
            "X_new, X_train and X_held must have as many columns, got "
            f"{widths[0]}, {widths[1]} and {widths[2]}."
        )
    missing = np.setdiff1d(y_new, y_held)
    if len(missing):
        raise ValueError(
            f"No held-out row has a label of {missing.tolist()}, so new rows of it "
            "cannot be judged. Hold out rows of every class."
        )
    if max_rows < 2:
        raise ValueError(f"max_rows must be at least 2, got {max_rows}.")


def _matched_rows(y_a, y_b, max_rows, rng):
    """Row numbers of either set, as many of each class, at most `max_rows` in all."""
    classes = np.intersect1d(y_a, y_b)
    counts = [min(np.sum(y_a == label), np.sum(y_b == label)) for label in classes]
    share = min(1.0, max_rows / max(1, sum(counts)))
    rows_a, rows_b = [], []
    for label, count in zip(classes, counts, strict=True):
        # Two rows at least, where there are two: one has no spread.
        n = max(min(count, 2), int(share * count))
        rows_a.append(rng.choice(np.flatnonzero(y_a == label), n, replace=False))
        rows_b.append(rng.choice(np.flatnonzero(y_b == label), n, replace=False))
    if not rows_a:
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    return np.concatenate(rows_a), np.concatenate(rows_b)


def _per_class(new, held, y_new, y_held):
    figures = []
    for label in np.unique(y_new):
        a, b = new[y_new == label], held[y_held == label]
        if len(a) > 1:  # as many on either side
            figures.append(
                (
                    energy_distance(a, b),
                    *density_and_coverage(a, b),
                    a.var(axis=0, ddof=1).sum(),
                    b.var(axis=0, ddof=1).sum(),
                    effective_rank(a),
                    effective_rank(b),
                )
            )
    means = np.mean(figures, axis=0) if figures else np.full(7, np.nan)
    energy, density, coverage, trace, trace_held, rank, rank_held = means.tolist()
    return {
        "energy_distance": energy,
        "density": density,
        "coverage": coverage,
        # Ratios of means: a mean of ratios would hang on classes of two rows.
        "covariance_trace_ratio": _ratio(trace, trace_held),
        "effective_rank_ratio": _ratio(rank, rank_held),
    }


def _ratio(a, b):
    if b == 0:
        return 1.0 if a == 0 else float("inf")
    return a / b


def _copying(new, X_train, y_train, X_held, y_held, center, max_rows, rng):
    """Neighbor ratio over matched parts of the training and the held-out rows."""
    ratios = []
    for _ in range(_REPEATS):
        train, held = _matched_rows(y_train, y_held, max_rows, rng)
        part = len(train) / len(X_train)
        ratios.append(
            neighbor_ratio(
                new, X_train[train] - center, X_held[held] - center, part / 2
            )
        )
    return float(np.mean(ratios))
