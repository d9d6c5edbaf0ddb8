"""What holds between the columns of all real rows, and how often new rows break it."""

from dataclasses import dataclass

import numpy as np

# Fewer rows show nothing, more columns cost too much.
_LEAST_ROWS = 20
_MOST_COLUMNS = 200
# Candidates are looked for among so many rows, then checked in all.
_SCREENED_ROWS = 2000
# Chance that any order is reported where none is.
_CHANCE = 1e-3
# A sum holds up to this part of its columns' spread: drawn rows are float32 inside.
_TOLERANCE = 1e-4
# The real rows must keep it to this part, and singular values be as small.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Constraint:
    """An order or a sum that all real rows keep.

    Parameters
    ----------
    text : str
        What a reader sees, for example ``"start <= end"``.
    columns : tuple of int
        Columns of the table.
    signs : tuple of int
        Their weights in the sum that `relation` compares with `total`.
    relation : {"<", "<=", "="}
        How the sum relates to `total`.
    total : float, default=0.0
        Right-hand side; 0 for orders.
    tolerance : float, default=0.0
        How far an equality may be off.
    """

    text: str
    columns: tuple
    signs: tuple
    relation: str
    total: float = 0.0
    tolerance: float = 0.0

    def excess(self, amounts):
        """Give the signed sum of its columns, less the total.

        Parameters
        ----------
        amounts : ndarray of shape (m, k)
            Of its columns, in their order.

        Returns
        -------
        ndarray of float64, shape (m,)
        """
        return amounts @ np.array(self.signs, dtype=float) - self.total

    def is_violated(self, amounts):
        """Mark the rows that break it; a missing cell breaks nothing.

        Parameters
        ----------
        amounts : ndarray of shape (m, p)
            From `to_amounts`.

        Returns
        -------
        ndarray of bool, shape (m,)
        """
        excess = self.excess(amounts[:, self.columns])
        if self.relation == "<":
            return excess >= 0
        if self.relation == "<=":
            return excess > 0
        return np.abs(excess) > self.tolerance


def to_amounts(values, columns):
    """Express numbers and times so that columns of one kind can be compared.

    Parameters
    ----------
    values : ndarray of float64, shape (n, p)
        Numbers and codes, as containers read them.
    columns : list of Column or None
        What they are; ``None`` when all are numbers.

    Returns
    -------
    amounts : ndarray of float64, shape (n, p)
        Numbers as they are, times and durations in seconds.
    kinds : list of object, length p
        Columns of equal kind compare; ``None`` for categories.
    """
    if columns is None:
        return values, ["number"] * values.shape[1]
    amounts, kinds = values.copy(), []
    for j, column in enumerate(columns):
        clock = column.clock
        if clock is not None:
            amounts[:, j] = clock.to_seconds(values[:, j])
        kinds.append(
            None
            if column.is_category
            else "number"
            if clock is None
            else (clock.dtype.kind, clock.is_wall, clock.is_counted)
        )
    return amounts, kinds


