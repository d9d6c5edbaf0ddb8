"""The cells of a comparison, and the units of work that compute them."""

from dataclasses import dataclass

import numpy as np

from skexpand.evaluation._parameters import describe, describe_defaults
from skexpand.evaluation._ruler import Ruler
from skexpand.evaluation.arms import REAL
from skexpand.evaluation.protocol import digest
from skexpand.evaluation.runner import Unit, commit, versions

_PLACE = ("protocol", "sampler", "multiple", "classifier", "n_per_class", "draw")


@dataclass(frozen=True)
class Cell:
    """Coordinates of one result.

    Parameters
    ----------
    n_per_class : int or None
    draw : int
    arm : Arm
    classifier : str
    """

    n_per_class: int | None
    draw: int
    arm: object
    classifier: str


class Plan:
    """All cells of a comparison, and the units of work that compute them.

    Parameters
    ----------
    protocol : Protocol
    arms : list of Arm
    classifiers : dict of str to object
    scorers : dict of str to callable
    draws : Draws
    streams : RandomStreams
    quality : bool
        Whether to measure new rows.
    """

    def __init__(self, protocol, arms, classifiers, scorers, draws, streams, quality):
        self.protocol = protocol
        self.arms = arms
        self.classifiers = classifiers
        self.scorers = scorers
        self.draws = draws
        self.streams = streams
        self.quality = quality
        samplers = {arm.name: arm.sampler for arm in arms}
        named = {"sampler": samplers, "classifier": classifiers}
        self.described = _by_name(describe, named)
        self.defaults = _by_name(describe_defaults, named)
        self.fingerprint = protocol.fingerprint()
        self._ruler = (None, None)

    def cells(self, sizes, n_draws):
        """Return the cells by their hash, those of one unit side by side.

        Parameters
        ----------
        sizes : tuple of int or None
        n_draws : int

        Returns
        -------
        dict of str to Cell
        """
        found = {}
        for n_per_class in sizes:
            arms = [arm for arm in self.arms if self._is_possible(arm, n_per_class)]
            for draw in range(n_draws):
                for arm in arms:
                    for name in self.classifiers:
                        cell = Cell(n_per_class, draw, arm, name)
                        found[self.key_of(self._place(cell))] = cell
        return found

    def _is_possible(self, arm, n_per_class):
        """Leave out larger real sets the pool lacks, but for the one asked for."""
        if arm.name != REAL or arm.multiple == self.protocol.ratio:
            return True
        if n_per_class is None:
            return False
        pool = self.draws.draw(n_per_class, 0).y_pool
        smallest = np.unique(pool, return_counts=True)[1].min()
        return round(arm.multiple * n_per_class) <= smallest

    def _place(self, cell):
        """Return what tells the row of a cell from those of others."""
        arm = cell.arm
        where = arm.name, arm.multiple, cell.classifier, cell.n_per_class, cell.draw
        return dict(zip(_PLACE, (self.fingerprint, *where), strict=True))

    def key_of(self, row):
        """Return the hash of the cell that a row is of, with the parameters of today.

        Parameters
        ----------
        row : dict
            That `check_known` does not refuse.

        Returns
        -------
        str
        """
        place = {name: row.get(name) for name in _PLACE}
        return digest({**place, "parameters": self._parameters(row)})

    def _parameters(self, row):
        return {what: names.get(row[what]) for what, names in self.described.items()}

    def check_known(self, rows, path):
        """Refuse results of the same name and other parameters.

        A parameter that came since, and is left at its default, is no other one: a
        class that learns something new goes on from what is stored.

        Parameters
        ----------
        rows : list of dict
            Of the results file.
        path : path-like
            Its name, for the message.

        Raises
        ------
        ValueError
            Naming the parameters.
        """
        for row in rows:
            for what, described in self.described.items():
                new = described.get(row[what])
                if new is None:
                    continue
                old = row["parameters"][what]
                differing = self._differences(old, new, self.defaults[what][row[what]])
                if differing:
                    raise ValueError(
                        f"{path} holds results of the {what} {row[what]!r} with other "
                        f"parameters: {'; '.join(differing)}. Give it another name, or "
                        "pass another file."
                    )

    @staticmethod
    def _differences(old, new, defaults):
        if old == new:
            return []
        differing = []
        for key in sorted({*old, *new}):
            before, after = old.get(key, "not there"), new.get(key, "not there")
            is_new_default = key not in old and after == defaults.get(key)
            if before != after and not is_new_default:
                differing.append(f"{key} was {before}, is {after}")
        return differing

    def units(self, cells, done):
        """Yield the work that is left, with its data.

        Parameters
        ----------
        cells : dict of str to Cell
        done : dict of str to dict
            Rows by cell.

        Yields
        ------
        Unit
        """
        work = {}
        for key, cell in cells.items():
            if key not in done:
                place = cell.n_per_class, cell.draw
                work.setdefault(place, {}).setdefault(cell.arm, {})[key] = cell
        for (n_per_class, number), arms in work.items():
            draw = self.draws.draw(n_per_class, number)
            streams = self.streams.child("cell", n_per_class or 0, number)
            for arm, missing in arms.items():
                yield self._unit(arm, missing, draw, streams)

    def _unit(self, arm, missing, draw, streams):
        names = [cell.classifier for cell in missing.values()]
        adds_rows = arm.sampler is not None or arm.multiple == self.protocol.ratio
        is_measured = (
            self.quality and adds_rows and names[0] == next(iter(self.classifiers))
        )
        return Unit(
            arm,
            draw.without_pool(),
            {name: self.classifiers[name] for name in names},
            self.scorers,
            {
                cell.classifier: self._start_row(key, cell, draw, streams)
                for key, cell in missing.items()
            },
            self.protocol.ratio,
            streams,
            real=_real_rows(draw, arm.multiple),
            ruler=self._ruler_of(draw) if is_measured else None,
        )

    def _ruler_of(self, draw):
        if self._ruler[0] != draw.split:
            seed = self.streams.seed("ruler", draw.split)
            self._ruler = draw.split, Ruler(draw, seed)
        return self._ruler[1]

    def _start_row(self, key, cell, draw, streams):
        place = self._place(cell)
        return {
            "cell": key,
            "dataset": self.protocol.dataset,
            **place,
            "ratio": self.protocol.ratio,
            "n_real": len(draw.y),
            "n_test": len(draw.y_test),
            "overlap": draw.overlap,
            "seed": streams.seed("sampler", "random_state"),
            "parameters": self._parameters(place),
            "versions": versions(cell.arm.sampler, self.classifiers[cell.classifier]),
            "commit": commit(),
        }


def _by_name(tell, named):
    """Return what is told of every estimator, by what it is and by its name."""
    return {
        what: {name: tell(estimator) for name, estimator in estimators.items()}
        for what, estimators in named.items()
    }


def _real_rows(draw, multiple):
    """Return the rows of the arm "real", or why there are none; None for others."""
    if multiple is None:
        return None
    try:
        return draw.real(multiple)
    except ValueError as error:
        return str(error)
