"""Columns of Python objects: to float64 numbers or level codes, and back."""

import datetime
import sys
from decimal import Decimal
from numbers import Integral, Real

import numpy as np

from skexpand.codecs.columns import Column
from skexpand.codecs.times import read_times

_TIMES = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)
_MIDNIGHT = datetime.datetime(1970, 1, 1)


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


def read_cells(cells, label, like=None):
    """Turn a column of Python objects into float64 numbers or level codes.

    Parameters
    ----------
    cells : ndarray of object, shape (n,)
    label : object
        Name or position of the column, for messages.
    like : Column or None, default=None
        Column of the table that was fitted, whose clock is to be used.

    Returns
    -------
    values : ndarray of float64, shape (n,)
        Numbers, or codes into ``column.levels``; NaN where a cell is missing.
    column : Column

    Raises
    ------
    TypeError
        For cells that neither are numbers nor times nor sort.
    """
    missing = is_missing(cells)
    present = cells[~missing]
    types = set(map(type, present))
    if any(issubclass(kind, _TIMES) for kind in types):
        values, column = _read_times(cells, missing, types, label, like)
    else:
        column = Column(label)
        values = np.full(len(cells), np.nan)
        if all(_is_number(kind) for kind in types):
            values[~missing] = present.astype(np.float64)
            _note_number_type(column, types, present)
        else:
            column.levels, values[~missing] = _read_levels(present, types, label)
    column.missing = cells[missing][0] if missing.any() else np.nan
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
    elif column.clock is not None:
        cells = _write_times(values, missing, column)
    elif column.cell_type is int:
        cells = np.where(missing, 0, values).astype(np.int64).astype(object)
    elif column.cell_type is Decimal:
        digits = np.rint(np.where(missing, 0, values) * 10.0**-column.exponent)
        cells = np.empty(len(values), dtype=object)
        cells[:] = [Decimal(int(d)).scaleb(column.exponent) for d in digits]
    else:
        cells = values.astype(object)
    cells[missing] = column.missing
    return cells


def _is_number(kind):
    return (issubclass(kind, Real) and kind is not bool) or kind is Decimal


def _note_number_type(column, types, present):
    """Remember what numbers are written as: all integers, with decimals, or float."""
    if Decimal in types:
        column.cell_type = Decimal
        digits = [n.as_tuple().exponent for n in present if isinstance(n, Decimal)]
        # Infinity has no digits; check_table refuses it.
        column.exponent = min((d for d in digits if isinstance(d, int)), default=0)
    elif types and all(issubclass(kind, Integral) for kind in types):
        column.cell_type = int


def _read_levels(present, types, label):
    try:
        return np.unique(present, return_inverse=True)
    except (TypeError, ValueError) as error:  # the latter from cells that hold arrays
        raise TypeError(
            f"Column {label!r} must hold numbers, times, or labels of one sortable "
            f"kind, got {_names(types)}. Convert it first, for example all cells to "
            "str."
        ) from error


def _names(types):
    return ", ".join(sorted(kind.__name__ for kind in types))


def _read_times(cells, missing, types, label, like):
    """Read cells of one type of time, in one time zone."""
    present = cells[~missing]
    zones = {getattr(cell, "tzinfo", None) for cell in present}
    if len(types) > 1 or len(zones) > 1:
        found = (
            _names(types) if len(types) > 1 else f"time zones {sorted(map(str, zones))}"
        )
        raise TypeError(
            f"Column {label!r} must hold times of one type in one time zone, got "
            f"{found}. Convert it first, for example with pandas.to_datetime(column, "
            "utc=True)."
        )
    (kind,), (zone,) = types, zones
    if zone is not None and not issubclass(kind, datetime.time):
        present = [
            cell.astimezone(datetime.UTC).replace(tzinfo=None) for cell in present
        ]
    known = _to_numpy(present, kind)
    times = np.full(len(cells), np.array("NaT", dtype=known.dtype))
    times[~missing] = known
    values, column = read_times(label, times, like)
    column.cell_type, column.zone = kind, zone
    return values, column


def _to_numpy(cells, kind):
    """Give datetime64 or timedelta64 for cells of one type, without time zones."""
    if issubclass(kind, datetime.time):
        cells = [
            datetime.datetime.combine(_MIDNIGHT, cell.replace(tzinfo=None)) - _MIDNIGHT
            for cell in cells
        ]
        return np.array(cells, dtype="m8[us]")
    if hasattr(kind, "to_numpy"):  # pandas' Timestamp and Timedelta hold nanoseconds
        return np.array([cell.to_numpy() for cell in cells])
    if issubclass(kind, np.datetime64 | np.timedelta64):
        return np.array(list(cells))
    if issubclass(kind, datetime.timedelta):
        return np.array(cells, dtype="m8[us]")
    is_moment = issubclass(kind, datetime.datetime)
    return np.array(cells, dtype="M8[us]" if is_moment else "M8[D]")


def _to_python(times, kind):
    """Undo `_to_numpy`."""
    if hasattr(kind, "to_numpy"):
        return [kind(time) for time in times]
    if issubclass(kind, np.datetime64 | np.timedelta64):
        return list(times)
    if issubclass(kind, datetime.time):
        return [(_MIDNIGHT + time).time() for time in times.astype("m8[us]").tolist()]
    return times.tolist()


def _write_times(values, missing, column):
    cells = np.empty(len(values), dtype=object)
    times = _to_python(column.clock.write(values[~missing]), column.cell_type)
    for row, time in zip(np.flatnonzero(~missing), times, strict=True):
        # One by one: numpy would turn a list of its own times into Python's.
        cells[row] = time if column.zone is None else _in_zone(time, column.zone)
    return cells


def _in_zone(time, zone):
    if isinstance(time, datetime.time):
        return time.replace(tzinfo=zone)
    return time.replace(tzinfo=datetime.UTC).astimezone(zone)
