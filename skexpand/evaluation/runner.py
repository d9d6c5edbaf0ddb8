"""Cells of a comparison, computed unit by unit through joblib."""

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, wraps
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import ThreadpoolController

from skexpand._random import RandomStreams
from skexpand.evaluation._memory import PeakMemory
from skexpand.evaluation._smote import NotApplicableError
from skexpand.evaluation.arms import Arm, resample
from skexpand.evaluation.classifiers import is_search, make_model
from skexpand.evaluation.draws import Draw
from skexpand.evaluation.results import finite

ERROR = "error: "
"""How the reason of a cell begins that failed; such cells are computed again."""


@dataclass(frozen=True)
class Unit:
    """Work that shares one resampling: an arm in a draw, with several classifiers.

    Parameters
    ----------
    arm : Arm
    draw : Draw
        Without its pool, which may be large.
    classifiers : dict of str to object
        Those whose cells are missing.
    scorers : dict of str to callable
        The primary one first.
    rows : dict of str to dict
        By classifier: the row so far, all that is known before computing.
    ratio : float
    streams : RandomStreams
        Of this size and draw.
    real : tuple of (X, y), str or None, default=None
        For the arm "real": its rows, or why there are none.
    ruler : Ruler or None, default=None
        Measures the quality of new rows, for the first classifier's row.
    """

    arm: Arm
    draw: Draw
    classifiers: dict
    scorers: dict
    rows: dict
    ratio: float
    streams: RandomStreams
    real: object = None
    ruler: object = None


@dataclass
class _Training:
    """A training set, and what it took to make it."""

    X: object
    y: np.ndarray
    seconds: float = 0.0
    memory: float = 0.0
    device: str = "cpu"
    advice: str = ""  # of samplers that look before they move
    quality: dict = field(default_factory=dict)  # of the first classifier's row


def run_units(units, *, n_jobs=None):
    """Compute units in any order, as workers get free.

    Parameters
    ----------
    units : iterable of Unit
        Read as work is handed out, not all at once.
    n_jobs : int or None, default=None
        As in joblib; its backend is that of ``joblib.parallel_config``.

    Yields
    ------
    list of dict
        The rows of one unit, one for each of its classifiers.
    """
    # One unit a task: a batch would be lost as a whole when the run is stopped.
    parallel = Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator_unordered")
    yield from parallel(delayed(run_unit)(unit) for unit in units)


def run_unit(unit):
    """Resample once, then fit and score every classifier of a unit.

    An error ends the cell it happens in, and is its row's reason; one of the sampler
    ends all cells of the unit.

    Parameters
    ----------
    unit : Unit

    Returns
    -------
    list of dict
        Complete rows.
    """
    with _one_thread():
        try:
            training = _make_training(unit)
        except Exception as error:  # whatever a sampler may raise
            reason = _reason(error)
            return [_finish(row, skipped=reason) for row in unit.rows.values()]
        return [_run_cell(unit, name, training) for name in unit.classifiers]


