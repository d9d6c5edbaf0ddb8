"""From scores to gains, multipliers and verdicts; everything a report shows."""

from dataclasses import dataclass

import numpy as np

from skexpand.evaluation import statistics
from skexpand.evaluation._scores import REAL, REFERENCE, WITHOUT_NEW_ROWS
from skexpand.evaluation._text import number, scale_of
from skexpand.evaluation.learning_curve import LearningCurve, Multiplier


@dataclass(frozen=True)
class Line:
    """One arm with one classifier (or the mean of all) at one size of one data set."""

    dataset: str
    n_per_class: int | None
    classifier: str
    sampler: str
    n_draws: int
    score: statistics.Interval
    gain: statistics.Gain | None
    multiplier: Multiplier | float | None  # a float where it is so by definition
    seconds: float


@dataclass(frozen=True)
class Headline:
    """What a reader takes home about one size of one data set."""

    dataset: str | None  # None for all
    n_per_class: int | None
    verdict: statistics.Verdict
    multiplier: Multiplier | None
    reason: str  # why there is no multiplier
    remark: str  # what the verdict does not say


def make_line(scores, settings, sampler, classifier):
    """Return the line of one arm; several settings are averaged draw by draw."""
    shared = scores.shared(settings, [sampler])
    own = scores.aligned(shared, [sampler])[0]
    overlap = scores.overlap(settings)
    dataset, n_per_class = settings[0].place
    seconds = [
        row["seconds"].get("resample", 0) + row["seconds"].get("fit", 0)
        for row in scores.cells(shared, sampler)
        if row.get("seconds")
    ]
    score = statistics.Interval(np.nan, np.nan, np.nan)
    if len(own):
        score = statistics.mean_interval(own, overlap=overlap)
        if scale_of(scores.metric) == 100:  # a share: no interval leaves [0, 1]
            low, high = np.clip([score.low, score.high], 0.0, 1.0).tolist()
            score = score._replace(low=low, high=high)
    return Line(
        dataset=dataset,
        n_per_class=n_per_class,
        classifier=classifier,
        sampler=sampler,
        n_draws=len(own),
        score=score,
        gain=gain_of(scores, settings, sampler),
        multiplier=multiplier_of(scores, settings, sampler)[0],
        seconds=float(np.mean(seconds)) if seconds else np.nan,
    )


def gain_of(scores, settings, sampler):
    """Return the gain over no augmentation, or None without a pair of draws."""
    pairs = pairs_of(scores, settings, sampler)
    if not pairs.shape[1]:
        return None
    # Data sets have no rows in common. No bootstrap ends are shown: one will do.
    overlap = 0.0 if has_many_datasets(settings) else scores.overlap(settings)
    return statistics.paired_gain(*pairs, overlap=overlap, n_bootstrap=1)


def pairs_of(scores, settings, sampler):
    """Return paired scores (2, n): of the sampler and of none, by draw.

    Over several data sets the unit is the data set, with the mean over its draws.
    """
    if has_many_datasets(settings):
        return dataset_means(scores, settings, [sampler, REFERENCE]).T
    return scores.aligned(settings, [sampler, REFERENCE])


def has_many_datasets(settings):
    """Tell whether data sets, not draws, are what is compared over."""
    return len({setting.dataset for setting in settings}) > 1


def multiplier_of(scores, settings, sampler):
    """Return the data multiplier and "", or None and the reason."""
    if sampler in scores.multiples:
        return scores.multiples[sampler], ""
    curve = scores.curve_arms(scores.shared(settings, [sampler]))
    if REFERENCE not in curve:
        return None, "there is no arm named none to start the learning curve from"
    if len(curve) < 2:
        asked = any(row["sampler"] == REAL for row in scores.rows)
        why = "the pool has no more" if asked else "the arm real was left out"
        return None, f"no larger real training set was measured ({why})"
    table = scores.aligned(settings, [sampler, *curve])
    if not table.shape[1]:
        return None, "no draw has both this arm and every size of the learning curve"
    n = samples_of(scores, settings)
    return _fit(scores, settings, curve, table[1:], n).multiplier(table[0], n), ""


def samples_of(scores, settings):
    """Return the size of the small training set: per class, or in all."""
    n_per_class = settings[0].n_per_class
    if n_per_class is not None:
        return float(n_per_class)
    return float(np.mean([row["n_real"] for row in scores.cells(settings, REFERENCE)]))


