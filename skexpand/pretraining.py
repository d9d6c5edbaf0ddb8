"""Learn the Koopman feature space: from the rows at hand, or from a larger X''."""

import hashlib
import math

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.covariance import ledoit_wolf
from torch import nn

from skexpand._device import reproducible
from skexpand._random import RandomStreams
from skexpand.nn.autoencoder import ConvAutoencoder, TableAutoencoder, reparametrize
from skexpand.nn.layers import seeded
from skexpand.nn.losses import reconstruction_loss
from skexpand.nn.optimizer import Adam
from skexpand.pretrained import PretrainedEncoder
from skexpand.training import KL_WEIGHT, koopman_consistency

_MAX_TABLE_LATENTS = 256  # eigenvectors of wider tables cost more than they carry
_BATCH_SIZE = 64


def build_autoencoder(x, y, *, n_groups, generator):
    """Build an untrained autoencoder for encoded samples.

    Parameters
    ----------
    x : Tensor of shape (n, C, H, W) or (n, q)
        Encoded samples.
    y : LongTensor of shape (n,) or None
        Class codes; a table is whitened by its covariance within them.
    n_groups : int
        Tokens of a table's latent.
    generator : torch.Generator
        Source of the first weights.

    Returns
    -------
    ConvAutoencoder or TableAutoencoder
    """
    if x.ndim == 4:
        return ConvAutoencoder(tuple(x.shape[1:]), generator=generator)
    labels = np.zeros(len(x), dtype=np.int64) if y is None else y.cpu().numpy()
    mean, whitening, coloring = _whitening(x.cpu().numpy().astype(np.float64), labels)
    matrices = [
        torch.from_numpy(a.astype(np.float32)) for a in (mean, whitening, coloring)
    ]
    return TableAutoencoder(*matrices, generator=generator, n_groups=n_groups)


def _whitening(x, labels):
    """Shrunk whitening by the pooled within-class covariance, and its inverse.

    Done inside the span of the rows: outside of it nothing was observed, and residuals
    never leave it.
    """
    mean = x.mean(axis=0)
    _, singular, basis = np.linalg.svd(x - mean, full_matrices=False)
    rank = int((singular > 1e-6 * max(singular[0], 1e-12)).sum())
    basis = basis[: max(1, min(rank, _MAX_TABLE_LATENTS))].T  # (q, r)
    projected = (x - mean) @ basis
    for label in np.unique(labels):
        rows = labels == label
        projected[rows] -= projected[rows].mean(axis=0)
    covariance, _ = ledoit_wolf(projected, assume_centered=True)
    # Class means were estimated: they took one degree of freedom a class.
    covariance *= len(x) / max(1, len(x) - len(np.unique(labels)))
    variance, rotation = np.linalg.eigh(covariance)
    order = np.argsort(-variance)
    # A variance of zero (all rows alike) must neither divide nor move anything.
    scale = np.sqrt(np.maximum(variance[order], 0))
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 1e-9)
    rotation = basis @ rotation[:, order]  # (q, r)
    return mean, rotation * inverse, (rotation * scale).T


