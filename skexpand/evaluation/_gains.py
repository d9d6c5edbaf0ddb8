"""Intervals over draws: of a score, and of the gain of one arm over another.

Draws are the unit: one draw is one small training set, on which every arm was scored,
so arms are compared by their differences within a draw. Greater is better.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

# A spread below this share of the values is rounding: the draws are identical.
_ROUNDING = 1e-12


class Interval(NamedTuple):
    """A mean with the ends of its interval; the ends are NaN with a single draw.

    Parameters
    ----------
    mean : float
    low : float
    high : float
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Gain:
    """What one arm adds to a reference, over paired draws.

    Parameters
    ----------
    mean : float
        Mean paired difference, in the units of the score.
    low : float
        Lower end of the corrected t interval, the one to report. NaN with one draw.
    high : float
        Upper end of it.
    low_bootstrap : float
        Lower end of the studentized bootstrap interval. It holds its level under
        skewed differences too and is about a third wider at five draws; infinite
        where the resamples have too little spread to say.
    high_bootstrap : float
        Upper end of it.
    n_draws : int
        Number of paired draws.
    effect_size : float
        Mean difference over its standard deviation between draws (Cohen's d for
        pairs).
    p_value : float
        Two-sided, of no gain, from the corrected t. NaN with one draw.
    std : float
        Standard deviation of the differences between draws.
    overlap : float, default=0.0
        What `paired_gain` was told.
    level : float, default=0.95
        Confidence level of both intervals.
    """

    mean: float
    low: float
    high: float
    low_bootstrap: float
    high_bootstrap: float
    n_draws: int
    effect_size: float
    p_value: float
    std: float
    overlap: float = 0.0
    level: float = 0.95


def standard_error_factor(n_draws, overlap=0.0):
    r"""Give the factor from the spread between draws to the error of their mean.

    .. math:: \sqrt{\frac{1}{J} + \frac{\rho}{1 - \rho}}

    for :math:`J` draws of which two correlate by :math:`\rho` [1]_. With
    :math:`\rho = 0` it is the familiar :math:`1 / \sqrt{J}`.

    Parameters
    ----------
    n_draws : int
        Number of draws :math:`J`.
    overlap : float, default=0.0
        Correlation :math:`\rho` of two draws, from 0 to below 1. For few-shot draws
        from a pool, scored on a fixed test set: the share of the rows of one
        training set that lies in another, ``n_train / n_pool``. For repeated splits
        of all data into training and test: the share of the *test* rows,
        ``n_test / (n_train + n_test)``, which makes the second term
        ``n_test / n_train`` as in [1]_. For few-shot draws out of a new split each
        time: the share of the training rows again, ``n_train / n``. With these,
        intervals of a score hold their level in simulation and those of a gain are on
        the safe side, since much of what draws share cancels in a difference.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `n_draws` is below 1 or `overlap` is outside [0, 1).

    References
    ----------
    .. [1] Nadeau and Bengio, "Inference for the generalization error", Machine
       Learning 52, 2003.
    """
    if n_draws < 1:
        raise ValueError(f"At least one draw is needed, got {n_draws}.")
    if not 0 <= overlap < 1:
        raise ValueError(
            f"overlap must be from 0 to below 1, got {overlap}. It is the expected "
            "share of rows that two draws have in common; at 1 all draws are the same."
        )
    return math.sqrt(1 / n_draws + overlap / (1 - overlap))


def mean_interval(values, *, overlap=0.0, level=0.95):
    """Give the mean of a score over draws with its corrected t interval.

    Parameters
    ----------
    values : array-like of shape (n_draws,)
    overlap : float, default=0.0
        See `standard_error_factor`.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    Interval
        Mean, low and high.

    Raises
    ------
    ValueError
        If a value is not finite or an argument is out of range.

    Examples
    --------
    >>> from skexpand.evaluation.statistics import mean_interval
    >>> [round(end, 3) for end in mean_interval([0.70, 0.74, 0.72, 0.71, 0.73])]
    [0.72, 0.7, 0.74]
    """
    values = _finite_vector(values, "values")
    _check_level(level)
    factor = standard_error_factor(len(values), overlap)
    mean, std = _mean_and_std(values)
    half = _t_quantile(level, len(values)) * factor * std
    return Interval(mean, mean - half, mean + half)


