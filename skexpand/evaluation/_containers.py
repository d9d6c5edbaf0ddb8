"""Rows of arrays, images and frames: taken, joined, hashed, flattened."""

import hashlib
import re

import numpy as np


def standardize(X, name="X"):
    """Return the container that everything here works on: an ndarray or a frame.

    Lists, torch tensors and anything with ``__array__`` become arrays, polars frames
    pandas frames. So do arrays of objects or strings, so that every column has a type.
    """
    if hasattr(X, "toarray"):
        raise TypeError(
            f"{name} is sparse; compare scores dense rows. Pass {name}.toarray()."
        )
    if hasattr(X, "detach"):
        X = X.detach().cpu().numpy()
    if hasattr(X, "columns") and not hasattr(X, "iloc"):  # polars
        X = _frame(X.to_dict(as_series=False))
    if is_frame(X):
        if X.columns.duplicated().any():
            raise ValueError(
                f"{name} has several columns called "
                f"{X.columns[X.columns.duplicated()][0]!r}. Rename them."
            )
        if len({isinstance(column, str) for column in X.columns}) > 1:
            raise ValueError(
                f"{name} has columns named by strings and by others, which "
                "scikit-learn refuses. Rename them: X.columns = X.columns.astype(str)."
            )
        times = [column for column in X if _holds_times(X[column])]
        if times:
            raise TypeError(
                f"{name} has columns of dates or times: {', '.join(map(str, times))}. "
                "Turn them into numbers, or drop them."
            )
        return X.reset_index(drop=True)
    array = np.asarray(X) if hasattr(X, "__array__") else _read_list(X)
    if array.ndim not in (2, 3, 4):
        raise ValueError(
            f"{name} must be a table (n, p) or images (n, H, W), (n, H, W, C) or "
            f"(n, C, H, W), got shape {array.shape}."
        )
    if array.dtype.kind in "biuf":
        return array
    return _frame(array.astype(object)).infer_objects()


def _holds_times(column):
    if column.dtype.kind != "O":
        return column.dtype.kind in "mM"
    from pandas.api.types import infer_dtype

    # Dates of polars frames are objects; one-hot encoded they would pass unnoticed.
    kind = infer_dtype(column, skipna=True)
    return kind.startswith(("date", "time", "period"))


def _read_list(X):
    array = np.asarray(X)
    # numpy writes numbers next to strings as strings: read the cells as they are.
    return np.array(X, dtype=object) if array.dtype.kind in "US" else array


def _frame(cells):
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "Tables of mixed columns need pandas: pip install 'skexpand[eval]'."
        ) from error
    return pd.DataFrame(cells)


def is_frame(X):
    """Whether the rows are those of a pandas frame."""
    return hasattr(X, "iloc") and hasattr(X, "columns")


def is_image(X):
    """Whether the rows are images."""
    return not is_frame(X) and np.ndim(X) > 2


def take(X, rows):
    """Return the rows of those numbers, in that order."""
    return X.iloc[rows].reset_index(drop=True) if is_frame(X) else X[rows]


def join(X, X_new):
    """Put real rows, untouched, before new ones."""
    if not is_frame(X):
        return np.concatenate([X, X_new])
    import pandas as pd

    return pd.concat([X, X_new], ignore_index=True)


def flatten(X):
    """Return images as rows of float64 pixels; in uint8 differences would wrap."""
    return X.reshape(len(X), -1).astype(np.float64)


def restore(X_big, like):
    """Return a sampler's rows in container, column order and kinds of the originals.

    Else numbers that come back as objects would be taken for categories.
    """
    if not is_frame(like):
        X_big = np.asarray(X_big)
        return X_big if X_big.dtype.kind in "biuf" else X_big.astype(float)
    if hasattr(X_big, "columns"):
        X_big = standardize(X_big, "what the sampler returned")
    else:
        cells = np.asarray(X_big, dtype=object)
        if cells.shape[1:] != like.shape[1:]:
            return cells  # refused by its shape
        X_big = _frame(cells)
        X_big.columns = like.columns
    if set(X_big.columns) != set(like.columns):
        raise ValueError(
            f"the sampler returned the columns {list(X_big.columns)}, expected "
            f"{list(like.columns)}"
        )
    columns = {name: _restore_column(X_big[name], like[name]) for name in like.columns}
    return type(like)(columns)


def _restore_column(column, like):
    import pandas as pd

    if column.dtype == like.dtype:
        return column
    if like.dtype.kind in "iuf":
        # Fractions between whole numbers stay: they are what interpolation makes.
        return column if column.dtype.kind in "iuf" else pd.to_numeric(column)
    if like.dtype.kind == "b":
        return pd.to_numeric(column).ge(0.5).mask(column.isna()).astype(like.dtype)
    levels = getattr(like.dtype, "categories", None)
    if levels is not None and not column.dropna().isin(levels).all():
        raise ValueError(
            f"the sampler returned values in column {column.name!r} that are none of "
            "its categories"
        )
    return column.astype(like.dtype)


def unflatten(rows, like):
    """Turn rows of pixels into images of the shape, dtype and range of others."""
    images = np.asarray(rows).reshape(-1, *like.shape[1:])
    low, high = pixel_range(like)
    if like.dtype.kind in "iub":
        images = np.rint(images)
    return images.clip(low, high).astype(like.dtype)


def pixel_range(images):
    """Return the darkest and the brightest value that images can have."""
    if images.dtype == np.uint8:
        return 0.0, 255.0
    if images.dtype.kind == "b":
        return 0.0, 1.0
    return float(images.min()), float(images.max())


def content_hash(*containers):
    """Return 16 hex digits that change with any value, type or column name."""
    digest = hashlib.sha256()
    for X in containers:
        if is_frame(X):
            columns = [(str(name), X[name].to_numpy()) for name in X.columns]
        else:
            columns = [("", np.asarray(X))]
        for name, values in columns:
            digest.update(f"{name}|{values.dtype}|{values.shape}|".encode())
            if values.dtype.kind in "biuf":
                digest.update(np.ascontiguousarray(values).data)
            else:
                digest.update("\x1f".join(map(str, values.ravel())).encode())
    return digest.hexdigest()[:16]


def describe_value(value):
    """Return a parameter as a string that is the same in every process."""
    if isinstance(value, np.ndarray) or is_frame(value):
        return f"{type(value).__name__} of shape {value.shape}, {content_hash(value)}"
    return re.sub(r" at 0x[0-9a-f]+", "", " ".join(repr(value).split()))
