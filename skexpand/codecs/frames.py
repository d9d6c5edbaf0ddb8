"""Containers for data frames: pandas by itself, polars and others by narwhals.

Index policy, the same as imbalanced-learn's: the result has a fresh ``RangeIndex``.
Columns keep their order, names (repeated ones too) and dtypes.
"""

import numpy as np

from skexpand.codecs.cells import read_cells, write_cells
from skexpand.codecs.columns import Column, column_like, to_dtype
from skexpand.codecs.times import read_times, to_utc


class PandasContainer:
    """Pandas frames: any mix of numeric, nullable, boolean, text, category and time."""

    def to_table(self, X, like=None):
        """Read a frame as numbers and level codes; see `ArrayContainer.to_table`."""
        self._columns, self._dtypes = X.columns, list(X.dtypes)
        self._uniform = _uniform_dtype(self._dtypes)
        if self._uniform is not None:
            return X.to_numpy(dtype=np.float64).copy(order="C"), None
        read = [
            _read_series(X.iloc[:, j], label, column_like(like, j))
            for j, label in enumerate(X.columns)
        ]
        self.columns_ = [column for _, column in read]
        if not read:
            return np.empty((len(X), 0)), None
        return np.column_stack([values for values, _ in read]), self.columns_

    def from_table(self, values):
        """Write a frame; see `ArrayContainer.from_table`."""
        import pandas as pd

        if self._uniform is not None:
            return self.from_array(to_dtype(values, self._uniform))
        series = {
            j: _write_series(values[:, j], column, dtype)
            for j, (column, dtype) in enumerate(
                zip(self.columns_, self._dtypes, strict=True)
            )
        }
        frame = pd.DataFrame(series, index=pd.RangeIndex(len(values)))
        frame.columns = self._columns
        return frame

    def to_array(self, X):
        """Read a frame of pixels; see `ArrayContainer.to_array`."""
        self._columns, self._dtypes = X.columns, list(X.dtypes)
        self._uniform = _uniform_dtype(self._dtypes)
        if self._uniform is None:
            raise ValueError(
                "A frame of images must have one numeric dtype in all columns, got "
                f"{sorted({str(dtype) for dtype in self._dtypes})}. Convert it with "
                "X.astype('float32')."
            )
        return X.to_numpy()

    def from_array(self, array):
        """Write a frame of one dtype; see `ArrayContainer.from_array`."""
        import pandas as pd

        frame = pd.DataFrame(array)
        frame.columns = self._columns
        return frame

    def join(self, X, X_new):
        """Put real rows before synthetic ones; see `ArrayContainer.join`."""
        import pandas as pd

        return pd.concat([X, X_new], ignore_index=True)


def _uniform_dtype(dtypes):
    """Give the numpy dtype shared by all columns, the fast path; else None."""
    first = dtypes[0] if dtypes else None
    if isinstance(first, np.dtype) and first.kind in "iuf" and set(dtypes) == {first}:
        return first
    return None


def _read_series(series, label, like=None):
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.SparseDtype):
        dtype, series = dtype.subtype, series.sparse.to_dense()
    if isinstance(dtype, pd.CategoricalDtype):
        codes = series.cat.codes.to_numpy().astype(np.float64)
        levels = np.asarray(dtype.categories, dtype=object)
        column = Column(label, levels, is_ordered=bool(dtype.ordered))
        return np.where(codes < 0, np.nan, codes), column
    if pd.api.types.is_bool_dtype(dtype) or _is_number(dtype):
        if pd.api.types.is_complex_dtype(dtype):
            raise ValueError(
                f"Complex data not supported: column {label!r} must be real. Split it "
                "into its real and imaginary part."
            )
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
        is_bool = pd.api.types.is_bool_dtype(dtype)
        return values, Column(label, np.array([False, True]) if is_bool else None)
    if isinstance(dtype, pd.PeriodDtype):
        # A period is a count of its own unit, which no coarser one needs to divide:
        # numpy's years have none.
        return read_times(label, series.array.asi8.view("M8[Y]"), like)
    if getattr(dtype, "kind", "O") in "mM":
        return _read_moments(series, label, like)
    return read_cells(series.to_numpy(dtype=object), label, like)


