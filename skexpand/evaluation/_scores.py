"""Rows of results, grouped by setting and arm, with their draws kept apart."""

import math
from typing import NamedTuple

import numpy as np

REFERENCE = "none"
REAL = "real"
# They change the classifier or its threshold, and add no rows.
WITHOUT_NEW_ROWS = ("class weights", "threshold")


class Setting(NamedTuple):
    """Where arms are compared with each other."""

    dataset: str
    n_per_class: int | None
    classifier: str

    @property
    def place(self):
        """Data set and size: what all classifiers of a comparison share."""
        return self[:2]


def arm_of(row):
    """Return the name under which a row's arm is reported."""
    if row["sampler"] == REAL:
        return real_arm(row["multiple"])
    return row["sampler"]


def real_arm(multiple):
    """Return the name of the arm that trains on that many times the real data."""
    return f"{REAL} x{multiple:g}"


class Scores:
    """Scores of one metric, by setting, arm and draw.

    Rows that were skipped, and scores that are not finite, are not among them.
    """

    def __init__(self, rows, metric):
        self.metric = metric
        self.rows = rows
        self.multiples = {REFERENCE: 1.0}  # of the arms that are points of the curve
        self._cells = {}  # {Setting: {arm: {draw: row}}}
        for row in rows:
            if not self.has(row):
                continue
            setting = Setting(row["dataset"], row["n_per_class"], row["classifier"])
            arm = arm_of(row)
            if row["sampler"] == REAL:
                self.multiples[arm] = float(row["multiple"])
            arms = self._cells.setdefault(setting, {})
            arms.setdefault(arm, {})[row["draw"]] = row

    def has(self, row):
        """Tell whether a row has a score that counts."""
        value = (row["scores"] or {}).get(self.metric)
        return not row.get("skipped") and value is not None and math.isfinite(value)

    def settings(self, *, dataset=None, n_per_class=None, classifier=None):
        """Return the settings that have the values given; None stands for any."""
        wanted = (dataset, n_per_class, classifier)
        found = [
            setting
            for setting in self._cells
            if all(
                want is None or have == want
                for have, want in zip(setting, wanted, strict=True)
            )
        ]
        if found or wanted == (None, None, None):
            return found
        parts = zip(Setting._fields, wanted, strict=True)
        asked = ", ".join(
            f"{name}={want!r}" for name, want in parts if want is not None
        )
        raise ValueError(
            f"No results for {asked}. There are data sets {self._values(0)}, sizes "
            f"{self._values(1)} and classifiers {self._values(2)}."
        )

    def _values(self, index):
        return list(dict.fromkeys(setting[index] for setting in self._cells))

    @property
    def datasets(self):
        """Data sets, in the order of the rows."""
        return self._values(0)

    @property
    def places(self):
        """Return {(data set, size): its settings}, in the order of the rows."""
        found = {}
        for setting in self._cells:
            found.setdefault(setting.place, []).append(setting)
        return found

    @property
    def classifiers(self):
        """Classifiers, in the order of the rows."""
        return self._values(2)

    def arms(self, settings):
        """Return the arms of these settings: none, then samplers, then real ones."""
        names = dict.fromkeys(arm for s in settings for arm in self._cells[s])
        curve = [name for name in self.multiples if name in names]
        curve = sorted(curve, key=self.multiples.get)
        samplers = [name for name in names if name not in self.multiples]
        first = [name for name in curve if name == REFERENCE]
        return [*first, *samplers, *(name for name in curve if name != REFERENCE)]

    def curve_arms(self, settings):
        """Return the arms that are points of the learning curve, small sizes first."""
        arms = [name for name in self.arms(settings) if name in self.multiples]
        if REFERENCE in arms:  # it is the same as real x1
            arms = [name for name in arms if name != real_arm(1)]
        return sorted(arms, key=self.multiples.get)

    def aligned(self, settings, arms):
        """Return the scores (n_arms, n_draws) of the draws that all the arms have.

        Several settings are averaged, draw by draw: they share the draw's data, so
        they are no further evidence. Settings that lack one of the arms are left out.
        """
        shared = self.shared(settings, arms)
        draws = self.draws(shared, arms)
        table = [
            [
                np.mean([self._score(s, arm, draw) for s in shared]) if shared else 0
                for draw in draws
            ]
            for arm in arms
        ]
        return np.array(table, dtype=float).reshape(len(arms), len(draws))

    def shared(self, settings, arms):
        """Return the settings that have all of the arms."""
        return [s for s in settings if all(arm in self._cells[s] for arm in arms)]

    def draws(self, settings, arms):
        """Return the draws that all of the arms have in all of the settings."""
        found = [set(self._cells[s][arm]) for s in settings for arm in arms]
        return sorted(set.intersection(*found)) if found else []

    def all_draws(self, settings):
        """Return every draw that any arm has in any of the settings."""
        cells = [draws for s in settings for draws in self._cells[s].values()]
        return sorted({draw for draws in cells for draw in draws})

    def _score(self, setting, arm, draw):
        return self._cells[setting][arm][draw]["scores"][self.metric]

    def cells(self, settings, arm):
        """Return the rows of an arm in these settings."""
        return [row for s in settings for row in self._cells[s].get(arm, {}).values()]

    def overlap(self, settings):
        """Return the share of rows that two draws of the small set have in common.

        The larger real sets share more, up to all rows where the pool is used up. The
        other arms do not have that correlation, so it says nothing about them.
        """
        rows = [
            row
            for s in settings
            for arm in self._cells[s].values()
            for row in arm.values()
        ]
        shares = [row.get("overlap") or 0.0 for row in rows if row["sampler"] != REAL]
        # Where all draws are the same, the interval is as good as infinite: rightly so.
        return min(max(shares, default=0.0), 1 - 1e-6)


def missing_cells(rows, n_draws=None):
    """Return {(place, classifier, draws): arms} of the cells that nobody has run.

    Every arm is expected with every classifier and draw of its place, as no run plans
    anything else. With `n_draws` also the draws that no row mentions are expected.
    """
    found, arms, draws, classifiers = set(), {}, {}, {}
    for row in rows:
        place, arm = (row["dataset"], row["n_per_class"]), arm_of(row)
        found.add((place, row["classifier"], arm, row["draw"]))
        arms.setdefault(place, {})[arm] = None
        draws.setdefault(place, set(range(n_draws or 0))).add(row["draw"])
        classifiers.setdefault(place, {})[row["classifier"]] = None
    missing = {}
    for place in arms:
        for classifier in classifiers[place]:
            for arm in arms[place]:
                lacking = tuple(
                    draw
                    for draw in sorted(draws[place])
                    if (place, classifier, arm, draw) not in found
                )
                if lacking:
                    key = (place, classifier, lacking)
                    missing.setdefault(key, []).append(arm)
    return missing


def skipped_arms(rows):
    """Return {(arm, reason): classifiers} of the arms that do not apply."""
    skipped = {}
    for row in rows:
        if row.get("skipped"):
            names = skipped.setdefault((arm_of(row), row["skipped"]), {})
            names[row["classifier"]] = None
    return {key: list(names) for key, names in skipped.items()}
