"""Learn on X'' what tells images apart: the feature space that the judge looks in."""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from skexpand._device import half_precision, reproducible
from skexpand._random import RandomStreams
from skexpand.material import keep_material
from skexpand.nn.features import FeatureNetwork, one_cycle, random_views
from skexpand.nn.layers import seeded
from skexpand.nn.losses import covariance_loss
from skexpand.nn.optimizer import Adam

_WIDTHS = {1: 24}  # writing; anything else takes the width of colors
_COLOR_WIDTH = 32
_BATCH_SIZE = 128
_MOST_STEPS, _MOST_PASSES = 3200, 16
_LEARNING_RATE = 4e-3
_WEIGHT_DECAY = 0.02
_SHARPNESS = 16.0  # of the softmax over cosines
_TEMPERATURE = 0.2
_PROJECTED = 64
_COVARIANCE = 0.1
_LOOK_SIZE = 256  # images at once; the maps of a block then fit the cache
_N_COMPARED, _FEWEST_COMPARED = 500, 40
_MIRRORED_SHARE = 0.42


def learn_features(x, y, *, max_iter, is_mirrored, streams, budget, device):
    """Train a feature network on random views of images.

    With labels, cosines to one vector a class tell the classes apart. Without, two
    views of an image must be nearer to each other than to those of others, and their
    covariance be that of noise (eq. 8 of the paper).

    Parameters
    ----------
    x : ndarray of float32, shape (n, C, H, W)
        Images.
    y : ndarray of int, shape (n,), or None
        Class codes.
    max_iter : int
        Steps of 128 images.
    is_mirrored : bool
        Whether half of the views are mirrored.
    streams : RandomStreams
        Source of randomness.
    budget : Budget
        Limit of time, and progress.
    device : torch.device
        Where to train.

    Returns
    -------
    network : FeatureNetwork
        Trained, in evaluation mode.
    losses : list of float
        One value a step.
    """
    n_channels = x.shape[1]
    network = FeatureNetwork(
        n_channels,
        _WIDTHS.get(n_channels, _COLOR_WIDTH),
        generator=streams.torch("features"),
    ).to(device)
    n_outputs = _PROJECTED if y is None else int(y.max()) + 1
    head = seeded(
        nn.Linear,
        network.n_features,
        n_outputs,
        generator=streams.torch("feature head"),
        gain=1.0,
        bias=False,
    ).to(device)
    samples = torch.from_numpy(x)
    labels = None if y is None else torch.from_numpy(y)
    optimizer = Adam(
        [*network.parameters(), *head.parameters()],
        _LEARNING_RATE,
        weight_decay=_WEIGHT_DECAY,
    )
    generator = streams.torch("views")
    batches = _Batches(len(samples), _BATCH_SIZE, generator)
    losses = []
    network.train()
    spent_before = budget.share_spent
    for step in budget.steps(max_iter, "learning features"):
        # Whoever has little time has small steps at its end, too.
        share = (budget.share_spent - spent_before) / (1 - spent_before)
        reached = max(step, share * max_iter)
        optimizer.learning_rate = _LEARNING_RATE * one_cycle(reached, max_iter)
        rows = batches.draw()
        images = samples[rows].to(device)
        if labels is None:
            images = images.repeat(2, 1, 1, 1)
        views = random_views(images, is_mirrored, generator)
        with half_precision(device):
            features = network(views)
        if labels is None:
            loss = _contrast(head(features))
        else:
            cosine = features @ F.normalize(head.weight, dim=1).T
            loss = F.cross_entropy(_SHARPNESS * cosine, labels[rows].to(device))
        optimizer.minimize(loss)
        losses.append(loss.item())
    return network.eval(), losses


def _contrast(projected):
    """How badly each view finds the other view of its image among all others."""
    unit = F.normalize(projected, dim=1)
    n = len(unit) // 2
    logits = unit @ unit.T / _TEMPERATURE
    logits = logits - 1e4 * torch.eye(2 * n, device=unit.device)
    other = torch.arange(2 * n, device=unit.device).roll(n)
    spread = covariance_loss(unit * _PROJECTED**0.5)
    return F.cross_entropy(logits, other) + _COVARIANCE * spread


