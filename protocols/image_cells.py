"""Image sets of a protocol: a few images a class in, accuracy on the test set out."""

import numpy as np

from skexpand.datasets import few_shot, load_images


class ImageSet:
    """Draw, expand and score an image set.

    Parameters
    ----------
    name : str
        Name of `skexpand.datasets.load_images`.
    protocol : dict
        Needs ``n_per_class``, and ``steps``, ``batch_size``, ``learning_rate`` of the
        network.
    data_dir : str or None
        Folder of the image sets.
    """

    metric = "accuracy"

    def __init__(self, name, protocol, data_dir):
        self.data = load_images(name, data_dir)
        self.n_per_class = protocol["n_per_class"]
        self.training = {
            key: protocol[key] for key in ("steps", "batch_size", "learning_rate")
        }

    def split(self, draw):
        """Return a few training images and the whole test set."""
        data = self.data
        train, _ = few_shot(data.X_train, data.y_train, self.n_per_class, draw)
        return data.X_train[train], data.y_train[train], data.X_test, data.y_test

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

    def score(self, classifier, X, y, X_test, y_test, draw):
        """Train the network and return its accuracy."""
        if classifier != "cnn":
            raise ValueError(f"Images are scored by 'cnn', got {classifier!r}.")
        from protocols.networks import score_cnn

        return score_cnn(X, y, X_test, y_test, seed=draw, **self.training)
