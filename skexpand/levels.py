"""Columns whose values recur: a moved row takes values that were seen there."""

import numpy as np

# A value that a tenth of the rows share, and three at least, is no coincidence.
_LEAST_SHARE = 0.1
_LEAST_ROWS = 3


class SeenLevels:
    r"""Round the cells of a column whose values recur to the nearest value seen.

    Counts, codes, ratings and amounts that are mostly zero are scored as numbers, and
    a move leaves them between two of their values: no row has two and a half rooms or
    nearly nothing. Trees would learn from exactly such cells which rows were made. A
    column with a value that a tenth of the rows share, and three of them at least,
    keeps to its own values; other columns are left as they are.

    Fitting sorts every column, rounding costs :math:`O(\log n)` a cell.

    Attributes
    ----------
    levels_ : dict of int to ndarray of shape (n_levels,)
        Sorted values of each column that recurs.

    Examples
    --------
    >>> import numpy as np
    >>> from skexpand.levels import SeenLevels
    >>> x = np.array([[0.0, 0.1], [0.0, 0.2], [0.0, 0.3], [2.0, 0.4]])
    >>> SeenLevels().fit(x, np.array([True, True])).round(np.array([[0.7, 0.15]]))
    array([[0.  , 0.15]])
    """

    def fit(self, x, is_number):
        """Find the columns.

        Parameters
        ----------
        x : ndarray of shape (n, q)
            Encoded rows.
        is_number : ndarray of bool, shape (q,)
            Columns that hold numbers; parts of a category are never rounded.

        Returns
        -------
        SeenLevels
            Itself.
        """
        least = max(_LEAST_ROWS, _LEAST_SHARE * len(x))
        self.levels_ = {}
        for column in np.flatnonzero(is_number):
            values, counts = np.unique(x[:, column], return_counts=True)
            if counts.max() >= least:
                self.levels_[int(column)] = values
        return self

    def round(self, x):
        """Round to the nearest value seen.

        Parameters
        ----------
        x : ndarray of shape (m, q)
            Encoded rows.

        Returns
        -------
        ndarray of shape (m, q)
            A copy, of the dtype of `x`.
        """
        x = x.copy()
        for column, values in self.levels_.items():
            middle = (values[1:] + values[:-1]) / 2
            x[:, column] = values[np.searchsorted(middle, x[:, column])]
        return x
