"""The demo: ten digits a class, five ways to expand them, three classifiers, a verdict.

Everything is real: scikit-learn's bundled digits, drawn anew several times, every arm
on the same draws, scored on all digits that were not drawn.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skexpand.evaluation.statistics import mean_interval

CONFIDENCE = 0.95
REFERENCE = "none"
METHOD = "ES"


class DemoResult(NamedTuple):
    """What the demo found.

    Parameters
    ----------
    scores : ndarray of shape (n_arms, n_draws, n_classifiers)
        Accuracy on the digits that were not drawn.
    table : str
        Scores and gains, to be printed.
    verdict : str
        One sentence that says who won, if that can be told.
    files : list of Path
        Pictures written.
    """

    scores: np.ndarray
    table: str
    verdict: str
    files: list


class Gain(NamedTuple):
    """Mean of paired differences and its confidence interval."""

    mean: float
    low: float
    high: float

    def __str__(self):
        return f"{self.mean:+.1f} [{self.low:+.1f}, {self.high:+.1f}]"


def run_demo(
    out="skexpand-demo",
    *,
    n_per_class=10,
    ratio=10.0,
    n_draws=5,
    random_state=0,
    progress=False,
):
    """Compare five ways of expanding a few digits.

    Parameters
    ----------
    out : str or path-like, default="skexpand-demo"
        Folder for the two pictures; it is made where missing.
    n_per_class : int, default=10
        Real digits of every class to start from, at least 2 (SMOTE interpolates).
    ratio : float, default=10.0
        Every class ends with this many times its digits.
    n_draws : int, default=5
        Small data sets drawn, at least 2. The unit of the intervals.
    random_state : int, default=0
        Draw ``i`` and every sampler in it have the seed ``random_state + i``.
    progress : bool, default=False
        Show a progress bar on the standard error stream.

    Returns
    -------
    DemoResult

    Raises
    ------
    ValueError
        If `n_draws` or `n_per_class` is below 2.
    ImportError
        If matplotlib is missing.
    """
    _check_settings(n_per_class, n_draws)
    seeds = [random_state + draw for draw in range(n_draws)]
    scores, sheet = _measure(n_per_class, ratio, seeds, progress)

    arms = list(make_samplers(ratio, n_per_class, random_state))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "digits.png", folder / "comparison.png"]
    draw_sheet(sheet, files[0])
    draw_comparison(arms, scores, files[1])
    table = format_table(arms, list(make_classifiers()), scores)
    return DemoResult(scores, table, give_verdict(arms, scores), files)


def _measure(n_per_class, ratio, seeds, progress):
    """Return the scores (n_arms, n_draws, n_classifiers) and the sheet of draw 0."""
    from tqdm.auto import tqdm

    from skexpand.datasets import few_shot, load_digits_images

    X, y = load_digits_images()
    classifiers = make_classifiers()
    n_arms = len(make_samplers(ratio, n_per_class, 0))
    scores = np.empty((n_arms, len(seeds), len(classifiers)))
    sheet = None
    with tqdm(total=n_arms * len(seeds), unit="arm", disable=not progress) as bar:
        for draw, seed in enumerate(seeds):
            train, test = few_shot(X, y, n_per_class, random_state=seed)
            samplers = make_samplers(ratio, n_per_class, seed)
            for i, (name, sampler) in enumerate(samplers.items()):
                bar.set_description(f"draw {draw + 1} of {len(seeds)}, {name}")
                X_big, y_big = expand(sampler, X[train], y[train])
                scores[i, draw] = score(classifiers, X_big, y_big, X[test], y[test])
                if name == METHOD and draw == 0:
                    sheet = make_sheet(X_big, y_big, n_real=len(train))
                bar.update()
    return scores, sheet


def _check_settings(n_per_class, n_draws):
    for name, value in {"n_per_class": n_per_class, "n_draws": n_draws}.items():
        if value < 2:
            raise ValueError(f"{name} must be at least 2, got {value}.")
    try:
        import matplotlib.figure  # noqa: F401  fail before the work, not after
    except ImportError as error:
        raise ImportError(
            "The demo draws with matplotlib: pip install 'skexpand[plot]'."
        ) from error


def make_samplers(ratio, n_per_class, random_state):
    """Return {name: sampler}; None trains on the real digits alone."""
    from imblearn.over_sampling import SMOTE, RandomOverSampler

    from skexpand import ExpansiveSynthesizer
    from skexpand.baselines.images import ClassicalAugmenter

    def totals(y):
        return {label: round(ratio * n) for label, n in Counter(y).items()}

    return {
        REFERENCE: None,
        "ROS": RandomOverSampler(sampling_strategy=totals, random_state=random_state),
        "SMOTE": SMOTE(
            sampling_strategy=totals,
            k_neighbors=min(5, n_per_class - 1),
            random_state=random_state,
        ),
        "classical": ClassicalAugmenter(
            ratio=ratio, policy="digits", random_state=random_state
        ),
        METHOD: ExpansiveSynthesizer(ratio=ratio, random_state=random_state),
    }


def make_classifiers():
    """Return {name: classifier}, all with the library's defaults."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    return {
        # More iterations than the default 100, which stops before convergence.
        "logistic": LogisticRegression(max_iter=5000),
        "k-NN": KNeighborsClassifier(),
        # It draws a seed that decides nothing, from numpy's global generator if let.
        "SVM": SVC(random_state=0),
    }


