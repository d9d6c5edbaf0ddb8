"""A trained expansion and how it draws: plan, weigh, decode, judge, choose."""

from dataclasses import dataclass

import numpy as np
import torch

from skexpand._base import Provenance
from skexpand.grouping import ranks_in_groups
from skexpand.image_judge import ImageJudge, row_blocks
from skexpand.nn.mixing import MixingPlan, PairBank, plan_mixing
from skexpand.nn.network import Encoded

# Candidates held at once: 64 MB, and the same for their distances.
_SURPLUS_CELLS = 2**24
_GROUP = 128  # samples chosen together, where more would cost more and differ little
# The last try goes a quarter of the way: nearly always its class, never just a copy.
_LAST_RESORT = 0.25


def groups_of(counts, most):
    """Cut the samples asked for into small groups, and these into rounds.

    Choosing the farthest costs the square of a group; a round is held at once.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes,)
        Samples of each class.
    most : int
        Samples of a round, unless a single group has more.

    Yields
    ------
    codes, sizes : ndarray of int, shape (n_groups,)
        Class and samples of each group of a round, in class order.
    """
    n_groups = -(-counts // _GROUP)
    codes = np.repeat(np.arange(len(counts)), n_groups)
    # Groups of a class are as equal as possible: a rest of one would choose freely.
    number = ranks_in_groups(n_groups)
    share, rest = np.divmod(counts, np.maximum(n_groups, 1))
    sizes = share[codes] + (number < rest[codes])
    rounds = (np.cumsum(sizes) - sizes) // max(most, 1)
    for first in np.unique(rounds):
        yield codes[rounds == first], sizes[rounds == first]


def fill_places(wanted, names, generator):
    """Give the places of every class to candidates of its name, at random.

    Parameters
    ----------
    wanted : ndarray of int, shape (n,)
        Class that each place is for.
    names : ndarray of int, shape (m,)
        Class of each candidate; negative ones fit nowhere.
    generator : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    places, chosen : ndarray of int, shape (k,)
        Which place goes to which candidate. All places of a class are filled, or all
        its candidates used.
    """
    n_classes = 1 + max(wanted.max(initial=-1), names.max(initial=-1))
    fitting = np.flatnonzero(names >= 0)
    places = np.argsort(wanted, kind="stable")
    shuffled = np.lexsort((generator.random(len(fitting)), names[fitting]))
    chosen = fitting[shuffled]
    n_places = np.bincount(wanted, minlength=n_classes)
    n_chosen = np.bincount(names[fitting], minlength=n_classes)
    return (
        places[ranks_in_groups(n_places) < n_chosen[wanted[places]]],
        chosen[ranks_in_groups(n_chosen) < n_places[names[chosen]]],
    )


@dataclass
class Expansion:
    """What `fit` leaves behind to draw from.

    Attributes
    ----------
    network : ExpansionNetwork
        Trained.
    x : Tensor of shape (n, ...)
        Real samples, encoded by the codec.
    y : LongTensor of shape (n,)
        Their class codes, on the CPU.
    bank : PairBank
        On the device of `x`.
    steps : Tensor of shape (n_classes, L, L)
        Head graphs as matrices, on the CPU.
    mixing : dict
        What ``plan_mixing`` is told about degree, expander, lengths and pooling.
    judge : ImageJudge, TableJudge or None
        Who chooses among candidates.
    n_candidates : int, or ndarray of int of shape (n_classes,)
        How often a refused row is drawn again; for images, the candidates of each class
        for each one asked for.
    levels : SeenLevels or None, default=None
        What values moved rows of a table are rounded to.
    material : LabeledMaterial or None, default=None
        Images of X'' that may stand among the new ones.
    """

    network: torch.nn.Module
    x: torch.Tensor
    y: torch.Tensor
    bank: PairBank
    steps: torch.Tensor
    mixing: dict
    judge: object
    n_candidates: int | np.ndarray
    levels: object = None
    material: object = None

    def __post_init__(self):
        self.encoded = self._encode_rows()
        self.certificate = None
        self.acceptance_rate = np.nan
        self._rows_of = [
            torch.nonzero(self.y == code).flatten() for code in range(len(self.steps))
        ]

    @torch.no_grad()
    def draw(self, counts, streams):
        """Draw new samples, as many as asked of each class.

        Parameters
        ----------
        counts : ndarray of int, shape (n_classes,)
            Samples of each class.
        streams : RandomStreams
            Source of randomness.

        Returns
        -------
        x_new : ndarray of shape (m, ...)
            Encoded samples in class order.
        y_new : ndarray of int, shape (m,)
            Their class codes.
        provenance : Provenance
            Source, then both ends of each mixed pair.
        """
        y_new = np.repeat(np.arange(len(counts)), counts)
        made = self._empty(len(y_new))
        if isinstance(self.judge, ImageJudge):
            self._fill_farthest(made, counts, streams)
        else:
            self._fill_named(made, y_new, counts, streams)
        if self.material is not None:
            self._fill_material(made, counts, streams)
        x_new, parents, weights = made
        return x_new, y_new, Provenance(parents, weights)

    def _fill_material(self, made, counts, streams):
        """Put material in the place of some moved images of each class."""
        ends = np.cumsum(counts)
        for code, (count, end) in enumerate(zip(counts, ends, strict=True)):
            rng = streams.numpy("material", code)
            x, rows = self.material.choose(code, count, rng)
            places = end - count + rng.permutation(count)[: len(rows)]
            for values, filling in zip(made, (x, -1, 0), strict=True):
                values[places] = filling
            made[1][places, 0] = -2 - rows

    def _fill_farthest(self, made, counts, streams):
        """Make a surplus and keep what the judge chooses, some groups at a time."""
        n_filled, n_accepted, n_tried = 0, 0, 0
        n_most = int(self.n_candidates.max())
        n_cells = max(int(np.prod(self.x.shape[1:])), n_most * _GROUP)
        most = _SURPLUS_CELLS // (n_cells * n_most)
        for number, (codes, n_keep) in enumerate(groups_of(counts, most)):
            sizes = n_keep * self.n_candidates[codes]
            surplus = np.repeat(codes, sizes)
            candidates = self._empty(len(surplus))
            anchor = self._draw_anchors(codes, sizes, streams, number)
            plan = self._plan(anchor, surplus, streams, number)
            if number == 0:
                self.certificate = plan.certificate
            for block, parts in self._made(plan, streams.torch("noise", number)):
                for target, values in zip(candidates, parts, strict=True):
                    target[block] = values
            x = torch.from_numpy(candidates[0])
            rows, is_accepted = self.judge.choose(x, codes, sizes, n_keep)
            for target, values in zip(made, candidates, strict=True):
                target[n_filled : n_filled + len(rows)] = values[rows]
            n_filled += len(rows)
            n_accepted += is_accepted.sum()
            n_tried += len(surplus)
        self.acceptance_rate = n_accepted / n_tried if n_tried else np.nan

    def _fill_named(self, made, y_new, counts, streams):
        """Make what is asked, put it where the judge says, and make the rest again.

        A row that is clearly of another class than its source fills a place of that
        class, if one is left. Places of a class go to its candidates at random.
        """
        anchor = self._draw_anchors(np.arange(len(counts)), counts, streams)
        pending = np.arange(len(anchor))
        last = self.n_candidates - 1 if self.judge is not None else 0
        for attempt in range(last + 1):
            if len(pending) == 0:
                break
            wanted = y_new[pending]
            plan = self._plan(anchor[pending], wanted, streams, attempt)
            if attempt and attempt == last:
                plan.length.mul_(_LAST_RESORT)
            candidates, names = self._empty(len(pending)), wanted.copy()
            for block, parts in self._made(plan, streams.torch("noise", attempt)):
                for target, values in zip(candidates, parts, strict=True):
                    target[block] = values
                if self.judge is not None:
                    names[block] = self.judge.name(parts[0], wanted[block])
            if attempt == 0:
                self.certificate = plan.certificate
                self.acceptance_rate = float((names == wanted).mean())
            places, chosen = np.arange(len(pending)), slice(None)
            if attempt < last:
                generator = streams.numpy("places", attempt)
                places, chosen = fill_places(wanted, names, generator)
            for target, values in zip(made, candidates, strict=True):
                target[pending[places]] = values[chosen]
            pending = np.delete(pending, places)

    def _empty(self, n):
        """Return room for samples, parents and weights."""
        n_pairs = self.mixing["degree"] if self.mixing["expander"] else 1
        width = 1 + 2 * n_pairs
        # A level in single precision would not decode to the number that was seen.
        dtype = np.float32 if self.levels is None else np.float64
        return (
            np.empty((n, *self.x.shape[1:]), dtype=dtype),
            np.empty((n, width), dtype=np.int64),
            np.empty((n, width), dtype=np.float32),
        )

    def _plan(self, anchor, codes, streams, number):
        return plan_mixing(
            anchor,
            torch.from_numpy(codes),
            self.bank.to(torch.device("cpu")),
            self.steps,
            generator=streams.torch("mix", number),
            **self.mixing,
        )

    def _made(self, plan: MixingPlan, generator):
        """Yield slices of a plan and what they decode to, memory bounded."""
        shape = tuple(self.x.shape[1:])
        if len(shape) == 1:
            shape += plan.pair.shape[1:]  # a row meets its pairs in one product
        for block in row_blocks(len(plan.anchor), shape):
            yield block, self._make(plan.part(block), generator)

    def _make(self, plan: MixingPlan, generator):
        """Decode one block of a plan: samples, parents and weights as arrays."""
        parents = torch.stack(
            [self.bank.target[plan.pair], self.bank.source[plan.pair]], dim=2
        ).cpu()
        parents = torch.cat([plan.anchor[:, None], parents.flatten(1)], dim=1)
        plan = plan.to(self.x.device)
        places = self.network.weigh(self.encoded, plan, self.bank)  # (m, D, h, w)
        made = self.network.synthesize(
            self.x, self.encoded, plan, self.bank, places, generator
        )
        overall = places.mean(dim=(2, 3)).cpu()  # (m, D)
        signed = torch.stack([overall, -overall], dim=2).flatten(1)
        weights = torch.cat([torch.ones(len(signed), 1), signed], dim=1)
        made = made.cpu().numpy()
        if self.levels is not None:
            made = self.levels.round(made.astype(np.float64))
        return made, parents.numpy(), weights.numpy()

    def _draw_anchors(self, codes, counts, streams, number=0):
        """Use the rows of a class equally often in each group, in random order."""
        anchors = [torch.empty(0, dtype=torch.int64)]
        for group, (code, count) in enumerate(zip(codes, counts, strict=True)):
            rows = self._rows_of[code]
            generator = streams.torch("anchor", int(code), number, group)
            order = rows[torch.randperm(len(rows), generator=generator)]
            anchors.append(order[torch.arange(int(count)) % len(order)])
        return torch.cat(anchors)

    @torch.no_grad()
    def _encode_rows(self):
        blocks = row_blocks(len(self.x), self.x.shape[1:])
        parts = [self.network.encode(self.x[block]) for block in blocks]
        if len(parts) == 1:
            return parts[0]
        return Encoded.concatenate(parts)
