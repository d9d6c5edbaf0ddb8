"""Small tables of a protocol: 20 to 500 rows in, six learners and three scores out.

A data set is a table with the size of its draw: ``pima@100x10`` is 100 stratified rows,
every class grown tenfold; ``pima@10:200`` is 10 rows of the rarest class against 200 of
all others, which is then balanced.
"""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.utils import compute_class_weight

from protocols.table_cells import make_encoder, prepare
from skexpand.datasets import load_table

_LEAST_ROWS = 2  # of a class in a stratified draw
_LEAST_TEST_ROWS = 20  # of a class in the test
_MLP_STEPS, _MLP_BATCH = 1000, 32
_LOWEST = 1e-3  # belief below which the log loss counts no further


def make_learner(name, n_rows, seed):
    """Return one of the six learners, its settings the same in every arm.

    Library defaults but for: the network takes 1,000 steps of 32 whatever the rows;
    trees of boosting may have leaves of one row, since the default of 20 learns nothing
    from 20 rows and would fake a gain for every arm that adds rows.
    """
    learners = {
        "logistic": LogisticRegression(max_iter=1000),
        "k-NN": KNeighborsClassifier(),
        "MLP": MLPClassifier(
            (64,),
            batch_size=min(_MLP_BATCH, n_rows),
            max_iter=-(-_MLP_STEPS * _MLP_BATCH // n_rows),
            n_iter_no_change=10**6,
            random_state=seed,
        ),
        "SVM": SVC(random_state=seed),  # else it asks the global generator
        "forest": RandomForestClassifier(60, random_state=seed),
        "boosting": HistGradientBoostingClassifier(
            max_iter=60, max_depth=3, min_samples_leaf=1, random_state=seed
        ),
    }
    return learners[name]


class SmallTable:
    """Draw, expand and score a table by its size.

    Parameters
    ----------
    name : str
        Table and size, see the module.
    protocol : dict
        Needs ``max_test_rows``.
    data_dir : str or None
        Folder that holds ``tables``.
    """

    metric = "balanced accuracy"

    def __init__(self, name, protocol, data_dir):
        table, _, self.size = name.partition("@")
        self.X, y = prepare(*load_table(table, data_dir))
        self.y = np.unique(y, return_inverse=True)[1]
        self.is_balanced = ":" in self.size
        if self.is_balanced:
            self.y = (self.y == np.bincount(self.y).argmin()).astype(int)
        self.max_test_rows = protocol["max_test_rows"]

    def split(self, draw):
        """Return the small set, and a test part of the rest with all its classes."""
        rng = np.random.default_rng([draw, 2406])
        shuffled = rng.permutation(len(self.y))
        train = np.concatenate(
            [
                shuffled[self.y[shuffled] == code][:n]
                for code, n in enumerate(self._rows_of_each_class())
            ]
        )
        rest = np.setdiff1d(np.arange(len(self.y)), train)
        test = self._thin(rest, rng)
        X_train = self.X.iloc[train].reset_index(drop=True)
        self.encoder = make_encoder().fit(X_train)
        return X_train, self.y[train], self.X.iloc[test], self.y[test]

    def totals(self, y):
        """Return how many rows each class shall have."""
        counts = np.bincount(y)
        if self.is_balanced:
            return dict(enumerate([int(counts.max())] * len(counts)))
        ratio = int(self.size.partition("x")[2])
        return dict(enumerate((ratio * counts).tolist()))

    def expand(self, sampler, space, X, y):
        """Return encoded rows; ``space="frame"`` expands before encoding.

        Neighbors are as many as the smallest class has. A sampler that refuses the
        rows nevertheless adds none.
        """
        rows = X if space == "frame" else self.encoder.transform(X)
        if sampler is not None:
            known = sampler.get_params()
            most = int(np.bincount(y).min()) - 1
            for key, default in {"k_neighbors": 5, "n_neighbors": 5}.items():
                if key in known:
                    sampler.set_params(**{key: max(1, min(default, most))})
            try:
                rows, y = sampler.fit_resample(rows, y)
            except (ValueError, RuntimeError):
                if space == "frame":
                    raise  # ours has no excuse
        return self.encoder.transform(rows) if space == "frame" else rows, y

    def score(self, name, X, y, X_test, y_test, draw, treatment=None):
        """Train a learner and return balanced accuracy, log loss and Brier score."""
        model = make_learner(name, len(y), draw)
        weights = {}
        if treatment == "class weights":
            if "class_weight" in model.get_params():
                model.set_params(class_weight="balanced")
            elif name == "MLP":
                values = compute_class_weight("balanced", classes=np.unique(y), y=y)
                weights = {"sample_weight": values[y]}
        elif treatment == "threshold":
            model = self._tune(model, X, y)
        if not hasattr(model, "classes_"):
            model.fit(X, y, **weights)
        encoded = self.encoder.transform(X_test)
        predicted = model.predict(encoded)
        scores = {"score": float(balanced_accuracy_score(y_test, predicted))}
        if hasattr(model, "predict_proba"):
            belief = model.predict_proba(encoded)
            truth = np.eye(belief.shape[1])[y_test]
            clipped = belief.clip(_LOWEST)
            clipped /= clipped.sum(axis=1, keepdims=True)
            scores["log_loss"] = float(-np.log((clipped * truth).sum(axis=1)).mean())
            scores["brier"] = float(np.square(belief - truth).sum(axis=1).mean())
        return scores

    @staticmethod
    def _tune(model, X, y):
        """Return the model with its threshold tuned, or as it is where none can be."""
        n_folds = min(5, int(np.bincount(y).min()))
        tuned = TunedThresholdClassifierCV(clone(model), cv=n_folds, refit=True)
        try:
            return tuned.fit(X, y)
        except ValueError:  # constant predictions in a fold
            return model

    def _rows_of_each_class(self):
        counts = np.bincount(self.y)
        if self.is_balanced:
            few, many = map(int, self.size.split(":"))
            return [many, few]
        n_rows = int(self.size.partition("x")[0])
        share = n_rows * counts / len(self.y)
        rows = np.maximum(_LEAST_ROWS, np.floor(share)).astype(int)
        # What is left goes to the largest remainders; what is too much is taken from
        # the largest class.
        left = n_rows - rows.sum()
        order = np.argsort(np.floor(share) - share, kind="stable")
        rows[order[: max(left, 0)]] += 1
        rows[rows.argmax()] += min(left, 0)
        return rows

    def _thin(self, rest, rng):
        """Keep the proportions, but at least some rows of each class."""
        if len(rest) <= self.max_test_rows:
            return rest
        kept, _ = train_test_split(
            rest,
            train_size=self.max_test_rows,
            stratify=self.y[rest],
            random_state=int(rng.integers(2**31)),
        )
        for code in np.unique(self.y[rest]):
            own = rest[self.y[rest] == code]
            missing = min(_LEAST_TEST_ROWS, len(own)) - (self.y[kept] == code).sum()
            fresh = np.setdiff1d(own, kept)
            kept = np.concatenate([kept, rng.permutation(fresh)[: max(missing, 0)]])
        return kept


def possible_sizes(X, y, sizes):
    """Return the sizes a table is large enough for: 3 rows a class, 40 % to test on.

    Parameters
    ----------
    X : DataFrame
    y : ndarray
        Labels, prepared.
    sizes : list of str
        As after the ``@`` of a data set's name.

    Returns
    -------
    list of str
    """
    counts = np.unique(y, return_counts=True)[1]
    possible = []
    for size in sizes:
        if ":" in size:
            few, many = map(int, size.split(":"))
            rest = (counts.min() - few, len(y) - counts.min() - many)
            if min(rest) >= _LEAST_TEST_ROWS:
                possible.append(size)
        elif 3 * len(counts) <= int(size.partition("x")[0]) <= 0.6 * len(y):
            possible.append(size)
    return possible
