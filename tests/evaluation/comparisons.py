"""Data with known answers, and samplers that are known to be good or bad."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from skexpand.evaluation import compare

N_COLUMNS = 20


def gaussians(n_per_class, seed=0, n_classes=2):
    """Draw unit Gaussians whose means are one apart along an axis each."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(n_classes), n_per_class)
    X = rng.standard_normal((len(y), N_COLUMNS))
    X[np.arange(len(y)), y] += 1.5
    order = rng.permutation(len(y))
    return X[order], y[order]


def run(X=None, y=None, samplers=None, **settings):
    """Compare on Gaussians, with as little work as a test needs."""
    if X is None:
        X, y = gaussians(60)
    settings = {
        "classifiers": {"LR": LogisticRegression()},
        "n_per_class": 5,
        "ratio": 4,
        "n_draws": 2,
        "baselines": False,
        "quality": False,
        "random_state": 0,
        **settings,
    }
    return compare(X, y, samplers, **settings)


def scores(report):
    """Return what two equal comparisons share."""
    return [(row["cell"], row["scores"]) for row in report.rows]


class Repeat:
    """Grow by copies; a base for samplers that are no estimators."""

    def __init__(self):
        self.ratio = 1
        self.random_state = None

    def fit_resample(self, X, y):
        n_new = round(self.ratio * len(y)) - len(y)
        X_new, y_new = self.draw(X, y, n_new, np.random.default_rng(self.random_state))
        return np.concatenate([X, X_new]), np.concatenate([y, y_new])

    def draw(self, X, y, n_new, rng):
        rows = np.arange(n_new) % len(y)
        return X[rows], y[rows]


class Unseen(Repeat):
    """Grow by new rows from the true distribution."""

    def draw(self, X, y, n_new, rng):
        n_per_class = n_new // len(np.unique(y))
        return gaussians(n_per_class, int(rng.integers(2**31)), len(np.unique(y)))


class Mislabeled(Unseen):
    """Grow by new rows whose labels are drawn at random."""

    def draw(self, X, y, n_new, rng):
        X_new, y_new = super().draw(X, y, n_new, rng)
        return X_new, rng.permutation(y_new)


class Collapsed(Repeat):
    """Grow by the mean of each class, with next to no spread."""

    def draw(self, X, y, n_new, rng):
        y_new = y[np.arange(n_new) % len(y)]
        means = np.array([X[y == label].mean(axis=0) for label in np.unique(y)])
        return means[y_new] + 0.01 * rng.standard_normal((n_new, X.shape[1])), y_new
