"""Whether predicted probabilities mean what they say."""

import numpy as np


def brier_score(y, proba, classes):
    r"""Give the mean squared error of predicted probabilities, over all classes.

    .. math:: \frac{1}{n} \sum_i \sum_k (p_{ik} - [y_i = k])^2

    From 0 to 2, less is better; 0.5 for a coin toss between two classes. For two
    classes it is twice the figure of `sklearn.metrics.brier_score_loss`.

    Parameters
    ----------
    y : array-like of shape (n,)
        True labels.
    proba : array-like of shape (n, n_classes)
        Probabilities; rows sum to 1.
    classes : array-like of shape (n_classes,)
        Label of each column.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes do not fit, rows do not sum to 1 or a label is not in `classes`.
    """
    hits, proba = _hits(y, proba, classes)
    return float(((proba - hits) ** 2).sum(axis=1).mean())


def expected_calibration_error(y, proba, classes, n_bins=15):
    """Give the mean gap between confidence and accuracy of the predicted class.

    Predictions are put into bins of equal width by their confidence, the largest
    probability of the row; gaps are weighted by the predictions in a bin. From 0 to
    1, less is better. It is biased upwards where bins hold few rows: compare arms on
    the same test set only.

    Parameters
    ----------
    y : array-like of shape (n,)
        True labels.
    proba : array-like of shape (n, n_classes)
        Probabilities; rows sum to 1.
    classes : array-like of shape (n_classes,)
        Label of each column.
    n_bins : int, default=15
        Number of bins; more show finer errors and need more rows.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes do not fit, rows do not sum to 1, a label is not in `classes` or
        `n_bins` is below 1.
    """
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1, got {n_bins}.")
    hits, proba = _hits(y, proba, classes)
    top = proba.argmax(axis=1)
    rows = np.arange(len(proba))
    # Up to rounding a probability may exceed 1: it belongs to the last bin.
    bins = np.clip(np.ceil(proba[rows, top] * n_bins).astype(int) - 1, 0, n_bins - 1)
    gap = np.bincount(bins, proba[rows, top] - hits[rows, top], minlength=n_bins)
    return float(np.abs(gap).sum() / len(proba))


def _hits(y, proba, classes):
    y, classes = np.asarray(y), np.asarray(classes)
    proba = np.asarray(proba, dtype=float)
    if proba.shape != (len(y), len(classes)) or not len(y):
        raise ValueError(
            f"proba must have a row for each of the {len(y)} labels and a column for "
            f"each of the {len(classes)} classes, got shape {proba.shape}."
        )
    # Single precision and many classes leave errors of this size.
    if not np.allclose(proba.sum(axis=1), 1, atol=1e-3) or proba.min() < -1e-6:
        raise ValueError("proba must hold probabilities: every row sums to 1.")
    hits = y[:, None] == classes
    if not hits.any(axis=1).all():
        label = y[~hits.any(axis=1)][0]
        raise ValueError(f"Label {label!r} is not among the classes {classes}.")
    return hits, proba
