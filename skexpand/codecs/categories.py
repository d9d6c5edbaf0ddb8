"""Columns of level codes to one-hot columns or vectors of bounded width, and back."""

import numpy as np
from sklearn.preprocessing import OneHotEncoder

# Two one-hot rows differ in two columns: this makes a change of category as far as one
# standard deviation of a number.
_ONE_HOT = np.sqrt(0.5)
# Above it a one-hot block would dominate every distance and, at 10^4 levels, memory.
_MAX_ONE_HOT = 50
_CODE_WIDTH = 32
# Products of this many cells (128 MB) at a time when the nearest code is looked up.
_MAX_SCORES = 2**24


class CategoryBlock:
    """One column a level for few levels, and a fixed random vector for each of many.

    Only observed levels exist here, a missing cell (NaN) among them.

    Attributes
    ----------
    levels_ : list of ndarray
        Observed codes of each column, NaN last.
    order_ : list of int
        Columns in encoded order: those of few levels, then those of many.
    widths_ : list of int
        Encoded columns of each, in that order.
    """

    def fit(self, codes, positions):
        """Learn the observed levels.

        Parameters
        ----------
        codes : ndarray of float64, shape (n, k)
            NaN where missing.
        positions : sequence of int, length k
            Columns of the table: what the random vectors depend on, so that they are
            the same in every process.

        Returns
        -------
        CategoryBlock
            Itself.
        """
        self.levels_ = [np.unique(column) for column in codes.T]
        sizes = [len(levels) for levels in self.levels_]
        self._short = [j for j, size in enumerate(sizes) if size <= _MAX_ONE_HOT]
        self._long = [j for j, size in enumerate(sizes) if size > _MAX_ONE_HOT]
        self._books = {j: _codebook(sizes[j], positions[j]) for j in self._long}
        if self._short:
            self._one_hot = OneHotEncoder(
                categories=[self.levels_[j] for j in self._short],
                handle_unknown="ignore",
                sparse_output=False,
            ).fit(codes[:, self._short])
        self.order_ = self._short + self._long
        self.widths_ = [sizes[j] for j in self._short] + [_CODE_WIDTH] * len(self._long)
        return self

    def encode(self, codes):
        """Give the columns or the vector of each level; zeros for an unknown one.

        Parameters
        ----------
        codes : ndarray of float64, shape (n, k)

        Returns
        -------
        ndarray of float64, shape (n, sum of widths)
        """
        parts = [self._look_up(codes[:, j], j) for j in self._long]
        if self._short:
            one_hot = self._one_hot.transform(codes[:, self._short]) * _ONE_HOT
            parts.insert(0, one_hot)
        return np.hstack(parts)

    def decode(self, x):
        """Give the level of the largest column, or of the nearest vector.

        Parameters
        ----------
        x : ndarray of shape (m, sum of widths)

        Returns
        -------
        ndarray of float64, shape (m, k)
        """
        codes = np.empty((len(x), len(self.levels_)))
        stop = 0
        for j, width in zip(self.order_, self.widths_, strict=True):
            start, stop = stop, stop + width
            block = x[:, start:stop]
            if j in self._books:
                index = self._nearest(block, self._books[j])
            else:
                index = block.argmax(axis=1)
            codes[:, j] = self.levels_[j][index]
        return codes

    def _look_up(self, codes, j):
        levels, book = self.levels_[j], self._books[j]
        index = np.minimum(np.searchsorted(levels, codes), len(levels) - 1)
        known = (levels[index] == codes) | (np.isnan(levels[index]) & np.isnan(codes))
        return book[index] * (_ONE_HOT * known[:, None])

    @staticmethod
    def _nearest(block, book):
        step = max(1, _MAX_SCORES // len(book))
        index = np.empty(len(block), dtype=np.intp)
        for start in range(0, len(block), step):
            # Codes have one length: the nearest is the one of largest product.
            scores = block[start : start + step].astype(np.float32) @ book.T
            index[start : start + step] = scores.argmax(axis=1)
        return index


def _codebook(n_levels, position):
    """Draw one unit code a level."""
    rng = np.random.default_rng([n_levels, int(position)])
    book = rng.standard_normal((n_levels, _CODE_WIDTH))
    book /= np.linalg.norm(book, axis=1, keepdims=True)
    return book.astype(np.float32)
