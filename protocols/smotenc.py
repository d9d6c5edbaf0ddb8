"""SMOTENC on a frame with texts and missing cells, as an arm of a protocol."""

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTENC
from sklearn.base import BaseEstimator

_MISSING = "(missing)"


class FrameSMOTENC(BaseEstimator):
    """Run SMOTENC on a frame whose missing cells it would refuse.

    Numbers are imputed by their median, as the encoder of every arm does after it;
    in a column of texts a missing cell is a level of its own, and missing again in what
    comes out.

    Parameters
    ----------
    sampling_strategy : dict or str, default="auto"
        As SMOTENC takes it.
    k_neighbors : int, default=5
        Number of neighbors.
    random_state : int or None, default=None
        Seed.
    """

    def __init__(self, sampling_strategy="auto", k_neighbors=5, random_state=None):
        self.sampling_strategy = sampling_strategy
        self.k_neighbors = k_neighbors
        self.random_state = random_state

    def fit_resample(self, X, y):
        """Return the rows, imputed, and the synthetic ones below them."""
        numbers = list(X.select_dtypes("number"))
        texts = [name for name in X if name not in numbers]
        # As floats: whole numbers would be cut off, not rounded.
        filled = X[numbers].astype(float)
        medians = filled.median().fillna(0)  # 0 where all cells are missing
        filled = pd.concat(
            [filled.fillna(medians), X[texts].astype(object).fillna(_MISSING)], axis=1
        )
        smotenc = SMOTENC(
            categorical_features=texts,
            sampling_strategy=self.sampling_strategy,
            k_neighbors=self.k_neighbors,
            random_state=self.random_state,
        )
        X_big, y_big = smotenc.fit_resample(filled, y)
        X_big[texts] = X_big[texts].replace(_MISSING, np.nan)
        return X_big[list(X)], y_big
