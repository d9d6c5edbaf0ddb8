"""What a column of a table holds, and what a table must be."""

from dataclasses import dataclass

import numpy as np


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
    clock : Clock or None, default=None
        Unit and origin of a column of times, ``None`` for all others.
    cell_type : type or None, default=None
        Python type of the cells that are not missing (object columns only), ``None``
        for float and for labels.
    zone : datetime.tzinfo or None, default=None
        Time zone of the cells (object columns only).
    exponent : int, default=0
        Power of ten of the last digit of decimal numbers (object columns only).
    missing : object, default=nan
        What is written into a missing cell (object columns only).
    """

    label: object
    levels: np.ndarray | None = None
    is_ordered: bool = False
    clock: object = None
    cell_type: type | None = None
    zone: object = None
    exponent: int = 0
    missing: object = np.nan

    @property
    def is_category(self):
        """Whether values are codes of levels and not numbers."""
        return self.levels is not None

    @property
    def is_date(self):
        """Whether values are points in time, which have no zero."""
        return self.clock is not None and self.clock.dtype.kind == "M"


def column_like(like, position):
    """Give the column of a fitted table at a position, None where there is none."""
    return like[position] if like is not None and position < len(like) else None


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
