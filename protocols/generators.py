"""Trained generators as samplers, for comparison: CTGAN, TVAE, ARF, ForestDiffusion.

They are no dependency of the package: ``pip install -r protocols/generators.txt`` in an
environment of its own brings them. Library defaults but for what rows this few forbid.
"""

import logging
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

logger = logging.getLogger(__name__)

_LABEL = "label of the row"
_MISSING = "missing"
_PAC = 10  # rows that the discriminator of CTGAN judges together; its default
_BATCH = 500  # the default of CTGAN and TVAE
_MAX_ROUNDS = 20  # drawing again what came out as another class


def import_generator(module):
    """Import a package of ``generators.txt``, or say how to get it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{module.partition('.')[0]} is not installed: {error}. Generators are "
            "for comparison only; pip install -r protocols/generators.txt in an "
            "environment of its own."
        ) from error


class PlainTable:
    """A frame without missing cells, its discrete columns as text.

    Numbers that are missing become the median, as the encoder of every arm has it, and
    missing categories a level. Numbers of two values are discrete.

    Parameters
    ----------
    X : DataFrame
        Real rows.
    """

    def __init__(self, X):
        self.real = X
        numbers = set(X.select_dtypes("number").columns)
        self.discrete = [
            name for name in X if name not in numbers or X[name].nunique() <= 2
        ]
        self.plain = pd.DataFrame(index=X.index)
        self._levels = {}
        for name in X:
            column = X[name]
            if name in numbers:
                median = column.median()
                column = column.fillna(0 if np.isnan(median) else median)
            if name in self.discrete:
                texts = column.astype(object).where(column.notna(), _MISSING)
                self._levels[name] = dict(zip(texts.map(str), column, strict=True))
                column = texts.map(str).astype(object)
            self.plain[name] = column

    def restore(self, made):
        """Return made rows with the columns and types of the real ones."""
        restored = pd.DataFrame(index=range(len(made)))
        for name, dtype in self.real.dtypes.items():
            column = made[name].reset_index(drop=True)
            if name in self.discrete:
                column = column.astype(object).map(self._levels[name])
            elif pd.api.types.is_integer_dtype(dtype):
                column = column.astype(float).round()
            restored[name] = column.astype(dtype)
        return restored


@contextmanager
def seeded(seed):
    """Seed NumPy's global generator, which these packages ask, and put it back."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


class GeneratorSampler(BaseEstimator):
    """Fit a generator on a frame and sample what each class lacks.

    A generator that fails adds no rows, and says so in the log; a class that it cannot
    make enough rows of keeps those that came.

    Parameters
    ----------
    sampling_strategy : dict
        Rows of each class in the end.
    random_state : int
        Seed of training and sampling.
    """

    module = None

    def __init__(self, *, sampling_strategy, random_state=0):
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def fit_resample(self, X, y):
        """Return the real rows and the new ones after them."""
        generator = import_generator(self.module)
        table = PlainTable(X)
        lacking = {
            label: total - int((y == label).sum())
            for label, total in self.sampling_strategy.items()
        }
        lacking = {label: n for label, n in lacking.items() if n > 0}
        try:
            with seeded(self.random_state):
                made = self._make(generator, table, y, lacking)
                made = {label: table.restore(rows) for label, rows in made.items()}
        except Exception as error:  # whatever a package of others raises
            logger.warning("%s failed: %r", type(self).__name__, error)
            return X, y
        labels = [np.full(len(rows), label) for label, rows in made.items()]
        X_big = pd.concat([X, *made.values()], ignore_index=True)
        return X_big, np.concatenate([y, *labels]).astype(y.dtype)

    def _make(self, generator, table, y, lacking):
        """Return {label: frame of new rows}; here by one fit a class."""
        return {
            label: self._make_class(generator, table, table.plain[y == label], n)
            for label, n in lacking.items()
        }

    def _make_class(self, generator, table, rows, n):
        """Return `n` rows like those of a class."""
        raise NotImplementedError


