"""The quality figures of an arm's new rows, on one scale for all arms of a split."""

from collections import Counter

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from skexpand.evaluation import metrics
from skexpand.evaluation._containers import take
from skexpand.evaluation._fidelity import fingerprints
from skexpand.evaluation.classifiers import make_encoder
from skexpand.evaluation.results import finite

# Figures settle long before; a pool of 60,000 images would cost minutes.
_MAX_ROWS = 5000


class Ruler:
    """Measure new rows against held-out ones, scaled by the whole training part.

    Parameters
    ----------
    draw : Draw
        Any of the split: pool and held-out rows are taken from it.
    seed : int
        Of the oracle and of all figures.

    Attributes
    ----------
    oracle : RandomForestClassifier
        Trained on the pool, at most 5,000 rows of it; it stands for the true labels.
    """

    def __init__(self, draw, seed):
        self.seed = seed
        self.encoder = make_encoder(draw.X_pool).fit(draw.X_pool)
        X_pool, y_pool = self._part(draw.X_pool, draw.y_pool)
        self.X_held, self.y_held = self._part(draw.X_test, draw.y_test)
        self.oracle = RandomForestClassifier(random_state=seed).fit(X_pool, y_pool)

    def _part(self, X, y):
        if len(y) > _MAX_ROWS:
            # Stratified where it can be: a class of one row goes either way.
            counts = np.unique(y, return_counts=True)[1]
            rows, _ = train_test_split(
                np.arange(len(y)),
                train_size=_MAX_ROWS,
                stratify=y if counts.min() > 1 else None,
                random_state=self.seed,
            )
            X, y = take(X, rows), y[rows]
        return self.encoder.transform(X), y

    def measure(self, X_big, y_big, draw):
        """Return the figures of the rows that are not the small set's.

        Parameters
        ----------
        X_big : ndarray or DataFrame
            A training set; every row of the small set is left out of it once.
        y_big : ndarray
        draw : Draw
            Whose small set was grown.

        Returns
        -------
        dict
            With the key ``"quality"``, empty where there is no new row of a class that
            was held out.
        """
        train, rows = self.encoder.transform(draw.X), self.encoder.transform(X_big)
        is_new = _is_new(rows, train)
        rows, y_big = rows[is_new], y_big[is_new]
        known = np.isin(y_big, self.y_held)
        if not known.any():
            return {"quality": {}}
        figures = metrics.quality(
            rows[known],
            y_big[known],
            train,
            draw.y,
            self.X_held,
            self.y_held,
            oracle=self.oracle,
            random_state=self.seed,
        )
        return {"quality": finite(figures)}


def _is_new(rows, train):
    """Mark the rows that remain when every training row is taken out once."""
    n = len(train)
    is_new = np.ones(len(rows), dtype=bool)
    if len(rows) >= n and np.allclose(rows[:n], train, equal_nan=True):
        is_new[:n] = False  # the usual order, whatever was lost in precision
        return is_new
    left = Counter(fingerprints(train, np.float32))
    for place, row in enumerate(fingerprints(rows, np.float32)):
        if left[row]:
            left[row] -= 1
            is_new[place] = False
    return is_new
