"""The seam every sampler is built on: validate, encode, learn, draw, restore."""

import warnings
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skexpand._compat import (
    BaseOverSampler,
    check_sampling_strategy,
    mark_as_general_sampler,
    remember_feature_names,
    validate_parameters,
)
from skexpand._random import RandomStreams
from skexpand.codecs import LabelCodec, find_codec

# Cells drawn at a time. A sampler holds about ten float64 copies of its batch: 200 MB.
_CHUNK_CELLS = 2**21


@dataclass
class Provenance:
    """Which fitted rows each synthetic row was made of.

    Parameters
    ----------
    parents : ndarray of int, shape (m, k)
        Row numbers in the fitted ``X``. Column 0 is the source row that was moved;
        -1 stands for none; -2 - j in column 0 for row j of the pre-training data, which
        was taken over as it is.
    weights : ndarray of float, shape (m, k)
        Mixing weight of each parent.
    """

    parents: np.ndarray
    weights: np.ndarray


class BaseExpander(BaseOverSampler):
    """Template of every sampler: the base validates and restores, a subclass learns.

    A subclass lists its parameters, these four included, in a keyword-only
    ``__init__``, extends ``_parameter_constraints``, and implements two hooks on plain
    arrays:

    ``_learn(x, y, streams)``
        Learn from ``x``, images float32 (n, C, H, W) in [0, 1] or tables float64
        (n, q), and ``y``, codes 0..n_classes-1.
    ``_draw(counts, streams)``
        Return ``x_new`` (m, ...), ``y_new`` (m,) codes with exactly ``counts`` rows a
        class, and a `Provenance`. Called once per shard, each with streams of its own.

    ``_check_learnable(x, y)`` may refuse before anything is learned. The codec is
    ``self._codec``; its ``kind`` is ``"table"`` or ``"image"``, and ``_kinds`` names
    the ones a sampler takes.

    Parameters
    ----------
    ratio : float, default=10.0
        Every class grows to ``round(ratio * n_class)``. Used when `sampling_strategy`
        is None. (Not the `ratio` of imbalanced-learn before 0.6.)
    sampling_strategy : None, float, str, dict or callable, default=None
        Anything but None means what it means in imbalanced-learn, and wins over
        `ratio`: values of a dict are totals after resampling, strings equalise.
    image_shape : tuple of int or None, default=None
        (H, W), (H, W, C) or (C, H, W) of one image, when rows of `X` are pixels.
    random_state : None, int, RandomState or Generator, default=None
        Seed of every draw.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    class_counts_ : ndarray of int, shape (n_classes,)
        Rows of each class in the fitted `X`.
    sampling_strategy_ : OrderedDict of label to int
        Synthetic rows of each class that `fit_resample` adds.
    n_features_in_ : int
        Columns of a table, or pixels times channels of an image.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Only when `X` is a frame with string column names.
    synthetic_mask_ : ndarray of bool
        After sampling: whether each returned row is synthetic.
    parents_, mixing_weights_ : ndarray of shape (n_returned, k)
        After sampling: `Provenance` of each returned row. A real row ``i`` has
        ``parents_ = [i, -1, ...]`` and ``mixing_weights_ = [1, 0, ...]``.
    violations_ : dict of str to int
        After sampling: orders and sums between columns that all real rows of a table
        keep, such as ``"start <= end"``, and how many synthetic rows break each, where
        repairing them did not help.
    """

    _kinds = ("table", "image")

    _parameter_constraints: dict = {
        "ratio": [Interval(Real, 1, None, closed="left")],
        "sampling_strategy": [
            *BaseOverSampler._parameter_constraints["sampling_strategy"],
            None,
        ],
        "image_shape": [tuple, list, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        *,
        ratio=10.0,
        sampling_strategy=None,
        image_shape=None,
        random_state=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.ratio = ratio
        self.image_shape = image_shape
        self.random_state = random_state

    def fit(self, X, y):
        """Check everything, then learn from a labeled data set.

        Parameters
        ----------
        X : object of shape (n, p), (n, H, W), (n, H, W, C) or (n, C, H, W)
            List, ndarray, sparse matrix, pandas or polars frame, or torch tensor.
        y : object of shape (n,), (n, 1), or one-hot (n, n_classes)
            Class labels.

        Returns
        -------
        BaseExpander
            Itself.

        Raises
        ------
        ValueError
            For bad parameters or input; nothing was learned then.
        TypeError
            For containers or cells of an unknown type.
        """
        validate_parameters(self)
        x, codes = self._check_input(X, y)
        streams = RandomStreams(self.random_state)
        self._learn(x, codes, streams.child("learn"))
        self._streams = streams  # last: its presence means that learning ended well
        return self

    def sample(self, n=None, *, random_state=None):
        """Draw synthetic rows from the fitted sampler, as many as asked.

        Parameters
        ----------
        n : None, int or dict of label to int, default=None
            None draws ``sampling_strategy_``; a dict its exact counts; an integer that
            many in total, split in proportion to the fitted classes.
        random_state : None, int, RandomState or Generator, default=None
            None repeats the same bits at every call; another value is another draw.

        Returns
        -------
        X_new : object
            Rows grouped in class order, in the container of the fitted `X`.
        y_new : object
            Their labels, in the container of the fitted `y`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            For negative counts and unknown labels.
        """
        check_is_fitted(self, "_streams")
        counts = self._resolve_counts(n)
        streams = self._streams
        if random_state is not None:
            streams = RandomStreams(random_state)
        values, codes, provenance = self._draw_shards(counts, streams.child("sample"))
        self.synthetic_mask_ = np.ones(len(codes), dtype=bool)
        self.parents_ = provenance.parents
        self.mixing_weights_ = provenance.weights
        self.violations_ = self._codec.count_violations(values)
        return self._codec.restore(values), self._labels.decode(codes)

    def fit_resample(self, X, y):
        """Expand a data set: the real rows first, untouched, then synthetic ones.

        Parameters
        ----------
        X : object of shape (n, p), (n, H, W), (n, H, W, C) or (n, C, H, W)
            As in `fit`.
        y : object of shape (n,), (n, 1), or one-hot (n, n_classes)
            Class labels.

        Returns
        -------
        X_resampled : object
            In the container of `X`; frames get a fresh ``RangeIndex``.
        y_resampled : object
            In the container of `y`.

        Raises
        ------
        ValueError, TypeError
            As in `fit`.
        """
        return self._fit_resample(X, y)

    def _fit_resample(self, X, y):
        X_new, y_new = self.fit(X, y).sample()
        n = int(self.class_counts_.sum())
        k = self.parents_.shape[1]
        own = np.full((n, k), -1, dtype=self.parents_.dtype)
        own[:, 0] = np.arange(n)
        weights = np.zeros((n, k), dtype=self.mixing_weights_.dtype)
        weights[:, 0] = 1
        self.parents_ = np.concatenate([own, self.parents_])
        self.mixing_weights_ = np.concatenate([weights, self.mixing_weights_])
        self.synthetic_mask_ = np.arange(len(self.parents_)) >= n
        return self._codec.join(X, X_new), self._labels.join(y, y_new)

    @abstractmethod
    def _learn(self, x, y, streams):
        """Learn from encoded rows and codes; attributes live on ``self``."""

    @abstractmethod
    def _draw(self, counts, streams):
        """Draw ``counts`` encoded rows a class: x_new, y_new codes, Provenance."""

    def _check_learnable(self, x, y):
        """Refuse what the subclass cannot learn from, before it starts."""

    def _check_input(self, X, y):
        labels = LabelCodec()
        codes = labels.fit_encode(y)
        codec, x = self._encode_input(X)
        if len(x) != len(codes):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: X has "
                f"{len(x)} rows, y has {len(codes)} labels. Give one label per row."
            )
        counts = np.bincount(codes, minlength=len(labels.classes_))
        strategy = self._resolve_strategy(labels.classes_, codes, counts)
        self._check_learnable(x, codes)
        self._warn_of_single_rows(labels.classes_, counts)

        self._codec, self._labels = codec, labels
        self.classes_, self.class_counts_ = labels.classes_, counts
        self.sampling_strategy_ = strategy
        remember_feature_names(self, X)
        self.n_features_in_ = codec.n_features_in_
        return x, codes

    def _encode_input(self, X):
        """Fit the codec of `X` and encode it: codec, x."""
        codec = find_codec(X, self.image_shape)
        if codec.kind not in self._kinds:
            raise ValueError(
                f"{type(self).__name__} expands {' and '.join(self._kinds)}s, got "
                f"{codec.kind}s of shape {getattr(X, 'shape', None)}. Use "
                "ExpansiveSynthesizer, or pass rows of pixels without image_shape."
            )
        return codec, codec.fit(X).encode(X)

    def _resolve_strategy(self, classes, codes, counts):
        """Ask the host how many rows each class lacks; `ratio` is a dict to it."""
        asked = self.sampling_strategy
        if asked is None:
            totals = [round(self.ratio * int(n)) for n in counts]
            asked = dict(zip(classes, totals, strict=True))
        elif isinstance(asked, Mapping):
            asked = dict(asked)
        strategy = check_sampling_strategy(asked, classes[codes], self._sampling_type)
        if not all(float(n).is_integer() for n in strategy.values()):
            raise ValueError(
                f"sampling_strategy must give whole numbers of rows, got {asked}."
            )
        # Plain Python labels: numpy's print as np.int64(0) and str-likes.
        return OrderedDict(
            (getattr(label, "item", lambda label=label: label)(), int(n))
            for label, n in strategy.items()
        )

    @staticmethod
    def _warn_of_single_rows(classes, counts):
        single = classes[counts == 1].tolist()
        if single:
            warnings.warn(
                f"Classes {single} have one sample each: their synthetic rows borrow "
                "all variation from other classes, or repeat the sample where a method "
                "borrows none. Add samples if you can.",
                UserWarning,
                stacklevel=4,
            )

    def _resolve_counts(self, n):
        """Turn the argument of `sample` into rows per class."""
        if n is None:
            n = self.sampling_strategy_
        if isinstance(n, Mapping):
            index = {label: i for i, label in enumerate(self.classes_.tolist())}
            unknown = [label for label in n if label not in index]
            if unknown:
                raise ValueError(
                    f"Labels {unknown} were not seen in fit; known are {list(index)}."
                )
            asked = [n.get(label, 0) for label in index]
        else:
            asked = [n]
        if any(not isinstance(m, Integral) or m < 0 for m in asked):
            raise ValueError(
                "n must be None, a number of rows from 0 on or a dict of label to "
                f"number of rows, got {n!r}."
            )
        if isinstance(n, Mapping):
            return np.array(asked, dtype=np.int64)
        return _split_in_proportion(int(n), self.class_counts_)

    def _draw_shards(self, counts, streams):
        rows = max(1, _CHUNK_CELLS // self._codec.n_encoded_)
        ends = np.cumsum(counts)
        # At least one shard: an empty one still knows the shapes.
        starts = range(0, max(1, int(counts.sum())), rows)
        joined, filled = [], 0
        for i, start in enumerate(starts):
            edges = np.clip(np.concatenate([[0], ends]), start, start + rows)
            parts = self._draw_one(np.diff(edges), streams.child("shard", i))
            # Filled in place: joining shards at the end would hold everything twice.
            if not joined:
                total = int(counts.sum())
                joined = [np.empty((total, *p.shape[1:]), p.dtype) for p in parts]
            for whole, part in zip(joined, parts, strict=True):
                whole[filled : filled + len(part)] = part
            filled += len(parts[0])
        values, codes, parents, weights = joined
        return values, codes, Provenance(parents, weights)

    def _draw_one(self, counts, streams):
        """Draw one shard and put it in class order."""
        x_new, y_new, provenance = self._draw(counts, streams)
        y_new = np.asarray(y_new, dtype=np.int64)
        drawn = np.bincount(y_new, minlength=len(counts))
        if not np.array_equal(drawn, counts):
            raise RuntimeError(
                f"{type(self).__name__}._draw must return {counts.tolist()} rows a "
                f"class, got {drawn.tolist()}."
            )
        order = np.argsort(y_new, kind="stable")
        if (order[1:] > order[:-1]).all():
            order = slice(None)  # already in order: save the copies
        values = self._codec.decode_values(np.asarray(x_new)[order])
        # Half the width is enough, and these arrays live as long as the estimator.
        parents = np.asarray(provenance.parents, dtype=np.int32)[order]
        weights = np.asarray(provenance.weights, dtype=np.float32)[order]
        return values, y_new[order], parents, weights

    def __sklearn_tags__(self):
        """Add missing cells, strings and images to the host's tags."""
        return mark_as_general_sampler(super().__sklearn_tags__())


def _split_in_proportion(total, counts):
    """Split a total over classes by largest remainder."""
    shares = total * counts / counts.sum()
    split = np.floor(shares).astype(np.int64)
    # Ties go to the first class, so that the split does not depend on rounding noise.
    order = np.argsort(-np.round(shares - split, 9), kind="stable")
    split[order[: total - split.sum()]] += 1
    return split
