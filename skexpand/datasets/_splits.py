"""Few-shot draws: which rows the small training set holds."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from skexpand._random import RandomStreams


def few_shot(X, y, n_per_class, random_state=None):
    """Draw the same number of rows from every class, and return the rest too.

    Cost is one sort of `y`; `X` is not read.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Samples, only their number counts.
    y : array-like of shape (n,)
        Labels of any sortable type.
    n_per_class : int
        Rows drawn from every class, at least 1.
    random_state : int, RandomState, Generator or None, default=None
        Which rows are drawn. The same seed draws the same rows.

    Returns
    -------
    train : ndarray of shape (n_classes * n_per_class,)
        Row numbers drawn, ascending.
    rest : ndarray of shape (n - n_classes * n_per_class,)
        All other row numbers, ascending.

    Raises
    ------
    ValueError
        If `n_per_class` is below 1 or a class has fewer rows.

    Examples
    --------
    >>> from skexpand.datasets import few_shot
    >>> y = ["cat", "dog", "cat", "dog", "dog"]
    >>> train, rest = few_shot(y, y, n_per_class=2, random_state=0)
    >>> len(train), len(rest)
    (4, 1)
    """
    check_consistent_length(X, y)
    y = column_or_1d(y)
    if not isinstance(n_per_class, Integral) or n_per_class < 1:
        raise ValueError(
            f"n_per_class must be an int of at least 1, got {n_per_class}."
        )
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if counts.min() < n_per_class:
        smallest = counts.argmin()
        raise ValueError(
            f"Every class must have n_per_class={n_per_class} rows, but class "
            f"{classes.tolist()[smallest]!r} has {counts[smallest]}. Ask for fewer, or "
            "drop the class."
        )

    keys = RandomStreams(random_state).numpy("few_shot").random(len(y))
    order = np.lexsort((keys, codes))  # by class, shuffled inside
    starts = np.concatenate([[0], counts.cumsum()[:-1]])
    rank = np.arange(len(y)) - np.repeat(starts, counts)  # within the class
    drawn = np.zeros(len(y), dtype=bool)
    drawn[order[rank < n_per_class]] = True
    return np.flatnonzero(drawn), np.flatnonzero(~drawn)
