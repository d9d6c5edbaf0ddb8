"""The quality figures of an arm's new rows, on one scale for all arms of a split."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from skexpand.evaluation import metrics
from skexpand.evaluation._containers import is_image, take
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
        self.is_image = is_image(draw.X_pool)
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
            A training set; if it begins with the small set, that part is left out.
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
        n = len(train)
        if len(rows) >= n and np.allclose(rows[:n], train, equal_nan=True):
            rows, y_big = rows[n:], y_big[n:]
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
