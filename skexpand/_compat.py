"""Everything private to scikit-learn and imbalanced-learn, in one place.

Supported: scikit-learn >= 1.6 and imbalanced-learn >= 0.13. A new release of either can
break this module only.
"""

from os import PathLike

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy

__all__ = [
    "BaseOverSampler",
    "check_features",
    "check_sampling_strategy",
    "feature_names",
    "mark_as_general_sampler",
    "remember_feature_names",
    "validate_parameters",
]


def validate_parameters(estimator):
    """Check the constructor's values against ``_parameter_constraints``.

    The host's words for a path in place of what is stored there do not say how to read
    it.
    """
    path = getattr(estimator, "pretrained", None)
    if isinstance(path, str | PathLike):
        raise TypeError(
            f"pretrained must be a PretrainedEncoder or None, got the path {path!s}. "
            f"Read it first: pretrained=PretrainedEncoder.load({str(path)!r})."
        )
    estimator._validate_params()


def feature_names(X):
    """Give the column names of a frame when they are distinct strings, else None."""
    names = getattr(X, "column_names", None) or list(getattr(X, "columns", ()))
    is_named = all(isinstance(name, str) for name in names)
    return names if names and is_named and len(set(names)) == len(names) else None


def remember_feature_names(estimator, X):
    """Set ``feature_names_in_`` from a frame whose names are distinct strings.

    For anything else the attribute is removed. The host's own function would refuse
    mixed names, and before scikit-learn 1.9 does not know polars.
    """
    names = feature_names(X)
    if names is not None:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def check_features(X, names, n_features=None, owner="The encoder"):
    """Refuse columns that are not those of fit; frames are compared by name.

    Reordered columns would otherwise be encoded as if they were in order.
    """
    given = feature_names(X)
    if names is not None and given is not None and list(names) != list(given):
        raise ValueError(_describe_difference(list(names), list(given)))
    shape = getattr(X, "shape", ())
    if n_features is not None and len(shape) == 2 and shape[1] != n_features:
        raise ValueError(
            f"X has {shape[1]} features, but {owner} is expecting {n_features} "
            "features as input."
        )


def _describe_difference(names, given):
    """Say how column names differ, in the words of the host."""
    message = "The feature names should match those that were passed during fit.\n"
    parts = {
        "unseen at fit time": sorted(set(given) - set(names)),
        "seen at fit time, yet now missing": sorted(set(names) - set(given)),
    }
    for what, columns in parts.items():
        if columns:
            listing = "".join(f"- {column}\n" for column in columns[:5])
            message += f"Feature names {what}:\n{listing}"
    if not any(parts.values()):
        message += "Feature names must be in the same order as they were in fit.\n"
    return message + "Select them with X[names]."


def mark_as_general_sampler(tags):
    """Tell the host that missing cells, strings, images and sparse X are welcome."""
    tags.input_tags.allow_nan = True
    tags.input_tags.string = True
    tags.input_tags.three_d_array = True
    tags.input_tags.sparse = True
    return tags
