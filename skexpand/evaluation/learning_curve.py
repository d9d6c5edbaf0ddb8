"""The data multiplier: how many real samples the expanded data are worth."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.interpolate import PchipInterpolator
from sklearn.isotonic import isotonic_regression

from skexpand.evaluation._gains import standard_error_factor

# Points per step of the curve at which a multiple is tried: 0.4 % apart for a doubling.
_STEPS = 200
# Scores closer than this share of their size are the same.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Multiplier:
    """How many times the real data an arm is worth.

    Its text is ``"3.1x (2.4-4.0)"``, ``"> 10x"`` above all that was measured,
    ``"< 1x"`` below, ``"3.1x (1.8 to > 10)"`` where one end lies outside, and
    ``"undetermined (< 1 to > 10)"`` where every multiple agrees with the draws, as on
    a flat curve.

    Parameters
    ----------
    value : float
        The multiple, within the range measured; its end where `censored`.
    low : float
        Lower end of the interval; 0 where it lies below the range, NaN with one draw.
    high : float
        Upper end; infinite where it lies above the range, NaN with one draw.
    censored : str or None
        ``"above"`` or ``"below"`` where the score lies outside the curve.
    smallest : float
        First multiple measured.
    largest : float
        Last multiple measured.
    n_draws : int
        Number of draws it rests on.
    """

    value: float
    low: float
    high: float
    censored: str | None
    smallest: float
    largest: float
    n_draws: int

    @property
    def is_determined(self):
        """Whether the draws rule out any multiple that was measured."""
        return not (self.low <= self.smallest and self.high >= self.largest)

    def __str__(self):
        below, above = f"< {self.smallest:g}", f"> {self.largest:g}"
        low = _short(self.low) if self.low > 0 else below
        high = _short(self.high) if self.high < math.inf else above
        is_plain = self.low > 0 and self.high < math.inf
        ends = f"{low}-{high}" if is_plain else f"{low} to {high}"
        if not self.is_determined:
            return f"undetermined ({ends})"
        if self.censored is None:
            value = f"{_short(self.value)}x"
            return value if math.isnan(self.low) else f"{value} ({ends})"
        if self.censored == "above":
            is_sure = math.isnan(self.low) or self.low >= self.largest
            return f"{above}x" if is_sure else f"{above}x ({ends})"
        is_sure = math.isnan(self.high) or self.high <= self.smallest
        return f"{below}x" if is_sure else f"{below}x ({ends})"


def _short(number):
    decimals = 0 if number >= 9.95 else 1 if number >= 0.95 else 2
    return f"{number:.{decimals}f}"


class LearningCurve:
    r"""Score against the number of real samples, to be read backwards.

    The curve is the monotone (isotonic) fit of the mean scores, joined between the
    sizes by monotone cubics on a logarithmic axis. Straight joints would run below a
    curve that flattens, and overrate the multiple. Nothing is read off beyond its ends.

    Intervals rest on the t distribution over draws, because with five draws a
    bootstrap of draws is far too narrow. A multiple :math:`m` belongs to the interval
    unless the t test rejects that the arm scores as the real data of size
    :math:`m n`: for each draw :math:`j` the difference
    :math:`d_j(m) = a_j - c_j(m n)` is taken to that draw's own curve, so that what
    arm and curve share cancels [1]_. On a flat curve no multiple is rejected, and the
    interval says so. Build it with `fit`.

    Parameters
    ----------
    sizes : ndarray of shape (n_sizes,)
        Numbers of real samples, increasing.
    scores : ndarray of shape (n_sizes, n_draws)
        Scores at each size; greater is better. A column is one draw.
    overlap : float, default=0.0
        Correlation of two draws, see `standard_error_factor`.
    level : float, default=0.95
        Confidence level of band and intervals.

    References
    ----------
    .. [1] Fieller, "Some problems in interval estimation", Journal of the Royal
       Statistical Society B 16, 1954.

    Examples
    --------
    >>> from skexpand.evaluation.learning_curve import LearningCurve
    >>> curve = LearningCurve.fit(
    ...     [10, 20, 50, 100],
    ...     [[60, 62, 61], [70, 71, 72], [80, 81, 82], [90, 89, 91]],
    ... )
    >>> print(curve.multiplier([75, 77, 76], n=10))
    3.1x (2.5-4.0)
    >>> print(curve.multiplier([95, 94, 96], n=10))
    > 10x
    """

    def __init__(self, sizes, scores, overlap=0.0, level=0.95):
        self.sizes = sizes
        self.scores = scores
        self.overlap = overlap
        self.level = level

    @classmethod
    def fit(cls, sizes, scores, *, overlap=0.0, level=0.95):
        """Check the scores and build the curve.

        Parameters
        ----------
        sizes : array-like of shape (n_sizes,)
            Numbers of real samples, at least two, positive and increasing.
        scores : array-like of shape (n_sizes, n_draws)
            Scores at each size; greater is better. A column is one draw.
        overlap : float, default=0.0
            Correlation of two draws, see `standard_error_factor`.
        level : float, default=0.95
            Confidence level of band and intervals.

        Returns
        -------
        LearningCurve

        Raises
        ------
        ValueError
            If shapes do not fit, sizes do not increase, a score is not finite or an
            argument is out of range.
        """
        sizes = np.asarray(sizes, dtype=float)
        scores = np.asarray(scores, dtype=float)
        if sizes.ndim != 1 or len(sizes) < 2:
            raise ValueError(
                f"A learning curve needs at least two sizes, got shape {sizes.shape}."
            )
        if not (sizes > 0).all() or not (np.diff(sizes) > 0).all():
            raise ValueError(
                f"sizes must be positive and increasing, got {sizes.tolist()}."
            )
        if scores.ndim != 2 or len(scores) != len(sizes) or not scores.shape[1]:
            raise ValueError(
                f"scores must have the shape ({len(sizes)}, n_draws), one row a size, "
                f"got {scores.shape}."
            )
        if not np.isfinite(scores).all():
            raise ValueError(
                "Every draw needs a finite score at every size; leave out draws or "
                "sizes that are not finished."
            )
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level}.")
        standard_error_factor(scores.shape[1], overlap)
        return cls(sizes, scores, overlap, level)

    @property
    def n_draws(self):
        """Number of draws."""
        return self.scores.shape[1]

    def predict(self, sizes):
        """Give the score of the fitted curve.

        Parameters
        ----------
        sizes : array-like of shape (n,)
            Numbers of real samples, within the range measured.

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        ValueError
            If a size lies outside the range measured.
        """
        return self._between(self.scores.mean(axis=1), sizes)

    def band(self, sizes):
        """Give the pointwise t band of the curve, made monotone.

        Making both ends monotone does not widen the band and cannot hurt its
        coverage as a whole (Chernozhukov et al., Biometrika 96, 2009).

        Parameters
        ----------
        sizes : array-like of shape (n,)
            Numbers of real samples, within the range measured.

        Returns
        -------
        low, high : ndarray of shape (n,)
            NaN with one draw.

        Raises
        ------
        ValueError
            If a size lies outside the range measured.
        """
        mean, half = self._mean_and_half_width(self.scores)
        if self.n_draws == 1:
            blank = np.full(np.shape(sizes), np.nan)
            return blank, blank.copy()
        fit = self.predict(sizes)
        return (
            np.minimum(fit, self._between(mean - half, sizes)),
            np.maximum(fit, self._between(mean + half, sizes)),
        )

    def multiplier(self, scores, n):
        """Give how many times `n` real samples the scores are worth.

        Where the curve is level at the score, the value is the smallest multiple that
        reaches it: the claim is never larger than what was seen.

        Parameters
        ----------
        scores : array-like of shape (n_draws,)
            Scores of an arm on the draws of the curve, in the same order.
        n : float
            Number of real samples that the arm was given.

        Returns
        -------
        Multiplier

        Raises
        ------
        ValueError
            If there is not one finite score per draw of the curve, or `n` is not
            positive.
        """
        scores = np.asarray(scores, dtype=float)
        if scores.shape != (self.n_draws,) or not np.isfinite(scores).all():
            raise ValueError(
                f"The arm needs one finite score for each of the {self.n_draws} draws "
                f"of the curve, in the same order, got {scores.tolist()}."
            )
        if not n > 0:
            raise ValueError(f"n must be positive, got {n}.")
        sizes = self._fine_sizes()
        value, censored = self._inverse(scores.mean(), sizes)
        low, high = self._interval(scores, sizes)
        return Multiplier(
            value=value / n,
            # The fit is monotone, the draws need not be: keep the value inside.
            low=min(low, value) / n if low == low else low,
            high=max(high, value) / n if high == high else high,
            censored=censored,
            smallest=self.sizes[0] / n,
            largest=self.sizes[-1] / n,
            n_draws=self.n_draws,
        )

    def _between(self, values, sizes):
        sizes = np.asarray(sizes, dtype=float)
        first, last = self.sizes[[0, -1]]
        if sizes.size and not ((sizes >= first) & (sizes <= last)).all():
            raise ValueError(
                f"The curve was measured from {first:g} to {last:g} samples and is "
                f"not extrapolated, got {sizes.min():g} to {sizes.max():g}."
            )
        knots = isotonic_regression(values)
        between = PchipInterpolator(np.log(self.sizes), knots)(np.log(sizes))
        # Rounding must not carry a score beyond the ends of the curve.
        return np.clip(between, knots[0], knots[-1])

    def _inverse(self, score, sizes):
        """Smallest size whose fitted score reaches the given one, and how it ended."""
        fit = np.maximum.accumulate(self.predict(sizes))
        slack = _ROUNDING * max(abs(score), np.abs(fit).max())
        if score > fit[-1] + slack:
            return float(sizes[-1]), "above"
        if score < fit[0] - slack:
            return float(sizes[0]), "below"
        right = int(np.argmax(fit >= score - slack))
        if right == 0 or fit[right] <= score + slack:
            return float(sizes[right]), None
        share = (score - fit[right - 1]) / (fit[right] - fit[right - 1])
        start, end = sizes[right - 1 : right + 1]
        return float(start * (end / start) ** share), None

    def _fine_sizes(self):
        """Sizes at which a multiple is tried; the measured ones are among them."""
        position = np.arange(len(self.sizes), dtype=float)
        fine = np.linspace(0, position[-1], _STEPS * (len(self.sizes) - 1) + 1)
        sizes = np.exp(np.interp(fine, position, np.log(self.sizes)))
        sizes[::_STEPS] = self.sizes
        return sizes

    def _curves(self, sizes):
        """Curve of each draw: straight between its scores, bent as the fit bends."""
        log_sizes, log_knots = np.log(sizes), np.log(self.sizes)
        straight = [np.interp(log_sizes, log_knots, draw) for draw in self.scores.T]
        knots = isotonic_regression(self.scores.mean(axis=1))
        bend = self.predict(sizes) - np.interp(log_sizes, log_knots, knots)
        return np.column_stack(straight) + bend[:, None]

    def _interval(self, scores, sizes):
        """Sizes that the draws do not rule out; 0 and infinity stand for outside."""
        if self.n_draws == 1:
            return math.nan, math.nan
        curves = self._curves(sizes)
        difference = scores - curves  # (n_fine, n_draws)
        scale = max(np.abs(scores).max(), np.abs(self.scores).max())
        difference[np.abs(difference) <= _ROUNDING * scale] = 0.0
        mean, half = self._mean_and_half_width(difference)
        not_above = np.flatnonzero(mean - half <= 0)  # the arm may be worth less
        not_below = np.flatnonzero(mean + half >= 0)  # the arm may be worth more
        low = sizes[not_above[0]] if len(not_above) else sizes[-1]
        high = sizes[not_below[-1]] if len(not_below) else sizes[0]
        # At the ends "may be equal" stays inside the range, "may lie beyond" does not.
        if mean[0] - half[0] < 0:
            low = 0.0
        if mean[-1] + half[-1] > 0:
            high = math.inf
        return float(low), float(high)

    def _mean_and_half_width(self, values):
        n_draws = values.shape[1]
        mean = values.mean(axis=1)
        if n_draws == 1:
            return mean, np.full_like(mean, np.nan)
        error = values.std(axis=1, ddof=1) * standard_error_factor(
            n_draws, self.overlap
        )
        return mean, stats.t.ppf((1 + self.level) / 2, n_draws - 1) * error
