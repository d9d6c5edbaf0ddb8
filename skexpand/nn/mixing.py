r"""Who is mixed into a new point, and with which weights: the expander at work.

A new point is a real one moved along residuals of *other* pairs,

.. math::
    y'_i = y_i + h \sum_k w_{ik} (y_{t(k)} - y_{s(k)}),
    \qquad \sum_k w_{ik}^2 = 1,

with signed weights. Unit norm keeps the covariance of the residuals, where the convex
weights of SMOTE shrink it. Pairs join samples of one class. For images they are pooled
over all classes: how samples vary within a class transfers. For tables a point meets
pairs of its own class, which was worth 0.2 points, see docs/tables_research.md.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from skexpand.nn.attention import Attended, pair_relevance
from skexpand.nn.expander import ExpanderGraph, bipartite_expander, regular_expander
from skexpand.nn.ordered import by_rows_and_columns

_EPSILON = 1e-12
_NO_GROUP = -1


@dataclass
class PairBank:
    """Pairs of samples of one class; each is one residual.

    Attributes
    ----------
    source, target : LongTensor of shape (b,)
        Row numbers of the two samples.
    label : LongTensor of shape (b,)
        Class of each pair.
    is_mixed : Tensor of bool, shape (b,), or None, default=None
        Which pairs expander graphs join to new points; None is all. The others are
        still learned from.
    """

    source: Tensor
    target: Tensor
    label: Tensor
    is_mixed: Tensor | None = None

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.source)

    def to(self, device: torch.device) -> "PairBank":
        """Copy to a device."""
        return self._each(lambda values: values.to(device))

    def part(self, rows: Tensor) -> "PairBank":
        """Select pairs."""
        return self._each(lambda values: values[rows])

    def _each(self, change) -> "PairBank":
        known = (None if t is None else change(t) for t in vars(self).values())
        return PairBank(*known)


@dataclass
class MixingPlan:
    """A batch of new points before any network has seen it.

    Attributes
    ----------
    anchor : LongTensor of shape (m,)
        Row of the sample that is moved.
    pair : LongTensor of shape (m, D)
        The pairs whose residuals move it: left-regular, balanced in-degrees.
    coefficient : Tensor of shape (m, D, L)
        Signed draws of each head, not yet of unit norm.
    length : Tensor of shape (m,)
        How far along its mixed residual each point moves, before `strength`.
    certificate : ExpanderCertificate or None
        Of the graph behind `pair`, with one graph a class that of the smallest gap;
        None without an expander.
    """

    anchor: Tensor
    pair: Tensor
    coefficient: Tensor
    length: Tensor
    certificate: object = None

    def to(self, device: torch.device) -> "MixingPlan":
        """Copy to a device."""
        return MixingPlan(
            self.anchor.to(device),
            self.pair.to(device),
            self.coefficient.to(device),
            self.length.to(device),
            self.certificate,
        )

    def part(self, rows: slice) -> "MixingPlan":
        """Select new points."""
        return MixingPlan(
            self.anchor[rows],
            self.pair[rows],
            self.coefficient[rows],
            self.length[rows],
            self.certificate,
        )


def same_class_pairs(labels: Tensor, max_pairs: int, generator: Generator) -> PairBank:
    """Join samples of one class, every unordered pair once, or a balanced draw of them.

    Classes share `max_pairs` equally; a class with fewer pairs than its share gives all
    it has. Memory is bounded by `max_pairs` and one class's rows.

    Parameters
    ----------
    labels : LongTensor of shape (n,)
        Class codes.
    max_pairs : int
        Bound on the size of the bank.
    generator : torch.Generator
        Source of randomness, on the CPU.

    Returns
    -------
    PairBank
        Possibly empty: then no class has two samples.
    """
    groups = [torch.nonzero(labels == c).flatten() for c in labels.unique()]
    groups = [rows for rows in groups if len(rows) > 1]
    share = max(1, max_pairs // max(1, len(groups)))
    sources, targets = [], []
    for rows in groups:
        n_rows = len(rows)
        if n_rows * (n_rows - 1) // 2 <= share:
            first, second = torch.triu_indices(n_rows, n_rows, 1)
        else:
            # Steps 1..n-1 around a random circle: distinct ends, balanced use.
            rows = rows[torch.randperm(n_rows, generator=generator)]
            first = torch.arange(share) % n_rows
            step = torch.randint(1, n_rows, (share,), generator=generator)
            second = (first + step) % n_rows
        sources.append(rows[first])
        targets.append(rows[second])
    empty = labels.new_empty(0)
    source = torch.cat(sources) if sources else empty
    target = torch.cat(targets) if targets else empty
    return PairBank(source, target, labels[source])


def head_codewords(
    n_classes: int, n_heads: int, degree: int, generator: Generator
) -> list[ExpanderGraph]:
    """Choose each class's graph over the heads: the best gap among candidates.

    The paper's codeword (3.3). Heads joined by an edge move together; on the complete
    graph all heads share one combination of residuals.
    """
    return [regular_expander(n_heads, degree, generator) for _ in range(n_classes)]


def averaging_matrices(codewords: list[ExpanderGraph]) -> Tensor:
    """One step on each class's graph, rows of unit norm.

    Shapes: -> ``(n_classes, L, L)``.
    """
    n_heads = len(codewords[0].neighbors)
    steps = torch.eye(n_heads).repeat(len(codewords), 1, 1)
    for step, graph in zip(steps, codewords, strict=True):
        if graph.neighbors.shape[1]:
            step.scatter_(1, graph.neighbors, 1.0)
    return steps / steps.norm(dim=2, keepdim=True)


def plan_mixing(
    anchor: Tensor,
    anchor_label: Tensor,
    bank: PairBank,
    steps: Tensor,
    *,
    degree: int,
    expander: bool,
    generator: Generator,
    class_length: Tensor | None = None,
    is_pooled: bool = True,
    n_candidates: int = 4,
) -> MixingPlan:
    """Choose pairs and draw coefficients for a batch of new points.

    Parameters
    ----------
    anchor : LongTensor of shape (m,)
        Row that each new point starts from.
    anchor_label : LongTensor of shape (m,)
        Its class.
    bank : PairBank
        What can be mixed.
    steps : Tensor of shape (n_classes, L, L)
        From :func:`averaging_matrices`.
    degree : int
        Pairs ``D`` mixed into each new point.
    expander : bool
        True joins points to pairs by a certified expander. False is the
        ablation: the point moves part of the way to another sample of its class, as in
        SMOTE.
    generator : torch.Generator
        Source of randomness, on the CPU.
    class_length : Tensor of shape (n_classes,) or None, default=None
        How far points of each class move, in units of the strength. None is 1 for all.
    is_pooled : bool, default=True
        True joins points to pairs of all classes. False gives every class a graph of
        its own, to its own pairs; a class without any meets those of all.
    n_candidates : int, default=4
        Graphs to draw; the one with the best gap is kept.

    Returns
    -------
    MixingPlan
    """
    n_points, n_heads = len(anchor), steps.shape[1]
    if not expander:
        pair, sign = _own_pair(anchor, bank, generator)
        coefficient = sign.view(-1, 1, 1).expand(-1, 1, n_heads)
        length = torch.rand(n_points, generator=generator)
        return MixingPlan(anchor, pair.unsqueeze(1), coefficient, length)
    group, pair_group = anchor_label, bank.label
    if is_pooled:
        group, pair_group = torch.zeros_like(group), torch.zeros_like(pair_group)
    if bank.is_mixed is not None:
        pair_group = pair_group.where(bank.is_mixed, _NO_GROUP)
    graph = _join_groups(group, pair_group, degree, generator, n_candidates)
    draws = torch.randn(n_points, degree, n_heads, generator=generator)
    coefficient = draws @ steps[anchor_label].transpose(1, 2)
    length = torch.ones(n_points)
    if class_length is not None:
        length = class_length[anchor_label].clone()
    return MixingPlan(anchor, graph.neighbors, coefficient, length, graph.certificate)


def _join_groups(group, pair_group, degree, generator, n_candidates):
    """Join the points of each group to its pairs; where it has none, to all pairs."""
    neighbors, certificates = group.new_empty(len(group), degree), []
    for one in group.unique().tolist():
        points = torch.nonzero(group == one).flatten()
        pairs = torch.nonzero(pair_group == one).flatten()
        if len(pairs) == 0:
            pairs = torch.arange(len(pair_group))
        graph = bipartite_expander(
            len(points), len(pairs), degree, generator, n_candidates
        )
        neighbors[points] = pairs[graph.neighbors]
        certificates.append(graph.certificate)
    return ExpanderGraph(neighbors, min(certificates, key=lambda c: c.spectral_gap))


def _own_pair(anchor, bank, generator):
    """One pair at each anchor, signed to lead away from it; sign 0 where none is."""
    if len(bank) == 0:
        return torch.zeros_like(anchor), torch.zeros(len(anchor))
    anchor = anchor.contiguous()  # searchsorted warns of slices
    ends = torch.cat([bank.source, bank.target])  # (2b,)
    order = ends.argsort(stable=True)
    starts = torch.searchsorted(ends[order], anchor)
    counts = torch.searchsorted(ends[order], anchor, right=True) - starts
    offset = torch.rand(len(anchor), generator=generator) * counts
    chosen = order[(starts + offset.long()).clamp_max(len(ends) - 1)]
    sign = torch.where(chosen < len(bank), 1.0, -1.0) * (counts > 0)
    return chosen % len(bank), sign


def place_weights(
    plan: MixingPlan, bank: PairBank, attended: Attended | None, map_shape: tuple
) -> Tensor:
    r"""Weight of each pair at each place of the map; norm ``length`` over the pairs.

    Head ``j`` weighs pair ``k`` by :math:`u_{kj} \exp(\ell_{kj} / 2)` with the drawn
    coefficient :math:`u` and the relevance :math:`\ell`, so that squared weights are a
    softmax over pairs on average; the heads then share the map by their saliency.
    Without attention all pairs and places are alike.

    Shapes: -> ``(m, D, h, w)``.
    """
    coefficient, length = plan.coefficient, plan.length.view(-1, 1, 1, 1)
    if attended is None:
        weights = _unit(coefficient[..., :1]).unsqueeze(3)  # (m, D, 1, 1)
        return (weights * length).expand(-1, -1, *map_shape)
    relevance = pair_relevance(
        attended.query[plan.anchor], attended.key[bank.source[plan.pair]]
    )
    relevance = relevance - relevance.amax(dim=1, keepdim=True)
    head_weights = _unit(coefficient * (relevance / 2).exp())  # (m, D, L)
    share = _smooth_share(attended.saliency)[plan.anchor]  # (m, L, h, w)
    return _unit(torch.einsum("mdl,mlhw->mdhw", head_weights, share)) * length


def _smooth_share(saliency: Tensor) -> Tensor:
    """Split each place among the heads; jagged shares would tear a flow."""
    h, w = saliency.shape[2:]
    kernel = [min(3, h), min(3, w)]
    pad = [kernel[1] // 2, (kernel[1] - 1) // 2, kernel[0] // 2, (kernel[0] - 1) // 2]

    def average(x):
        return F.avg_pool2d(F.pad(x, pad, mode="replicate"), kernel, stride=1)

    smooth = by_rows_and_columns(average, saliency)
    smooth = smooth + 0.1 / (h * w)  # places that no head kept are shared equally
    return smooth / smooth.sum(dim=1, keepdim=True)


def _unit(weights: Tensor) -> Tensor:
    return weights / weights.norm(dim=1, keepdim=True).clamp_min(_EPSILON)
