"""Fresh synthetic samples in every epoch, batch by batch, for training a network."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import IterableDataset, get_worker_info

from skexpand._random import RandomStreams


class ExpandedStream(IterableDataset):
    """Batches of real and synthetic samples, the synthetic ones new in every epoch.

    `fit_resample` shows a network the same synthetic samples again and again. Each pass
    over this data set holds what `fit_resample` returns, with synthetic samples that
    were drawn anew, in random order [1]_. At the same number of steps that is worth one
    to two points on ten images a class (docs/method.md).

    Two passes over one object differ, and two objects of one `random_state` begin with
    the same bits. In a ``DataLoader`` pass ``batch_size=None``, since batches are made
    here; each worker makes its share of a pass, and draws follow the loader's
    ``generator``.

    Parameters
    ----------
    sampler : fitted sampler
        `ExpansiveSynthesizer`, or another of this package.
    X : ndarray or torch.Tensor of shape (n, ...)
        The samples that it was fitted on.
    y : ndarray, list or torch.Tensor of shape (n,)
        Their labels.
    batch_size : int, default=64
        Samples of a batch at most; those of a pass are as equal as possible.
    random_state : None, int, RandomState or Generator, default=None
        Seed of every draw.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; batches hold their places.

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
        For frames and other containers that torch does not read.
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
        check_is_fitted(sampler)
        if not isinstance(batch_size, Integral) or batch_size < 1:
            raise ValueError(
                f"batch_size must be an int of at least 1, got {batch_size!r}."
            )
        self.sampler = sampler
        self.batch_size = int(batch_size)
        self.classes_ = sampler.classes_
        self._x = _as_tensor(X)
        self._codes = torch.from_numpy(_codes_of(y, sampler, len(self._x)))
        self._streams = RandomStreams(random_state)
        self._n_passes = 0

    def __len__(self):
        """Tell the batches of a pass in one process."""
        n_new = sum(self.sampler.sampling_strategy_.values())
        return -(-(len(self._x) + n_new) // self.batch_size)

    def __iter__(self):
        streams, share, n_shares = self._streams, 0, 1
        worker = get_worker_info()
        if worker is None:
            streams = streams.child("pass", self._n_passes)
            self._n_passes += 1
        else:  # what a worker counts is lost with it, and its seed is new in every pass
            share, n_shares = worker.id, worker.num_workers
            streams = streams.child("worker", worker.seed)
        # The first shares of the classes would all be the larger ones otherwise.
        counts = {
            label: (n + (share + place) % n_shares) // n_shares
            for place, (label, n) in enumerate(self.sampler.sampling_strategy_.items())
        }
        X_new, y_new = self.sampler.sample(counts, random_state=streams.numpy("new"))
        codes_new = np.searchsorted(self.classes_, np.asarray(y_new))
        x = torch.cat([self._x[share::n_shares], _as_tensor(X_new)])
        codes = torch.cat([self._codes[share::n_shares], torch.from_numpy(codes_new)])
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
        f"{type(X).__name__}. Encode columns of texts, and pass X.to_numpy()."
    )


def _codes_of(y, sampler, n):
    """Places of the labels, which must be those that the sampler was fitted on."""
    y = np.asarray(y)
    is_fitted_on = y.shape == (n,) and np.isin(y, sampler.classes_).all()
    if is_fitted_on:
        codes = np.searchsorted(sampler.classes_, y)
        counts = np.bincount(codes, minlength=len(sampler.classes_))
        is_fitted_on = np.array_equal(counts, sampler.class_counts_)
    if not is_fitted_on:
        raise ValueError(
            f"X and y must be what the sampler was fitted on: "
            f"{int(sampler.class_counts_.sum())} samples of "
            f"{len(sampler.classes_)} classes; got {n} samples and labels of shape "
            f"{y.shape}. Fit the sampler on them first."
        )
    return codes
