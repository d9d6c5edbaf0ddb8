"""Three outcomes in words: augment, do not augment, cannot tell with these draws."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from skexpand.evaluation._gains import p_not_above, standard_error_factor

# The usual chance of telling a difference that is there, by which draws are planned.
_POWER = 0.8
_MAX_DRAWS = 10_000


@dataclass(frozen=True)
class Verdict:
    """What to do, and the figures it rests on.

    Parameters
    ----------
    outcome : str
        ``"augment"``, ``"do not augment"`` or ``"cannot tell"``.
    sampler : str
        The sampler the sentence speaks of: the one to use, else the best of those
        compared.
    sentence : str
        The verdict in plain words, with gain, interval and number of draws.
    draws_needed : int or None
        For ``"cannot tell"``: about how many draws would tell a gain of the size
        seen with a chance of 80 %. None where no number up to 10,000 would, and for
        the other outcomes.
    """

    outcome: str
    sampler: str
    sentence: str
    draws_needed: int | None

    def __str__(self):
        return self.sentence


def holm(p_values):
    """Adjust p-values for their number by Holm's step-down method.

    Parameters
    ----------
    p_values : array-like of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        Adjusted p-values in the order given; reject where they are at most alpha.

    Raises
    ------
    ValueError
        If a value is outside [0, 1].

    Examples
    --------
    >>> from skexpand.evaluation.statistics import holm
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, dtype=float)
    if not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError(f"p-values must lie in [0, 1], got {p_values.tolist()}.")
    order = np.argsort(p_values, kind="stable")
    n_left = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * n_left))
    return adjusted


def verdict(gains, *, threshold=0.0, points=True):
    """Decide in words whether any sampler is worth using.

    A sampler is recommended where the one-sided test of its gain over `threshold`
    holds after Holm's correction for the number of samplers; of several the one with
    the largest mean gain. ``"do not augment"`` needs every sampler to be shown not to
    exceed `threshold`, each by itself: claiming something of all of them needs no
    correction. With identical samplers a verdict other than ``"cannot tell"`` comes
    up in at most ``1 - level`` of the comparisons.

    Parameters
    ----------
    gains : dict of str to Gain
        Gain of each sampler over no augmentation.
    threshold : float, default=0.0
        Smallest gain worth having, in the units of the score. Raise it to be able to
        end with ``"do not augment"`` where samplers change next to nothing.
    points : bool, default=True
        Whether scores are fractions bounded by 1, to be printed in points (of 100).

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        If there is no gain or their levels differ.

    Examples
    --------
    >>> from skexpand.evaluation.statistics import paired_gain, verdict
    >>> none = [0.70, 0.76, 0.70, 0.76]
    >>> print(verdict({"ES": paired_gain([0.74, 0.78, 0.75, 0.79], none)}))
    Augment with ES: +3.5 points (1.4 to 5.6; 4 draws).
    >>> print(verdict({"ES": paired_gain([0.74, 0.75, 0.72, 0.75], none)}))
    Cannot tell with 4 draws: ES gains +1.0 points (-2.9 to 4.9); about 50 draws
    would be needed to tell a gain of +1.0.
    """
    if not gains:
        raise ValueError("A verdict needs the gain of at least one sampler, got none.")
    levels = {gain.level for gain in gains.values()}
    if len(levels) > 1:
        raise ValueError(f"All gains need one level, got {sorted(levels)}.")
    alpha = (1 - levels.pop()) / 2  # one-sided, so that it agrees with the interval
    say = _Words(threshold, points)
    best = max(gains, key=lambda name: gains[name].mean)

    adjusted = holm([_p_above(gain, threshold) for gain in gains.values()])
    proven = [name for name, p in zip(gains, adjusted, strict=True) if p <= alpha]
    if proven:
        name = max(proven, key=lambda name: gains[name].mean)
        return Verdict("augment", name, say.augment(name, gains[name]), None)
    if all(_is_not_above(gain, threshold, alpha) for gain in gains.values()):
        sentence = say.do_not(best, gains[best], len(gains))
        return Verdict("do not augment", best, sentence, None)
    needed = _draws_needed(gains[best], threshold, alpha / len(gains))
    sentence = say.cannot_tell(best, gains[best], len(gains), needed)
    return Verdict("cannot tell", best, sentence, needed)


