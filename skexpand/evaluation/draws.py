"""Which rows train and which test in every draw."""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from skexpand.datasets import few_shot
from skexpand.evaluation._containers import is_frame, join, standardize, take


@dataclass(frozen=True)
class Draw:
    """One small training set, the pool it came from, and the rows it is scored on.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n_real, ...)
        The small set.
    y : ndarray of shape (n_real,)
        Its labels.
    X_test : ndarray or DataFrame of shape (n_test, ...)
        Real rows that no arm trains on.
    y_test : ndarray of shape (n_test,)
        Their labels.
    X_pool : ndarray or DataFrame of shape (n_pool, ...)
        The training part the small set was drawn from.
    y_pool : ndarray of shape (n_pool,)
        Its labels.
    n_per_class : int or None
        Rows asked of every class; None is the whole training part.
    seed : int
        Seed of the draw out of the pool.
    overlap : float
        Correlation of two draws, see `statistics.standard_error_factor`.
    split : int
        Draws of the same number share pool and test rows.
    """

    X: object
    y: np.ndarray
    X_test: object
    y_test: np.ndarray
    X_pool: object
    y_pool: np.ndarray
    n_per_class: int | None
    seed: int
    overlap: float
    split: int

    def without_pool(self):
        """Return the draw without its pool, to be sent to a worker.

        Returns
        -------
        Draw
        """
        return replace(self, X_pool=None, y_pool=None)

    def real(self, multiple):
        """Return `multiple` times as many real rows, those of the small set first.

        Parameters
        ----------
        multiple : float
            How many times the small set; at least 1.

        Returns
        -------
        X : ndarray or DataFrame
        y : ndarray

        Raises
        ------
        ValueError
            If the pool has too few.
        """
        if self.n_per_class is None:
            raise ValueError("the small set is the whole training part")
        n_needed = round(multiple * self.n_per_class)
        smallest = np.unique(self.y_pool, return_counts=True)[1].min()
        if smallest < n_needed:
            raise ValueError(
                f"needs {n_needed} real rows a class, the pool has {smallest}"
            )
        # Draws of one seed are nested: the rows of the small set are among these.
        rows, _ = few_shot(self.y_pool, self.y_pool, n_needed, self.seed)
        small, _ = few_shot(self.y_pool, self.y_pool, self.n_per_class, self.seed)
        more = np.setdiff1d(rows, small)
        y = np.concatenate([self.y, self.y_pool[more]])
        return join(self.X, take(self.X_pool, more)), y


class Draws:
    """Split the data, and draw small sets out of the training part.

    There is one split for all small sets, so that two draws have little in common but
    the test rows; where the small set is the whole training part (`n_per_class` None),
    every draw is a split of its own.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n, ...)
        All rows, or those to train on where test rows are given.
    y : ndarray of shape (n,)
        Their labels.
    X_test : ndarray, DataFrame or None
        Rows to score on; None holds some out.
    y_test : ndarray or None
        Their labels.
    test_size : float or int
        Share or number of rows to hold out.
    streams : RandomStreams
        Source of splits and draws.
    """

    def __init__(self, X, y, X_test, y_test, test_size, streams):
        self.X, self.y = X, y
        self.X_test, self.y_test = X_test, y_test
        self.test_size = test_size
        self.streams = streams
        self._splits = {}

    def check(self, sizes, n_draws):
        """Refuse sizes and draws that the data cannot give.

        Parameters
        ----------
        sizes : tuple of int or None
            Rows a class.
        n_draws : int
            Small sets of every size.

        Raises
        ------
        ValueError
            Naming the class that is too small, or the size whose draws would all be
            the same.
        """
        labels, counts = np.unique(self.y, return_counts=True)
        if self.X_test is None and counts.min() < 2:
            rare = labels.tolist()[counts.argmin()]
            raise ValueError(
                f"Class {rare!r} has one row, which cannot both train and test. Drop "
                "the class, or pass X_test and y_test."
            )
        for n_per_class in sizes:
            self.draw(n_per_class, 0)
            if n_draws > 1 and self._overlap(n_per_class) >= 1:
                raise ValueError(
                    f"n_per_class={n_per_class} uses the whole training part, so all "
                    f"{n_draws} draws would be the same rows. Pass n_draws=1, fewer "
                    "rows a class, or leave X_test out for a new split every draw."
                )

    def draw(self, n_per_class, draw):
        """Return one small set and what it is scored on.

        Parameters
        ----------
        n_per_class : int or None
            Rows a class; None is the whole training part.
        draw : int
            Number of the draw.

        Returns
        -------
        Draw
        """
        split = draw + 1 if self._is_fresh(n_per_class) else 0
        X_pool, y_pool, X_test, y_test = self._split(split)
        seed = self.streams.seed("draw", draw)
        X, y = X_pool, y_pool
        if n_per_class is not None:
            # An error names the class that is too small.
            rows, _ = few_shot(y_pool, y_pool, n_per_class, seed)
            X, y = take(X_pool, rows), y_pool[rows]
        overlap = min(self._overlap(n_per_class), 1.0)
        return Draw(
            X,
            y,
            X_test,
            y_test,
            X_pool,
            y_pool,
            n_per_class,
            seed,
            overlap if overlap < 1 else 0.0,  # a single draw has no other
            split,
        )

    def _is_fresh(self, n_per_class):
        return n_per_class is None and self.X_test is None

    def _overlap(self, n_per_class):
        _, y_pool, _, y_test = self._split(int(self._is_fresh(n_per_class)))
        if self._is_fresh(n_per_class):
            return len(y_test) / len(self.y)
        if n_per_class is None:
            return 1.0
        counts = np.unique(y_pool, return_counts=True)[1]
        return float(np.mean(n_per_class / counts))

    def _split(self, number):
        if self.X_test is not None:
            return self.X, self.y, self.X_test, self.y_test
        if number not in self._splits:
            if len(self._splits) > 1:  # keep the shared split and the newest
                self._splits = {k: v for k, v in self._splits.items() if k == 0}
            train, test = train_test_split(
                np.arange(len(self.y)),
                test_size=self.test_size,
                stratify=self.y,
                random_state=self.streams.seed("split", number),
            )
            self._splits[number] = (
                take(self.X, train),
                self.y[train],
                take(self.X, test),
                self.y[test],
            )
        return self._splits[number]


