"""Everything private to scikit-learn and imbalanced-learn, in one place.

Supported: scikit-learn >= 1.6 and imbalanced-learn >= 0.13. A new release of either can
break this module only.
"""

from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy
from sklearn.utils.validation import _check_feature_names

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

    For anything else the attribute is removed; the host would refuse such a frame.
    """
    names = list(getattr(X, "columns", ()))
    is_nameable = all(isinstance(name, str) for name in names)
    if names and (not is_nameable or len(set(names)) < len(names)):
        X = None
    _check_feature_names(estimator, X, reset=True)


def mark_as_general_sampler(tags):
    """Tell the host that missing cells, strings and images are welcome."""
    tags.input_tags.allow_nan = True
    tags.input_tags.string = True
    tags.input_tags.three_d_array = True
    return tags