def _is_number(dtype):
    """Whether cells are numbers; pyarrow's decimals are read as Python's."""
    import pandas as pd

    is_decimal = getattr(dtype, "kind", "O") == "O"
    return pd.api.types.is_numeric_dtype(dtype) and not is_decimal


def _read_moments(series, label, like):
    """Read dates, moments with or without a time zone, and durations."""
    zone = _zone(series.dtype)
    if zone is None:
        return read_times(label, _to_numpy(series), like)
    return read_times(
        label,
        _to_numpy(_in_utc(series)),
        like,
        wall=_to_numpy(series.dt.tz_localize(None)),
        to_utc=lambda wall: _to_numpy(_in_utc(_place(wall, zone))),
    )


def _zone(dtype):
    return getattr(getattr(dtype, "pyarrow_dtype", dtype), "tz", None)


def _to_numpy(series):
    """Give datetime64 or timedelta64 for a column without a time zone."""
    if hasattr(series.dtype, "pyarrow_dtype"):
        return series.array.__arrow_array__().to_numpy(zero_copy_only=False)
    return series.to_numpy()


def _in_utc(series):
    return series.dt.tz_convert("UTC").dt.tz_localize(None)


def _place(wall, zone):
    """Say which moments clocks of a time zone mean; always the same where in doubt."""
    import pandas as pd

    return pd.Series(wall).dt.tz_localize(
        zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward"
    )


def _write_series(values, column, dtype):
    import pandas as pd

    if isinstance(dtype, pd.SparseDtype):
        dense = to_dtype(values, dtype.subtype)
        return pd.Series(pd.arrays.SparseArray(dense, dtype=dtype))
    if isinstance(dtype, pd.CategoricalDtype):
        codes = np.where(np.isnan(values), -1, values).astype(np.intp)
        return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype))
    if isinstance(dtype, np.dtype) and dtype.kind in "iufb":
        return pd.Series(to_dtype(values, dtype))
    if column.clock is not None and column.cell_type is None:
        return _write_moments(column.clock.write(values), column.clock, dtype)
    if pd.api.types.is_bool_dtype(dtype) or _is_number(dtype):
        missing = np.isnan(values)
        cells = np.where(missing, 0, values)
        if not pd.api.types.is_float_dtype(dtype):
            cells = to_dtype(cells, np.uint64 if _is_unsigned(dtype) else np.int64)
        if pd.api.types.is_bool_dtype(dtype):
            cells = cells.astype(bool)
        series = pd.Series(cells).astype(dtype)
        return series.mask(missing) if missing.any() else series
    return pd.Series(write_cells(values, column), dtype=dtype)


def _write_moments(times, clock, dtype):
    import pandas as pd

    if isinstance(dtype, pd.PeriodDtype):
        array = pd.arrays.PeriodArray(times.view(np.int64), dtype=dtype)
        return pd.Series(array)
    zone = _zone(dtype)
    if zone is None:
        series = pd.Series(times)
    elif clock.is_wall:
        series = _place(times, zone)
    else:
        series = pd.Series(times).dt.tz_localize("UTC").dt.tz_convert(zone)
    return series.astype(dtype)


def _is_unsigned(dtype):
    import pandas as pd

    return pd.api.types.is_unsigned_integer_dtype(dtype)


