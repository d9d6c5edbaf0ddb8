"""What a fitted synthesizer sees: latents of samples, and where its heads look."""

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from skexpand._compat import check_features
from skexpand._encoder import decode_rows, encode_rows
from skexpand.image_judge import row_blocks


class LatentView:
    """Methods of a fitted `ExpansiveSynthesizer` that look into its Koopman space."""

    def encode(self, X):
        """Encode samples in the fitted Koopman space.

        Parameters
        ----------
        X : object of shape (n, ...)
            As in `fit`.

        Returns
        -------
        ndarray of float64, shape (n, d)
            Latents, flattened.
        """
        x = self._read(X)
        return encode_rows(self._expansion.network.autoencoder, x).astype(np.float64)

    def decode(self, Z):
        """Decode latents to samples in the container of `fit`.

        Parameters
        ----------
        Z : array-like of shape (n, d)
            Latents, as from `encode`.

        Returns
        -------
        object of shape (n, ...)
            Samples.
        """
        check_is_fitted(self, "n_iter_")
        return self._codec.decode(decode_rows(self._expansion.network.autoencoder, Z))

    def attention_maps(self, X):
        """Tell how much attention each place of a sample's latent map receives.

        The paper's Figure 4; draw it with
        :class:`skexpand.evaluation.sample_displays.AttentionDisplay`. A head keeps the
        fraction `crop` of its places, the others are zero.

        Parameters
        ----------
        X : object of shape (n, ...)
            As in `fit`.

        Returns
        -------
        ndarray of float64, shape (n, n_heads, h, w)
            Each map sums to 1. ``h`` by ``w`` is the latent map, for an image a coarse
            picture of it.

        Raises
        ------
        ValueError
            If the synthesizer has no attention.
        """
        x = self._read(X)
        network = self._expansion.network
        if network.attention is None:
            raise ValueError(
                "There are no attention maps with attention=None. Fit with "
                'attention="spatial" or "row".'
            )
        device = next(network.parameters()).device
        with torch.no_grad():
            parts = [
                network.encode(
                    torch.from_numpy(x[block].astype(np.float32)).to(device)
                ).attended.saliency.cpu()
                for block in row_blocks(len(x), x.shape[1:])
            ]
        return torch.cat(parts).numpy().astype(np.float64)

    def _read(self, X):
        check_is_fitted(self, "n_iter_")
        check_features(X, getattr(self, "feature_names_in_", None))
        return self._codec.encode(X)
