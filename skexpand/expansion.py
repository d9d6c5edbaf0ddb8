"""A trained expansion and how it draws: plan, weigh, decode, judge, choose."""

from dataclasses import dataclass

import numpy as np
import torch

from skexpand._base import Provenance
from skexpand.nn.mixing import MixingPlan, PairBank, plan_mixing
from skexpand.nn.network import Encoded
from skexpand.nn.selection import farthest_first

# Pixels or cells at once; the fields of a flow take some twenty times as much.
_BLOCK_CELLS = 2**21
# Candidates held at once: 64 MB, and the same for their distances.
_SURPLUS_CELLS = 2**24
_GROUP = 128  # samples chosen together, where more would cost more and differ little
# The last try goes a quarter of the way: nearly always its class, never just a copy.
_LAST_RESORT = 0.25


def row_blocks(n_rows, sample_shape):
    """Cut rows into slices that bound the memory of what is computed at once."""
    size = max(1, _BLOCK_CELLS // int(np.prod(sample_shape)))
    return [slice(start, start + size) for start in range(0, n_rows, size)]


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
    number = np.arange(len(codes)) - np.repeat(np.cumsum(n_groups) - n_groups, n_groups)
    share, rest = np.divmod(counts, np.maximum(n_groups, 1))
    sizes = share[codes] + (number < rest[codes])
    rounds = (np.cumsum(sizes) - sizes) // max(most, 1)
    for first in np.unique(rounds):
        yield codes[rounds == first], sizes[rounds == first]


class ImageJudge:
    """Let the classifier of Algorithm 1 choose among images.

    It has seen every real sample and fresh synthetic ones at each step. Of more images
    than are asked for it refuses those it would label otherwise; of the rest it keeps
    the ones that are farthest from the real images and from each other in its features.
    Ten times as many samples are worth more the less they repeat each other.

    Parameters
    ----------
    classifier : Classifier
        Trained.
    x : Tensor of shape (n, C, H, W)
        Real images.
    y : LongTensor of shape (n,)
        Their class codes, on the CPU.
    recognizer : Recognizer or None, default=None
        Must agree with the classifier, where pre-training left its features. Which
        images are far from each other stays with the classifier: what is far in
        pre-trained features is odd to whoever looks at pixels.
    """

    def __init__(self, classifier, x, y, recognizer=None):
        self.classifier = classifier
        self.recognizer = recognizer
        features, _ = self._look(x)
        self._known = [features[y == code] for code in range(int(y.max()) + 1)]

    def choose(self, x, codes, n_keep):
        """Choose among candidates of several groups.

        Parameters
        ----------
        x : Tensor of shape (m, C, H, W)
            Candidates, group after group, equally many for each one to keep.
        codes : ndarray of int, shape (n_groups,)
            Class of each group.
        n_keep : ndarray of int, shape (n_groups,)
            Images to keep of each group.

        Returns
        -------
        rows : ndarray of int, shape (n_keep.sum(),)
            Which to keep, group after group, in the order of `x`. Refused images come
            in only where a group has too few others, the most believed first.
        is_accepted : ndarray of bool, shape (m,)
            Which would be labeled as intended.
        """
        sizes = n_keep * (len(x) // n_keep.sum())
        starts = np.cumsum(sizes) - sizes
        intended = torch.from_numpy(np.repeat(codes, sizes))
        features, belief = self._look(x)
        is_accepted = belief.argmax(dim=1) == intended
        if self.recognizer is not None:
            is_accepted &= self._recognize(x).argmax(dim=1) == intended
        of_intended = belief.gather(1, intended[:, None])[:, 0]
        # Rows beyond the end of a smaller group lie behind everything.
        shape = (len(sizes), int(sizes.max()))
        grouped = features.new_zeros(*shape, features.shape[1])
        nearest = features.new_full(shape, -torch.inf)
        for group, (code, start, size) in enumerate(
            zip(codes, starts, sizes, strict=True)
        ):
            part = slice(start, start + size)
            grouped[group, :size] = features[part]
            distance = (1 - features[part] @ self._known[code].T).amin(dim=1)
            nearest[group, :size] = torch.where(
                is_accepted[part], distance.clamp_min(0), of_intended[part] - 2
            )
        picked = farthest_first(grouped, nearest, int(n_keep.max())).numpy()
        # In the order they were made: whoever takes the first ones gets no outliers.
        picked[np.arange(picked.shape[1]) >= n_keep[:, None]] = shape[1]
        picked.sort(axis=1)
        return (starts[:, None] + picked)[picked < shape[1]], is_accepted.numpy()

    @torch.no_grad()
    def _look(self, x):
        """Return unit features and the belief in every class, on the CPU."""
        device = next(self.classifier.parameters()).device
        features, belief = [], []
        for block in row_blocks(len(x), x.shape[1:]):
            seen = self.classifier.features(x[block].to(device))
            belief.append(self.classifier.to_logits(seen).softmax(dim=1).cpu())
            features.append(torch.nn.functional.normalize(seen, dim=1).cpu())
        return torch.cat(features), torch.cat(belief)

    @torch.no_grad()
    def _recognize(self, x):
        """Return the recognizer's logits, on the CPU."""
        device = next(self.classifier.parameters()).device
        blocks = row_blocks(len(x), x.shape[1:])
        return torch.cat([self.recognizer(x[b].to(device)).cpu() for b in blocks])


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
    n_candidates : int
        Candidates for each image asked for; how often a refused row is drawn again.
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
    n_candidates: int
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
            self._fill_accepted(made, y_new, counts, streams)
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
        n_cells = max(int(np.prod(self.x.shape[1:])), self.n_candidates * _GROUP)
        most = _SURPLUS_CELLS // (n_cells * self.n_candidates)
        for number, (codes, n_keep) in enumerate(groups_of(counts, most)):
            surplus = np.repeat(codes, n_keep * self.n_candidates)
            candidates = self._empty(len(surplus))
            anchor = self._draw_anchors(
                codes, n_keep * self.n_candidates, streams, number
            )
            plan = self._plan(anchor, surplus, streams, number)
            if number == 0:
                self.certificate = plan.certificate
            for block, parts in self._made(plan, streams.torch("noise", number)):
                for target, values in zip(candidates, parts, strict=True):
                    target[block] = values
            x = torch.from_numpy(candidates[0])
            rows, is_accepted = self.judge.choose(x, codes, n_keep)
            for target, values in zip(made, candidates, strict=True):
                target[n_filled : n_filled + len(rows)] = values[rows]
            n_filled += len(rows)
            n_accepted += is_accepted.sum()
            n_tried += len(surplus)
        self.acceptance_rate = n_accepted / n_tried if n_tried else np.nan

    def _fill_accepted(self, made, y_new, counts, streams):
        """Make what is asked, and what the judge refuses again."""
        anchor = self._draw_anchors(np.arange(len(counts)), counts, streams)
        pending = np.arange(len(anchor))
        for attempt in range(self.n_candidates if self.judge is not None else 1):
            if len(pending) == 0:
                break
            plan = self._plan(anchor[pending], y_new[pending], streams, attempt)
            if attempt and attempt == self.n_candidates - 1:
                plan.length.mul_(_LAST_RESORT)
            is_kept = np.ones(len(pending), dtype=bool)
            for block, parts in self._made(plan, streams.torch("noise", attempt)):
                rows = pending[block]
                for target, values in zip(made, parts, strict=True):
                    target[rows] = values
                if self.judge is not None:
                    is_kept[block] = self.judge.accepts(parts[0], y_new[rows])
            if attempt == 0:
                self.certificate = plan.certificate
                self.acceptance_rate = float(is_kept.mean())
            pending = pending[~is_kept]

    def _empty(self, n):
        """Return room for samples, parents and weights."""
        n_pairs = self.mixing["degree"] if self.mixing["expander"] else 1
        width = 1 + 2 * n_pairs
        return (
            np.empty((n, *self.x.shape[1:]), dtype=np.float32),
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
        return made.cpu().numpy(), parents.numpy(), weights.numpy()

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
