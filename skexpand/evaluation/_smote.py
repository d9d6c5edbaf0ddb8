"""SMOTE as a baseline that runs wherever it can: tiny classes, mixed, missing cells."""

import numpy as np
from sklearn.base import BaseEstimator

from skexpand.evaluation._containers import is_frame, join


class NotApplicableError(ValueError):
    """An arm has nothing to do on this data, or cannot be applied to it."""


class TableSMOTE(BaseEstimator):
    """SMOTE [1]_ on standardized rows; SMOTENC or SMOTEN where there are categories.

    Neighbors are at most as many as the smallest class has to offer. Missing numbers
    are filled by the median to interpolate, a missing category is one of its own; real
    rows come back as they were.

    Parameters
    ----------
    sampling_strategy : str or dict, default="auto"
        As in imbalanced-learn.
    k_neighbors : int, default=5
        Neighbors to interpolate towards, at most.
    scale : bool, default=True
        Whether to look for neighbors among standardized columns. Off for pixels.
    random_state : int or None, default=None
        Seed of all draws.

    References
    ----------
    .. [1] Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", Journal
       of Artificial Intelligence Research 16, 2002.
    """

    def __init__(
        self, *, sampling_strategy="auto", k_neighbors=5, scale=True, random_state=None
    ):
        self.sampling_strategy = sampling_strategy
        self.k_neighbors = k_neighbors
        self.scale = scale
        self.random_state = random_state

    def fit_resample(self, X, y):
        """Interpolate between neighbors of a class.

        Parameters
        ----------
        X : ndarray or DataFrame of shape (n, p)
        y : ndarray of shape (n,)

        Returns
        -------
        X_big : ndarray or DataFrame
            The real rows first.
        y_big : ndarray
        """
        labels, counts = np.unique(y, return_counts=True)
        balanced = counts.min() == counts.max()
        if balanced and not isinstance(self.sampling_strategy, dict):
            raise NotApplicableError("the classes are balanced already")
        if counts.min() < 2:
            rare = labels.tolist()[counts.argmin()]
            raise NotApplicableError(
                f"SMOTE needs two rows in every class, {rare!r} has one"
            )
        table = _Numbers(X, self.scale)
        smote = self._make_smote(table, min(self.k_neighbors, int(counts.min()) - 1))
        rows, y_big = smote.fit_resample(table.rows, y)
        X_new = table.decode(rows[len(X) :])
        return (join(X, X_new) if len(X_new) else X), y_big

    def _make_smote(self, table, k_neighbors):
        from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

        settings = {
            "sampling_strategy": self.sampling_strategy,
            "k_neighbors": k_neighbors,
            "random_state": self.random_state,
        }
        n_numbers, n_columns = len(table.numbers), table.rows.shape[1]
        if n_numbers == n_columns:
            return SMOTE(**settings)
        if n_numbers == 0:
            return SMOTEN(**settings)
        categories = list(range(n_numbers, n_columns))
        return SMOTENC(categorical_features=categories, **settings)


class _Numbers:
    """A table as numbers, those that are codes of categories last; and back."""

    def __init__(self, X, scale):
        self.X = X
        if is_frame(X):
            self.numbers = list(X.select_dtypes("number").columns)
            self.categories = [name for name in X.columns if name not in self.numbers]
            values = X[self.numbers].to_numpy(float, na_value=np.nan)
        else:
            self.numbers, self.categories = list(range(X.shape[1])), []
            values = X.astype(float)
        is_missing = np.isnan(values)
        # A column without a single value stays where it is, at 0.
        filled = np.where(is_missing.all(axis=0), 0.0, values)
        fill = np.nanmedian(filled, axis=0) if len(self.numbers) else np.empty(0)
        values = np.where(is_missing, fill, values)
        self.center = values.mean(axis=0) if scale else 0.0
        spread = values.std(axis=0)
        self.spread = np.where(spread > 0, spread, 1.0) if scale else 1.0
        self.levels, codes = [], []
        for name in self.categories:
            code, levels = X[name].factorize(use_na_sentinel=False)
            self.levels.append(levels)
            codes.append(code.astype(float))
        scaled = (values - self.center) / self.spread
        self.rows = np.column_stack([scaled, *codes]) if codes else scaled

    def decode(self, rows):
        n_numbers = len(self.numbers)
        values = np.asarray(rows[:, :n_numbers], dtype=float)
        values = values * self.spread + self.center
        if not is_frame(self.X):
            whole = self.X.dtype.kind in "iub"
            return (np.rint(values) if whole else values).astype(self.X.dtype)
        import pandas as pd

        columns = dict(zip(self.numbers, values.T, strict=True))
        for name, levels, code in zip(
            self.categories, self.levels, rows[:, n_numbers:].T, strict=True
        ):
            columns[name] = levels.take(code.astype(int))
        for name in self.numbers:
            if not pd.api.types.is_float_dtype(self.X[name].dtype):
                columns[name] = np.rint(columns[name])
        frame = pd.DataFrame({name: columns[name] for name in self.X.columns})
        return frame.astype(self.X.dtypes.to_dict())
