"""Rows of arrays, images and frames: taken, joined, hashed, flattened."""

import hashlib

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
    if hasattr(X, "iloc"):
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
        times = [column for column in X if X[column].dtype.kind in "mM"]
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
    return hasattr(X, "iloc")


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
