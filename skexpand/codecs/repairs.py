"""New rows that break an order or a sum: the smallest change that keeps it."""

import numpy as np

from skexpand.codecs.constraints import to_amounts

# A repair may break another constraint; chains of orders need a pass a link.
_MOST_PASSES = 10


class Repairer:
    """Make rows keep the constraints of the real ones, inside the observed ranges.

    Where ``A > B`` and the real rows have ``A <= B``, the two cells change places: the
    difference is reflected at zero, the boundary correction of density estimates [1]_,
    and both stay in range, as the real ones are ordered. Where a sum is off, the total
    is set to it. What the range of the total leaves over, and all of it where the total
    is constant, is shared by the parts in proportion to the room they have; then by
    those that are whole numbers, one after the other. Rows that break nothing are not
    touched. Months and years are left alone: they have no one length.

    Parameters
    ----------
    constraints : list of Constraint
        What the real rows keep.
    values : ndarray of float64, shape (n, p)
        The real rows, as containers read them.
    columns : list of Column or None
        What their columns are; ``None`` when all are numbers.

    References
    ----------
    .. [1] Silverman, "Density estimation for statistics and data analysis", 1986,
       section 2.10.
    """

    def __init__(self, constraints, values, columns):
        self._columns = columns
        self._constraints = [
            one for one in constraints if all(map(self._is_linear, one.columns))
        ]
        if not self._constraints:
            return
        used = sorted({j for one in self._constraints for j in one.columns})
        amounts, _ = to_amounts(values[:, used], self._some(used))
        self._used, self._place = used, {j: place for place, j in enumerate(used)}
        self._low, self._high = np.nanmin(amounts, axis=0), np.nanmax(amounts, axis=0)
        self._is_whole = np.array(
            [bool(np.all(np.isnan(v) | (v == np.rint(v)))) for v in values[:, used].T]
        )

    def repair(self, values):
        """Change the rows that break a constraint, in place.

        Parameters
        ----------
        values : ndarray of float64, shape (m, p)
            Numbers and codes, as containers write them.
        """
        if not self._constraints or not len(values):
            return
        amounts, _ = to_amounts(values[:, self._used], self._some(self._used))
        touched = np.zeros(len(values), dtype=bool)
        for _ in range(_MOST_PASSES):
            n_repaired = 0
            for one in self._constraints:
                places = [self._place[j] for j in one.columns]
                excess = one.excess(amounts[:, places])
                is_off = (
                    np.abs(excess) > one.tolerance
                    if one.relation == "="
                    else excess > 0
                )
                rows = np.flatnonzero(is_off)
                if not len(rows):
                    continue
                change = self._share if one.relation == "=" else self._swap
                change(amounts, rows, places, one.signs, excess[rows])
                touched[rows] = True
                n_repaired += len(rows)
            if not n_repaired:
                break
        for place, j in enumerate(self._used):
            values[touched, j] = self._to_values(amounts[touched, place], place, j)

    @staticmethod
    def _swap(amounts, rows, places, signs, excess):
        low, high = places
        # Read before written: both sides are copies.
        amounts[rows, low], amounts[rows, high] = (
            amounts[rows, high],
            amounts[rows, low],
        )

    def _share(self, amounts, rows, places, signs, excess):
        """Take the excess of a sum off its total, then off its parts."""
        parts = places
        if signs[-1] < 0:
            parts, total = places[:-1], places[-1]
            before = amounts[rows, total]
            after = np.clip(before + excess, self._low[total], self._high[total])
            amounts[rows, total] = after
            excess = excess - (after - before)
        whole = [place for place in parts if self._is_whole[place]]
        for some in ([place for place in parts if place not in whole], whole):
            if not some:
                continue
            cells = amounts[np.ix_(rows, some)]
            room = np.where(
                excess[:, None] > 0, cells - self._low[some], self._high[some] - cells
            )
            asked = np.abs(excess)[:, None]
            if some is whole:
                taken = np.clip(asked - (np.cumsum(room, axis=1) - room), 0, room)
            else:
                # No part may take more than its room: then the sum stays off.
                all_room = np.maximum(room.sum(axis=1, keepdims=True), 1e-300)
                taken = room * np.minimum(asked / all_room, 1)
            taken *= np.sign(excess)[:, None]
            amounts[np.ix_(rows, some)] = cells - taken
            excess = excess - taken.sum(axis=1)

    def _is_linear(self, j):
        clock = self._columns[j].clock if self._columns else None
        return clock is None or clock.is_linear

    def _some(self, used):
        return None if self._columns is None else [self._columns[j] for j in used]

    def _to_values(self, amounts, place, j):
        clock = self._columns[j].clock if self._columns else None
        values = amounts if clock is None else clock.from_seconds(amounts)
        return np.rint(values) if self._is_whole[place] else values