def _fit(scores, settings, curve, table, n):
    sizes = [n * scores.multiples[arm] for arm in curve]
    overlap = scores.overlap(settings)
    return LearningCurve.fit(sizes, table, overlap=overlap)


def lines_of(scores, *, by_classifier=True):
    """Return a line for each arm of each place, by classifier or in the mean of all."""
    lines = []
    for place in scores.places.values():
        for settings in [[s] for s in place] if by_classifier else [place]:
            name = settings[0].classifier
            if len(settings) > 1:
                name = f"mean of {len(settings)}"
            lines += [
                make_line(scores, settings, arm, name) for arm in scores.arms(settings)
            ]
    return lines


def by_gain(scores, settings):
    """Return the arms with the largest gain first, the real ones last."""
    arms = [arm for arm in scores.arms(settings) if arm not in scores.multiples]
    gains = {arm: gain_of(scores, settings, arm) for arm in arms}
    arms.sort(key=lambda arm: -gains[arm].mean if gains[arm] else np.inf)
    others = [arm for arm in scores.arms(settings) if arm in scores.multiples]
    return [*arms, *others]


def verdict_of(scores, settings):
    """Return the verdict on augmenting, and a remark on arms that add no rows."""
    arms = [arm for arm in scores.arms(settings) if arm not in scores.multiples]
    if not any(scores.shared([s], [REFERENCE]) for s in settings):
        return _no_verdict("the results hold no arm named none to compare with"), ""
    gains = {arm: gain_of(scores, settings, arm) for arm in arms}
    gains = {arm: gain for arm, gain in gains.items() if gain is not None}
    others = {arm: gains.pop(arm) for arm in WITHOUT_NEW_ROWS if arm in gains}
    if not gains:
        return _no_verdict("no sampler shares a draw with the arm named none"), ""
    scale = scale_of(scores.metric)
    verdict = statistics.verdict(gains, points=scale == 100)
    remarks = [
        f"{arm}, which adds no rows, gains {number(gain.mean, scale, signed=True)}."
        for arm, gain in others.items()
        if gain.mean >= gains[verdict.sampler].mean and gain.mean > 0
    ]
    if has_many_datasets(settings):
        remarks.insert(0, "Here a draw is a data set, with the mean of its draws.")
    return verdict, " ".join(remarks)


def _no_verdict(reason):
    return statistics.Verdict("cannot tell", "", f"Cannot tell: {reason}.", None)


def dataset_means(scores, settings, arms):
    """Return mean scores (n_datasets, n_arms) of the data sets that have all arms."""
    means = []
    for dataset in dict.fromkeys(s.dataset for s in settings):
        table = scores.aligned([s for s in settings if s.dataset == dataset], arms)
        if table.shape[1]:
            means.append(table.mean(axis=1))
    return np.array(means).reshape(len(means), len(arms))


def headlines_of(scores):
    """Return a headline for each size of each data set; the first is for all of them.

    Where there is one data set, that first one is left out.
    """
    headlines = []
    if len(scores.datasets) > 1:
        verdict, remark = verdict_of(scores, scores.settings())
        # No multiplier: each data set has a learning curve of its own.
        headlines.append(Headline(None, None, verdict, None, "", remark))
    for (dataset, n_per_class), settings in scores.places.items():
        verdict, remark = verdict_of(scores, settings)
        multiplier, reason = None, "there is no verdict"
        if verdict.sampler:
            multiplier, reason = multiplier_of(scores, settings, verdict.sampler)
        headlines.append(
            Headline(dataset, n_per_class, verdict, multiplier, reason, remark)
        )
    return headlines


def gain_arrays(scores, settings, arms=None):
    """Return what a `GainDisplay` stores; without the arm that gains are held to."""
    arms = by_gain(scores, settings) if arms is None else arms
    arms = [arm for arm in arms if arm != REFERENCE]
    pairs = [pairs_of(scores, settings, arm) for arm in arms]
    gains = [gain_of(scores, settings, arm) for arm in arms]
    mean, low, high = (
        np.array([getattr(gain, end) if gain else np.nan for gain in gains])
        for end in ("mean", "low", "high")
    )
    return dict(
        names=arms,
        gains=mean,
        lows=low,
        highs=high,
        differences=[pair[0] - pair[1] for pair in pairs],
        metric=scores.metric,
        unit="data sets" if has_many_datasets(settings) else "draws",
        title=title_of(settings),
    )


