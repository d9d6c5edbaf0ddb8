"""Tables of a protocol: a few rows a class in, balanced accuracy on the rest out."""

from pathlib import Path

import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from skexpand.datasets import few_shot, load_table

MIN_ROWS = 20
"""Rows a class must have to be kept: ten to train on, as many to test on."""


def prepare(X, y):
    """Drop duplicate rows, which would leak, and classes of fewer than 20 rows."""
    fresh = ~pd.concat([X, y], axis=1).duplicated()
    X, y = X[fresh], y[fresh]
    frequent = y.map(y.value_counts()) >= MIN_ROWS
    return X[frequent].reset_index(drop=True), y[frequent].to_numpy()


def usable_tables(data_dir):
    """Return the names of the tables that keep two classes, in alphabetical order."""
    names = sorted(path.stem for path in (Path(data_dir) / "tables").glob("*.csv"))
    return [
        name for name in names if len(set(prepare(*load_table(name, data_dir))[1])) > 1
    ]


def reported_tables(names):
    """Return the tables at odd positions: those at even ones are for development."""
    return names[1::2][:10]


def development_tables(names):
    """Return the tables at even positions, as many as are reported."""
    return names[0::2][:10]


def make_classifier(name, seed):
    """Return a classifier with the library's defaults."""
    if name == "logistic":
        return LogisticRegression(max_iter=5000)  # 100 would stop before convergence
    if name == "k-NN":
        return KNeighborsClassifier()
    if name == "forest":
        return RandomForestClassifier(random_state=seed)
    if name == "SVM":
        return SVC()
    raise ValueError(
        f"Tables are scored by logistic, k-NN, forest and SVM, got {name!r}."
    )


class Table:
    """Draw, expand and score a table.

    Numbers are scaled and categories one-hot encoded by an encoder that is fitted on
    the real training rows in every arm.

    Parameters
    ----------
    name : str
        Name of `skexpand.datasets.load_table`.
    protocol : dict
        Needs ``n_per_class`` and ``max_test_rows``.
    data_dir : str or None
        Folder that holds ``tables``.
    """

    metric = "balanced accuracy"

    def __init__(self, name, protocol, data_dir):
        self.X, self.y = prepare(*load_table(name, data_dir))
        self.n_per_class = protocol["n_per_class"]
        self.max_test_rows = protocol["max_test_rows"]

    def split(self, draw):
        """Return a few training rows, and the rest or a stratified part of it."""
        train, test = few_shot(self.X, self.y, self.n_per_class, draw)
        if len(test) > self.max_test_rows:
            test, _ = train_test_split(
                test,
                train_size=self.max_test_rows,
                stratify=self.y[test],
                random_state=draw,
            )
        X_train = self.X.iloc[train].reset_index(drop=True)
        self.encoder = make_encoder().fit(X_train)
        return X_train, self.y[train], self.X.iloc[test], self.y[test]

    def expand(self, sampler, space, X, y):
        """Return encoded rows; ``space="frame"`` expands before encoding."""
        if sampler is None:
            return self.encoder.transform(X), y
        if space == "frame":
            X_big, y_big = sampler.fit_resample(X, y)
            return self.encoder.transform(X_big), y_big
        return sampler.fit_resample(self.encoder.transform(X), y)

    def score(self, classifier, X, y, X_test, y_test, draw):
        """Train a classifier and return its balanced accuracy."""
        model = make_classifier(classifier, draw).fit(X, y)
        predicted = model.predict(self.encoder.transform(X_test))
        return float(balanced_accuracy_score(y_test, predicted))


def make_encoder():
    """Impute the median and scale numbers; one-hot encode everything else."""
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (categories, make_column_selector(dtype_exclude="number")),
    )
