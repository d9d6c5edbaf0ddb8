"""Fresh synthetic samples in every epoch, batch by batch, for training a network."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import IterableDataset, get_worker_info

from skexpand._random import RandomStreams
from skexpand.codecs import LabelCodec


class ExpandedStream(IterableDataset):
    """Batches of real and synthetic samples, the synthetic ones new in every epoch.

    `fit_resample` shows a network the same synthetic samples again and again. Each pass
    over this data set holds what `fit_resample` returns, with synthetic samples that
    were drawn anew, in random order [1]_. At the same number of steps that was worth
    one to two points on ten images a class, and took several times as long
    (docs/method.md).

    Two passes over one object differ, and two objects of one `random_state` begin with
    the same bits. In a ``DataLoader`` pass ``batch_size=None``, since batches are made
    here. Each of its workers makes a share of a pass; draws then follow the loader's
    ``generator`` too, and the sampler must be on the CPU.

    Parameters
    ----------
    sampler : fitted sampler
        `ExpansiveSynthesizer`, or another of this package. Every pass overwrites what
        it says about its last draw, such as `parents_`.
    X : ndarray or torch.Tensor of shape (n, ...)
        The samples that it was fitted on.
    y : object of shape (n,), (n, 1), or one-hot (n, n_classes)
        Their labels.
    batch_size : int, default=64
        Samples of a batch at most; those of a pass are as equal as possible.
    random_state : None, int, RandomState or Generator, default=None
        Seed of every draw.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; batches hold their places.
    class_counts_ : ndarray of int, shape (n_classes,)
        Samples of each class in a pass.

    Yields
    ------
    x : Tensor of shape (b, ...)
        Samples in the shape, dtype and range of `X`.
    codes : LongTensor of shape (b,)
        Places of their labels in `classes_`.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        Before the sampler's `fit`.
    TypeError
        For samplers of other packages, and for frames and other containers that torch
        does not read.
    ValueError
        If `X` and `y` are not what the sampler was fitted on, or `batch_size` is no
        positive integer.

    References
    ----------
    .. [1] Jebraeeli et al., arXiv:2406.17238, algorithm 2.

    Examples
    --------
    >>> from skexpand import ExpandedStream, ExpansiveSynthesizer
    >>> from skexpand.datasets import load_digits_images
    >>> X, y = load_digits_images()
    >>> sampler = ExpansiveSynthesizer(ratio=3, max_iter=0, random_state=0)
    >>> stream = ExpandedStream(sampler.fit(X[:50], y[:50]), X[:50], y[:50])
    >>> sum(len(x) for x, codes in stream)
    150
    """

    def __init__(self, sampler, X, y, *, batch_size=64, random_state=None):
        if not hasattr(sampler, "sample"):
            raise TypeError(
                "sampler must be one of this package, which draws anew by sample(); "
                f"got {type(sampler).__name__}."
            )
        check_is_fitted(sampler)
        if not isinstance(batch_size, Integral) or batch_size < 1:
            raise ValueError(
                f"batch_size must be an int of at least 1, got {batch_size!r}."
            )
        self.sampler = sampler
        self.batch_size = int(batch_size)
        self.classes_ = sampler.classes_
        self._x = _as_tensor(X)
        self._codes = _codes_of(y, sampler, len(self._x))
        fitted_on, given = _describe(sampler.sample(0)[0]), _describe(X)
        if fitted_on != given:
            raise ValueError(
                f"X must be what the sampler was fitted on, {fitted_on}; got {given}. "
                "Fit the sampler on this X."
            )
        wanted = sampler.sampling_strategy_
        self._n_new = np.array([wanted.get(c, 0) for c in self.classes_.tolist()])
        self.class_counts_ = sampler.class_counts_ + self._n_new
        self._streams = RandomStreams(random_state)
        self._n_passes = 0

    def __len__(self):
        """Tell the batches of a pass; workers, who share it, make a few more."""
        return -(-int(self.class_counts_.sum()) // self.batch_size)

    def __iter__(self):
        streams, share, n_shares = self._streams.child("pass", self._n_passes), 0, 1
        self._n_passes += 1
        worker = get_worker_info()
        if worker is not None:
            # Most workers live for one pass, and forget its number; then their seed is
            # new. Those that stay keep the seed, and count.
            share, n_shares = worker.id, worker.num_workers
            streams = streams.child("worker", worker.seed)
        # Rests go to other shares class by class: one would have them all otherwise.
        place = np.arange(len(self._n_new))
        counts = (self._n_new + (share + place) % n_shares) // n_shares
        X_new, _ = self.sampler.sample(
            dict(zip(self.classes_.tolist(), counts.tolist(), strict=True)),
            random_state=streams.numpy("new"),
        )
        new = torch.from_numpy(np.repeat(place, counts))
        x = torch.cat([self._x[share::n_shares], _as_tensor(X_new)])
        codes = torch.cat([self._codes[share::n_shares], new])
        order = torch.randperm(len(x), generator=streams.torch("order"))
        n_batches = -(-len(x) // self.batch_size)
        # Batches of equal size: a last one of a single sample upsets batch norm.
        for rows in order.tensor_split(n_batches) if n_batches else ():
            yield x[rows], codes[rows]


def _as_tensor(X):
    if isinstance(X, np.ndarray) and X.dtype != object:
        return torch.from_numpy(np.ascontiguousarray(X))
    if isinstance(X, torch.Tensor):
        return X
    raise TypeError(
        "X must be an array of numbers or a tensor, because torch batches it; got "
        f"{type(X).__name__}. Fit the sampler on an array of numbers, and pass that."
    )


def _describe(X):
    """Container, dtype and shape of a sample: what real and new ones must share."""
    shape = tuple(getattr(X, "shape", ()))[1:]
    return f"{type(X).__name__} of {getattr(X, 'dtype', 'objects')}, samples {shape}"


def _codes_of(y, sampler, n):
    """Places of the labels, which must be those that the sampler was fitted on."""
    labels = LabelCodec()
    codes = labels.fit_encode(y)
    is_fitted_on = len(codes) == n and np.array_equal(labels.classes_, sampler.classes_)
    if not (is_fitted_on and np.array_equal(np.bincount(codes), sampler.class_counts_)):
        raise ValueError(
            "X and y must be what the sampler was fitted on: "
            f"{int(sampler.class_counts_.sum())} samples of the classes "
            f"{sampler.classes_.tolist()}; got {n} samples and {len(codes)} labels of "
            f"the classes {labels.classes_.tolist()}. Fit the sampler on them first."
        )
    return torch.from_numpy(codes)