def paired_gain(
    scores, reference, *, overlap=0.0, level=0.95, n_bootstrap=10000, random_state=0
):
    r"""Estimate what an arm adds to the reference, draw by draw.

    The interval to report is the t interval of the differences with the error of
    `standard_error_factor`. The other one is the studentized bootstrap, with the same
    error. The percentile bootstrap is left out: over five draws its "95 %" hold 84 %.

    Differences that are all the same and not zero leave no spread to build on. Then
    the p-value is that of the sign test, :math:`2^{1 - J}`, and the interval is a
    point.

    Parameters
    ----------
    scores : array-like of shape (n_draws,)
        Scores of the arm; greater is better.
    reference : array-like of shape (n_draws,)
        Scores of the reference on the same draws, in the same order.
    overlap : float, default=0.0
        Correlation of two draws; see `standard_error_factor` for what to pass.
    level : float, default=0.95
        Confidence level.
    n_bootstrap : int, default=10000
        Resamples of the bootstrap interval.
    random_state : int, default=0
        Seed of the resamples.

    Returns
    -------
    Gain

    Raises
    ------
    ValueError
        If the lengths differ, a score is not finite or an argument is out of range.

    Examples
    --------
    >>> from skexpand.evaluation.statistics import paired_gain
    >>> gain = paired_gain([0.74, 0.78, 0.75, 0.79], [0.70, 0.76, 0.70, 0.76])
    >>> round(gain.mean, 3), round(gain.low, 3), round(gain.high, 3), gain.n_draws
    (0.035, 0.014, 0.056, 4)
    """
    scores = _finite_vector(scores, "scores")
    reference = _finite_vector(reference, "reference")
    if len(scores) != len(reference):
        raise ValueError(
            f"Gains are paired by draw: got {len(scores)} scores and "
            f"{len(reference)} of the reference. Pass the draws both arms have."
        )
    if n_bootstrap < 1:
        raise ValueError(f"n_bootstrap must be at least 1, got {n_bootstrap}.")
    scale = max(np.abs(scores).max(), np.abs(reference).max())
    difference = scores - reference
    difference[np.abs(difference) <= _ROUNDING * scale] = 0.0
    mean, low, high = mean_interval(difference, overlap=overlap, level=level)
    n_draws = len(difference)
    std = _mean_and_std(difference, scale)[1]
    factor = standard_error_factor(n_draws, overlap)
    rng = np.random.default_rng(random_state)
    quantiles = _studentized_quantiles(difference, std, level, n_bootstrap, rng)
    return Gain(
        mean=mean,
        low=low,
        high=high,
        low_bootstrap=mean - quantiles[1] * factor * std if std else mean,
        high_bootstrap=mean - quantiles[0] * factor * std if std else mean,
        n_draws=n_draws,
        effect_size=mean / std if std else (math.inf * mean if mean else 0.0),
        p_value=_p_of_no_gain(mean, factor * std, n_draws),
        std=std,
        overlap=overlap,
        level=level,
    )


def _finite_vector(values, name):
    values = np.array(values, dtype=float)
    if values.ndim != 1 or not len(values):
        raise ValueError(
            f"{name} must be one-dimensional, one score a draw, got shape "
            f"{values.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be finite, got {values[~np.isfinite(values)][0]} at draw "
            f"{np.flatnonzero(~np.isfinite(values))[0]}. Leave unfinished draws out."
        )
    return values


def _check_level(level):
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}.")


def _mean_and_std(values, scale=None):
    """Mean and spread; the spread is 0 where it is rounding, NaN for one value."""
    mean = float(values.mean())
    if len(values) == 1:
        return mean, math.nan
    std = float(values.std(ddof=1))
    scale = np.abs(values).max() if scale is None else scale
    return mean, std if std > _ROUNDING * scale else 0.0


def _t_quantile(level, n_draws):
    if n_draws == 1:
        return math.nan
    return float(stats.t.ppf((1 + level) / 2, n_draws - 1))


def _p_of_no_gain(mean, error, n_draws):
    if n_draws == 1:
        return math.nan
    return min(1.0, 2 * p_not_above(abs(mean), error, n_draws))


def p_not_above(margin, error, n_draws):
    """Give the one-sided p-value of "the mean is not above a bound".

    Parameters
    ----------
    margin : float
        Mean less bound.
    error : float
        Standard error of the mean; 0 where all draws are the same.
    n_draws : int

    Returns
    -------
    float
    """
    if n_draws == 1:
        return 1.0
    if error == 0:  # no spread to scale by: the signs are all there is
        return 0.5**n_draws if margin > 0 else 1.0
    return float(stats.t.sf(margin / error, n_draws - 1))


def _studentized_quantiles(values, std, level, n_bootstrap, rng):
    """Quantiles of (mean of a resample - mean) / its own standard error."""
    n = len(values)
    if n == 1 or not std:
        return math.nan, math.nan
    resamples = values[rng.integers(n, size=(n_bootstrap, n))]
    shift = resamples.mean(axis=1) - values.mean()
    error = resamples.std(axis=1, ddof=1) / math.sqrt(n)
    # A resample of one value n times has no error: it counts as infinitely far out.
    degenerate = error <= _ROUNDING * std
    t = np.where(
        degenerate,
        np.copysign(np.inf, shift),
        shift / np.where(degenerate, 1.0, error),
    )
    # No interpolation: between a finite value and an infinite one there is none.
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(t, tails, method="inverted_cdf")
    return float(low), float(high)