class CTGANSampler(GeneratorSampler):
    """CTGAN [1]_: one fit, the label a discrete column, sampled on condition of it.

    The batch is the largest multiple of ``pac=10`` that the rows fill, 500 at most;
    with the default of 500 rows would be drawn up to 25 times a step. Rows that come
    out with another label than asked for are drawn again, 20 times at most.

    References
    ----------
    .. [1] Xu et al., "Modeling Tabular Data using Conditional GAN", NeurIPS 2019.
    """

    module = "ctgan"

    def _make(self, generator, table, y, lacking):
        batch_size = min(_BATCH, len(y) // _PAC * _PAC)
        model = generator.CTGAN(batch_size=batch_size, pac=_PAC, enable_gpu=False)
        model.set_random_state(self.random_state)
        labeled = table.plain.assign(**{_LABEL: [str(label) for label in y]})
        model.fit(labeled, [*table.discrete, _LABEL])
        return {
            label: self._sample_class(model, str(label), n)
            for label, n in lacking.items()
        }

    @staticmethod
    def _sample_class(model, label, n):
        kept = []
        for _ in range(_MAX_ROUNDS):
            rows = model.sample(n, _LABEL, label)
            kept.append(rows[rows[_LABEL] == label])
            if sum(map(len, kept)) >= n:
                break
        return pd.concat(kept, ignore_index=True)[:n]


class TVAESampler(GeneratorSampler):
    """TVAE, of the same authors: one fit a class, since it knows no conditions."""

    module = "ctgan"

    def _make_class(self, generator, table, rows, n):
        model = generator.TVAE(batch_size=min(_BATCH, len(rows)), enable_gpu=False)
        model.set_random_state(self.random_state)
        model.fit(rows, table.discrete)
        return model.sample(n)


class ARFSampler(GeneratorSampler):
    """Adversarial random forests [1]_: one fit a class; discrete columns as factors.

    Constant columns are left out of the fit and put back: a normal distribution without
    width has no density. Columns are named by their numbers, since arfpy 0.1.1 takes
    one for the other, which pandas no longer does.

    References
    ----------
    .. [1] Watson et al., "Adversarial Random Forests for Density Estimation and
       Generative Modeling", AISTATS 2023.
    """

    module = "arfpy.arf"

    def _make_class(self, generator, table, rows, n):
        rows = rows.reset_index(drop=True)
        rows = rows.astype(dict.fromkeys(table.discrete, "category"))
        varying = [name for name in rows if rows[name].nunique() > 1]
        numbered = rows[varying].set_axis(range(len(varying)), axis=1)
        model = generator.arf(x=numbered, verbose=False)
        model.forde()
        made = model.forge(n).set_axis(varying, axis=1)
        constant = {name: rows[name][0] for name in rows if name not in varying}
        return made.assign(**constant)


class ForestDiffusionSampler(GeneratorSampler):
    """ForestDiffusion [1]_: boosted trees for each class, step and column.

    Only rows of classes that lack some are shown to it; it has a model for each class.
    Release 1.0.6 wants labels without gaps.

    References
    ----------
    .. [1] Jolicoeur-Martineau et al., "Generating and Imputing Tabular Data via
       Diffusion and Flow-based Gradient-Boosted Trees", AISTATS 2024.
    """

    module = "ForestDiffusion.diffusion_with_trees_class"

    def _make(self, generator, table, y, lacking):
        levels = {name: sorted(set(table.plain[name])) for name in table.discrete}
        coded = table.plain.copy()
        for name, known in levels.items():
            coded[name] = coded[name].map(known.index)
        is_asked = np.isin(y, list(lacking))
        known_labels, codes = np.unique(y[is_asked], return_inverse=True)
        is_integer = table.real.dtypes.map(pd.api.types.is_integer_dtype)
        kinds = {"bin_indexes": [], "cat_indexes": [], "int_indexes": []}
        for number, name in enumerate(coded):
            if name in levels:
                kind = "bin_indexes" if len(levels[name]) <= 2 else "cat_indexes"
                kinds[kind].append(number)
            elif is_integer[name]:
                kinds["int_indexes"].append(number)
        model = generator.ForestDiffusionModel(
            coded[is_asked].to_numpy(dtype=float),
            label_y=codes,
            seed=self.random_state,
            n_jobs=1,
            nthread=1,
            **kinds,
        )
        made = {}
        for label, n in lacking.items():
            model.y_probs = (known_labels == label).astype(float)
            rows = pd.DataFrame(model.generate(n)[:, :-1], columns=coded.columns)
            for name, known in levels.items():
                rows[name] = [known[int(code)] for code in rows[name]]
            made[label] = rows
        return made