def check_data(X, y, X_test, y_test):
    """Return rows and labels in the containers that everything works on, checked.

    Parameters
    ----------
    X : object of shape (n, p), (n, H, W), (n, H, W, C) or (n, C, H, W)
    y : object of shape (n,)
    X_test : object or None
    y_test : object or None

    Returns
    -------
    X : ndarray or DataFrame
    y : ndarray
    X_test : ndarray, DataFrame or None
    y_test : ndarray or None

    Raises
    ------
    ValueError
        If lengths or columns differ, labels are missing, are no classes, or occur in
        the test rows only.
    TypeError
        For sparse rows and columns of dates.
    """
    if (X_test is None) != (y_test is None):
        missing = "y_test" if y_test is None else "X_test"
        raise ValueError(f"X_test and y_test belong together: {missing} is missing.")
    X, y = standardize(X), _check_labels(y, "y")
    check_consistent_length(X, y)
    _check_finite(X, "X")
    if len(np.unique(y)) < 2:
        raise ValueError(f"y must hold at least two classes, got only {y[0]!r}.")
    if X_test is None:
        return X, y, None, None
    X_test, y_test = standardize(X_test, "X_test"), _check_labels(y_test, "y_test")
    check_consistent_length(X_test, y_test)
    _check_finite(X_test, "X_test")
    columns = [
        list(each.columns) if is_frame(each) else each.shape[1:] for each in (X, X_test)
    ]
    if columns[0] != columns[1]:
        raise ValueError(
            f"X_test must have the columns or the shape of X, {columns[0]}, got "
            f"{columns[1]}."
        )
    unseen = sorted(set(y_test.tolist()) - set(y.tolist()), key=str)
    if unseen:
        raise ValueError(
            f"y_test holds labels that y does not: {', '.join(map(repr, unseen[:5]))}. "
            "No classifier can predict them: drop these rows or train on the class."
        )
    return X, y, X_test, y_test


def _check_labels(y, name):
    y = np.asarray(y)
    y = column_or_1d(y)
    if y.dtype.kind in "fO":
        missing = np.array([each is None or each != each for each in y.tolist()])
        if missing.any():
            raise ValueError(
                f"{missing.sum()} of {len(y)} labels in {name} are missing. Drop or "
                "label these rows."
            )
    types = sorted({type(each).__name__ for each in y.tolist()})
    if len(types) > 1:
        raise ValueError(
            f"{name} has labels of the types {' and '.join(types)}; give all one type, "
            "such as str."
        )
    check_classification_targets(y)
    return y


def _check_finite(X, name):
    numbers = (
        X.select_dtypes("number").to_numpy(float, na_value=np.nan) if is_frame(X) else X
    )
    if np.asarray(numbers).dtype.kind == "f" and np.isinf(numbers).any():
        raise ValueError(f"{name} contains infinity. Replace it by finite numbers.")
    if not is_frame(X) and X.ndim > 2 and X.dtype.kind == "f" and np.isnan(X).any():
        raise ValueError(f"{name} has images with NaN. Fill or drop them.")


def check_sizes(n_per_class):
    """Return the sizes asked for as a tuple.

    Parameters
    ----------
    n_per_class : int, None, or list of them
        Rows a class.

    Returns
    -------
    tuple of int or None

    Raises
    ------
    ValueError
        If a size is no whole number from 1 on, or there is none.
    """
    sizes = n_per_class if isinstance(n_per_class, list | tuple) else [n_per_class]
    for size in sizes:
        is_whole = isinstance(size, Integral) and not isinstance(size, bool)
        if size is not None and (not is_whole or size < 1):
            raise ValueError(
                "n_per_class must be an int of at least 1, None for the whole training "
                f"part, or a list of these; got {size!r}."
            )
    if not sizes:
        raise ValueError("n_per_class must name at least one size, got an empty list.")
    return tuple(dict.fromkeys(None if size is None else int(size) for size in sizes))