class NarwhalsContainer:
    """Polars (and pyarrow) frames, read and written through narwhals."""

    def to_table(self, X, like=None):
        """Read a frame as numbers and level codes; see `ArrayContainer.to_table`."""
        frame = _narwhals().from_native(X, eager_only=True)
        self._schema, self._backend = frame.schema, frame.implementation
        read = [
            self._read(frame[name], column_like(like, j))
            for j, name in enumerate(frame.columns)
        ]
        if not read:
            return np.empty((len(frame), 0)), None
        self.columns_ = [column for _, column in read]
        return np.column_stack([values for values, _ in read]), self.columns_

    def from_table(self, values):
        """Write a frame; see `ArrayContainer.from_table`."""
        series = [
            self._write(values[:, j], column, name, dtype)
            for j, (column, (name, dtype)) in enumerate(
                zip(self.columns_, self._schema.items(), strict=True)
            )
        ]
        # Not by from_dict, which turns polars' Enum into Categorical.
        return series[0].to_frame().with_columns(*series[1:]).to_native()

    def to_array(self, X):
        """Read a frame of pixels; see `ArrayContainer.to_array`."""
        frame = _narwhals().from_native(X, eager_only=True)
        self._schema, self._backend = frame.schema, frame.implementation
        dtypes = set(self._schema.values())
        if len(dtypes) != 1 or not next(iter(dtypes)).is_numeric():
            raise ValueError(
                "A frame of images must have one numeric dtype in all columns, got "
                f"{sorted(map(str, dtypes))}. Cast it to Float32."
            )
        return frame.to_numpy()

    def from_array(self, array):
        """Write a frame of one dtype; see `ArrayContainer.from_array`."""
        columns = dict(zip(self._schema, array.T, strict=True))
        nw = _narwhals()
        return nw.from_dict(columns, self._schema, backend=self._backend).to_native()

    def join(self, X, X_new):
        """Put real rows before synthetic ones; see `ArrayContainer.join`."""
        nw = _narwhals()
        frames = [nw.from_native(X), nw.from_native(X_new)]
        return nw.concat(frames, how="vertical").to_native()

    def _read(self, series, like):
        nw, dtype, label = _narwhals(), series.dtype, series.name
        if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
            return read_times(
                label,
                _without_zone(series, "UTC"),
                like,
                wall=_without_zone(series, None),
                to_utc=lambda wall: to_utc(wall, dtype.time_zone),
            )
        if isinstance(dtype, nw.Date | nw.Datetime | nw.Duration):
            return read_times(label, series.to_numpy(), like)
        if dtype.is_numeric() and not dtype.is_decimal():
            return series.cast(nw.Float64).to_numpy().astype(np.float64), Column(label)
        cells = np.empty(len(series), dtype=object)
        cells[:] = series.to_list()
        return read_cells(cells, label, like)

    def _write(self, values, column, name, dtype):
        nw = _narwhals()
        missing = np.isnan(values)
        if column.clock is not None and column.cell_type is None:
            return self._write_moments(values, column.clock, name, dtype)
        if column.is_category or dtype.is_decimal() or dtype == nw.Time:
            cells = write_cells(values, column).tolist()
        elif missing.any():
            cells = np.where(missing, None, values.astype(object)).tolist()
        else:
            cells = values
            if dtype.is_integer():
                is_unsigned = dtype.is_unsigned_integer()
                cells = to_dtype(values, np.uint64 if is_unsigned else np.int64)
        if isinstance(cells, list) and dtype.is_numeric() and not dtype.is_decimal():
            series = nw.new_series(name, cells, nw.Float64, backend=self._backend)
            return series.cast(dtype)
        return nw.new_series(name, cells, dtype, backend=self._backend)

    def _write_moments(self, values, clock, name, dtype):
        nw, times = _narwhals(), clock.write(values)
        zone = getattr(dtype, "time_zone", None)
        if zone is None:
            return nw.new_series(name, times, dtype, backend=self._backend)
        times = to_utc(times, zone) if clock.is_wall else times
        naive = nw.Datetime(dtype.time_unit)
        series = nw.new_series(name, times, naive, backend=self._backend)
        return series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


def _without_zone(series, zone):
    """Give what clocks show in a time zone; None for that of the series."""
    series = series if zone is None else series.dt.convert_time_zone(zone)
    return series.dt.replace_time_zone(None).to_numpy()


def _narwhals():
    try:
        import narwhals.stable.v2 as nw
    except ImportError as error:
        raise ImportError(
            "Frames other than pandas are read through narwhals: install it with "
            "`pip install narwhals`, or pass X.to_pandas()."
        ) from error
    return nw