def find_constraints(values, columns, labels):
    """Find orders and sums among the columns of real rows.

    ``A <= B`` (or ``<``) is a constraint where it holds in every row, and would not if
    the rows of ``B`` were shuffled: the chance of that, over all pairs of columns, is
    below 0.1 %. What follows from two others is left out. ``A + B = C``, and a plain
    sum of columns that is constant or another column, hold up to rounding. At least 20
    rows must show it, and the table have at most 200 columns of numbers and times.

    Parameters
    ----------
    values : ndarray of float64, shape (n, p)
        Numbers and codes, as containers read them.
    columns : list of Column or None
        What they are; ``None`` when all are numbers.
    labels : sequence of object, length p
        Their names or positions.

    Returns
    -------
    list of Constraint
    """
    amounts, kinds = to_amounts(values, columns)
    is_known = [
        kind is not None and np.isfinite(amounts[:, j]).sum() >= _LEAST_ROWS
        for j, kind in enumerate(kinds)
    ]
    chosen = [
        int(j)
        for j in np.flatnonzero(is_known)
        if np.nanmin(amounts[:, j]) < np.nanmax(amounts[:, j])
    ]
    if not 2 <= len(chosen) <= _MOST_COLUMNS:
        return []
    names = [label if isinstance(label, str) else f"column {label}" for label in labels]
    step = max(1, len(amounts) // _SCREENED_ROWS)
    table = _Table(amounts, amounts[::step], kinds, names)
    equal, chosen = _find_equal(table, chosen)
    return equal + _find_orders(table, chosen) + _find_sums(table, chosen)


@dataclass
class _Table:
    """All rows and some of them, with the kinds and names of their columns."""

    rows: np.ndarray
    sample: np.ndarray
    kinds: list
    names: list

    def keep(self, found):
        """Return the candidates that hold in all rows."""
        return [
            one
            for one in found
            if not one.is_violated(self.sample).any()
            and not one.is_violated(self.rows).any()
        ]


def _find_equal(table, chosen):
    """Pairs of equal columns, and the columns left when the second ones go."""
    found, first = [], {}
    for j in chosen:
        i = first.setdefault((table.kinds[j], table.sample[:, j].tobytes()), j)
        if i != j and np.array_equal(
            table.rows[:, i], table.rows[:, j], equal_nan=True
        ):
            text = f"{table.names[i]} = {table.names[j]}"
            found.append(Constraint(text, (i, j), (1, -1), "="))
    seconds = {one.columns[1] for one in found}
    return found, [j for j in chosen if j not in seconds]


def _find_orders(table, chosen):
    """Orders between columns of one kind that chance does not explain."""
    sample = table.sample[:, chosen]
    limit = np.log(_CHANCE / max(1, len(chosen) * (len(chosen) - 1)))
    lowest, highest = np.nanmin(sample, axis=0), np.nanmax(sample, axis=0)
    holds = np.zeros((len(chosen), len(chosen)), dtype=bool)
    for a in range(len(chosen)):
        # Ranges that hardly meet say nothing about rows.
        asked = np.array([table.kinds[chosen[a]] == table.kinds[j] for j in chosen])
        asked &= highest[a] > lowest
        asked[a] = False
        for b in np.flatnonzero(asked):
            is_broken = (sample[:, a] > sample[:, b]).any()
            if not is_broken and _log_chance(sample[:, a], sample[:, b]) <= limit:
                low, high = table.rows[:, chosen[a]], table.rows[:, chosen[b]]
                holds[a, b] = not (low > high).any()
    found = []
    # What follows from two others says nothing new.
    for a, b in np.argwhere(holds & ~(holds.astype(int) @ holds > 0)):
        i, j = chosen[a], chosen[b]
        is_strict = not (table.rows[:, i] == table.rows[:, j]).any()
        relation = "<" if is_strict else "<="
        text = f"{table.names[i]} {relation} {table.names[j]}"
        found.append(Constraint(text, (i, j), (1, -1), relation))
    return found


def _log_chance(low, high):
    """Log of the chance that all rows are ordered, were the columns independent."""
    both = np.isfinite(low) & np.isfinite(high)
    if both.sum() < _LEAST_ROWS:
        return 0.0
    low, high = np.sort(low[both]), high[both]
    ordered = np.searchsorted(low, high, side="right") / len(low)
    return len(low) * np.log(ordered.mean())


def _find_sums(table, chosen):
    """Find sums of two columns that are a third, then those of more or constant."""
    complete = np.isfinite(table.sample[:, chosen]).all(axis=1)
    if complete.sum() < _LEAST_ROWS:  # then only columns without gaps
        chosen = [j for j in chosen if np.isfinite(table.sample[:, j]).all()]
        complete = np.ones(len(table.sample), dtype=bool)
    rows = table.sample[complete]
    found = _find_pair_sums(table, rows, chosen)
    results = {one.columns[-1] for one in found}
    numbers = [j for j in chosen if table.kinds[j] == "number" and j not in results]
    return found + _find_long_sums(table, rows, numbers)


def _find_pair_sums(table, rows, chosen):
    """Find ``A + B = C`` by a random projection, in which every sum is looked up."""
    if len(chosen) < 3:
        return []
    spread = np.array([rows[:, j].std() for j in chosen])
    weights = np.random.default_rng(0).standard_normal(len(rows)) / len(rows)
    # Centered: then the origin of dates does not matter.
    projected = weights @ (rows[:, chosen] - rows[:, chosen].mean(axis=0))
    order = np.argsort(projected)
    left, right = np.triu_indices(len(chosen), 1)
    sums = projected[left] + projected[right]
    slack = _ROUNDING * (spread[left] + spread[right])
    start = np.searchsorted(projected[order], sums - slack)
    stop = np.searchsorted(projected[order], sums + slack, side="right")
    found = []
    for pair in np.flatnonzero(stop > start):
        for c in order[start[pair] : stop[pair]]:
            parts = [chosen[left[pair]], chosen[right[pair]]]
            # A date and a duration make a date.
            parts.sort(key=lambda j: table.kinds[j][0] == "m")
            kinds = [table.kinds[j] for j in (*parts, chosen[c])]
            if chosen[c] in parts or not _can_add(kinds):
                continue
            i, j = parts
            found.append(_equality(table, (i, j, chosen[c]), (1, 1, -1), 0.0))
    return table.keep(found)


def _can_add(kinds):
    """Whether columns of these kinds can be summands and sum."""
    first, second, total = kinds
    if first[0] == "M":
        return second[0] == "m" and first == total
    return first == second == total


def _find_long_sums(table, rows, numbers):
    """Read plain sums off the reduced basis of the null space of the columns."""
    numbers = [j for j in numbers if rows[:, j].std() > 0]
    if len(numbers) < 2 or len(rows) < len(numbers) + _LEAST_ROWS:
        return []
    scores = rows[:, numbers] - rows[:, numbers].mean(axis=0)
    spread = scores.std(axis=0)
    _, singular, basis = np.linalg.svd(scores / spread, full_matrices=False)
    basis = basis[singular < _ROUNDING * singular[0]] / spread
    found = []
    for row in _reduce(basis):
        weights = row / np.abs(row).max()
        used = np.flatnonzero(np.abs(weights) > 1e-5)
        if len(used) < 2 or np.abs(np.abs(weights[used]) - 1).max() > 1e-4:
            continue
        signs = np.rint(weights[used]).astype(int)
        signs *= 1 if signs.sum() >= 0 else -1
        # Either all on one side, or one column is the sum of the others.
        if (signs < 0).sum() > 1 or (len(used) == 2 and signs.sum() == 0):
            continue
        used = [numbers[u] for u in used[np.argsort(-signs, kind="stable")]]
        signs = tuple(sorted(signs.tolist(), reverse=True))
        total = float(np.mean(rows[:, used] @ np.array(signs, dtype=float)))
        found.append(_equality(table, tuple(used), signs, total))
    return table.keep(found)


def _reduce(basis):
    """Reduced row echelon form, largest pivots first."""
    basis, free = basis.copy(), list(range(basis.shape[1]))
    for row in range(len(basis)):
        pivot = free.pop(int(np.abs(basis[row, free]).argmax()))
        if abs(basis[row, pivot]) < 1e-12:
            continue
        basis[row] /= basis[row, pivot]
        for other in range(len(basis)):
            if other != row:
                basis[other] -= basis[other, pivot] * basis[row]
    return basis


def _equality(table, columns, signs, total):
    """Build the constraint of a sum, with the words for it."""
    spread = max(np.nanstd(table.rows[:, j]) for j in columns)
    tolerance = float(_TOLERANCE * spread)
    if abs(total) <= tolerance:
        total = 0.0
    names = [table.names[j] for j in columns]
    if signs[-1] < 0:
        left, right = names[:-1], names[-1]
        if total:
            right = f"{right} + {total:.6g}"
    else:
        left, right = names, f"{total:.6g}"
    text = f"{' + '.join(left)} = {right}"
    return Constraint(text, columns, signs, "=", total, tolerance)
