"""Columns of numbers and ranks to scores and states, and back."""

import numpy as np

from skexpand.codecs.shapes import find_log_shift, find_spike

# A state is one column: at this height, a change of it is as far as in a category.
STATE_HEIGHT = np.sqrt(0.5)
_TOO_LARGE = (
    "X holds numbers too large to be standardised in float64; divide the columns by a "
    "constant first."
)


class NumberBlock:
    """Standard scores of numbers, and states of their own for cells that hold none.

    A cell without a number is missing; one at a spike (`find_spike`) holds the same
    number as many others. Either is a state: an indicator column says where, and the
    score there is that of the median of the other cells. Numbers that vary by factors
    (`find_log_shift`) are scored on the scale of their logs.

    Attributes
    ----------
    low_, high_ : ndarray of shape (k,)
        Range of the numbers, spikes apart.
    is_whole_ : ndarray of bool, shape (k,)
        Whether all numbers of a column are whole.
    spike_ : ndarray of shape (k,)
        Value of the spike of each column, NaN where there is none.
    log_shift_ : ndarray of shape (k,)
        What is added before the log is taken, NaN where none is.
    states_ : list of int, length n_states
        Column of each state: those that have missing cells, then those with a spike.
    """

    def fit(self, numbers, may_bend):
        """Learn ranges, scales and states.

        Parameters
        ----------
        numbers : ndarray of float64, shape (n, k)
            NaN where missing.
        may_bend : ndarray of bool, shape (k,)
            Columns whose logs may be taken: amounts, not dates or ranks.

        Returns
        -------
        NumberBlock
            Itself.

        Raises
        ------
        ValueError
            If a variance overflows.
        """
        missing = np.isnan(numbers)
        present = [
            column[~gaps] for column, gaps in zip(numbers.T, missing.T, strict=True)
        ]
        self.spike_ = np.array([find_spike(values) for values in present])
        others = [v[v != s] for v, s in zip(present, self.spike_, strict=True)]
        self.log_shift_ = np.array(
            [
                find_log_shift(values) if bends else np.nan
                for values, bends in zip(others, may_bend, strict=True)
            ]
        )
        # An all-missing column has no number: 0 stands for it.
        others = [values if len(values) else np.zeros(1) for values in others]
        self.low_ = np.array([values.min() for values in others])
        self.high_ = np.array([values.max() for values in others])
        self.is_whole_ = np.array([(v == np.rint(v)).all() for v in others])
        is_spike = numbers == self.spike_
        gaps = np.flatnonzero(missing.any(axis=0)).tolist()
        # Lists: joblib hashes an empty array and its copy differently.
        self.states_ = gaps + np.flatnonzero(is_spike.any(axis=0)).tolist()
        self._n_missing = len(gaps)
        self._fit_scale(np.where(is_spike, np.nan, numbers))
        return self

    def _fit_scale(self, numbers):
        bent = self._bend(numbers)
        empty = np.isnan(bent).all(axis=0)
        bent[:, empty] = 0
        self._median = np.nanmedian(bent, axis=0)
        bent = np.where(np.isnan(bent), self._median, bent)
        with np.errstate(over="ignore", invalid="ignore"):  # reported below
            self._mean = bent.mean(axis=0)
            variance = np.square(bent - self._mean).mean(axis=0)
        if not np.isfinite(variance).all():
            raise ValueError(_TOO_LARGE)
        # A constant whose mean is off by rounding has no spread either.
        noise = len(bent) * np.finfo(np.float64).eps * np.abs(self._mean)
        scale = np.sqrt(variance)
        self._scale = np.where(scale <= noise, 1.0, scale)

    def encode(self, numbers):
        """Give scores, then states.

        Parameters
        ----------
        numbers : ndarray of float64, shape (n, k)

        Returns
        -------
        ndarray of float64, shape (n, k + n_states)

        Raises
        ------
        ValueError
            If scores overflow.
        """
        missing, is_spike = np.isnan(numbers), numbers == self.spike_
        bent = self._bend(numbers)
        bent = np.where(missing | is_spike, self._median, bent)
        with np.errstate(over="ignore"):  # reported below
            scores = (bent - self._mean) / self._scale
        if not np.isfinite(scores).all():
            raise ValueError(_TOO_LARGE)
        gaps = missing[:, self.states_[: self._n_missing]]
        spikes = is_spike[:, self.states_[self._n_missing :]]
        return np.hstack([scores, STATE_HEIGHT * gaps, STATE_HEIGHT * spikes])

    def decode(self, x):
        """Turn scores and states into numbers of the observed ranges.

        Parameters
        ----------
        x : ndarray of shape (m, k + n_states)

        Returns
        -------
        ndarray of float64, shape (m, k)
        """
        k = len(self.low_)
        numbers = x[:, :k] * self._scale
        numbers += self._mean
        for j in np.flatnonzero(~np.isnan(self.log_shift_)):
            top = np.log(self.high_[j] + self.log_shift_[j])
            numbers[:, j] = np.exp(np.minimum(numbers[:, j], top)) - self.log_shift_[j]
        np.clip(numbers, self.low_, self.high_, out=numbers)
        if self.is_whole_.all():
            np.rint(numbers, out=numbers)
        elif self.is_whole_.any():
            numbers[:, self.is_whole_] = np.rint(numbers[:, self.is_whole_])
        # Missing cells last: nothing is known of them, not even that they are no spike.
        for state in reversed(range(len(self.states_))):
            j = self.states_[state]
            value = np.nan if state < self._n_missing else self.spike_[j]
            numbers[x[:, k + state] > STATE_HEIGHT / 2, j] = value
        return numbers

    def _bend(self, numbers):
        """Take logs where they are taken; never below the range that was observed."""
        bent = numbers.astype(np.float64)
        for j in np.flatnonzero(~np.isnan(self.log_shift_)):
            column = np.maximum(bent[:, j], self.low_[j])  # NaN stays
            bent[:, j] = np.log(column + self.log_shift_[j])
        return bent