@reproducible()
def add_features(encoder, x, y, *, max_iter, most, random_state, budget, device):
    """Learn features of X'', and keep images of it as material.

    Parameters
    ----------
    encoder : PretrainedEncoder
        Gets weights, material and the facts in its lineage.
    x, y, max_iter, budget, device
        As in :func:`learn_features`.
    most : int
        Images to keep at most.
    random_state : None, int, RandomState or Generator
        Seed.
    """
    streams = RandomStreams(random_state).child("pretrain")
    if y is not None and y.max() < 1:
        y = None  # one class tells nothing apart
    is_mirrored = means_nothing_mirrored(x, streams.numpy("mirror"))
    network, losses = learn_features(
        x,
        y,
        max_iter=max_iter,
        is_mirrored=is_mirrored,
        streams=streams,
        budget=budget,
        device=device,
    )
    # In C order, which the layout of the network is not: copies hash alike.
    state = network.state_dict().items()
    encoder.features = {k: np.array(w.cpu().numpy(), order="C") for k, w in state}
    encoder.lineage.update(
        feature_steps=len(losses),
        feature_loss=losses[-1] if losses else None,
        mirrored=is_mirrored,
    )
    # Looked at as `fit` will look: both ways, where these mean the same.
    see = partial(look, encoder.build_features().to(device))
    material = keep_material(x, see, most, streams.numpy("keep"))
    encoder.material = material
    encoder.lineage["n_material"] = 0 if material is None else len(material)


def most_steps(n_samples):
    """Count the steps worth taking: sixteen passes over X'', and at most 3,200."""
    return min(_MOST_STEPS, -(-_MOST_PASSES * n_samples // _BATCH_SIZE))


class _Batches:
    """Go through consecutive shuffles of all rows."""

    def __init__(self, n_rows, size, generator):
        self.n_rows, self.size, self.generator = n_rows, size, generator
        self._left = torch.empty(0, dtype=torch.int64)

    def draw(self):
        while len(self._left) < self.size:
            order = torch.randperm(self.n_rows, generator=self.generator)
            self._left = torch.cat([self._left, order])
        rows, self._left = self._left[: self.size], self._left[self.size :]
        return rows


@torch.no_grad()
def look(network, x):
    """Features of images, in blocks.

    Shapes: ``x (n, C, H, W)`` array -> ``(n, d)`` array.
    """
    device = next(network.parameters()).device
    parts = [np.empty((0, network.n_features), dtype=np.float32)]
    for start in range(0, len(x), _LOOK_SIZE):
        part = torch.from_numpy(x[start : start + _LOOK_SIZE]).to(device)
        parts.append(network(part).cpu().numpy())
    return np.concatenate(parts)


def means_nothing_mirrored(x, rng):
    """Whether the mirror images of X'' look like other images of it.

    Of the images nearest to one and to its mirror image, the latter is nearer about
    half of the time where left and right mean nothing (49 to 54 % of CIFAR), and less
    often where they do (MNIST 5, letters 20, Omniglot 32 %).

    Parameters
    ----------
    x : ndarray of shape (n, C, H, W)
        X''; fewer than 200 images say nothing.
    rng : numpy.random.Generator
        Chooses which images are compared.

    Returns
    -------
    bool
    """
    rows = rng.permutation(len(x))[: 5 * _N_COMPARED]
    small = torch.from_numpy(x[rows]).mean(dim=1, keepdim=True)
    small = F.avg_pool2d(small, max(1, min(x.shape[2:]) // 14))
    small = small - small.mean(dim=(1, 2, 3), keepdim=True)
    n_compared = len(rows) // 5
    asked, others = small[:n_compared], small[n_compared:].flatten(1)
    if n_compared < _FEWEST_COMPARED:
        return False
    distance = torch.cdist(asked.flatten(1), others).amin(dim=1)
    mirrored = torch.cdist(asked.flip(3).flatten(1), others).amin(dim=1)
    return bool((mirrored < distance).float().mean() > _MIRRORED_SHARE)
