"""The two classics for tables: noise around a row, and a mix of two rows."""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval

from skexpand._base import BaseExpander, Provenance


class GaussianJitter(BaseExpander):
    r"""Expand a table by Gaussian noise around its rows.

    A synthetic row is :math:`x_i + h\,\sigma \odot \varepsilon`, with a random row
    :math:`x_i` of the class, :math:`\varepsilon \sim N(0, I)`, and the within-class
    standard deviation :math:`\sigma` of each encoded column, pooled over classes, so
    that a class of one row can be expanded too. Noise is independent between columns:
    do not use it where columns are strongly correlated. Time and memory are linear in
    the cells drawn.

    Parameters
    ----------
    scale : float, default=0.3
        Noise :math:`h` in units of :math:`\sigma`. 0 repeats rows, 1 doubles the
        variance within a class.
    ratio : float, default=10.0
        Every class grows to ``round(ratio * n_class)``.
    sampling_strategy : None, float, str, dict or callable, default=None
        As in imbalanced-learn; wins over `ratio` unless None.
    image_shape : None, default=None
        Part of the common interface; images are refused.
    random_state : None, int, RandomState or Generator, default=None
        Seed of every draw.

    Attributes
    ----------
    noise_scale_ : ndarray of shape (n_encoded,)
        Standard deviation of the noise in each encoded column.
    classes_, sampling_strategy_, synthetic_mask_, parents_, mixing_weights_
        See `skexpand._base.BaseExpander`.

    References
    ----------
    .. [1] Bishop, "Training with noise is equivalent to Tikhonov regularization",
       Neural Computation 7(1), 1995.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skexpand.baselines import GaussianJitter
    >>> X, y = load_iris(return_X_y=True)
    >>> GaussianJitter(ratio=2, random_state=0).fit_resample(X, y)[0].shape
    (300, 4)
    """

    _kinds = ("table",)

    _parameter_constraints: dict = {
        **BaseExpander._parameter_constraints,
        "scale": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        scale=0.3,
        ratio=10.0,
        sampling_strategy=None,
        image_shape=None,
        random_state=None,
    ):
        super().__init__(
            ratio=ratio,
            sampling_strategy=sampling_strategy,
            image_shape=image_shape,
            random_state=random_state,
        )
        self.scale = scale

    def _learn(self, x, y, streams):
        sums = np.zeros((len(self.classes_), x.shape[1]))
        np.add.at(sums, y, x)
        residuals = x - (sums / self.class_counts_[:, None])[y]
        freedom = max(1, len(x) - len(self.classes_))
        self.noise_scale_ = self.scale * np.sqrt(np.square(residuals).sum(0) / freedom)
        self._rows = ClassRows(x, y)

    def _draw(self, counts, streams):
        source, y_new = self._rows.draw(counts, streams.numpy("source"))
        x_new = streams.numpy("noise").standard_normal((len(source), self._rows.width))
        x_new *= self.noise_scale_
        x_new += self._rows.x[source]
        parents = source[:, None]
        return x_new, y_new, Provenance(parents, np.ones(parents.shape))


class Mixup(BaseExpander):
    r"""Expand a table by mixing two rows of one class.

    A synthetic row is :math:`\lambda x_i + (1 - \lambda) x_j` with
    :math:`\lambda \sim \mathrm{Beta}(\alpha, \alpha)` [1]_, within a class, so that
    labels stay hard. Row :math:`i` is the heavier one. As every convex mix it shrinks
    the class towards its mean; a class of one row is only repeated. Time and memory are
    linear in the cells drawn.

    Parameters
    ----------
    alpha : float, default=0.4
        Shape of the Beta law. Small values keep rows close to one parent, 1 is uniform
        and large values give midpoints.
    ratio : float, default=10.0
        Every class grows to ``round(ratio * n_class)``.
    sampling_strategy : None, float, str, dict or callable, default=None
        As in imbalanced-learn; wins over `ratio` unless None.
    image_shape : None, default=None
        Part of the common interface; images are refused.
    random_state : None, int, RandomState or Generator, default=None
        Seed of every draw.

    Attributes
    ----------
    classes_, sampling_strategy_, synthetic_mask_, parents_, mixing_weights_
        See `skexpand._base.BaseExpander`.

    References
    ----------
    .. [1] Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, eq. 1.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skexpand.baselines import Mixup
    >>> X, y = load_iris(return_X_y=True)
    >>> Mixup(ratio=2, random_state=0).fit_resample(X, y)[0].shape
    (300, 4)
    """

    _kinds = ("table",)

    _parameter_constraints: dict = {
        **BaseExpander._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        alpha=0.4,
        ratio=10.0,
        sampling_strategy=None,
        image_shape=None,
        random_state=None,
    ):
        super().__init__(
            ratio=ratio,
            sampling_strategy=sampling_strategy,
            image_shape=image_shape,
            random_state=random_state,
        )
        self.alpha = alpha

    def _learn(self, x, y, streams):
        self._rows = ClassRows(x, y)

    def _draw(self, counts, streams):
        source, y_new = self._rows.draw(counts, streams.numpy("source"))
        partner = self._rows.other(source, streams.numpy("partner"))
        weight = streams.numpy("weight").beta(self.alpha, self.alpha, len(source))
        weight = np.maximum(weight, 1 - weight)[:, None]

        x_new = weight * self._rows.x[source]
        x_new += (1 - weight) * self._rows.x[partner]
        parents = np.column_stack([source, partner])
        return x_new, y_new, Provenance(parents, np.hstack([weight, 1 - weight]))


class ClassRows:
    """Draw rows of given classes without a loop over classes.

    Parameters
    ----------
    x : ndarray of shape (n, q)
        Encoded rows.
    y : ndarray of int, shape (n,)
        Their codes 0..n_classes-1.
    """

    def __init__(self, x, y):
        self.x = x
        self.width = x.shape[1]
        self._order = np.argsort(y, kind="stable")
        self._sizes = np.bincount(y)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._class = y
        self._place = np.empty(len(y), dtype=np.intp)
        self._place[self._order] = np.arange(len(y)) - self._starts[y[self._order]]

    def draw(self, counts, generator):
        """Draw rows with replacement, ``counts`` of each class.

        Parameters
        ----------
        counts : ndarray of int, shape (n_classes,)
        generator : numpy.random.Generator

        Returns
        -------
        rows : ndarray of int, shape (m,)
            Row numbers.
        y_new : ndarray of int, shape (m,)
            Their codes, sorted.
        """
        y_new = np.repeat(np.arange(len(counts)), counts)
        place = generator.integers(self._sizes[y_new])
        return self._order[self._starts[y_new] + place], y_new

    def other(self, rows, generator):
        """Draw another row of the same class for each row; the row itself if alone.

        Parameters
        ----------
        rows : ndarray of int, shape (m,)
        generator : numpy.random.Generator

        Returns
        -------
        ndarray of int, shape (m,)
        """
        code = self._class[rows]
        step = 1 + generator.integers(np.maximum(self._sizes[code] - 1, 1))
        place = (self._place[rows] + step) % self._sizes[code]
        return self._order[self._starts[code] + place]