def curve_arrays(scores, settings, arms=None, n_points=200):
    """Return what a `LearningCurveDisplay` stores; raise where there is no curve."""
    if arms is None:
        arms = [a for a in by_gain(scores, settings) if a not in scores.multiples]
        arms = [a for a in arms if a not in WITHOUT_NEW_ROWS][:4]
    reasons = {arm: multiplier_of(scores, settings, arm)[1] for arm in arms}
    arms = [arm for arm in arms if not reasons[arm]]
    curve = scores.curve_arms(settings)
    table = scores.aligned(settings, curve)
    if len(curve) < 2 or REFERENCE not in curve or not table.shape[1]:
        why = next(filter(None, reasons.values()), "it needs two sizes of real data")
        raise ValueError(f"There is no learning curve to draw: {why}.")
    n = samples_of(scores, settings)
    fitted = _fit(scores, settings, curve, table, n)
    grid = np.geomspace(*fitted.sizes[[0, -1]], n_points)
    grid[[0, -1]] = fitted.sizes[[0, -1]]  # rounding would lead outside the curve
    band_low, band_high = fitted.band(grid)
    return dict(
        sizes=fitted.sizes,
        scores=table,
        grid=grid,
        fit=fitted.predict(grid),
        band_low=band_low,
        band_high=band_high,
        arms={
            arm: float(scores.aligned(settings, [arm, *curve])[0].mean())
            for arm in arms
        },
        multipliers={arm: multiplier_of(scores, settings, arm)[0] for arm in arms},
        metric=scores.metric,
        size_label="real samples"
        + (" per class" if settings[0].n_per_class is not None else ""),
        title=title_of(settings),
    )


def rank_arrays(scores):
    """Return what a `CriticalDifferenceDisplay` stores; raise for one data set."""
    settings = scores.settings()
    arms = ranked_arms(scores)
    table = dataset_means(scores, settings, arms)
    if len(table) < 2 or len(arms) < 2:
        raise ValueError(
            "Ranks need at least two data sets that share two arms, got "
            f"{len(scores.datasets)} data sets that share {len(arms)} arms. Merge "
            "result files to compare over data sets."
        )
    ranks = statistics.mean_ranks(table)
    difference = statistics.critical_difference(len(arms), len(table))
    return dict(
        names=arms,
        ranks=ranks,
        critical_difference=difference,
        cliques=statistics.cliques(ranks, difference),
        n_blocks=len(table),
    )


def ranked_arms(scores):
    """Return the arms, without the larger real sets, that every data set has."""
    arms = None
    for dataset in scores.datasets:
        own = scores.arms(scores.settings(dataset=dataset))
        arms = own if arms is None else [arm for arm in arms if arm in own]
    larger = [arm for arm in scores.multiples if arm != REFERENCE]
    return [arm for arm in arms or [] if arm not in larger]


def tests_over_datasets(scores):
    """Return (arm, mean gain, p, Holm's p, n) of Wilcoxon tests against none."""
    settings = scores.settings()
    arms = [arm for arm in ranked_arms(scores) if arm != REFERENCE]
    tables = [dataset_means(scores, settings, [arm, REFERENCE]) for arm in arms]
    found = [
        (arm, table, *statistics.wilcoxon_over_datasets(*table.T))
        for arm, table in zip(arms, tables, strict=True)
        if len(table) > 1
    ]
    adjusted = statistics.holm([p for _, _, p, _ in found])
    return [
        (arm, float((table[:, 0] - table[:, 1]).mean()), p, float(holm), n)
        for (arm, table, p, n), holm in zip(found, adjusted, strict=True)
    ]


def title_of(settings):
    """Return what settings have in common: "digits, 10 per class, SVM"."""
    parts = []
    for values, one, many in (
        ([s.dataset for s in settings], "{}", "{} data sets"),
        ([s.n_per_class for s in settings], "{} per class", "{} sizes"),
        ([s.classifier for s in settings], "{}", "mean of {} classifiers"),
    ):
        distinct = list(dict.fromkeys(values))
        if len(distinct) > 1:
            parts.append(many.format(len(distinct)))
        elif distinct[0] is not None:
            parts.append(one.format(distinct[0]))
    return ", ".join(parts)
