"""Estimators that learn from a larger data set first."""

import numpy as np

from skexpand._compat import validate_parameters
from skexpand._device import find_device
from skexpand._encoder import encode_for, learn_encoder
from skexpand.codecs import find_codec
from skexpand.feature_learning import most_steps
from skexpand.training import Budget

# Of the autoencoder, which for images only steers attention.
_PRETRAINING_STEPS = {"image": 300, "table": 2000}


class Pretrainable:
    """Give an expander :meth:`pretrain`, and the rows of X'' that it took over."""

    def pretrain(self, X_large, y_large=None, *, n_material=20_000):
        """Learn from a larger, similar data set X'' first.

        Afterwards `fit` starts from its encoder and, by default, tunes one scale and
        one shift per filter (eq. 1). Images: a second network learns what tells those
        of X'' apart; in its features few images a class tell theirs apart, which makes
        a better judge, and finds images of X'' that may stand among the new ones, half
        of a class at most. ``material_rows_`` says which these are. The result is
        stored in the parameter `pretrained`, so clones and pipelines keep it;
        ``pretrained.lineage`` says what it saw. Sixteen passes over X'' are made, and
        at most 3,200 steps of 128 images: half an hour on one core for 25,000 small
        photographs. `max_seconds` makes it shorter, at some loss, and `verbose` shows
        how far it is.

        Parameters
        ----------
        X_large : object of shape (N, ...)
            Samples of the shape to be fitted later; for tables the same columns.
        y_large : object of shape (N,) or None, default=None
            Labels, of any classes. Images learn far more with them.
        n_material : int, default=20000
            Images of X'' to keep at most, in 64 MB; 0 keeps none, and none is used.

        Returns
        -------
        ExpansiveSynthesizer
            Itself.
        """
        validate_parameters(self)
        steps, feature_steps = self.max_iter, None
        if steps is None:
            kind = find_codec(X_large, self.image_shape).kind
            steps = _PRETRAINING_STEPS[kind]
            if kind == "image":
                feature_steps = most_steps(len(X_large))
        self.pretrained = learn_encoder(
            X_large,
            y_large,
            image_shape=self.image_shape,
            n_groups=self.n_heads,
            max_iter=steps,
            feature_steps=feature_steps,
            random_state=self.random_state,
            device=find_device(self.device),
            budget=Budget(self.max_seconds, self.verbose),
            n_material=n_material,
        )
        return self

    @property
    def material_rows_(self):
        """Row of X'' that each row returned last is a copy of; -1 for all others."""
        first = self.parents_[:, 0]
        return np.where(first < -1, -2 - first, -1)

    def _encode_input(self, X):
        return encode_for(X, self.image_shape, self.pretrained)
