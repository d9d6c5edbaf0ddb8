"""What the values of a column look like: a spike at one value, a scale of logs."""

import numpy as np

# A spike: that share of the values, that many, and that many times the next value.
_SPIKE_SHARE = 0.2
_SPIKE_ROWS = 4
_SPIKE_RATIO = 4
# Logs: that much log-likelihood in all, and for each value.
_LOG_GAIN = 5.0
_LOG_GAIN_EACH = 0.1
_LOG_VALUES = 8
_TRIMMED = 20


def find_spike(values):
    """Find the one value that many rows share while the others hardly repeat.

    Zero income, a reading at the limit of detection, a fraction of exactly 1: such
    rows differ in kind from the others and not by an amount. Only the smallest value,
    the largest and 0 are asked. The value must be that of 20 % of the rows and of 4
    rows at least, and four times as frequent as any other; and the others must take
    ten values, or differ in half of the rows, so that counts and codes have no spike.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Without NaN.

    Returns
    -------
    float
        The value, NaN where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> find_spike(np.array([0, 0, 0, 0, 1.2, 3.4, 0.7, 8.8]))
    0.0
    >>> find_spike(np.array([0, 0, 0, 0, 1, 1, 2, 1]))
    nan
    """
    unique, counts = np.unique(values, return_counts=True)
    if len(unique) < 4:
        return np.nan
    top = int(counts.argmax())
    if unique[top] not in (unique[0], unique[-1], 0):
        return np.nan
    others = np.delete(counts, top)
    n_others = int(others.sum())
    is_spike = (
        counts[top] >= max(_SPIKE_ROWS, _SPIKE_SHARE * len(values))
        and counts[top] >= _SPIKE_RATIO * others.max()
        and len(others) >= min(10, max(3, n_others / 2))
    )
    return float(unique[top]) if is_spike else np.nan


def find_log_shift(values):
    r"""Say which shift, if any, makes logs of the values far closer to normal.

    Amounts, counts and concentrations vary by factors: their logs :math:`u_i =
    \log(x_i + s)` are what is normal. The normal log-likelihood gains

    .. math:: n \log\frac{\sigma_x}{\sigma_u} - \textstyle\sum_i u_i

    by taking them, the profile likelihood of Box and Cox [1]_ at its two ends. It must
    be 5 in all and 0.1 a value without the outer twentieth of either side, so that
    outliers decide nothing; and the 10 % and 90 % quantiles must lie at most half as
    unevenly around the median as before. Values must not be negative, and 8 must
    differ. Without zeros :math:`s = 0`, else the lower quartile of the positive values.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Without NaN.

    Returns
    -------
    float
        The shift, NaN where values are better left alone.

    References
    ----------
    .. [1] Box and Cox, "An analysis of transformations", JRSS B 26, 1964.

    Examples
    --------
    >>> import numpy as np
    >>> find_log_shift(np.geomspace(1, 1e4, 20)), find_log_shift(np.arange(1.0, 21))
    (0.0, nan)
    """
    if not len(values) or values.min() < 0 or len(np.unique(values)) < _LOG_VALUES:
        return np.nan
    shift = 0.0
    if values.min() == 0:
        shift = float(np.quantile(values[values > 0], 0.25))
    logs = np.log(values + shift)
    before, after = _tail_skew(values), abs(_tail_skew(logs))
    cut = max(1, len(values) // _TRIMMED)
    values, logs = np.sort(values)[cut:-cut], np.sort(logs)[cut:-cut]
    if values[0] == values[-1]:
        return np.nan
    gain = len(values) * np.log(values.std() / logs.std()) - logs.sum()
    is_better = (
        gain >= max(_LOG_GAIN, _LOG_GAIN_EACH * len(values)) and after < before / 2
    )
    return shift if is_better else np.nan


def _tail_skew(values):
    """Kelly's coefficient: how uneven the outer tenths lie around the median."""
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    return (high + low - 2 * middle) / (high - low) if high > low else 0.0