def _error(gain):
    return gain.std * standard_error_factor(gain.n_draws, gain.overlap)


def _p_above(gain, threshold):
    return p_not_above(gain.mean - threshold, _error(gain), gain.n_draws)


def _is_not_above(gain, threshold, alpha):
    if gain.std == 0 and gain.mean == 0 and threshold >= 0:
        return True  # the same score in every draw: nothing was changed
    return p_not_above(threshold - gain.mean, _error(gain), gain.n_draws) <= alpha


def _draws_needed(gain, threshold, alpha):
    """Fewest draws at which a gain of this size and spread is told, most times."""
    effect = abs(gain.mean - threshold)
    if gain.n_draws == 1 or effect == 0:
        return None
    if gain.std == 0:  # only the signs count
        return max(gain.n_draws + 1, math.ceil(-math.log2(alpha)))

    def is_enough(n_draws):
        shift = effect / (
            gain.std * standard_error_factor(n_draws, gain.overlap)
        )  # noncentrality
        critical = stats.t.isf(alpha, n_draws - 1)
        return stats.nct.sf(critical, n_draws - 1, shift) >= _POWER

    low, high = gain.n_draws, 2 * gain.n_draws
    while not is_enough(high):
        low, high = high, 2 * high
        if low > _MAX_DRAWS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high if high <= _MAX_DRAWS else None


class _Words:
    """Sentences of a verdict, in points or in the units of the score."""

    def __init__(self, threshold, points):
        self.threshold = threshold
        self.points = points

    def number(self, value, sign=False):
        if not self.points:
            return f"{value:{'+' if sign else ''}.3g}"
        value *= 100
        decimals = 1 if abs(value) >= 0.05 else 2  # a small number is not zero
        if abs(value) < 0.005:
            return "0.0"
        return f"{value:{'+' if sign else ''}.{decimals}f}"

    def gain(self, gain):
        unit = " points" if self.points else ""
        return f"{self.number(gain.mean, sign=True)}{unit}"

    def figures(self, gain):
        return f"{self.gain(gain)} ({self.interval(gain)}; {_draws(gain.n_draws)})"

    def interval(self, gain):
        if gain.n_draws == 1:
            return "no interval from one draw"
        return f"{self.number(gain.low)} to {self.number(gain.high)}"

    def asked(self, verb):
        if self.threshold == 0:
            return ""
        return f", {verb} the {self.number(self.threshold, sign=True)} asked for"

    def augment(self, name, gain):
        return f"Augment with {name}: {self.figures(gain)}{self.asked('more than')}."

    def do_not(self, name, gain, n_samplers):
        who = _who(name, n_samplers)
        if gain.std == 0 and gain.mean == 0:
            draws = _draws(gain.n_draws)
            return f"Do not augment: {who} changes no score in {draws}."
        return (
            f"Do not augment: {who} gives {self.figures(gain)}"
            f"{self.asked('not more than')}."
        )

    def cannot_tell(self, name, gain, n_samplers, needed):
        verb = "gains" if gain.mean > 0 else "gives"
        text = (
            f"Cannot tell with {_draws(gain.n_draws)}: {_who(name, n_samplers)} {verb} "
            f"{self.gain(gain)} ({self.interval(gain)})"
        )
        if gain.low > self.threshold and gain.std:
            text += f", which does not outlast that {n_samplers} were tried (Holm)"
        if gain.n_draws == 1:
            return f"{text}; at least two draws are needed to tell anything."
        if gain.mean < 0 and self.threshold == 0:
            size = f"a loss of {self.number(-gain.mean)}"
        else:
            size = f"a gain of {self.number(gain.mean, sign=True)}"
        if needed is None:
            size = "this" if self.number(gain.mean) == "0.0" else size
            return (
                f"{text}; {size} is too small to tell from "
                f"{self.number(self.threshold)} by drawing more often."
            )
        return (
            f"{text}; about {needed} draws would be needed to tell {size}"
            f"{self._from_threshold()}."
        )

    def _from_threshold(self):
        if self.threshold == 0:
            return ""
        return f" from {self.number(self.threshold, sign=True)}"


def _who(name, n_samplers):
    return name if n_samplers == 1 else f"{name}, the best of {n_samplers},"


def _draws(n):
    return f"{n} draw" if n == 1 else f"{n} draws"
