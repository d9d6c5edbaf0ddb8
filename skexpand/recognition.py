"""Few-shot recognition: a linear rule on pre-trained features, from the few images."""

import numpy as np
import torch
from torch import nn

from skexpand._device import half_precision
from skexpand.material import LabeledMaterial, pixel_accuracy
from skexpand.nn.features import random_views
from skexpand.nn.layers import unfilled

_N_VIEWS = 8  # of every real image beside itself, and fewer of very many
_MOST_VIEWS = 8000
_SHRINKAGES = (0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
_PART = 256  # images at once
_N_FOLDS = 5
_TYPICAL = 0.9
_SUREST = 0.95  # asking for more belief would leave nothing
_TEMPERATURES = 2.0 ** np.arange(-4, 6)


class Recognizer(nn.Module):
    """Features, and shrunk linear discriminant analysis of them.

    Attributes
    ----------
    features : FeatureNetwork
        Pre-trained; stays as it is.
    to_logits : Linear
        Logits whose softmax is the belief in each class.
    accuracy : float
        Of the same rule on real images left out of it.
    reach : float
        Squared distance to the mean of its class within which nine in ten real images
        lie that were left out; 0 where none could be.
    """

    def __init__(self, features, rule, temperature, accuracy, reach):
        super().__init__()
        self.features = features
        d, n_classes = rule.directions.shape
        self.to_logits = unfilled(nn.Linear, d, n_classes)
        weight, bias = rule.directions.T / temperature, rule.offsets / temperature
        with torch.no_grad():
            self.to_logits.weight.copy_(torch.from_numpy(weight))
            self.to_logits.bias.copy_(torch.from_numpy(bias))
        self.requires_grad_(False)
        self.rule, self.accuracy, self.reach = rule, accuracy, reach

    def forward(self, x):
        """Score every class of images."""
        with half_precision(x.device):
            features = self.features(x)
        return self.to_logits(features)

    @torch.no_grad()
    def judge_features(self, features):
        """Say what images are by their features alone.

        Parameters
        ----------
        features : ndarray of shape (m, d)

        Returns
        -------
        codes : ndarray of int, shape (m,)
            The class that is believed in most.
        belief : ndarray of shape (m,)
            How much.
        distance : ndarray of shape (m,)
            Squared, from the mean of that class, as `reach`.
        """
        features = np.asarray(features, dtype=np.float32)
        device = self.to_logits.weight.device
        logits = self.to_logits(torch.from_numpy(features).to(device))
        belief, codes = logits.softmax(dim=1).cpu().max(dim=1)
        codes = codes.numpy()
        return codes, belief.numpy(), self.rule.distances(features, codes)


class _Discriminant:
    """Shrunk LDA with equal priors."""

    def __init__(self, features, codes, n_classes, shrinkage):
        self.means = np.stack(
            [features[codes == code].mean(axis=0) for code in range(n_classes)]
        )
        left = features - self.means[codes]
        covariance = left.T @ left / len(left)
        scale = np.trace(covariance) / len(covariance)
        covariance *= 1 - shrinkage
        covariance += (shrinkage * scale + 1e-6) * np.eye(len(covariance))
        self.precision = np.linalg.inv(covariance)
        self.directions = self.precision @ self.means.T  # (d, n_classes)
        self.offsets = -(self.means.T * self.directions).sum(axis=0) / 2

    def logits(self, features):
        return features @ self.directions + self.offsets

    def distances(self, features, codes):
        """Squared, in units of the covariance, from the mean of the class given."""
        left = features - self.means[codes]
        return ((left @ self.precision) * left).sum(axis=1)


@torch.no_grad()
def view_features(network, x, generator):
    """Features of images and of views of them. Shapes: -> ``(views, n, d)``."""
    n_views = min(_N_VIEWS, max(1, _MOST_VIEWS // len(x)))
    views = [[network(part) for part in x.split(_PART)]]
    for _ in range(n_views):
        views.append(
            [network(random_views(part, False, generator)) for part in x.split(_PART)]
        )
    return torch.stack([torch.cat(parts) for parts in views])


def fit_recognizer(network, x, codes, *, streams):
    """Fit the rule on views of the few images, and its sureness on images left out.

    Shapes: ``x (n, C, H, W)`` tensor, ``codes (n,)`` array -> `Recognizer`.
    """
    n_classes = int(codes.max()) + 1
    features = view_features(network, x, streams.torch("views"))
    features = features.cpu().double().numpy()
    fold = _folds(codes, streams.numpy("folds"))
    trials = []
    for shrinkage in _SHRINKAGES:
        logits, distances = _left_out(features, codes, n_classes, fold, shrinkage)
        seen = np.isfinite(distances)
        losses = [_surprise(logits[seen] / t, codes[seen]) for t in _TEMPERATURES]
        best = int(np.argmin(losses))
        right = logits.argmax(axis=1) == codes
        accuracy = float(right[seen].mean()) if seen.any() else np.nan
        reach = np.quantile(distances[seen], _TYPICAL) if seen.any() else 0.0
        trials.append(
            (losses[best], shrinkage, _TEMPERATURES[best], accuracy, float(reach))
        )
    _, shrinkage, temperature, accuracy, reach = min(trials, key=lambda t: t[0])
    rule = _Discriminant(*_flatten(features, codes), n_classes, shrinkage)
    return Recognizer(network, rule, temperature, accuracy, reach)


def _folds(codes, rng):
    """Deal the images of each class to the folds."""
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    fold = np.empty(len(codes), dtype=int)
    fold[order] = np.arange(len(codes)) % _N_FOLDS
    return fold


def _flatten(features, codes):
    return features.reshape(-1, features.shape[2]), np.tile(codes, len(features))


def _left_out(features, codes, n_classes, fold, shrinkage):
    """Logits, and distances to the own class, of every image by rules without it."""
    logits = np.zeros((len(codes), n_classes))
    distances = np.full(len(codes), np.inf)
    for number in range(_N_FOLDS):
        out = fold == number
        kept = ~out
        if len(np.unique(codes[kept])) < n_classes:
            continue
        known = _flatten(features[:, kept], codes[kept])
        rule = _Discriminant(*known, n_classes, shrinkage)
        logits[out] = rule.logits(features[0, out])
        distances[out] = rule.distances(features[0, out], codes[out])
    return logits, distances


def _surprise(logits, codes):
    """Mean negative log-likelihood; 0 of nothing."""
    if len(codes) == 0:
        return 0.0
    top = logits.max(axis=1)
    total = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return (total - logits[np.arange(len(codes)), codes]).mean()


def recognize(pretrained, x, codes, streams, device):
    """Fit a recognizer on a few images, by the features of a pre-trained encoder.

    Shapes: ``x (n, C, H, W)`` tensor, ``codes (n,)`` array -> `Recognizer`.
    """
    return fit_recognizer(
        pretrained.build_features().to(device),
        x.to(device),
        codes,
        streams=streams.child("recognizer"),
    ).to(device)


def consult(pretrained, x, codes, streams, device, known_anyway=0.0):
    """Fit a recognizer and label material, if X'' taught more than is known anyway.

    Parameters
    ----------
    pretrained : PretrainedEncoder or None
        What X'' taught.
    x : Tensor of shape (n, C, H, W)
        The few images.
    codes : ndarray of int, shape (n,)
        Their class codes.
    streams : RandomStreams
        Source of randomness.
    device : torch.device
        Where features are computed.
    known_anyway : float, default=0.0
        Accuracy on unseen images of somebody who learned from the few alone. Whoever
        recognizes fewer, or fewer than the nearest neighbor in pixels, is not trusted:
        photographs teach little about traffic signs.

    Returns
    -------
    recognizer : Recognizer or None
        None without pre-trained features, and where they do not help here.
    accuracy : float or None
        Of recognition, also where the recognizer is not trusted.
    material : LabeledMaterial or None
        What pre-training kept, labeled by a trusted recognizer.
    """
    if pretrained is None or pretrained.features is None:
        return None, None, None
    recognizer = recognize(pretrained, x, codes, streams, device)
    known_to_pixels = pixel_accuracy(x.numpy(), codes)
    if recognizer.accuracy < max(known_to_pixels, known_anyway):
        return None, recognizer.accuracy, None
    if pretrained.material is None:
        return recognizer, recognizer.accuracy, None
    material = LabeledMaterial(
        pretrained.material,
        recognizer,
        min(known_to_pixels, _SUREST),
        pretrained.lineage["mirrored"],
    )
    return recognizer, recognizer.accuracy, material
