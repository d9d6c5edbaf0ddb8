"""The arms of a comparison: baselines that are always there, and samplers of users."""

import copy
from collections import Counter
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags

from skexpand.evaluation._containers import (
    flatten,
    is_image,
    restore,
    unflatten,
)

REFERENCE = "none"
REAL = "real"
MULTIPLES = (2, 5, 10, 20)
"""Sizes of the learning curve on real data, in units of the small set; 1 is none."""

RESERVED = (REFERENCE, "class weights", "threshold", REAL)
"""Arms that treat the classifier or take real rows: no sampler can stand for them."""


@dataclass(frozen=True)
class Arm:
    """One way to make a training set, or to treat a classifier, out of a small set.

    Parameters
    ----------
    name : str
        As in the results.
    sampler : object or None, default=None
        Object with ``fit_resample``; None trains on real rows alone.
    multiple : float or None, default=None
        For the arm ``"real"``: how many times the small set.
    keeps_size : bool, default=False
        Whether the number of rows is the sampler's own, not ratio times the real ones.
    """

    name: str
    sampler: object = None
    multiple: float | None = None
    keeps_size: bool = False


def make_arms(samplers, baselines, ratio, *, image):
    """Return the arms of a comparison, the reference ``"none"`` first.

    Parameters
    ----------
    samplers : dict of str to object, list of object, or None
        Samplers of the user; one of a baseline's name takes its place.
    baselines : bool or list of str
        All of them, none, or those named; ``"none"`` is always there.
    ratio : float
        Growth of every class; it is one of the multiples of ``"real"``.
    image : bool
        Whether rows are images.

    Returns
    -------
    list of Arm

    Raises
    ------
    TypeError
        If a sampler is a class, or has no ``fit_resample``.
    ValueError
        If names repeat, are reserved or not known.
    """
    named = check_samplers(samplers)
    known = {REFERENCE: Arm(REFERENCE), **_baseline_arms(image)}
    multiples = sorted({*MULTIPLES, ratio} - {1})
    reals = [Arm(REAL, multiple=float(multiple)) for multiple in multiples]

    if baselines is True:
        wanted = [*known, REAL]
    else:
        baselines = [baselines] if isinstance(baselines, str) else baselines or ()
        wanted = [REFERENCE, *baselines]
        unknown = set(wanted) - {*known, REAL}
        if unknown:
            names = ", ".join([*known, REAL])
            raise ValueError(
                f"baselines must be True, False or a list out of {names}; got "
                f"{', '.join(sorted(unknown))}."
            )
    arms = [arm for name, arm in known.items() if name in wanted and name not in named]
    arms += [Arm(name, sampler) for name, sampler in named.items()]
    return arms + (reals if REAL in wanted else [])


def _baseline_arms(image):
    from imblearn.over_sampling import RandomOverSampler

    from skexpand.baselines import ClassicalAugmenter, GaussianJitter, Mixup
    from skexpand.evaluation._smote import TableSMOTE

    smote = TableSMOTE(scale=not image)  # pixels share one scale
    arms = [
        Arm("class weights"),
        Arm("threshold"),
        Arm("ROS", RandomOverSampler()),
        Arm("SMOTE", smote),
        Arm("SMOTE balanced", smote, keeps_size=True),
    ]
    if image:
        arms.append(Arm("classical", ClassicalAugmenter()))
    else:
        arms += [Arm("jitter", GaussianJitter()), Arm("mixup", Mixup())]
    return {arm.name: arm for arm in arms}


def check_samplers(samplers):
    """Return samplers by name, refusing what cannot resample.

    Parameters
    ----------
    samplers : dict of str to object, list of object, or None
        Samplers of a list are named by their class.

    Returns
    -------
    dict of str to object
    """
    if samplers is None:
        return {}
    if hasattr(samplers, "fit_resample") or isinstance(samplers, str):
        samplers = [samplers]
    named = samplers
    if not isinstance(samplers, dict):
        names = [type(sampler).__name__ for sampler in samplers]
        repeated = [name for name, count in Counter(names).items() if count > 1]
        if repeated:
            raise ValueError(
                f"Two samplers would both be called {repeated[0]!r}: pass a dict of "
                "name to sampler."
            )
        named = dict(zip(names, samplers, strict=True))
    for name, sampler in named.items():
        if name in RESERVED:
            raise ValueError(
                f"{name!r} is the name of a baseline: call the sampler otherwise."
            )
        if isinstance(sampler, type):
            raise TypeError(
                f"Sampler {name!r} is the class {sampler.__name__}: pass an instance, "
                f"{sampler.__name__}()."
            )
        if not callable(getattr(sampler, "fit_resample", None)):
            raise TypeError(
                f"Sampler {name!r} must have a method fit_resample(X, y), got "
                f"{type(sampler).__name__}."
            )
        for step, transformer in getattr(sampler, "steps", ()):
            if hasattr(transformer, "transform"):
                raise TypeError(
                    f"Step {step!r} of sampler {name!r} transforms rows, but test rows "
                    "stay as they are. Leave it out, or move it into a classifier's "
                    "pipeline."
                )
    return dict(named)