def train_autoencoder(
    autoencoder,
    x,
    y,
    *,
    max_iter,
    learning_rate,
    streams,
    budget,
    head=None,
    batch_size=_BATCH_SIZE,
):
    """Train an autoencoder alone: eq. 5, and eq. 10 where labels tell what is related.

    Parameters
    ----------
    autoencoder : Module
        Trained in place.
    x : Tensor of shape (n, ...)
        Encoded samples.
    y : LongTensor of shape (n,) or None
        Class codes. With them, samples of one class are related.
    max_iter : int
        Number of steps.
    learning_rate : float
        Of Adam.
    streams : RandomStreams
        Source of randomness.
    budget : Budget
        Limit of time, and progress.
    head : Module or None, default=None
        Flattened latents to class logits, trained along and of no further use: what
        tells the many classes of X'' apart tells others apart too. Leave it out on a
        few samples, whose labels the latents would memorize.
    batch_size : int, default=64
        Samples in a step.

    Returns
    -------
    dict of str to list of float
        ``reconstruction``, ``koopman``, ``classification`` and ``total``, one value a
        step.
    """
    generator = streams.torch("autoencoder")
    parameters = [p for p in autoencoder.parameters() if p.requires_grad]
    curve = {"reconstruction": [], "koopman": [], "classification": [], "total": []}
    if not parameters:
        return curve
    if head is not None:
        parameters += head.parameters()
    optimizer = Adam(parameters, learning_rate, max_norm=1.0)
    autoencoder.train()
    for _ in budget.steps(max_iter, "pre-training"):
        rows = torch.randint(len(x), (batch_size,), generator=generator).to(x.device)
        mean, log_variance = autoencoder.encode(x[rows])
        latent = reparametrize(mean, log_variance, generator)
        flat = latent.flatten(1)
        reconstruction = reconstruction_loss(
            autoencoder.decode(latent),
            x[rows],
            mean,
            log_variance,
            kl_weight=KL_WEIGHT / flat.shape[1],
        )
        koopman = reconstruction * 0
        if y is not None:
            source, target = _related(y[rows])
            koopman = koopman_consistency(flat[source], flat[target])
        classification = reconstruction * 0
        if head is not None:
            classification = F.cross_entropy(head(flat), y[rows])
        total = reconstruction + 0.1 * koopman + classification
        optimizer.minimize(total)
        values = (reconstruction, koopman, classification, total)
        for name, value in zip(curve, values, strict=True):
            curve[name].append(value.item())
    autoencoder.eval()
    return curve


def _related(labels):
    """Pair each row with the next of its class; the last with nothing."""
    order = labels.argsort(stable=True)
    same = labels[order[1:]] == labels[order[:-1]]
    return order[:-1][same], order[1:][same]


@reproducible()
def pretrain_autoencoder(
    x, y, codec, *, n_groups, max_iter, random_state, budget, device
):
    """Learn an encoder on X'' and keep it with its lineage.

    Parameters
    ----------
    x : ndarray of shape (n, C, H, W) or (n, q)
        Encoded X''.
    y : ndarray of int or None
        Class codes of X''; with them latents learn to tell its classes apart.
    codec : TableCodec or ImageCodec
        What encoded X''.
    n_groups : int
        Tokens of a table's latent.
    max_iter : int
        Number of steps.
    random_state : None, int, RandomState or Generator
        Seed.
    budget : Budget
        Limit of time, and progress.
    device : torch.device
        Where to train.

    Returns
    -------
    PretrainedEncoder
    """
    streams = RandomStreams(random_state).child("pretrain")
    digest = hashlib.sha256(np.ascontiguousarray(x)).hexdigest()
    samples = torch.from_numpy(np.asarray(x, dtype=np.float32)).to(device)
    labels = None if y is None else torch.from_numpy(y).to(device)
    autoencoder = build_autoencoder(
        samples, labels, n_groups=n_groups, generator=streams.torch("weights")
    ).to(device)
    head = None
    if labels is not None and (n_classes := int(labels.max()) + 1) > 1:
        width = math.prod(autoencoder.latent_shape)
        head = seeded(
            nn.Linear, width, n_classes, generator=streams.torch("head"), gain=1.0
        ).to(device)
    curve = train_autoencoder(
        autoencoder,
        samples,
        labels,
        max_iter=max_iter,
        learning_rate=2e-3,
        streams=streams,
        budget=budget,
        head=head,
    )
    return PretrainedEncoder(
        kind=codec.kind,
        sample_shape=tuple(x.shape[1:]),
        weights={k: v.cpu().numpy() for k, v in autoencoder.state_dict().items()},
        lineage={
            "n_samples": len(x),
            "sample_shape": list(x.shape[1:]),
            "labeled": y is not None,
            "sha256": digest,
            "n_steps": len(curve["total"]),
            "final_loss": curve["total"][-1] if curve["total"] else None,
            "n_groups": n_groups,
        },
        codec=codec if codec.kind == "table" else None,
    )