@contextmanager
def _one_thread():
    """Keep BLAS, OpenMP and torch to one thread: cells run side by side.

    Also without workers, so that scores do not depend on how many there are.
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    if torch:
        torch.set_num_threads(1)
    try:
        with _thread_controller().limit(limits=1):
            yield
    finally:
        if torch:
            torch.set_num_threads(before)


@cache
def _thread_controller():
    return ThreadpoolController()  # finding the libraries takes milliseconds


def _reason(error):
    if isinstance(error, NotApplicableError):
        return str(error)
    return f"{ERROR}{type(error).__name__}: {' '.join(str(error).split())[:500]}"


def _make_training(unit):
    arm, draw = unit.arm, unit.draw
    if arm.multiple is not None:
        if isinstance(unit.real, str):
            raise NotApplicableError(unit.real)
        training = _Training(*unit.real)
    elif arm.sampler is None:
        return _Training(draw.X, draw.y)
    else:
        start = time.perf_counter()
        with PeakMemory() as memory:
            X, y, sampler = resample(
                arm, draw.X, draw.y, unit.ratio, unit.streams.child("sampler")
            )
        seconds = time.perf_counter() - start
        device = str(getattr(sampler, "device_", "cpu"))
        advice = getattr(sampler, "advice_", "")
        training = _Training(X, y, seconds, memory.mb, device, advice)
    if unit.ruler is not None:
        try:
            training.quality = unit.ruler.measure(training.X, training.y, draw)
        except ValueError as error:  # scores are worth having without these figures
            training.quality = {"quality": {}, "quality_skipped": _reason(error)}
    return training


def _run_cell(unit, name, training):
    known = {"n_train": len(training.y), "device": training.device}
    if training.advice:
        known["advice"] = training.advice
    if name == next(iter(unit.rows)):
        known |= training.quality
    try:
        outcome = _fit_and_score(unit, name, training)
    except Exception as error:  # whatever a classifier may raise
        outcome = {"skipped": _reason(error)}
    return _finish(unit.rows[name], **{**known, **outcome})


def _fit_and_score(unit, name, training):
    draw, arm = unit.draw, unit.arm
    model, weights = make_model(
        unit.classifiers[name],
        arm,
        draw.X,
        draw.y,
        ratio=unit.ratio,
        streams=unit.streams,
        threshold_metric=_threshold_metric(unit.scorers),
    )
    # A search resamples inside its folds, from the small set.
    inside = is_search(unit.classifiers[name]) and arm.sampler is not None
    X, y = (draw.X, draw.y) if inside else (training.X, training.y)
    with PeakMemory() as memory:
        start = time.perf_counter()
        model.fit(X, y, **weights)
        fitted = time.perf_counter()
        scores, calibration = _score(model, unit.scorers, draw)
        scored = time.perf_counter()
    outcome = {
        "scores": scores,
        "calibration": calibration,
        "seconds": {
            "resample": training.seconds,
            "fit": fitted - start,
            "score": scored - fitted,
        },
        "peak_memory_mb": max(training.memory, memory.mb),
    }
    device = _device_of(model)
    return outcome if device is None else {**outcome, "device": device}


def _device_of(model):
    steps = getattr(model, "named_steps", None)
    model = list(steps.values())[-1] if steps else model
    return getattr(model, "device_", None)


def _threshold_metric(scorers):
    """Return the primary metric where a threshold moves it, else the usual one."""
    name, scorer = next(iter(scorers.items()))
    ranks = ("roc_auc", "average_precision", "neg_log_loss", "neg_brier", "top_k")
    return "balanced_accuracy" if name.startswith(ranks) else scorer


class Predicted:
    """A fitted classifier that predicts every set of rows once.

    Parameters
    ----------
    model : object
        Fitted classifier, whose other attributes are passed through.
    """

    def __init__(self, model):
        self._model = model
        self._kept = {}

    def __getattr__(self, name):
        value = getattr(self._model, name)
        if name not in ("predict", "predict_proba", "decision_function"):
            return value

        @wraps(value)  # scorers ask for the name of the method
        def once(X):
            key = name, id(X)
            if key not in self._kept:
                self._kept[key] = value(X)
            return self._kept[key]

        return once


def _score(model, scorers, draw):
    from skexpand.evaluation import metrics

    model = Predicted(model)
    X, y = draw.X_test, draw.y_test
    scores = {}
    for place, (name, scorer) in enumerate(scorers.items()):
        try:
            scores[name] = float(scorer(model, X, y))
        except (ValueError, AttributeError):
            # A second metric may need probabilities that a classifier has not.
            if place == 0:
                raise
    scores = finite(scores)
    if next(iter(scorers)) not in scores:
        raise ValueError(f"{next(iter(scorers))} is not finite")
    calibration = {}
    if hasattr(model, "predict_proba"):
        proba, classes = model.predict_proba(X), model.classes_
        calibration = finite(
            {
                "brier": metrics.brier_score(y, proba, classes),
                "ece": metrics.expected_calibration_error(y, proba, classes),
            }
        )
    return scores, calibration


def _finish(row, **outcome):
    """Return the row with its outcome, and with all keys whatever happened."""
    return {
        **row,
        "n_train": row["n_real"],
        "scores": {},
        "calibration": {},
        "quality": {},
        "seconds": {"resample": 0.0, "fit": 0.0, "score": 0.0},
        "peak_memory_mb": 0.0,
        "skipped": None,
        "device": "cpu",
        **outcome,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def versions(*estimators):
    """Return the versions of all packages that decide a score.

    Parameters
    ----------
    *estimators : object
        Their packages are added to ours and those below.

    Returns
    -------
    dict of str to str
    """
    homes = {type(each).__module__.partition(".")[0] for each in estimators}
    found = dict(_own_versions())
    for home in sorted(homes - {"builtins", "__main__", "sklearn", "imblearn"}):
        number = getattr(sys.modules.get(home), "__version__", None)
        if number is not None:
            found.setdefault(home, str(number))
    return found


@cache
def _own_versions():
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    names = ("skexpand", "numpy", "scipy", "scikit-learn", "imbalanced-learn", "torch")
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from source
            import skexpand

            if name == "skexpand":
                found[name] = skexpand.__version__
    return found


@cache
def commit():
    """Return the commit of the package, or None outside of its repository.

    Returns
    -------
    str or None
    """
    import subprocess

    import skexpand

    folder = Path(skexpand.__file__).resolve().parents[1]
    command = ["git", "-C", str(folder), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    top, head = done.stdout.split("\n")[:2]
    # Installed inside somebody else's repository, the commit would be theirs.
    return head if Path(top) == folder else None
