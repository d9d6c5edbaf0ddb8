"""Compare samplers: plan the cells, run those that are missing, report them all."""

import difflib
import warnings
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn.metrics import get_scorer, get_scorer_names

from skexpand._random import RandomStreams
from skexpand.evaluation._containers import (
    content_hash,
    describe_value,
    is_image,
)
from skexpand.evaluation._plan import Plan
from skexpand.evaluation.arms import make_arms
from skexpand.evaluation.classifiers import check_classifiers
from skexpand.evaluation.draws import Draws, check_data, check_sizes
from skexpand.evaluation.protocol import Protocol
from skexpand.evaluation.report import Report
from skexpand.evaluation.results import (
    append_rows,
    check_results_file,
    read_results,
)
from skexpand.evaluation.runner import ERROR, run_units


def compare(
    X,
    y,
    samplers=None,
    classifiers=None,
    *,
    n_per_class=None,
    ratio=10.0,
    n_draws=5,
    test_size=0.5,
    X_test=None,
    y_test=None,
    scoring=None,
    baselines=True,
    quality=True,
    dataset="data",
    n_jobs=None,
    random_state=None,
    resume=None,
    progress=False,
):
    """Tell whether augmenting a small data set helps, and by how much.

    The protocol is the same for every sampler. Rows to test on are set aside first;
    small sets are drawn from the rest; each sampler grows each small set, and sees
    nothing else; the same classifiers, with the same seeds, are trained on what it
    returns and scored on the untouched test rows. Samplers are compared draw by draw.

    Numbers are standardized, missing cells filled and categories one-hot encoded before
    a classifier sees them, by what the training rows of its cell say; a scikit-learn
    pipeline gets rows as they are. Samplers get rows as they are; those that take no
    images get flat float pixels. A classifier that searches hyper-parameters has the
    sampler inside its folds.

    Time is that of ``n_draws`` times arms times classifiers fits. There are up to eight
    baselines and four larger sets of real rows: name `baselines` to leave some out.

    Parameters
    ----------
    X : array-like of shape (n, p), (n, H, W), (n, H, W, C) or (n, C, H, W), or frame
        All rows: the more there are, the further the learning curve reaches.
    y : array-like of shape (n,)
        Class labels.
    samplers : dict of str to object, list of object, or None, default=None
        Objects with ``fit_resample``, by name. One called like a baseline takes its
        place.
    classifiers : dict of str to object, list of object, or None, default=None
        None takes logistic regression, nearest neighbors, a support vector machine and
        a random forest for tables, the second and third for images.
    n_per_class : int, list of int, or None, default=None
        Rows of every class in the small set. None takes the whole training part, with
        a split of its own in every draw.
    ratio : float, default=10.0
        Growth of every class: set as a sampler's ``ratio``, else as the totals of its
        ``sampling_strategy``.
    n_draws : int, default=5
        Small sets of every size. Intervals shrink with its square root.
    test_size : float or int, default=0.5
        Share or number of rows to test on. Not used where test rows are given.
    X_test : array-like or frame, default=None
        Rows to test on, like `X`.
    y_test : array-like, default=None
        Their labels.
    scoring : str, callable, list, dict or None, default=None
        Metrics of scikit-learn, larger is better; the first is the primary one. None
        takes balanced accuracy.
    baselines : bool or list of str, default=True
        ``"class weights"``, ``"threshold"``, ``"ROS"``, ``"SMOTE"``, ``"SMOTE
        balanced"``, ``"classical"`` for images, ``"jitter"`` and ``"mixup"`` for
        tables, and ``"real"``, larger sets of real rows, without which there is no data
        multiplier. ``"none"`` is always there.
    quality : bool, default=True
        Whether to measure the new rows themselves, see `metrics.quality`.
    dataset : str, default="data"
        Name in the results.
    n_jobs : int or None, default=None
        Cells at a time, as in joblib; clusters by ``joblib.parallel_config``. Every
        cell runs on one thread.
    random_state : int, RandomState, Generator or None, default=None
        Source of all splits, draws and seeds. With None, a results file goes on with
        its own.
    resume : path-like or None, default=None
        Results file. Finished cells are appended to it and never computed again; those
        that failed are. None keeps results in memory.
    progress : bool, default=False
        Show a bar with the time left on the standard error stream.

    Returns
    -------
    Report

    Warns
    -----
    RuntimeWarning
        If a sampler or classifier failed in some cells, a sampler returned another
        number of rows than asked, or lines of the results file are damaged.

    Raises
    ------
    TypeError, ValueError
        For wrong input, before any work; also for a results file of another protocol.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skexpand.evaluation import compare
    >>> X, y = load_iris(return_X_y=True)
    >>> report = compare(
    ...     X, y, classifiers={"k-NN": KNeighborsClassifier(1)}, n_per_class=5,
    ...     ratio=2, n_draws=2, baselines=["SMOTE", "real"], random_state=0,
    ... )
    >>> report.to_frame()["sampler"].tolist()
    ['none', 'SMOTE', 'real x2', 'real x5']
    """
    _check_numbers(ratio, n_draws)
    X, y, X_test, y_test = check_data(X, y, X_test, y_test)
    arms = make_arms(samplers, baselines, ratio, image=is_image(X))
    classifiers = check_classifiers(classifiers, X)
    scorers = check_scoring(scoring)
    sizes = check_sizes(n_per_class)

    file = _ResultsFile(resume)
    streams = RandomStreams(file.seed if random_state is None else random_state)
    protocol = Protocol(
        dataset=dataset,
        data=content_hash(X, y, *(() if X_test is None else (X_test, y_test))),
        test=test_size if X_test is None else "given",
        ratio=float(ratio),
        scoring=tuple(_name_of(*each) for each in scorers.items()),
        seed=streams.entropy,
    )
    draws = Draws(X, y, X_test, y_test, test_size, streams)
    draws.check(sizes, n_draws)
    plan = Plan(protocol, arms, classifiers, scorers, draws, streams, quality)
    rows = _run(plan, plan.cells(sizes, n_draws), file, n_jobs, progress)
    _warn_of_failures(rows)
    _warn_of_sizes(rows, arms, len(np.unique(y)))
    return Report(rows, protocol.header())


