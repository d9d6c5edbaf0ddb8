"""Everything private to scikit-learn and imbalanced-learn, in one place.

Supported: scikit-learn >= 1.6 and imbalanced-learn >= 0.13. A new release of either can
break this module only.
"""

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy

__all__ = [
    "BaseOverSampler",
    "check_sampling_strategy",
    "mark_as_general_sampler",
    "remember_feature_names",
    "validate_parameters",
]


def validate_parameters(estimator):
    """Check the constructor's values against ``_parameter_constraints``."""
    estimator._validate_params()


def remember_feature_names(estimator, X):
    """Set ``feature_names_in_`` from a frame whose names are distinct strings.

    For anything else the attribute is removed. The host's own function would refuse
    mixed names, and before scikit-learn 1.9 does not know polars.
    """
    names = getattr(X, "column_names", None) or list(getattr(X, "columns", ()))
    is_named = all(isinstance(name, str) for name in names)
    if names and is_named and len(set(names)) == len(names):
        estimator.feature_names_in_ = np.array(names, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def mark_as_general_sampler(tags):
    """Tell the host that missing cells, strings and images are welcome."""
    tags.input_tags.allow_nan = True
    tags.input_tags.string = True
    tags.input_tags.three_d_array = True
    return tags
