"""What came in, goes out: lists, arrays, sparse matrices, tensors and frames.

A container remembers the type of ``X``, never its rows. Each offers

``to_array(X)``, ``from_array(array)``
    one dense ndarray and back (images, and frames of one dtype);
``to_table(X, like=None)``, ``from_table(values)``
    a float64 matrix, NaN where missing and level codes in categorical columns, with a
    list of :class:`~skexpand.codecs.columns.Column` (``None`` when all are numbers);
    times are read in the units and from the origins of the columns in ``like``;
``join(X, X_new)``
    both, the real rows first and untouched.
"""

import numpy as np
from scipy import sparse

from skexpand.codecs.cells import read_cells, write_cells
from skexpand.codecs.columns import Column, column_like, to_dtype
from skexpand.codecs.frames import NarwhalsContainer, PandasContainer
from skexpand.codecs.times import read_times


def find_container(X):
    """Choose the container for a data set.

    Parameters
    ----------
    X : object
        List, ndarray, sparse matrix or array, pandas or polars frame, torch tensor.

    Returns
    -------
    container : object
        Unfitted; call its ``to_array`` or ``to_table``.

    Raises
    ------
    TypeError
        If `X` is none of these; the message says what to convert it to.
    """
    if sparse.issparse(X):
        return SparseContainer()
    if isinstance(X, list | tuple):
        return ListContainer()
    module = type(X).__module__.partition(".")[0]
    if module == "pandas" and hasattr(X, "columns"):
        return PandasContainer()
    if module in ("polars", "pyarrow", "modin") and type(X).__name__ != "LazyFrame":
        return NarwhalsContainer()
    if module == "torch":
        return TensorContainer()
    if isinstance(X, np.matrix):
        raise TypeError(
            "X must not be a numpy.matrix. np.matrix is not supported: convert it with "
            "numpy.asarray(X)."
        )
    if hasattr(X, "__array__") or hasattr(X, "__array_interface__"):
        return ArrayContainer()
    raise TypeError(
        "X must be a list, ndarray, scipy sparse matrix, pandas or polars frame or "
        f"torch tensor, got {type(X).__name__}. Convert it, for example with "
        "numpy.asarray (a lazy frame with its .collect())."
    )


class ArrayContainer:
    """Numpy arrays of any dtype, numeric or not."""

    def to_array(self, X):
        """Give the array itself.

        Parameters
        ----------
        X : ndarray

        Returns
        -------
        ndarray
        """
        array = self._dense(X)
        if array.dtype.kind == "c":
            raise ValueError(
                "Complex data not supported: X must be real. Pass the real and the "
                "imaginary part as columns of their own."
            )
        self.dtype_ = array.dtype
        return array

    def from_array(self, array):
        """Give rows in the container that was read.

        Parameters
        ----------
        array : ndarray

        Returns
        -------
        object
        """
        return array

    def to_table(self, X, like=None):
        """Read a table as numbers and level codes.

        Parameters
        ----------
        X : object of shape (n, p)
        like : list of Column or None, default=None
            Columns of the table that was fitted, whose clocks are to be used.

        Returns
        -------
        values : ndarray of float64, shape (n, p)
        columns : list of Column, or None when all are numbers
        """
        array = self.to_array(X)
        self.columns_ = None
        if array.ndim == 2 and 0 not in array.shape:
            if array.dtype.kind == "b":
                levels = np.array([False, True])
                self.columns_ = [Column(j, levels) for j in range(array.shape[1])]
            elif array.dtype.kind not in "iuf":
                is_time = array.dtype.kind in "mM"
                cells = array if is_time else array.astype(object)
                read_column = _read_clocked if is_time else read_cells
                read = [
                    read_column(cells[:, j], j, column_like(like, j))
                    for j in range(array.shape[1])
                ]
                self.columns_ = [column for _, column in read]
                return np.column_stack([values for values, _ in read]), self.columns_
            # C order, whatever came: the layout must not decide the last bit of a sum.
            array = array.astype(np.float64, order="C")
        return array, self.columns_

    def from_table(self, values):
        """Write numbers and level codes in the container that was read.

        Parameters
        ----------
        values : ndarray of float64, shape (m, p)

        Returns
        -------
        object of shape (m, p)
        """
        if self.dtype_.kind in "iufb":
            return self.from_array(to_dtype(values, self.dtype_))
        if self.dtype_.kind in "mM":
            times = [c.clock.write(values[:, j]) for j, c in enumerate(self.columns_)]
            return self.from_array(np.column_stack(times).astype(self.dtype_))
        cells = np.empty(values.shape, dtype=object)
        for j, column in enumerate(self.columns_):
            cells[:, j] = write_cells(values[:, j], column)
        return self.from_array(cells.astype(self.dtype_, copy=False))

    def join(self, X, X_new):
        """Put real rows before synthetic ones.

        Parameters
        ----------
        X : object
            As it was passed by the user.
        X_new : object
            From `from_array` or `from_table`.

        Returns
        -------
        object
        """
        return np.concatenate([np.asarray(X), X_new])

    def _dense(self, X):
        return np.asarray(X)


