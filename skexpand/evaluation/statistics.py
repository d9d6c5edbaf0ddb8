"""What paired draws say: intervals, tests, ranks, and a verdict in words.

Everything here works on arrays of scores in which greater is better. Over the draws
of one data set: `paired_gain`, `mean_interval` and `verdict`. Over data sets:
`wilcoxon_over_datasets`, `friedman` and the ranks of a critical-difference diagram.
"""

import math

import numpy as np
from scipy import stats

from skexpand.evaluation._gains import (
    Gain,
    Interval,
    mean_interval,
    paired_gain,
    standard_error_factor,
)
from skexpand.evaluation._verdicts import Verdict, holm, verdict

__all__ = [
    "Gain",
    "Interval",
    "Verdict",
    "cliques",
    "critical_difference",
    "friedman",
    "holm",
    "mean_interval",
    "mean_ranks",
    "paired_gain",
    "standard_error_factor",
    "verdict",
    "wilcoxon_over_datasets",
]


def wilcoxon_over_datasets(a, b):
    """Test two arms over data sets by the signed ranks of their differences.

    Data sets are the unit, so pass one score per data set: the mean over its draws.
    Zero differences are split between the signs, as [1]_ advises for this use.

    Parameters
    ----------
    a : array-like of shape (n_datasets,)
        Scores of the one arm.
    b : array-like of shape (n_datasets,)
        Scores of the other on the same data sets.

    Returns
    -------
    p_value : float
        Two-sided.
    n_datasets : int
        What the p-value rests on; print both. Under six data sets it cannot go
        below 0.05.

    Raises
    ------
    ValueError
        If the shapes differ or a score is not finite.

    References
    ----------
    .. [1] Demsar, "Statistical comparisons of classifiers over multiple data sets",
       Journal of Machine Learning Research 7, 2006.

    Examples
    --------
    >>> from skexpand.evaluation.statistics import wilcoxon_over_datasets
    >>> p, n = wilcoxon_over_datasets([5, 6, 7, 8, 9, 10], [4, 4, 4, 4, 4, 4])
    >>> round(p, 3), n
    (0.031, 6)
    """
    a, b = _score_table(np.column_stack([a, b]) if len(a) == len(b) else None).T
    difference = a - b
    if not difference.any():
        return 1.0, len(difference)
    result = stats.wilcoxon(difference, zero_method="zsplit")
    return float(result.pvalue), len(difference)


def _score_table(scores):
    if scores is None:
        raise ValueError("Both arms need one score for each data set, in one order.")
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2 or not scores.size:
        raise ValueError(
            f"scores must have the shape (n_datasets, n_arms), got {scores.shape}."
        )
    if not np.isfinite(scores).all():
        row, column = np.argwhere(~np.isfinite(scores))[0]
        raise ValueError(
            f"Every arm needs a finite score on every data set, got "
            f"{scores[row, column]} for arm {column} on data set {row}. Leave the arm "
            "or the data set out."
        )
    return scores


def mean_ranks(scores):
    """Rank the arms within each data set and average; 1 is best.

    Parameters
    ----------
    scores : array-like of shape (n_blocks, n_arms)
        One row per data set; greater is better. Ties share the mean of their ranks.

    Returns
    -------
    ndarray of shape (n_arms,)

    Raises
    ------
    ValueError
        If the shape is another or a score is not finite.

    Examples
    --------
    >>> from skexpand.evaluation.statistics import mean_ranks
    >>> mean_ranks([[0.9, 0.8, 0.8], [0.7, 0.6, 0.5]]).tolist()
    [1.0, 2.25, 2.75]
    """
    return stats.rankdata(-_score_table(scores), axis=1).mean(axis=0)


def friedman(scores):
    """Test whether any arm differs, over data sets, by Friedman's rank test.

    Read a critical-difference diagram only where this test says that arms differ.

    Parameters
    ----------
    scores : array-like of shape (n_blocks, n_arms)
        One row per data set, at least three arms.

    Returns
    -------
    p_value : float
    n_blocks : int
        What the p-value rests on; print both.

    Raises
    ------
    ValueError
        If there are fewer than three arms or a score is not finite.
    """
    scores = _score_table(scores)
    if scores.shape[1] < 3:
        raise ValueError(
            f"Friedman's test compares three arms or more, got {scores.shape[1]}. For "
            "two use wilcoxon_over_datasets."
        )
    if (scores == scores[:, :1]).all():
        return 1.0, len(scores)
    return float(stats.friedmanchisquare(*scores.T).pvalue), len(scores)


def critical_difference(n_arms, n_blocks, level=0.95):
    r"""Give the difference of mean ranks from which on two arms differ (Nemenyi).

    .. math:: q \sqrt{\frac{k (k + 1)}{6 N}}

    for :math:`k` arms on :math:`N` data sets; :math:`q` is the quantile of the
    studentized range at infinitely many degrees of freedom over :math:`\sqrt 2`.

    Parameters
    ----------
    n_arms : int
        Number of arms, at least 2.
    n_blocks : int
        Number of data sets, at least 1.
    level : float, default=0.95
        Confidence level over all pairs.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from skexpand.evaluation.statistics import critical_difference
    >>> round(critical_difference(4, 14), 3)
    1.254
    """
    if n_arms < 2 or n_blocks < 1:
        raise ValueError(
            "A critical difference needs at least 2 arms and 1 data set, got "
            f"{n_arms} and {n_blocks}."
        )
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}.")
    q = stats.studentized_range.ppf(level, n_arms, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(n_arms * (n_arms + 1) / (6 * n_blocks)))


def cliques(ranks, difference):
    """Group the arms that a critical difference does not tell apart.

    Parameters
    ----------
    ranks : array-like of shape (n_arms,)
        Mean ranks.
    difference : float
        Critical difference; arms at least this far apart differ.

    Returns
    -------
    list of tuple of int
        Indices of arms, best first, one tuple per bar of the diagram: the largest
        groups with two arms or more, none inside another.

    Examples
    --------
    >>> from skexpand.evaluation.statistics import cliques
    >>> cliques([1.0, 3.4, 1.8, 2.6], 1.7)
    [(0, 2, 3), (2, 3, 1)]
    """
    ranks = np.asarray(ranks, dtype=float)
    order = np.argsort(ranks, kind="stable")
    ordered = ranks[order]
    # End of the group that starts at each arm: the first arm a whole difference away.
    ends = [np.searchsorted(ordered, rank + difference) for rank in ordered]
    groups, covered = [], 0
    for start, end in enumerate(ends):
        if end - start > 1 and end > covered:
            groups.append(tuple(order[start:end].tolist()))
            covered = end
    return groups
