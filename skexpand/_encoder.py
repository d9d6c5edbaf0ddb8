"""KoopmanEncoder: the encode step of the method as a transformer."""

from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skexpand._compat import (
    check_features,
    feature_names,
    mark_as_general_sampler,
    remember_feature_names,
    validate_parameters,
)
from skexpand._device import find_device, reproducible
from skexpand._random import RandomStreams
from skexpand.codecs import LabelCodec, find_codec
from skexpand.feature_learning import add_features
from skexpand.image_judge import row_blocks
from skexpand.nn.losses import koopman_operator
from skexpand.pretraining import (
    PretrainedEncoder,
    build_autoencoder,
    pretrain_autoencoder,
    train_autoencoder,
)
from skexpand.training import Budget


class KoopmanEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Turn images or tables into latents in which related samples differ linearly.

    A variational autoencoder, convolutional for images and a whitening plus a small
    network for tables, trained so that one linear map, the Koopman operator, carries
    latents to those of other samples of their class [1]_. Put it before
    `ExpansiveSynthesizer` in a pipeline to expand in latent space.

    Not for supervised features: it keeps what reconstructs, not what separates.

    Parameters
    ----------
    max_iter : int, default=300
        Training steps.
    learning_rate : float, default=0.002
        Of Adam.
    batch_size : int, default=64
        Samples in a step.
    n_groups : int, default=4
        Tokens of a table's latent.
    image_shape : tuple of int or None, default=None
        (H, W), (H, W, C) or (C, H, W) of one image, when rows of `X` are pixels.
    pretrained : PretrainedEncoder or None, default=None
        Encoder learned on a larger data set; set by :meth:`pretrain`.
    finetune : {"filters", "all", "none"}, default="filters"
        What may change in a pre-trained encoder: one scale and one shift per filter,
        everything, or nothing.
    device : str, default="auto"
        "cpu", "cuda", or any torch device; "auto" takes CUDA where there is one.
    random_state : None, int, RandomState or Generator, default=None
        Seed of weights and batches.
    verbose : bool, default=False
        Whether to show a progress bar.
    max_seconds : float or None, default=None
        Time after which training stops where it is.

    Attributes
    ----------
    latent_shape_ : tuple of (c, h, w)
        Shape of one latent before it is flattened.
    koopman_operator_ : ndarray of shape (d, d)
        Least-squares map between latents of related samples; only with `y`. Its
        spectrum is ``numpy.linalg.eigvals(koopman_operator_)``.
    loss_curve_ : dict of str to list of float
        ``reconstruction``, ``koopman`` and ``total``, one value a step.
    n_iter_ : int
        Steps taken.
    n_features_in_ : int
        Columns of a table, or pixels times channels of an image.

    References
    ----------
    .. [1] Dey and Davis, "DLKoopman: A deep learning software package for Koopman
       theory", L4DC 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skexpand import KoopmanEncoder
    >>> X, y = load_iris(return_X_y=True)
    >>> encoder = KoopmanEncoder(max_iter=5, random_state=0).fit(X, y)
    >>> encoder.inverse_transform(encoder.transform(X)).shape
    (150, 4)
    """

    _parameter_constraints: dict = {
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_groups": [Interval(Integral, 1, None, closed="left")],
        "image_shape": [tuple, list, None],
        "pretrained": [PretrainedEncoder, None],
        "finetune": [StrOptions({"filters", "all", "none"})],
        "device": [str],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["boolean"],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
    }

    def __init__(
        self,
        *,
        max_iter=300,
        learning_rate=0.002,
        batch_size=64,
        n_groups=4,
        image_shape=None,
        pretrained=None,
        finetune="filters",
        device="auto",
        random_state=None,
        verbose=False,
        max_seconds=None,
    ):
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_groups = n_groups
        self.image_shape = image_shape
        self.pretrained = pretrained
        self.finetune = finetune
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.max_seconds = max_seconds

    @reproducible()
    def fit(self, X, y=None):
        """Learn the latents; with labels, samples of one class are related.

        Parameters
        ----------
        X : object of shape (n, p), (n, H, W), (n, H, W, C) or (n, C, H, W)
            Any container that `ExpansiveSynthesizer` takes.
        y : object of shape (n,) or None, default=None
            Class labels.

        Returns
        -------
        KoopmanEncoder
            Itself.

        Raises
        ------
        ValueError
            For bad parameters or input, before anything is trained.
        """
        validate_parameters(self)
        device = find_device(self.device)
        codes = None if y is None else LabelCodec().fit_encode(y)
        codec, x = encode_for(X, self.image_shape, self.pretrained)
        if codes is not None and len(codes) != len(x):
            raise ValueError(
                f"X has {len(x)} samples, y has {len(codes)} labels. Give one label "
                "per sample."
            )
        streams = RandomStreams(self.random_state).child("encoder")
        samples = torch.from_numpy(x.astype(np.float32)).to(device)
        labels = None if codes is None else torch.from_numpy(codes).to(device)
        self._autoencoder = start_autoencoder(
            samples,
            labels,
            self.pretrained,
            finetune=self.finetune,
            n_groups=self.n_groups,
            generator=streams.torch("weights"),
        ).to(device)
        self.loss_curve_ = train_autoencoder(
            self._autoencoder,
            samples,
            labels,
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            streams=streams,
            budget=Budget(self.max_seconds, self.verbose),
        )
        self.n_iter_ = len(self.loss_curve_["total"])
        self._codec = codec
        remember_feature_names(self, X)
        self.n_features_in_ = codec.n_features_in_
        self.latent_shape_ = tuple(self._autoencoder.latent_shape)
        self._n_features_out = int(np.prod(self.latent_shape_))
        if labels is not None:
            self.koopman_operator_ = koopman_matrix(
                encode_rows(self._autoencoder, x), codes
            )
        return self

    def transform(self, X):
        """Encode samples.

        Parameters
        ----------
        X : object of shape (n, ...)
            As in `fit`.

        Returns
        -------
        ndarray of float64, shape (n, d)
            Latents, flattened.

        Raises
        ------
        ValueError
            If samples differ in shape, columns or their order from those of `fit`.
        """
        check_is_fitted(self, "latent_shape_")
        names = getattr(self, "feature_names_in_", None)
        check_features(X, names, self.n_features_in_, type(self).__name__)
        x = self._codec.encode(X)
        return encode_rows(self._autoencoder, x).astype(np.float64)

    def inverse_transform(self, Z):
        """Decode latents to samples in the container of `fit`.

        Parameters
        ----------
        Z : array-like of shape (n, d)
            Latents, as from `transform`.

        Returns
        -------
        object of shape (n, ...)
            Samples.

        Raises
        ------
        ValueError
            If `Z` does not have ``d`` columns.
        """
        check_is_fitted(self, "latent_shape_")
        return self._codec.decode(decode_rows(self._autoencoder, Z))

    def pretrain(self, X_large, y_large=None):
        """Learn the encoder on a larger, similar data set first.

        Afterwards `fit` starts from it and, by default, tunes one scale and one shift
        per filter. The result is stored in the parameter `pretrained`, so clones and
        pipelines keep it. With images, the judge's features and material are learned
        along, for `ExpansiveSynthesizer` to use.

        Parameters
        ----------
        X_large : object of shape (N, ...)
            Samples of the shape to be fitted later.
        y_large : object of shape (N,) or None, default=None
            Labels, of any classes.

        Returns
        -------
        KoopmanEncoder
            Itself.
        """
        validate_parameters(self)
        self.pretrained = learn_encoder(
            X_large,
            y_large,
            image_shape=self.image_shape,
            n_groups=self.n_groups,
            max_iter=self.max_iter,
            random_state=self.random_state,
            device=find_device(self.device),
            budget=Budget(self.max_seconds, self.verbose),
        )
        return self

    def __sklearn_tags__(self):
        """Say that images, strings, missing cells and sparse tables are welcome."""
        return mark_as_general_sampler(super().__sklearn_tags__())


def learn_encoder(
    X, y, *, image_shape, n_groups, n_material=20_000, feature_steps=None, **training
):
    """Check and encode X'', then pre-train on it.

    See ``pretrain_autoencoder`` and, for images, ``add_features``.
    """
    if not isinstance(n_material, Integral) or n_material < 0:
        raise ValueError(f"n_material must be an int from 0 on, got {n_material!r}.")
    codec = find_codec(X, image_shape)
    x = codec.fit(X).encode(X)
    codes = None if y is None else LabelCodec().fit_encode(y)
    if codes is not None and len(codes) != len(x):
        raise ValueError(
            f"X_large has {len(x)} samples, y_large has {len(codes)} labels. Give one "
            "label per sample."
        )
    encoder = pretrain_autoencoder(x, codes, codec, n_groups=n_groups, **training)
    if codec.kind == "image":
        if feature_steps is not None:
            training["max_iter"] = feature_steps
        add_features(encoder, x, codes, most=n_material, **training)
    encoder.lineage["feature_names"] = feature_names(X)
    return encoder


def encode_for(X, image_shape, pretrained):
    """Fit the codec that a pre-trained encoder, if any, can read.

    Returns
    -------
    codec : TableCodec or ImageCodec
        Restores the container of `X`.
    x : ndarray
        Encoded `X`.

    Raises
    ------
    ValueError
        If `pretrained` was learned on samples of another kind or shape.
    """
    codec = find_codec(X, image_shape)
    if pretrained is not None and pretrained.kind != codec.kind:
        raise ValueError(
            f"The encoder was pre-trained on {pretrained.kind}s, but X holds "
            f"{codec.kind}s. Pre-train on samples like X, or pass image_shape."
        )
    if pretrained is not None and codec.kind == "table":
        check_features(X, pretrained.lineage.get("feature_names"))
        codec = pretrained.codec.bind(X)
        return codec, codec.encode(X)
    x = codec.fit(X).encode(X)
    if pretrained is not None and tuple(x.shape[1:]) != tuple(pretrained.sample_shape):
        raise ValueError(
            "The encoder was pre-trained on images of (C, H, W) = "
            f"{tuple(pretrained.sample_shape)}, but X holds {tuple(x.shape[1:])}. "
            "Resize the images or pre-train on this shape."
        )
    return codec, x


def start_autoencoder(x, y, pretrained, *, finetune, n_groups, generator):
    """Rebuild the pre-trained autoencoder, or build a new one."""
    if pretrained is not None:
        return pretrained.build(finetune=finetune)
    return build_autoencoder(x, y, n_groups=n_groups, generator=generator)


@torch.no_grad()
def encode_rows(autoencoder, x):
    """Posterior means of encoded samples, in blocks.

    Shapes: ``x (n, ...)`` array -> ``(n, d)`` array.
    """
    device = next(autoencoder.parameters()).device
    parts = []
    for block in row_blocks(len(x), x.shape[1:]):
        rows = torch.from_numpy(x[block].astype(np.float32)).to(device)
        parts.append(autoencoder.encode(rows)[0].flatten(1).cpu())
    return torch.cat(parts).numpy()


@torch.no_grad()
def decode_rows(autoencoder, Z):
    """Decode flat latents in blocks; the inverse of :func:`encode_rows`."""
    Z = np.asarray(Z, dtype=np.float32)
    shape = tuple(autoencoder.latent_shape)
    if Z.ndim != 2 or Z.shape[1] != int(np.prod(shape)):
        raise ValueError(
            f"Latents must have shape (n, {int(np.prod(shape))}), got {Z.shape}."
        )
    device = next(autoencoder.parameters()).device
    parts = [np.empty((0, *autoencoder.image_shape), dtype=np.float32)]
    for block in row_blocks(len(Z), autoencoder.image_shape):
        z = torch.from_numpy(Z[block]).to(device).unflatten(1, shape)
        parts.append(autoencoder.decode(z).cpu().numpy())
    return np.concatenate(parts)


def koopman_matrix(z, codes):
    """Least-squares operator between latents of neighbors in class order (eq. 10)."""
    order = np.argsort(codes, kind="stable")
    same = codes[order[1:]] == codes[order[:-1]]
    source, target = order[:-1][same], order[1:][same]
    centered = torch.from_numpy(z - z.mean(axis=0)).double()
    if len(source) == 0:
        return np.eye(z.shape[1])
    # Both directions: being related has no order.
    return koopman_operator(
        torch.cat([centered[source], centered[target]]),
        torch.cat([centered[target], centered[source]]),
    ).numpy()
