"""Class labels in any container to codes 0..n_classes-1, and back."""

import numpy as np
from scipy import sparse

from skexpand.codecs.cells import is_missing


class LabelCodec:
    """Read labels once, and write any codes the way they came.

    Lists, ndarrays, pandas and polars series, one-column frames, torch tensors and
    one-hot matrices (dense, sparse or a frame) are read. A column vector (n, 1) comes
    back as (n,), as in imbalanced-learn. Labels are sorted; one-hot classes are the
    numbers of their columns.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    Examples
    --------
    >>> from skexpand.codecs import LabelCodec
    >>> codec = LabelCodec()
    >>> codec.fit_encode(["no", "yes", "no"])
    array([0, 1, 0])
    >>> codec.decode([1, 1])
    ['yes', 'yes']
    """

    def fit_encode(self, y):
        """Learn the classes and the container; give the codes.

        Parameters
        ----------
        y : object of shape (n,), (n, 1), or one-hot (n, k)

        Returns
        -------
        ndarray of int64, shape (n,)

        Raises
        ------
        ValueError
            For missing, continuous, multilabel or multioutput targets, or no target.
        TypeError
            For labels that do not sort.
        """
        if y is None:
            raise ValueError(
                "This sampler requires y to be passed, but the target y is None. Pass "
                "one class label per sample."
            )
        self._container = _container_name(y)
        array = self._read(y)
        self._width = None
        if array.ndim == 2 and array.shape[1] > 1:
            array = self._read_one_hot(array)
        elif array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise ValueError(
                "y should be a 1d array, or one-hot of shape (n_samples, n_classes), "
                f"got an array of shape {array.shape} instead."
            )
        _check_labels(array)
        try:
            self.classes_, codes = np.unique(array, return_inverse=True)
        except TypeError as error:
            kinds = ", ".join(sorted({type(label).__name__ for label in array}))
            raise TypeError(
                f"Labels must be of one sortable kind, got {kinds}. Convert y first, "
                "for example all labels to str."
            ) from error
        return codes.astype(np.int64)

    def decode(self, codes):
        """Write labels in the container that was read.

        Parameters
        ----------
        codes : array-like of int, shape (m,)

        Returns
        -------
        object
        """
        labels = self.classes_[np.asarray(codes, dtype=np.intp)]
        if self._width is not None:
            labels = (labels[:, None] == np.arange(self._width)).astype(self._dtype)
        return self._write(labels)

    def join(self, y, y_new):
        """Put the real labels before synthetic ones.

        Parameters
        ----------
        y : object
            As it was passed by the user.
        y_new : object
            From `decode`.

        Returns
        -------
        object
        """
        if self._container == "list":
            return [*y, *y_new]
        if self._container == "sparse":
            return sparse.vstack([y, y_new], format="csr", dtype=y.dtype)
        if self._container == "pandas":
            import pandas as pd

            return pd.concat([y, y_new], ignore_index=True)
        if self._container == "polars":
            import polars as pl

            return pl.concat([y, y_new])
        if self._container == "torch":
            import torch

            y = y if y.ndim == y_new.ndim else y.reshape(-1)
            return torch.cat([y, y_new])
        y = np.asarray(y)
        return np.concatenate([y if y.ndim == y_new.ndim else y.reshape(-1), y_new])

    def _read(self, y):
        if self._container == "sparse":
            self._dtype = y.dtype
            return y.toarray()
        if self._container == "torch":
            self._device, self._tensor_dtype = y.device, y.dtype
            y = y.detach().cpu().numpy()
        elif self._container in ("pandas", "polars"):
            self._is_frame = hasattr(y, "columns")
            self._columns = y.columns if self._is_frame else [y.name]
            self._frame_dtypes = list(y.dtypes) if self._is_frame else [y.dtype]
            self._native = type(y)
        array = np.asarray(y)
        if self._container == "list" and array.dtype.kind in "US":
            array = np.array(y, dtype=object)
        self._dtype = array.dtype
        return array

    def _read_one_hot(self, array):
        is_binary = array.dtype.kind in "biuf" and np.isin(array, (0, 1)).all()
        if not is_binary or (array.sum(axis=1) != 1).any():
            raise ValueError(
                "Multilabel and multioutput targets are not supported: a 2-D y must be "
                "one-hot, with exactly one 1 in every row. Pass one label per sample; "
                f"got y of shape {array.shape}."
            )
        self._width = array.shape[1]
        return array.argmax(axis=1)

    def _write(self, labels):
        if self._container == "list":
            return labels.tolist()
        if self._container == "sparse":
            return sparse.csr_matrix(labels)
        if self._container == "torch":
            import torch

            return torch.from_numpy(labels).to(self._device, self._tensor_dtype)
        if self._container == "pandas":
            return self._write_pandas(labels)
        if self._container == "polars":
            return self._write_polars(labels)
        return labels

    def _write_pandas(self, labels):
        import pandas as pd

        if not self._is_frame:
            (dtype,), (name,) = self._frame_dtypes, self._columns
            return pd.Series(labels, name=name).astype(dtype)
        columns = labels.reshape(len(labels), -1).T
        frame = pd.DataFrame(
            {
                j: pd.Series(column).astype(dtype)
                for j, (column, dtype) in enumerate(
                    zip(columns, self._frame_dtypes, strict=True)
                )
            }
        )
        frame.columns = self._columns
        return frame

    def _write_polars(self, labels):
        import polars as pl

        columns = labels.reshape(len(labels), -1).T
        series = [
            pl.Series(name, column.tolist(), dtype=dtype)
            for name, column, dtype in zip(
                self._columns, columns, self._frame_dtypes, strict=True
            )
        ]
        return pl.DataFrame(series) if self._is_frame else series[0]


def _container_name(y):
    if sparse.issparse(y):
        return "sparse"
    if isinstance(y, list | tuple):
        return "list"
    module = type(y).__module__.partition(".")[0]
    return module if module in ("pandas", "polars", "torch") else "array"


def _check_labels(array):
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        raise ValueError(
            "Input y contains NaN or infinity; drop the rows without a label."
        )
    if array.dtype.kind == "O":
        if is_missing(array).any():
            raise ValueError(
                "Input y contains missing labels (None or NaN); drop these rows."
            )
        array = np.array(array.tolist())  # numbers held as objects are checked as such
    if array.dtype.kind in "mM":
        raise ValueError(
            f"Unknown label type: {array.dtype}. Convert the times to class labels."
        )
    if array.dtype.kind == "f" and (array != np.rint(array)).any():
        raise ValueError(
            "Unknown label type: continuous. y must hold class labels, got numbers "
            "with fractions: bin them first, for example with numpy.digitize."
        )
