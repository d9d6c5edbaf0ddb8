"""A trained expansion and how it draws: plan, weigh, decode, judge, again."""

from dataclasses import dataclass

import numpy as np
import torch

from skexpand._base import Provenance
from skexpand.nn.mixing import MixingPlan, PairBank, plan_mixing
from skexpand.nn.network import Encoded

# Pixels or cells at once; the fields of a flow take some twenty times as much.
_BLOCK_CELLS = 2**21
# The last try goes a quarter of the way: nearly always its class, never just a copy.
_LAST_RESORT = 0.25
_ROWS_OF_FULL_LENGTH = 10  # the size at which the strength for tables was chosen


def row_blocks(n_rows, sample_shape):
    """Cut rows into slices that bound the memory of what is computed at once."""
    size = max(1, _BLOCK_CELLS // int(np.prod(sample_shape)))
    return [slice(start, start + size) for start in range(0, n_rows, size)]


def class_lengths(kind, counts):
    """Smooth tables less where more is known, as every bandwidth rule does.

    Shapes: ``counts (n_classes,)`` array -> ``(n_classes,)`` tensor, None for images.
    """
    if kind == "image":
        return None
    return (_ROWS_OF_FULL_LENGTH / torch.from_numpy(counts).float()).sqrt().clamp_max(1)


class ImageJudge:
    """Let the classifier of Algorithm 1 judge images.

    It has seen every real sample and fresh synthetic ones at each step.

    Parameters
    ----------
    classifier : Module
        Trained; images to logits.
    """

    def __init__(self, classifier):
        self.classifier = classifier

    @torch.no_grad()
    def accepts(self, x, y):
        """Say which images it would label as intended.

        Parameters
        ----------
        x : ndarray of shape (m, C, H, W)
        y : ndarray of int, shape (m,)

        Returns
        -------
        ndarray of bool, shape (m,)
        """
        device = next(self.classifier.parameters()).device
        logits = self.classifier(torch.from_numpy(x).to(device))
        return logits.argmax(dim=1).cpu().numpy() == y


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
    judge : object or None
        With ``accepts(x, y)``, arrays in, booleans out.
    n_candidates : int
        Tries per sample.
    """

    network: torch.nn.Module
    x: torch.Tensor
    y: torch.Tensor
    bank: PairBank
    steps: torch.Tensor
    mixing: dict
    judge: object
    n_candidates: int

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
        anchor = self._draw_anchors(counts, streams)
        y_new = np.repeat(np.arange(len(counts)), counts)
        n_pairs = self.mixing["degree"] if self.mixing["expander"] else 1
        x_new = np.empty((len(anchor), *self.x.shape[1:]), dtype=np.float32)
        parents = np.full((len(anchor), 1 + 2 * n_pairs), -1, dtype=np.int64)
        weights = np.zeros((len(anchor), 1 + 2 * n_pairs), dtype=np.float32)

        bank = self.bank.to(torch.device("cpu"))
        pending = np.arange(len(anchor))
        for attempt in range(self.n_candidates if self.judge is not None else 1):
            if len(pending) == 0:
                break
            plan = plan_mixing(
                anchor[pending],
                torch.from_numpy(y_new[pending]),
                bank,
                self.steps,
                generator=streams.torch("mix", attempt),
                **self.mixing,
            )
            if attempt and attempt == self.n_candidates - 1:
                plan.length.mul_(_LAST_RESORT)
            noise = streams.torch("noise", attempt)
            is_kept = np.ones(len(pending), dtype=bool)
            for block in row_blocks(len(pending), self.x.shape[1:]):
                rows = pending[block]
                made, parents[rows], weights[rows] = self._make(plan.part(block), noise)
                x_new[rows] = made
                if self.judge is not None:
                    is_kept[block] = self.judge.accepts(made, y_new[rows])
            if attempt == 0:
                self.certificate = plan.certificate
                self.acceptance_rate = float(is_kept.mean())
            pending = pending[~is_kept]
        return x_new, y_new, Provenance(parents, weights)

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

    def _draw_anchors(self, counts, streams):
        """Use the rows of each class equally often, in random order."""
        anchors = []
        for code, (count, rows) in enumerate(zip(counts, self._rows_of, strict=True)):
            if count == 0:
                continue
            generator = streams.torch("anchor", code)
            order = rows[torch.randperm(len(rows), generator=generator)]
            anchors.append(order[torch.arange(int(count)) % len(order)])
        return torch.cat(anchors) if anchors else torch.empty(0, dtype=torch.int64)

    @torch.no_grad()
    def _encode_rows(self):
        blocks = row_blocks(len(self.x), self.x.shape[1:])
        parts = [self.network.encode(self.x[block]) for block in blocks]
        if len(parts) == 1:
            return parts[0]
        return Encoded.concatenate(parts)