def expand(sampler, X, y):
    """Return the images a sampler makes of images; floats for the host's samplers."""
    if sampler is None:
        return X, y
    if sampler.__module__.startswith("skexpand."):
        return sampler.fit_resample(X, y)
    # The host's samplers take rows, and SMOTE in uint8 would wrap around at 255.
    rows, y_big = sampler.fit_resample(X.reshape(len(X), -1).astype(np.float64), y)
    return rows.reshape(-1, *X.shape[1:]), y_big


def score(classifiers, X_train, y_train, X_test, y_test):
    """Return the accuracy of every classifier: shape (n_classifiers,)."""
    rows, rows_test = (
        images.reshape(len(images), -1) / 255 for images in (X_train, X_test)
    )
    return np.array(
        [
            classifier.fit(rows, y_train).score(rows_test, y_test)
            for classifier in classifiers.values()
        ]
    )


def paired_gain(scores, reference):
    """Return the mean difference in points and its 95 % interval over the draws.

    Shapes: ``scores (n_draws, n_classifiers)``, ``reference`` likewise. A draw counts
    once, by its mean over the classifiers: they share its data.
    """
    differences = 100 * (scores - reference).mean(axis=1)
    return Gain(*mean_interval(differences, level=CONFIDENCE))


def format_table(arms, classifiers, scores):
    """Return the table of mean accuracies and gains as text."""
    reference = scores[arms.index(REFERENCE)]
    header = "".join(f"{name:>10}" for name in [*classifiers, "mean"])
    lines = [f"{'expansion':<12}{header}   gain over none, 95 % interval"]
    for arm, arm_scores in zip(arms, scores, strict=True):
        values = [*arm_scores.mean(axis=0), arm_scores.mean()]
        cells = "".join(f"{100 * value:>10.1f}" for value in values)
        gain = "-" if arm == REFERENCE else str(paired_gain(arm_scores, reference))
        lines.append(f"{arm:<12}{cells}   {gain}")
    lines.append(
        f"Accuracy in percent on the digits left out, mean over {scores.shape[1]} "
        "draws; gains in points."
    )
    return "\n".join(lines)


def give_verdict(arms, scores):
    """Say in one sentence who won, and that one cannot tell where one cannot."""
    means = scores.mean(axis=(1, 2))
    ranking = [arms[i] for i in np.argsort(-means, kind="stable")]
    best = scores[arms.index(ranking[0])]
    if ranking[0] == REFERENCE:
        return "Nothing won: the real digits alone scored best in the mean."
    gain = paired_gain(best, scores[arms.index(REFERENCE)])
    if gain.low <= 0:
        return (
            f"Cannot tell who won: the best in the mean is {ranking[0]}, but its gain "
            f"over no expansion is {gain}, which includes zero."
        )
    rivals = {
        arm: paired_gain(best, scores[arms.index(arm)])
        for arm in ranking[1:]
        if arm != REFERENCE
    }
    equals = [f"{arm} ({lead})" for arm, lead in rivals.items() if lead.low <= 0]
    if equals:
        return (
            f"{ranking[0]} scored best in the mean, {gain} points over no expansion, "
            f"but one cannot tell it from {' or '.join(equals)}: the interval of the "
            "difference includes zero."
        )
    sentence = f"{ranking[0]} won: {gain} points over no expansion"
    if rivals:
        runner_up, lead = next(iter(rivals.items()))
        sentence += f" and {lead} over the runner-up, {runner_up}"
    return f"{sentence}."


def make_sheet(X_big, y_big, n_real, n_columns=10):
    """Lay real digits next to synthetic ones, a class per row.

    Returns
    -------
    ndarray of shape (n_classes * (H + 1), (2 * n_columns) * (W + 1) + W)
        A grey picture; missing digits are left white.
    """
    height, width = X_big.shape[1:3]
    classes = np.unique(y_big)
    picture = np.full(
        (len(classes) * (height + 1), 2 * n_columns * (width + 1) + width), 255.0
    )
    is_real = np.arange(len(y_big)) < n_real
    for row, label in enumerate(classes):
        for side, chosen in enumerate((is_real, ~is_real)):
            digits = X_big[chosen & (y_big == label)][:n_columns]
            for column, digit in enumerate(digits):
                # A gap one digit wide sets the halves apart.
                left = (column + side * n_columns) * (width + 1) + side * width
                top = row * (height + 1)
                picture[top : top + height, left : left + width] = digit
    return picture


def draw_sheet(picture, path):
    """Write the sheet as a PNG."""
    from matplotlib.figure import Figure

    height, width = picture.shape
    figure = Figure(figsize=(10, 10 * height / width + 0.5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(picture, cmap="gray", interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(f"real digits (left), synthetic digits of {METHOD} (right)")
    figure.savefig(path, dpi=120)


def draw_comparison(arms, scores, path):
    """Write the gains over no expansion, with intervals and all draws, as a PNG."""
    from matplotlib.figure import Figure

    from skexpand.evaluation.displays import GainDisplay

    reference = scores[arms.index(REFERENCE)]
    others = [arm for arm in arms if arm != REFERENCE]
    differences = [scores[arms.index(arm)] - reference for arm in others]
    gains = [paired_gain(scores[arms.index(arm)], reference) for arm in others]
    mean, low, high = np.transpose(gains) / 100
    figure = Figure(figsize=(8, 1.4 + 0.38 * len(others)), layout="constrained")
    GainDisplay(
        names=others,
        gains=mean,
        lows=low,
        highs=high,
        differences=[each.mean(axis=1) for each in differences],
        metric="accuracy",
        title=f"digits, mean of {scores.shape[2]} classifiers",
    ).plot(ax=figure.subplots())
    figure.savefig(path, dpi=120)
