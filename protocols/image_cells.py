"""Image sets of a protocol: a few images a class in, accuracy on the test set out."""

import os
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skexpand import ExpansiveSynthesizer, PretrainedEncoder
from skexpand._random import RandomStreams
from skexpand.codecs import ImageCodec
from skexpand.datasets import few_shot, load_images
from skexpand.feature_learning import look
from skexpand.recognition import recognize

# Classifiers of flat pixels in [0, 1], with library defaults but for these.
_ON_PIXELS = {
    "1-nn": lambda draw, weight: KNeighborsClassifier(1),
    "svm": lambda draw, weight: SVC(C=10, class_weight=weight, random_state=draw),
    "forest": lambda draw, weight: RandomForestClassifier(
        200, class_weight=weight, random_state=draw
    ),
}


def turn(images, rng):
    """Bring square images, ``(n, side, side, ...)``, into positions drawn evenly."""
    turned = images.copy()
    position = rng.integers(8, size=len(images))
    for number in range(8):
        here = position == number
        some = np.rot90(images[here], number % 4, axes=(1, 2))
        turned[here] = some[:, ::-1] if number >= 4 else some
    return turned


def like_house_numbers(digits, rng):
    """Write gray digits, ``(n, 28, 28)``, in any ink on any paper, beside others.

    To the left and right are a few columns of other digits; light falls off to one
    side, and there is noise. Returns ``(n, 28, 28, 3)`` uint8.
    """
    made = np.empty((*digits.shape, 3), np.uint8)
    for start in range(0, len(digits), 2000):
        block = digits[start : start + 2000] / np.float32(255)
        n = len(block)
        left, right = rng.integers(n, size=(2, n))
        shape = block.copy()
        shape[:, :, :5] = np.maximum(shape[:, :, :5], block[left, :, 18:23])
        shape[:, :, 23:] = np.maximum(shape[:, :, 23:], block[right, :, 5:10])
        paper, ink = rng.random((2, n, 1, 1, 3), dtype=np.float32)
        slope = 0.4 * rng.standard_normal((n, 1, 1, 1), dtype=np.float32)
        across = np.linspace(-1, 1, 28, dtype=np.float32)[:, None]
        shown = (paper + (ink - paper) * shape[..., None]) * (1 + slope * across)
        shown += 0.05 * rng.standard_normal(shown.shape, dtype=np.float32)
        made[start : start + 2000] = np.rint(255 * shown.clip(0, 1))
    return made


class ImageSet:
    """Draw, expand and score an image set.

    Parameters
    ----------
    name : str
        Name of `skexpand.datasets.load_images`.
    protocol : dict
        Needs ``n_per_class``, and ``steps``, ``batch_size``, ``learning_rate`` of the
        network. With ``n_per_small_class`` half of the classes, drawn anew for every
        draw, keep that many images only. ``larger`` names the X'' of each set, for
        arms that ask for one by ``pretrained = "@larger"`` and for the classifier
        ``judge``.
    data_dir : str or None
        Folder of the image sets.
    """

    metric = "accuracy"

    def __init__(self, name, protocol, data_dir):
        self.data = load_images(name, data_dir)
        self.larger, self.data_dir = protocol.get("larger", {}).get(name), data_dir
        for key, change in (("turned", turn), ("house_numbers", like_house_numbers)):
            if not protocol.get(key):
                continue
            rng = np.random.default_rng(0)
            images = (change(x, rng) for x in (self.data.X_train, self.data.X_test))
            self.data.X_train, self.data.X_test = images
        self._encoder = None
        self.n_per_class = protocol["n_per_class"]
        self.n_per_small_class = protocol.get("n_per_small_class")
        self.training = {
            key: protocol[key] for key in ("steps", "batch_size", "learning_rate")
        }

    def split(self, draw):
        """Return a few training images and the whole test set."""
        data = self.data
        train, _ = few_shot(data.X_train, data.y_train, self.n_per_class, draw)
        if self.n_per_small_class is not None:
            train = train[self._kept(data.y_train[train], draw)]
        return data.X_train[train], data.y_train[train], data.X_test, data.y_test

    def _kept(self, y, draw):
        """Return which rows stay where half of the classes are made small."""
        classes = np.unique(y)
        rng = np.random.default_rng(draw)
        small = rng.choice(classes, len(classes) // 2, replace=False)
        kept, _ = few_shot(y, y, self.n_per_small_class, draw)
        return np.union1d(kept, np.flatnonzero(~np.isin(y, small)))

    def pretrained(self):
        """Return the encoder learned on X'', the same for every draw.

        The folder of the environment variable ``SKEXPAND_ENCODERS`` may hold it, as
        ``skexpand pretrain --out <folder>/<X''>`` leaves it.
        """
        if self._encoder is None:
            folder = os.environ.get("SKEXPAND_ENCODERS")
            if folder:
                self._encoder = PretrainedEncoder.load(Path(folder) / self.larger)
                return self._encoder
            data = load_images(self.larger, self.data_dir)
            synthesizer = ExpansiveSynthesizer(random_state=0)
            synthesizer.pretrain(data.X_train, data.y_train)
            self._encoder = synthesizer.pretrained
        return self._encoder

    @staticmethod
    def expand(sampler, space, X, y):
        """Return expanded images; ``space="rows"`` hands over flat float pixels."""
        if sampler is None:
            return X, y
        if space != "rows":
            return sampler.fit_resample(X, y)
        # In uint8 the differences that SMOTE takes would wrap around.
        rows, y_big = sampler.fit_resample(X.reshape(len(X), -1).astype(np.float64), y)
        return rows.reshape(-1, *X.shape[1:]), y_big

    def score(self, classifier, X, y, X_test, y_test, draw, treatment=None):
        """Train a classifier and return its accuracy.

        ``judge`` is the control without synthesis: the few-shot rule on pre-trained
        features that judges images and labels material. The treatment "class weights"
        is for all but this one and ``1-nn``, which know no weights.
        """
        weight = {None: None, "class weights": "balanced"}[treatment]
        if classifier in _ON_PIXELS:
            model = _ON_PIXELS[classifier](draw, weight)
            model.fit(X.reshape(len(X), -1) / 255, y)
            return float(model.score(X_test.reshape(len(X_test), -1) / 255, y_test))
        if classifier == "judge":
            return self._score_judge(X, y, X_test, y_test, draw)
        if classifier != "cnn":
            raise ValueError(
                f"Images are scored by cnn, judge, {', '.join(_ON_PIXELS)}, got "
                f"{classifier!r}."
            )
        from protocols.networks import score_cnn

        return score_cnn(
            X, y, X_test, y_test, seed=draw, class_weight=weight, **self.training
        )

    def _score_judge(self, X, y, X_test, y_test, draw):
        classes, codes = np.unique(y, return_inverse=True)
        codec = ImageCodec().fit(X)
        encoder = self.pretrained()
        device = torch.device("cpu")
        x = torch.from_numpy(codec.encode(X))
        judge = recognize(encoder, x, codes, RandomStreams(draw), device)
        features = look(judge.features, codec.encode(X_test))
        predicted = classes[judge.judge_features(features)[0]]
        return float(np.mean(predicted == y_test))