def set_seeds(estimator, streams):
    """Seed an estimator, and all those inside it, each by a stream of its own.

    Parameters
    ----------
    estimator : object
        Changed in place.
    streams : RandomStreams
    """
    if not hasattr(estimator, "get_params"):
        if hasattr(estimator, "random_state"):
            estimator.random_state = streams.seed("random_state")
        return
    seeds = {
        name: streams.seed(name)
        for name in estimator.get_params(deep=True)
        if name.rpartition("__")[2] == "random_state"
    }
    if seeds:
        estimator.set_params(**seeds)


def copy_of(estimator):
    """Return an unfitted copy: a clone where scikit-learn can make one.

    Parameters
    ----------
    estimator : object

    Returns
    -------
    object
    """
    if hasattr(estimator, "get_params"):
        return clone(estimator)
    return copy.deepcopy(estimator)


def totals(y, ratio):
    """Return the rows every class ends with.

    Parameters
    ----------
    y : ndarray of shape (n,)
    ratio : float

    Returns
    -------
    dict of label to int
    """
    labels, counts = np.unique(y, return_counts=True)
    return {
        label: round(ratio * count)
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True)
    }


def resample(arm, X, y, ratio, streams):
    """Grow a small set by an arm's sampler, to ratio times its rows where it can.

    Parameters
    ----------
    arm : Arm
        With a sampler.
    X : ndarray or DataFrame
        The small set.
    y : ndarray
        Its labels.
    ratio : float
        Set as the sampler's ``ratio`` where it has one, else as the totals of
        ``sampling_strategy``.
    streams : RandomStreams
        Source of its seeds.

    Returns
    -------
    X_big : ndarray or DataFrame
        In the container, dtype and range of `X`.
    y_big : ndarray
    sampler : object
        The copy that was fitted.

    Raises
    ------
    ValueError
        If what the sampler returns is no training set.
    """
    sampler = copy_of(arm.sampler)
    set_seeds(sampler, streams)
    if not arm.keeps_size:
        _set_size(sampler, y, ratio)
    as_rows = is_image(X) and not _takes_images(sampler)
    X_big, y_big = sampler.fit_resample(flatten(X) if as_rows else X, y)
    y_big = np.asarray(y_big)
    X_big = (unflatten if as_rows else restore)(X_big, like=X)
    _check_result(X_big, y_big, X, y)
    return X_big, y_big, sampler


def _takes_images(sampler):
    # Without tags nothing is known: hand over what was passed.
    if not hasattr(sampler, "__sklearn_tags__"):
        return True
    return get_tags(sampler).input_tags.three_d_array


def _set_size(sampler, y, ratio):
    """Ask for ratio times the rows by the parameter for it; tell if there is one."""
    has_parameters = hasattr(sampler, "get_params")
    names = sampler.get_params(deep=False) if has_parameters else vars(sampler)
    # Under-samplers and cleaners cannot grow a class: they run as they are.
    grows = getattr(sampler, "_sampling_type", "over-sampling") == "over-sampling"
    if "ratio" in names:
        wanted = {"ratio": ratio}
    elif "sampling_strategy" in names and grows:
        wanted = {"sampling_strategy": totals(y, ratio)}
    else:  # of a pipeline, the first step that grows
        steps = getattr(sampler, "steps", ())
        return any(_set_size(step, y, ratio) for _, step in steps)
    if has_parameters:
        sampler.set_params(**wanted)
    else:
        vars(sampler).update(wanted)
    return True


def _check_result(X_big, y_big, X, y):
    if len(X_big) != len(y_big):
        raise ValueError(
            f"the sampler returned {len(X_big)} rows and {len(y_big)} labels"
        )
    if tuple(X_big.shape[1:]) != tuple(X.shape[1:]):
        raise ValueError(
            f"the sampler returned rows of shape {tuple(X_big.shape[1:])}, "
            f"expected {tuple(X.shape[1:])}"
        )
    strange = set(y_big.tolist()) - set(y.tolist())
    lost = set(y.tolist()) - set(y_big.tolist())
    if strange or lost:
        raise ValueError(
            f"the sampler returned {len(strange)} labels it was not given and lost "
            f"{len(lost)}"
        )


class FoldSampler(BaseEstimator):
    """Resample inside the folds of a hyper-parameter search, by the arm's rules.

    Parameters
    ----------
    arm : Arm
    ratio : float
    streams : RandomStreams
        Source of the sampler's seeds, the same in every fold.
    """

    def __init__(self, arm, ratio, streams):
        self.arm = arm
        self.ratio = ratio
        self.streams = streams

    def fit(self, X, y):
        """Do nothing: the host's pipeline asks for the method.

        Parameters
        ----------
        X : ndarray or DataFrame
        y : ndarray

        Returns
        -------
        FoldSampler
        """
        return self

    def fit_resample(self, X, y):
        """Grow the training part of a fold.

        Parameters
        ----------
        X : ndarray or DataFrame
        y : ndarray

        Returns
        -------
        X_big : ndarray or DataFrame
        y_big : ndarray
        """
        X_big, y_big, _ = resample(self.arm, X, y, self.ratio, self.streams)
        return X_big, y_big
