"""Tables of any dtype to comparable float64 columns, and back."""

import warnings

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import OrdinalEncoder

from skexpand.codecs.categories import CategoryBlock
from skexpand.codecs.columns import check_table
from skexpand.codecs.constraints import find_constraints, to_amounts
from skexpand.codecs.containers import find_container
from skexpand.codecs.numbers import NumberBlock
from skexpand.codecs.repairs import Repairer

# So many labels, and so many a row, are those of a name, a text or an identifier.
_NAMES, _NAMES_SHARE = 20, 0.9


class TableCodec:
    r"""Encode a table so that all columns are numbers of comparable size.

    ============  ==============================  =====================================
    column        encoded as                      decoded to
    ============  ==============================  =====================================
    number        standard score                  the observed [min, max]; whole
                                                  numbers where all observed were
    ordered       standard score of the rank      the nearest observed level
    category      one column a level, times       the level of the largest column
                  :math:`1/\sqrt 2`
    category,     a fixed random unit code of     the level of the nearest code
    > 50 levels   width 32, times
                  :math:`1/\sqrt 2`
    amount        standard score of the log,      the observed range; positive stays
                  where that is far closer to     positive
                  normal (`find_log_shift`)
    time          standard score of the number    the same dtype and time zone; whole
                  of its coarsest unit            units, in the observed range
    missing       median, and one indicator       a missing cell, where the indicator
                  column of height                is above half its height
                  :math:`1/\sqrt 2`
    spike         the same: a value that many     exactly that value
                  rows share (`find_spike`)
    ============  ==============================  =====================================

    In categories a missing cell is one more level. Booleans are categories. Of labels
    that hardly repeat, names or free text, a warning says what to do. A constant
    column is encoded as zeros and decoded exactly. Encoding and decoding cost
    :math:`O(n q)`; a column of :math:`L > 50` levels costs :math:`32 n L` operations to
    decode, in blocks of bounded memory.

    Attributes
    ----------
    kind : str
        ``"table"``.
    n_features_in_ : int
        Columns ``p`` of the table.
    n_encoded_ : int
        Columns ``q`` of the encoded matrix.
    blocks_ : list of (object, slice)
        Label and encoded columns of each part, in encoded order: numbers one by one,
        missing indicators, spikes, categories.
    is_continuous_ : ndarray of bool, shape (q,)
        Whether an encoded column is a number's (or rank's) score. Not where it has a
        spike: the score that stands for it there would look like a value that recurs.
    constraints_ : list of Constraint
        Orders and sums that all rows keep (`find_constraints`); decoded rows that break
        one are repaired (`Repairer`).

    Examples
    --------
    >>> import numpy as np
    >>> from skexpand.codecs import TableCodec
    >>> codec = TableCodec().fit(np.array([[1, 10], [2, 10], [3, 10]]))
    >>> codec.decode(np.array([[0.1, 0.0], [99.0, 5.0]]))
    array([[ 2, 10],
           [ 3, 10]])
    """

    kind = "table"

    def fit(self, X):
        """Learn levels, ranges, scales, shapes and constraints.

        Parameters
        ----------
        X : object of shape (n, p)
            Any supported container.

        Returns
        -------
        TableCodec
            Itself.

        Raises
        ------
        ValueError
            For an empty table, infinity, complex numbers, or a wrong number of
            dimensions.
        TypeError
            For unsortable cells, times of several kinds or zones in one column, or an
            unknown container.
        """
        self._container = find_container(X)
        values, columns = self._container.to_table(X)
        check_table(values)
        self.n_features_in_ = values.shape[1]
        self._columns = columns
        self._labels = (
            [column.label for column in columns]
            if columns
            else list(getattr(X, "columns", range(self.n_features_in_)))
        )
        is_category = _mask(columns, "is_category", self.n_features_in_)
        is_ordered = _mask(columns, "is_ordered", self.n_features_in_)
        self._ordered = np.flatnonzero(is_ordered)
        self._numbers = np.flatnonzero(is_ordered | ~is_category)
        self._categories = np.flatnonzero(is_category & ~is_ordered)
        self._fit_numbers(values)
        self._fit_categories(values)
        self._lay_out()
        self.constraints_ = find_constraints(values, columns, self._labels)
        self._repairer = Repairer(self.constraints_, values, columns)
        return self

    def bind(self, X):
        """Check that rows of `X` can be encoded here, and share this codec.

        Parameters
        ----------
        X : object of shape (m, p)
            In the container and with the columns of fit.

        Returns
        -------
        TableCodec

        Raises
        ------
        ValueError
            If the container or the columns differ.
        """
        theirs, ours = type(find_container(X)), type(self._container)
        if theirs is not ours:
            raise ValueError(
                "The encoder was pre-trained on another container than X (they read as "
                f"{ours.__name__} and {theirs.__name__}). Give both in the same one."
            )
        return self

    def encode(self, X):
        """Turn rows into comparable float64 columns.

        Parameters
        ----------
        X : object of shape (n, p)

        Returns
        -------
        ndarray of float64, shape (n, q), C-contiguous

        Raises
        ------
        ValueError
            If the number of columns differs from the fitted one, or numbers overflow.
        """
        self._check_fitted()
        values, columns = find_container(X).to_table(X, self._columns)
        check_table(values)
        if values.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X must have {self.n_features_in_} columns, as in fit, got "
                f"{values.shape[1]}."
            )
        values = self._match_levels(values, columns)
        parts = []
        if len(self._numbers):
            parts.append(self._number_block.encode(self._rank(values)))
        if len(self._categories):
            parts.append(self._category_block.encode(values[:, self._categories]))
        return np.ascontiguousarray(np.hstack(parts))

    def decode(self, x):
        """Turn encoded rows into rows of the container that was fitted.

        Parameters
        ----------
        x : ndarray of shape (m, q)

        Returns
        -------
        object of shape (m, p)
        """
        return self.restore(self.decode_values(x))

    def decode_values(self, x):
        """Turn encoded rows into numbers and level codes, without a container.

        Parameters
        ----------
        x : ndarray of shape (m, q)

        Returns
        -------
        ndarray of float64, shape (m, p)

        Raises
        ------
        ValueError
            If the number of columns is not ``q``.
        """
        self._check_fitted()
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.n_encoded_:
            raise ValueError(
                f"Encoded rows must have shape (m, {self.n_encoded_}), got {x.shape}."
            )
        values = np.empty((len(x), self.n_features_in_))
        width = 0
        if len(self._numbers):
            width = len(self._numbers) + len(self._number_block.states_)
            values[:, self._numbers] = self._number_block.decode(x[:, :width])
        if len(self._ordered):
            values[:, self._ordered] = self._ranks.inverse_transform(
                values[:, self._ordered]
            )
        if len(self._categories):
            values[:, self._categories] = self._category_block.decode(x[:, width:])
        self._repairer.repair(values)
        return values

    def count_violations(self, values):
        """Count the rows that break what holds between the columns of fit.

        Parameters
        ----------
        values : ndarray of float64, shape (m, p)
            From `decode_values`.

        Returns
        -------
        dict of str to int
            Constraint, such as ``"start <= end"``, to number of rows.
        """
        amounts, _ = to_amounts(values, self._columns)
        return {
            one.text: int(one.is_violated(amounts).sum()) for one in self.constraints_
        }

    def restore(self, values):
        """Put numbers and level codes in the container that was fitted.

        Parameters
        ----------
        values : ndarray of float64, shape (m, p)

        Returns
        -------
        object of shape (m, p)
        """
        return self._container.from_table(values)

    def join(self, X, X_new):
        """Put real rows, untouched, before synthetic ones.

        Parameters
        ----------
        X : object of shape (n, p)
        X_new : object of shape (m, p)

        Returns
        -------
        object of shape (n + m, p)
        """
        return self._container.join(X, X_new)

    def _check_fitted(self):
        if not hasattr(self, "n_encoded_"):
            raise NotFittedError("This TableCodec is not fitted yet: call fit first.")

    def _fit_numbers(self, values):
        if len(self._ordered):
            # The rank among *observed* levels: an unused one can never be decoded.
            self._ranks = OrdinalEncoder(
                handle_unknown="use_encoded_value", unknown_value=np.nan
            ).fit(values[:, self._ordered])
        if len(self._numbers):
            is_amount = ~_mask(self._columns, "is_date", self.n_features_in_)
            is_amount[self._ordered] = False
            self._number_block = NumberBlock().fit(
                self._rank(values), is_amount[self._numbers]
            )

    def _fit_categories(self, values):
        if not len(self._categories):
            return
        codes = values[:, self._categories]
        self._category_block = CategoryBlock().fit(codes, self._categories)
        for j, levels in zip(
            self._categories, self._category_block.levels_, strict=True
        ):
            self._warn_of_names(j, levels, np.count_nonzero(~np.isnan(values[:, j])))

    def _warn_of_names(self, j, levels, n_rows):
        n_levels = np.count_nonzero(~np.isnan(levels))
        if n_levels >= max(_NAMES, _NAMES_SHARE * n_rows):
            warnings.warn(
                f"Column {self._labels[j]!r} holds {n_levels} different labels in "
                f"{n_rows} rows, like a name or an identifier: new rows repeat the "
                "labels of real ones. Drop it, or convert it, for example with "
                "pandas.to_datetime or pandas.to_numeric.",
                UserWarning,
                stacklevel=4,
            )

    def _lay_out(self):
        widths = [(j, 1) for j in self._numbers]
        if len(self._numbers):
            widths += [(j, 1) for j in self._numbers[self._number_block.states_]]
        if len(self._categories):
            block = self._category_block
            widths += zip(self._categories[block.order_], block.widths_, strict=True)
        self.blocks_, start = [], 0
        for j, width in widths:
            self.blocks_.append((self._labels[j], slice(start, start + width)))
            start += width
        self.n_encoded_ = start
        self.is_continuous_ = np.arange(start) < len(self._numbers)
        if len(self._numbers):
            has_spike = ~np.isnan(self._number_block.spike_)
            self.is_continuous_[: len(has_spike)] &= ~has_spike

    def _match_levels(self, values, columns):
        """Express the codes of another table in the fitted levels."""
        kinds = _kinds(self._columns, self.n_features_in_)
        differs = (kinds != _kinds(columns, self.n_features_in_)) & ~np.isnan(
            values
        ).all(axis=0)
        if differs.any():
            raise ValueError(
                "X must hold numbers, times and categories in the same columns as in "
                f"fit, got a difference in column {int(differs.argmax())}. Give both "
                "the same dtypes."
            )
        fitted = _mask(self._columns, "is_category", self.n_features_in_)
        theirs = _mask(columns, "is_category", self.n_features_in_)
        values = values.copy() if theirs.any() else values
        for j in np.flatnonzero(theirs & fitted):
            levels, ours = columns[j].levels, self._columns[j].levels
            if np.array_equal(levels, ours):
                continue
            index = {level: code for code, level in enumerate(ours)}
            # One code past ours stands for a level that was not there in fit.
            lookup = np.array([index.get(v, len(ours)) for v in levels], dtype=float)
            present = ~np.isnan(values[:, j])
            values[present, j] = lookup[values[present, j].astype(np.intp)]
        return values

    def _rank(self, values):
        if not len(self._ordered):
            return values[:, self._numbers]
        values = values.copy()
        values[:, self._ordered] = self._ranks.transform(values[:, self._ordered])
        return values[:, self._numbers]


def _kinds(columns, n_columns):
    """Tell numbers, categories, dates and durations apart."""
    if columns is None:
        return np.full(n_columns, "number")
    clocked = (column.clock.dtype.kind if column.clock else None for column in columns)
    return np.array(
        [
            "category" if column.is_category else clock or "number"
            for column, clock in zip(columns, clocked, strict=True)
        ]
    )


def _mask(columns, attribute, n_columns):
    if columns is None:
        return np.zeros(n_columns, dtype=bool)
    return np.array([getattr(column, attribute) for column in columns], dtype=bool)