def _check_numbers(ratio, n_draws):
    if not isinstance(ratio, Real) or isinstance(ratio, bool) or not 1 < ratio < np.inf:
        raise ValueError(f"ratio must be a number above 1, got {ratio!r}.")
    if not isinstance(n_draws, Integral) or isinstance(n_draws, bool) or n_draws < 1:
        raise ValueError(f"n_draws must be an int of at least 1, got {n_draws!r}.")


def check_scoring(scoring):
    """Return scorers by name, the primary one first.

    Parameters
    ----------
    scoring : str, callable, list, dict or None
        As in `compare`.

    Returns
    -------
    dict of str to callable

    Raises
    ------
    ValueError
        If scikit-learn knows no metric of the name, names repeat, or there is none.
    """
    if scoring is None:
        scoring = "balanced_accuracy"
    if not isinstance(scoring, dict):
        if not isinstance(scoring, list | tuple):
            scoring = [scoring]
        names = [
            each if isinstance(each, str) else getattr(each, "__name__", "score")
            for each in scoring
        ]
        if len(set(names)) < len(names):
            raise ValueError(
                f"Two metrics would have one name among {', '.join(names)}: pass a "
                "dict of name to metric."
            )
        scoring = dict(zip(names, scoring, strict=True))
    if not scoring:
        raise ValueError("scoring must name at least one metric, got none.")
    scorers = {}
    for name, scorer in scoring.items():
        if isinstance(scorer, str):
            if scorer not in get_scorer_names():
                close = difflib.get_close_matches(scorer, get_scorer_names())
                hint = f" Did you mean {' or '.join(close)}?" if close else ""
                raise ValueError(
                    "scoring must name a metric of sklearn.metrics.get_scorer_names(), "
                    f"got {scorer!r}.{hint}"
                )
            scorer = get_scorer(scorer)
        elif not callable(scorer):
            raise TypeError(
                f"scoring {name!r} must be a name or a callable(estimator, X, y), got "
                f"{type(scorer).__name__}."
            )
        scorers[name] = scorer
    return scorers


