"""Material: images of X'' that a few real ones can use, labeled by who knows these."""

from dataclasses import dataclass

import numpy as np
import torch

from skexpand.nn.selection import herd

_MOST_CELLS = 2**26  # pixels times channels that are kept: 64 MB
_LARGEST_SHARE = 0.5  # of the new images of a class; the others move real ones
_MOST_COMPARED = 2000  # images; their distances are all held
_POOL = 4  # material images for each one used


@dataclass
class Material:
    """Images of X'', kept by pre-training, and what the feature network sees in them.

    Attributes
    ----------
    images : ndarray of uint8, shape (m, C, H, W)
        As encoded, 255 for 1.
    rows : ndarray of int, shape (m,)
        Their rows in X''.
    features : ndarray of float16, shape (m, d)
        Of `FeatureNetwork`.
    """

    images: np.ndarray
    rows: np.ndarray
    features: np.ndarray

    def __len__(self):
        """Count the images."""
        return len(self.rows)


def keep_material(x, features, most, rng):
    """Keep a random part of X'', or all of it.

    Parameters
    ----------
    x : ndarray of float32, shape (N, C, H, W)
        X'' in [0, 1].
    features : callable
        Images to features, as arrays.
    most : int
        Images to keep at most.
    rng : numpy.random.Generator
        Chooses them.

    Returns
    -------
    Material or None
        None where nothing is to be kept.
    """
    n_kept = min(most, len(x), _MOST_CELLS // int(np.prod(x.shape[1:])))
    if n_kept == 0:
        return None
    rows = np.sort(rng.permutation(len(x))[:n_kept]).astype(np.int32)
    chosen = x[rows]
    images = np.rint(chosen * 255).astype(np.uint8)
    return Material(images, rows, features(chosen).astype(np.float16))


class LabeledMaterial:
    """Material that a recognizer takes for classes of the small data set.

    Used are images of which it is surer than the pixels of the few images alone would
    make anybody, and which lie no farther from their class than nine in ten of its real
    images do that were left out: what is like no class is not used, however sure.

    Parameters
    ----------
    material : Material
        What pre-training kept.
    recognizer : Recognizer
        Fitted on the few images.
    least_belief : float
        See :func:`pixel_accuracy`.
    is_mirrored : bool
        Whether half of the images used are mirrored.

    Attributes
    ----------
    rows_of : list of ndarray of int
        For each class the places in `material`, the most believed first.
    """

    def __init__(self, material, recognizer, least_belief, is_mirrored):
        self.material = material
        self.is_mirrored = is_mirrored
        codes, belief, distance = recognizer.judge_features(material.features)
        is_used = (belief >= least_belief) & (distance <= recognizer.reach)
        order = np.argsort(-belief, kind="stable")
        order = order[is_used[order]]
        n_classes = recognizer.to_logits.out_features
        self.rows_of = [order[codes[order] == code] for code in range(n_classes)]

    def choose(self, code, n_wanted, rng):
        """Draw images of a class, half of those wanted at most.

        They come from the most believed, four times as many: the most believed alone
        are too much alike. A random half of these is looked at, and those are taken
        whose features are together most like its own: chance would leave out more.

        Returns
        -------
        x : ndarray of float32, shape (m, C, H, W)
            Images in [0, 1].
        rows : ndarray of int, shape (m,)
            Their rows in X''.
        """
        known = self.rows_of[code]
        n_used = min(int(n_wanted * _LARGEST_SHARE), len(known))
        pool = rng.permutation(known[: _POOL * n_used])
        pool = pool[: max(n_used, len(pool) // 2)]
        if len(pool) > n_used:
            features = torch.from_numpy(self.material.features[pool]).float()
            pool = pool[herd(features, n_used).numpy()]
        x = self.material.images[pool].astype(np.float32) / 255
        if self.is_mirrored:
            is_turned = rng.random(n_used) < 0.5
            x[is_turned] = x[is_turned, ..., ::-1]
        return x, self.material.rows[pool]


def pixel_accuracy(x, codes):
    """Accuracy of the nearest other image's label: what pixels alone know.

    Shapes: ``x (n, C, H, W)`` array, ``codes (n,)`` -> float.
    """
    step = -(-len(x) // _MOST_COMPARED)
    x, codes = x[::step], codes[::step]
    flat = torch.from_numpy(x.reshape(len(x), -1))
    nearest = torch.cdist(flat, flat).fill_diagonal_(torch.inf).argmin(dim=1)
    return float((codes[nearest.numpy()] == codes).mean())
