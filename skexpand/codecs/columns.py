"""Columns of cells: any dtype to float64 numbers or level codes, and back."""

import datetime
import sys
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

_TIMES = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)


@dataclass
class Column:
    """How one column of a table is read and written.

    Parameters
    ----------
    label : object
        Name or position, for messages.
    levels : ndarray of shape (n_levels,) or None, default=None
        Values behind the codes of a categorical column, ``None`` for numbers.
    is_ordered : bool, default=False
        Whether the order of `levels` means something.
    is_integer : bool, default=False
        Whether cells are written as integers (object columns only).
    missing : object, default=nan
        What is written into a missing cell (object columns only).
    """

    label: object
    levels: np.ndarray | None = None
    is_ordered: bool = False
    is_integer: bool = False
    missing: object = np.nan

    @property
    def is_category(self):
        """Whether values are codes of levels and not numbers."""
        return self.levels is not None


def is_missing(cells):
    """Mark None, NaN, NaT and pandas' NA in an object array.

    Parameters
    ----------
    cells : ndarray of object

    Returns
    -------
    ndarray of bool
    """
    if "pandas" in sys.modules:  # only then can there be a NA among the cells
        return sys.modules["pandas"].isna(cells)
    return np.equal(cells, None).astype(bool) | (cells != cells).astype(bool)


def read_cells(cells, label):
    """Turn a column of Python objects into float64 numbers or level codes.

    Parameters
    ----------
    cells : ndarray of object, shape (n,)
    label : object
        Name or position of the column, for messages.

    Returns
    -------
    values : ndarray of float64, shape (n,)
        Numbers, or codes into ``column.levels``; NaN where a cell is missing.
    column : Column

    Raises
    ------
    TypeError
        For dates and times, and for cells that neither are numbers nor sort.
    """
    missing = is_missing(cells)
    present = cells[~missing]
    types = set(map(type, present))
    if any(issubclass(kind, _TIMES) for kind in types):
        raise refuse_time(label, "date or time")
    column = Column(label, missing=cells[missing][0] if missing.any() else np.nan)

    values = np.full(len(cells), np.nan)
    if all(issubclass(kind, Real) and kind is not bool for kind in types):
        values[~missing] = present.astype(np.float64)
        column.is_integer = bool(types) and all(issubclass(k, Integral) for k in types)
        return values, column
    try:
        levels, codes = np.unique(present, return_inverse=True)
    except TypeError as error:
        names = ", ".join(sorted(kind.__name__ for kind in types))
        raise TypeError(
            f"Column {label!r} must hold numbers, or labels of one sortable kind, got "
            f"{names}. Convert it first, for example all cells to str."
        ) from error
    values[~missing] = codes
    column.levels = levels
    return values, column


def write_cells(values, column):
    """Turn numbers or level codes back into a column of Python objects.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    column : Column

    Returns
    -------
    ndarray of object, shape (n,)
    """
    missing = np.isnan(values)
    if column.is_category:
        # An all-missing column has no level to take, only the marker to write.
        pool = np.append(column.levels.astype(object), [None])
        cells = pool[np.where(missing, len(pool) - 1, values).astype(np.intp)]
    elif column.is_integer:
        cells = np.where(missing, 0, values).astype(np.int64).astype(object)
    else:
        cells = values.astype(object)
    cells[missing] = column.missing
    return cells


def to_dtype(values, dtype):
    """Cast float64 numbers to a numeric dtype, staying inside its range.

    Parameters
    ----------
    values : ndarray of float64
    dtype : numpy.dtype

    Returns
    -------
    ndarray of `dtype`
    """
    dtype = np.dtype(dtype)
    if dtype.kind in "iu" and dtype.itemsize == 8:
        # The float64 nearest to the largest 64-bit integer lies one above it.
        values = np.minimum(values, np.nextafter(float(np.iinfo(dtype).max), 0))
    return values.astype(dtype, copy=False)


def refuse_time(label, dtype):
    """Build the error for a column of dates, times or durations.

    Parameters
    ----------
    label : object
        Name or position of the column.
    dtype : object
        What was found there.

    Returns
    -------
    TypeError
    """
    return TypeError(
        f"Column {label!r} holds {dtype} values, which have no zero and no scale to "
        "expand by. Convert it to numbers first, for example days since a reference "
        "date: (column - reference) / numpy.timedelta64(1, 'D'), or drop it."
    )


def check_table(values):
    """Refuse what is not a table of finite or missing numbers."""
    if values.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {values.ndim}D array instead: a table has shape "
            "(n_samples, n_features). Reshape your data with X.reshape(-1, 1) for one "
            "feature, or pass images as (n, H, W)."
        )
    if values.shape[0] == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={values.shape}) while a minimum of 1 "
            "is required. Pass at least one row per class."
        )
    if values.shape[1] == 0:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={values.shape}) while a minimum of "
            "1 is required. Pass at least one column."
        )
    if np.isinf(values).any():
        column = int(np.isinf(values).any(axis=0).argmax())
        raise ValueError(
            f"Input X contains infinity, first in column {column}. Replace it by a "
            "finite number, or by NaN to mark the cell as missing."
        )
