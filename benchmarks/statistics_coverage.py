"""Measure the coverage of the evaluator's intervals and its rate of false verdicts.

    python benchmarks/statistics_coverage.py [--repetitions 1000] [--out FILE]

Every row of the output is one figure: how often an interval held the true value, or
how often `verdict` told two samplers apart that differ only by their seed. About
fifteen minutes on one core.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.isotonic import isotonic_regression

from skexpand.evaluation.learning_curve import LearningCurve
from skexpand.evaluation.statistics import mean_interval, paired_gain, verdict

DRAWS = (5, 10, 20)
N_BOOTSTRAP = 1000


class Sheet:
    """Collect hits by key and write one row each."""

    def __init__(self, path):
        self.path = path
        self.hits = {}

    def add(self, hit, **key):
        self.hits.setdefault(tuple(key.items()), []).append(hit)

    def flush(self, figure, seed):
        with open(self.path, "a", encoding="utf-8") as file:
            for key, hits in self.hits.items():
                rate = float(np.mean(hits))
                row = dict(key) | {
                    figure: round(rate, 4),
                    "error": round((rate * (1 - rate) / len(hits)) ** 0.5, 4),
                    "repetitions": len(hits),
                    "seed": seed,
                }
                file.write(json.dumps(row) + "\n")
        self.hits = {}


def closed_form(sheet, repetitions, seed):
    """Intervals for a mean of independent draws from known laws."""
    rng = np.random.default_rng(seed)
    laws = {
        "normal": rng.standard_normal,
        "skewed (exponential)": lambda size: rng.exponential(size=size) - 1,
        "heavy tails (t, 3)": lambda size: rng.standard_t(3, size=size),
        "steps (rounded normal)": lambda size: np.round(rng.standard_normal(size)),
    }
    for law, draw in laws.items():
        for n_draws in DRAWS:
            for _ in range(repetitions):
                values = draw(n_draws)
                key = {"simulation": "gain, closed form", "law": law}
                for name, (low, high) in _all_intervals(values, rng).items():
                    hit = low <= 0 <= high
                    sheet.add(hit, **key, n_draws=n_draws, interval=name)
    sheet.flush("coverage", seed)


def _all_intervals(values, rng):
    seed = int(rng.integers(2**31))
    gain = paired_gain(
        values, np.zeros_like(values), n_bootstrap=N_BOOTSTRAP, random_state=seed
    )
    found = {
        "corrected t": (gain.low, gain.high),
        "studentized bootstrap": (gain.low_bootstrap, gain.high_bootstrap),
    }
    for method in ("percentile", "BCa"):
        if gain.std == 0:
            found[method] = (gain.mean, gain.mean)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            ends = stats.bootstrap(
                (values,),
                np.mean,
                n_resamples=N_BOOTSTRAP,
                method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        found[method] = tuple(ends)
    return found


class Population:
    """Two classes in ten columns, and a sampler that adds jittered copies."""

    def __init__(self, seed, n_test=1000):
        X, y = make_classification(
            20_000, 10, n_informative=6, class_sep=0.7, flip_y=0.05, random_state=seed
        )
        self.X, self.y = X[n_test:], y[n_test:]
        self.test = X[:n_test], y[:n_test]
        self.rng = np.random.default_rng(seed)

    def pool(self, n):
        return self.rng.choice(len(self.X), n, replace=False)

    def few(self, rows, n):
        """As many of each class; n in all."""
        parts = [
            self.rng.choice(rows[self.y[rows] == label], n // 2, replace=False)
            for label in (0, 1)
        ]
        return np.concatenate(parts)

    def score(self, rows, test=None, jitter=False):
        X, y = self.X[rows], self.y[rows]
        if jitter:
            noise = 0.7 * X.std(axis=0) * self.rng.standard_normal((4, *X.shape))
            X = np.vstack([X, *(X + noise)])
            y = np.tile(y, 5)
        model = LinearDiscriminantAnalysis().fit(X, y)
        X_test, y_test = self.test if test is None else (self.X[test], self.y[test])
        return np.mean(model.predict(X_test) == y_test)


def _few_shot(population, n, n_pool):
    pool = population.pool(n_pool)
    for _ in range(max(DRAWS)):
        rows = population.few(pool, n)
        yield population.score(rows), population.score(rows, jitter=True)


def _splits(population, n_all, n_test, n=None):
    """Repeated splits; with `n`, a few-shot draw out of each training side."""
    pool = population.pool(n_all)
    for _ in range(max(DRAWS)):
        rows = population.rng.permutation(pool)
        test, train = rows[:n_test], rows[n_test:]
        train = train if n is None else population.few(train, n)
        yield (
            population.score(train, test),
            population.score(train, test, jitter=True),
        )


SITUATIONS = {
    # name: (how the draws are made, {name of overlap: value})
    "few-shot, 20 of 1000, fixed test": (
        lambda p: _few_shot(p, 20, 1000),
        {"0": 0.0, "n_train / n_pool": 0.02},
    ),
    "few-shot, 20 of 60, fixed test": (
        lambda p: _few_shot(p, 20, 60),
        {"0": 0.0, "n_train / n_pool": 1 / 3},
    ),
    "splits, 80 + 20 of 100": (
        lambda p: _splits(p, 100, 20),
        {"0": 0.0, "n_test / n": 0.2, "n_train / n": 0.8},
    ),
    "few-shot, 20 of new splits, 150 + 50 of 200": (
        lambda p: _splits(p, 200, 50, 20),
        {"0": 0.0, "n_train / n": 0.1, "max of shares": 0.25},
    ),
}


def classifiers(sheet, repetitions, seed):
    """Intervals for score and gain of a classifier; the truth is the grand mean."""
    for place, (name, (draw, overlaps)) in enumerate(SITUATIONS.items()):
        population = Population(seed + place)
        runs = np.array([list(draw(population)) for _ in range(repetitions)])
        none, arm = runs[..., 0], runs[..., 1]
        truth = {"gain": (arm - none).mean(), "score": arm.mean()}
        for n_draws in DRAWS:
            for a, b in zip(arm[:, :n_draws], none[:, :n_draws], strict=True):
                for label, overlap in overlaps.items():
                    key = {"law": name, "n_draws": n_draws, "overlap": label}
                    gain = paired_gain(a, b, overlap=overlap, n_bootstrap=N_BOOTSTRAP)
                    ends = {
                        "corrected t": (gain.low, gain.high),
                        "studentized bootstrap": (
                            gain.low_bootstrap,
                            gain.high_bootstrap,
                        ),
                    }
                    for interval, (low, high) in ends.items():
                        sheet.add(
                            low <= truth["gain"] <= high,
                            simulation="gain, classifier",
                            **key,
                            interval=interval,
                        )
                    _, low, high = mean_interval(a, overlap=overlap)
                    sheet.add(
                        low <= truth["score"] <= high,
                        simulation="score, classifier",
                        **key,
                        interval="corrected t",
                    )
        sheet.flush("coverage", seed + place)


MULTIPLES = np.array([1, 2, 5, 10, 20])


def known_curve(sheet, repetitions, seed):
    """Multiplier on a power law with noise that shrinks as data grow."""
    rng = np.random.default_rng(seed)

    def draw(multiple, shared):
        noise = rng.standard_normal((len(multiple), shared.size))
        mean = 0.9 - 0.3 * multiple[:, None] ** -0.6
        return mean + 0.01 * shared + 0.03 * multiple[:, None] ** -0.5 * noise

    for truth in (0.5, 1.5, 3.0, 8.0, 30.0):
        for n_draws in DRAWS:
            for _ in range(repetitions):
                shared = rng.standard_normal(n_draws)
                scores = draw(MULTIPLES, shared)
                arm = draw(np.array([truth]), shared)[0]
                found = LearningCurve.fit(MULTIPLES, scores).multiplier(arm, n=1)
                key = {
                    "simulation": "multiplier, known curve",
                    "law": f"true {truth:g}x",
                    "n_draws": n_draws,
                }
                hit = found.low <= truth <= found.high
                sheet.add(hit, **key, interval="t, inverted")
                low, high = _bootstrap_multiplier(scores, arm, rng)
                hit = low <= truth <= high
                sheet.add(hit, **key, interval="percentile bootstrap, paired")
    sheet.flush("coverage", seed)


def _bootstrap_multiplier(scores, arm, rng, n_bootstrap=200):
    """Resample draws jointly and invert each time; ends beyond the range are open."""
    n_draws = len(arm)
    found = []
    for rows in rng.integers(n_draws, size=(n_bootstrap, n_draws)):
        fit = isotonic_regression(scores[:, rows].mean(axis=1))
        level = arm[rows].mean()
        if level < fit[0]:
            found.append(0.0)
        elif level > fit[-1]:
            found.append(np.inf)
        else:
            found.append(np.exp(np.interp(level, fit, np.log(MULTIPLES))))
    low, high = np.quantile(found, [0.025, 0.975], method="nearest")
    # An end outside says "beyond the range", no more.
    return min(low, MULTIPLES[-1]), max(high, MULTIPLES[0])


def classifier_multiplier(sheet, repetitions, seed):
    """An arm of fresh real rows, three times as many: its multiplier is 3."""
    population = Population(seed)
    sizes = 20 * MULTIPLES[:4]
    for _ in range(repetitions):
        curve, arm = [], []
        for _ in range(max(DRAWS)):
            rows = population.few(population.pool(2000), sizes[-1])
            rows = np.stack([rows[: sizes[-1] // 2], rows[sizes[-1] // 2 :]], axis=1)
            nested = [rows[: size // 2].ravel() for size in sizes]
            curve.append([population.score(nest) for nest in nested])
            fresh = population.few(population.pool(2000), 40)
            arm.append(population.score(np.concatenate([nested[0], fresh])))
        curve, arm = np.array(curve).T, np.array(arm)
        for n_draws in DRAWS:
            fitted = LearningCurve.fit(sizes, curve[:, :n_draws])
            found = fitted.multiplier(arm[:n_draws], n=20)
            sheet.add(
                found.low <= 3 <= found.high,
                simulation="multiplier, classifier",
                law="true 3x, real rows",
                n_draws=n_draws,
                interval="t, inverted",
            )
    sheet.flush("coverage", seed)


def false_verdicts(sheet, repetitions, seed):
    """Samplers that differ only by their seed, against a reference of their kind."""
    population = Population(seed, n_test=400)
    for _ in range(repetitions):
        pool = population.pool(1000)
        draws = [population.few(pool, 20) for _ in range(max(DRAWS))]
        scores = np.array(
            [[population.score(rows, jitter=True) for rows in draws] for _ in range(9)]
        )
        for n_draws in DRAWS:
            for n_samplers in (1, 3, 8):
                gains = {
                    str(index): paired_gain(
                        scores[index, :n_draws],
                        scores[0, :n_draws],
                        overlap=0.02,
                        n_bootstrap=1,
                    )
                    for index in range(1, n_samplers + 1)
                }
                outcome = verdict(gains).outcome
                for wrong in ("augment", "do not augment"):
                    sheet.add(
                        outcome == wrong,
                        simulation="verdict on identical samplers",
                        n_draws=n_draws,
                        n_samplers=n_samplers,
                        outcome=wrong,
                    )
    sheet.flush("rate", seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    here = Path(__file__).parent / "results" / "statistics_coverage.jsonl"
    parser.add_argument("--out", type=Path, default=here)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("")
    sheet = Sheet(options.out)
    for simulate in (
        closed_form,
        known_curve,
        classifiers,
        false_verdicts,
        classifier_multiplier,
    ):
        simulate(sheet, options.repetitions, options.seed)


if __name__ == "__main__":
    main()