def _read_clocked(times, label, like):
    if np.datetime_data(times.dtype)[0] == "generic":
        times = times.astype(f"{times.dtype.kind}8[D]")  # nothing but NaT has no unit
    return read_times(label, times, like)


class ListContainer(ArrayContainer):
    """Lists of rows, or of images; tuples come back as lists."""

    def join(self, X, X_new):
        """Put real rows before synthetic ones; see `ArrayContainer.join`."""
        return [*X, *X_new]

    def from_array(self, array):
        """Give a list of rows; see `ArrayContainer.from_array`."""
        return list(array) if self._holds_arrays else array.tolist()

    def _dense(self, X):
        self._holds_arrays = len(X) > 0 and isinstance(X[0], np.ndarray)
        try:
            array = np.asarray(X)
        except ValueError as error:
            raise ValueError(
                "X is a list whose rows differ in length; give every row the same "
                "number of values."
            ) from error
        # numpy writes numbers next to strings as strings: read the cells as they are.
        return np.array(X, dtype=object) if array.dtype.kind in "US" else array


class TensorContainer(ArrayContainer):
    """Torch tensors; synthetic rows come back on the device of ``X``."""

    def join(self, X, X_new):
        """Put real rows before synthetic ones; see `ArrayContainer.join`."""
        import torch

        return torch.cat([X, X_new])

    def from_array(self, array):
        """Give a tensor; see `ArrayContainer.from_array`."""
        import torch

        rows = torch.from_numpy(np.ascontiguousarray(array))
        return rows.to(device=self._device, dtype=self._tensor_dtype)

    def _dense(self, X):
        self._device, self._tensor_dtype = X.device, X.dtype
        tensor = X.detach().cpu()
        if tensor.dtype.is_floating_point and tensor.dtype.itemsize < 4:
            tensor = tensor.float()  # numpy knows no bfloat16
        return tensor.numpy()


class SparseContainer(ArrayContainer):
    """Scipy's sparse matrices and arrays; csr and csc keep their format.

    The learned map is dense, so rows are made dense inside. Any other format comes
    back as csr.
    """

    def join(self, X, X_new):
        """Put real rows before synthetic ones; see `ArrayContainer.join`."""
        return sparse.vstack([X, X_new], format=self._format, dtype=X.dtype)

    def from_array(self, array):
        """Give a sparse matrix; see `ArrayContainer.from_array`."""
        if self._is_array:
            return sparse.csr_array(array).asformat(self._format)
        return sparse.csr_matrix(array).asformat(self._format)

    def _dense(self, X):
        self._format = X.format if X.format in ("csr", "csc") else "csr"
        self._is_array = isinstance(X, sparse.sparray)
        return X.toarray()
