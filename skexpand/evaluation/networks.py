"""Convolutional networks with scikit-learn's face, trained for a number of steps."""

from itertools import chain, islice, repeat

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted

from skexpand._device import find_device, reproducible
from skexpand._random import RandomStreams
from skexpand.baselines.images import AugmentationPolicy, augment_images
from skexpand.codecs import ImageCodec
from skexpand.evaluation.architectures import BUILDERS, HalfPrecision
from skexpand.streaming import ExpandedStream

_TEST_BATCH = 500  # larger ones only cost memory


class ImageClassifier(ClassifierMixin, BaseEstimator):
    """Classify images by a small network, trained by skorch for a number of steps.

    Steps, not epochs: a training set ten times as large is seen as often in total, so
    that arms of a comparison differ in what they show, not in how long. The learning
    rate follows one cycle. Not made to win benchmarks: with an hour of training, or
    more than some ten thousand images, take a network of your own.

    Time is that of `steps` times `batch_size` images, whatever the training set; a
    sampler as `augment` adds its own.

    Parameters
    ----------
    network : {"cnn", "resnet", "wide_resnet"}, default="cnn"
        ``"cnn"`` is conv 32 - conv 64 - dense 128, enough for digits; ``"resnet"`` has
        three residual blocks of 32, 64 and 128 channels, for color;
        ``"wide_resnet"`` is WRN-16-8, for photographs and a GPU.
    steps : int, default=600
        Batches to train on.
    batch_size : int, default=64
        Images of a batch; a few less with a sampler, see `ExpandedStream`.
    learning_rate : float, default=4e-3
        Peak of the cycle.
    weight_decay : float, default=1e-2
        Of AdamW.
    augment : {"digits", "natural"}, AugmentationPolicy, sampler or None, default=None
        A policy transforms every image of every batch anew, beside whatever the
        training set holds already. A sampler of this package is fitted on the training
        set, which every epoch then shows together with synthetic images drawn anew
        (`ExpandedStream`).
    class_weight : "balanced" or None, default=None
        Weigh rows by the inverse of their class's count, synthetic ones included.
    device : str, default="cpu"
        Torch device; ``"auto"`` takes a GPU where there is one, which computes in half
        precision.
    random_state : int, RandomState or None, default=None
        Seed of weights, batches, dropout and augmentation, and of a sampler that has
        none. The same int gives the same network on the same machine, and batches of
        the same row numbers for training sets of the same length.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_iter_ : int
        Steps taken.
    device_ : str
        Where the network is.
    net_ : skorch.NeuralNetClassifier
        The fitted network.

    Raises
    ------
    ImportError
        If skorch is missing.
    ValueError
        For unknown names, and images of sides below 4 pixels.

    Examples
    --------
    >>> from skexpand.datasets import load_digits_images
    >>> from skexpand.evaluation import ImageClassifier
    >>> X, y = load_digits_images()
    >>> network = ImageClassifier(steps=60, random_state=0).fit(X[:300], y[:300])
    >>> bool(network.score(X[300:600], y[300:600]) > 0.7)
    True
    """

    def __init__(
        self,
        *,
        network="cnn",
        steps=600,
        batch_size=64,
        learning_rate=4e-3,
        weight_decay=1e-2,
        augment=None,
        class_weight=None,
        device="cpu",
        random_state=None,
    ):
        self.network = network
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.augment = augment
        self.class_weight = class_weight
        self.device = device
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    @reproducible()
    def fit(self, X, y):
        """Train the network.

        Parameters
        ----------
        X : ndarray of shape (n, H, W), (n, H, W, C) or (n, C, H, W)
        y : array-like of shape (n,)

        Returns
        -------
        ImageClassifier
            Itself.
        """
        self._check()
        self.classes_, codes = np.unique(column_or_1d(y), return_inverse=True)
        self._codec = ImageCodec().fit(X)
        x = self._tensor(X)
        device = find_device(self.device)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if isinstance(self.random_state, int | np.integer):
            seed = int(self.random_state)

        forked = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=forked):
            torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
            if forked:
                torch.cuda.manual_seed(seed)
            network = BUILDERS[self.network](x.shape[1:], len(self.classes_))
            batches = self._plan_batches(x, codes, seed)
            self.net_ = self._make_net(network, codes, device, batches)
            self.net_.fit(x, torch.from_numpy(codes))
        self.device_ = str(device)
        self.n_iter_ = self.steps
        return self

    def predict_proba(self, X):
        """Give the network's belief in every class.

        Parameters
        ----------
        X : ndarray of the shape fitted

        Returns
        -------
        ndarray of float32, shape (n, n_classes)
        """
        check_is_fitted(self, "net_")
        return self.net_.predict_proba(self._tensor(X))

    def predict(self, X):
        """Give the class the network believes in most.

        Parameters
        ----------
        X : ndarray of the shape fitted

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _check(self):
        if self.network not in BUILDERS:
            raise ValueError(
                f"network must be one of {', '.join(BUILDERS)}, got {self.network!r}."
            )
        for name in ("steps", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name} must be an int of at least 1, got {value!r}.")
        is_policy = isinstance(self.augment, str | AugmentationPolicy | None)
        if not (is_policy or hasattr(self.augment, "sample")):
            raise TypeError(
                "augment must be a policy, or a sampler of this package, which draws "
                f"anew by sample(); got {type(self.augment).__name__}."
            )
        if self.class_weight not in (None, "balanced"):
            raise ValueError(
                f"class_weight must be 'balanced' or None, got {self.class_weight!r}."
            )

    def _tensor(self, X):
        x = torch.from_numpy(self._codec.encode(X))
        return x.contiguous(memory_format=torch.channels_last)

    def _plan_batches(self, x, codes, seed):
        """Return what `Batches` is told: its own transforms, or a stream."""
        policy, stream = self.augment, None
        if hasattr(policy, "sample"):
            sampler, policy = clone(policy), None
            if sampler.random_state is None:
                sampler.set_params(random_state=seed)
            images = x.contiguous().numpy()
            # By their names: a sampling_strategy may speak of them.
            labels = self.classes_[codes]
            stream = ExpandedStream(
                sampler.fit(images, labels),
                images,
                labels,
                batch_size=self.batch_size,
                random_state=seed,
            )
        if isinstance(policy, str):
            policy = AugmentationPolicy.preset(policy)
        return {
            "steps": self.steps,
            "policy": policy,
            "generator": RandomStreams(seed).torch("augment"),
            "stream": stream,
        }

    def _make_net(self, network, codes, device, batches):
        try:
            from skorch import NeuralNetClassifier
            from skorch.callbacks import LRScheduler
        except ImportError as error:
            raise ImportError(
                "ImageClassifier is trained by skorch: pip install 'skexpand[eval]'."
            ) from error
        weight = None
        if self.class_weight == "balanced":
            stream = batches["stream"]
            counts = np.bincount(codes) if stream is None else stream.class_counts_
            weight = torch.tensor(counts.sum() / (len(counts) * counts)).float()
        cycle = LRScheduler(
            torch.optim.lr_scheduler.OneCycleLR,
            max_lr=self.learning_rate,
            total_steps=self.steps,
            step_every="batch",
        )
        if device.type == "cuda":
            network = HalfPrecision(network)
        return NeuralNetClassifier(
            network.to(device),
            criterion=torch.nn.CrossEntropyLoss,
            criterion__weight=weight,
            optimizer=torch.optim.AdamW,
            optimizer__weight_decay=self.weight_decay,
            lr=self.learning_rate,
            max_epochs=1,
            batch_size=self.batch_size,
            iterator_train=Batches,
            **{f"iterator_train__{name}": value for name, value in batches.items()},
            iterator_valid=Parts,
            iterator_valid__batch_size=_TEST_BATCH,
            train_split=None,
            callbacks=[("cycle", cycle)],
            classes=list(range(len(self.classes_))),
            device=device,
            verbose=0,
        )


class Batches:
    """Serve a fixed number of batches from consecutive shuffles of a data set.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Holds all images ``X`` and codes ``y`` as tensors.
    batch_size : int
        Images of a batch.
    steps : int
        Number of batches.
    policy : AugmentationPolicy or None
        Transform each batch by it.
    generator : torch.Generator
        Source of the transforms. The order comes from torch's own generator, which the
        caller has forked.
    stream : ExpandedStream or None
        Where batches come from instead, pass after pass.
    """

    def __init__(self, dataset, batch_size, steps, policy, generator, stream):
        self.dataset = dataset
        self.batch_size = batch_size
        self.steps = steps
        self.policy = policy
        self.generator = generator
        self.stream = stream

    def __len__(self):
        return self.steps

    def __iter__(self):
        if self.stream is not None:
            for images, codes in islice(
                chain.from_iterable(repeat(self.stream)), self.steps
            ):
                yield images.contiguous(memory_format=torch.channels_last), codes
            return
        x, codes = self.dataset.X, self.dataset.y
        n_rows = self.steps * self.batch_size
        n_shuffles = -(-n_rows // len(x))
        order = torch.cat([torch.randperm(len(x)) for _ in range(n_shuffles)])
        for rows in order[:n_rows].view(self.steps, self.batch_size):
            images = x[rows]
            if self.policy is not None:
                images = augment_images(images, self.policy, self.generator)
            yield images, codes[rows]


class Parts:
    """Serve a data set part by part, in order.

    Torch's own loader would draw from its global generator at every use.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Holds all images ``X`` as a tensor.
    batch_size : int
        Images of a part.
    """

    def __init__(self, dataset, batch_size):
        self.dataset = dataset
        self.batch_size = batch_size

    def __iter__(self):
        for images in self.dataset.X.split(self.batch_size):
            yield images, images.new_zeros(len(images))  # skorch asks for targets