def _name_of(name, scorer):
    """Return the name of a metric of scikit-learn's; others are described too."""
    if name in get_scorer_names() and repr(get_scorer(name)) == repr(scorer):
        return name
    return f"{name}: {describe_value(scorer)}"


class _ResultsFile:
    """What is known before a comparison, and where its results go; path may be None."""

    def __init__(self, path):
        self.path = path
        self.header, self.rows = {}, []
        if path is not None and Path(path).exists():
            check_results_file(path)
            self.header, self.rows = read_results(path)

    @property
    def seed(self):
        """The seed to go on with, or None."""
        return self.header["settings"]["seed"] if self.header else None

    def start(self, plan):
        """Refuse results that do not belong here, before the first is added."""
        if self.header:
            plan.protocol.check_same(self.header, self.path)
        elif any(row["protocol"] != plan.fingerprint for row in self.rows):
            raise ValueError(
                f"{self.path} holds the results of another protocol, and its first "
                "line, which names the settings, is lost. Pass another file."
            )
        plan.check_known(self.rows, self.path)
        if not self.header:
            self.append([plan.protocol.header()])

    def append(self, rows):
        if self.path is not None:
            append_rows(self.path, rows)


def _run(plan, cells, file, n_jobs, progress):
    """Compute what is missing, and return the rows of all cells that are finished."""
    from tqdm.auto import tqdm

    file.start(plan)
    finished = [
        row for row in file.rows if not (row["skipped"] or "").startswith(ERROR)
    ]
    known = {plan.key_of(row): row for row in finished}
    done = {key: row for key, row in known.items() if key in cells}
    bar = tqdm(total=len(cells), initial=len(done), unit="cell", disable=not progress)
    units = plan.units(cells, done)
    try:
        with bar:
            for rows in run_units(units, n_jobs=n_jobs):
                file.append(rows)
                done.update({row["cell"]: row for row in rows})
                bar.update(len(rows))
    except KeyboardInterrupt:
        if file.path is not None or not done:
            raise  # the file has all that is finished
        warnings.warn(
            f"Stopped after {len(done)} of {len(cells)} cells; the report holds these. "
            "Pass resume='results.jsonl' to be able to go on.",
            RuntimeWarning,
            stacklevel=3,
        )
    return [done[cell] for cell in cells if cell in done]


def _warn_of_sizes(rows, arms, n_classes):
    """Warn of samplers that did not return ratio times the rows, up to rounding."""
    growing = {arm.name for arm in arms if arm.sampler and not arm.keeps_size}
    for name in growing:
        ran = [row for row in rows if row["sampler"] == name and not row["skipped"]]
        wrong = [
            row["n_train"]
            for row in ran
            if abs(row["n_train"] - row["ratio"] * row["n_real"]) > n_classes / 2
        ]
        if wrong:
            warnings.warn(
                f"{name} returned {_span(wrong)} rows, not "
                f"{ran[0]['ratio']:g} times the small set, in {len(wrong)} of "
                f"{len(ran)} cells: its gain is also that of another size. A parameter "
                "`ratio` or `sampling_strategy` would be set to the size asked for.",
                RuntimeWarning,
                stacklevel=3,
            )


def _span(counts):
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low} to {high}"


def _warn_of_failures(rows):
    """Warn of every arm that failed, once for each message."""
    failed = {}
    for row in rows:
        if (row["skipped"] or "").startswith(ERROR):
            failed.setdefault((row["sampler"], row["skipped"]), []).append(row)
    for (name, reason), cells in failed.items():
        names = ", ".join(sorted({row["classifier"] for row in cells}))
        warnings.warn(
            f"{name} failed in {len(cells)} cells ({names}): "
            f"{reason.removeprefix(ERROR)}",
            RuntimeWarning,
            stacklevel=3,
        )
